#include "compiler/passes/fuse.h"

#include "compiler/dfx/contraction.h"
#include "compiler/passes/dataflow.h"
#include "compiler/passes/numbers.h"
#include "compiler/passes/whole_product.h"
#include "compiler/tensor/number_format.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace kpu::passes {

namespace {

using dfx::compute_op;
using dfx::compute_type;
using dfx::element_function;

/// Who makes and who uses each tensor. Kernels are known by their numbers.
class tensor_uses {
  public:
    explicit tensor_uses(const dfx::program& p) : m_program(p) {
        for (std::size_t k = 0; k < p.kernels.size(); ++k) {
            const compute_op* op = dfx::whole_tensor_operator(p.kernels[k]);
            if (op == nullptr) {
                note_nest(p.kernels[k].body, k);
                continue;
            }
            m_maker[op->output.tensor_name] = k;
            for (const dfx::tensor_region& r : op->inputs)
                ++m_uses[r.tensor_name];
        }
        for (const dfx::tensor_descriptor& t : p.tensors)
            if (!t.view_of.empty())
                ++m_uses[t.view_of];
    }

    [[nodiscard]] std::optional<std::size_t> maker(const std::string& tensor) const {
        const auto found = m_maker.find(tensor);
        return found == m_maker.end() ? std::nullopt : std::optional<std::size_t>(found->second);
    }
    /// An intermediate tensor that is read `count` times in all.
    [[nodiscard]] bool is_private(const std::string& tensor, std::size_t count) const {
        const auto found = m_uses.find(tensor);
        return m_program.find(tensor)->role == dfx::tensor_role::intermediate && found != m_uses.end() &&
               found->second == count;
    }

  private:
    void note_nest(const std::vector<dfx::statement>& body, std::size_t k) {
        for (const dfx::statement& s : body) {
            if (const auto* nest = std::get_if<dfx::loop_nest>(&s)) {
                note_nest(nest->body, k);
            } else if (const auto* move = std::get_if<dfx::data_move_op>(&s)) {
                if (move->source.level == dfx::memory_level::external)
                    ++m_uses[move->source.tensor_name];
                if (move->destination.level == dfx::memory_level::external)
                    m_maker[move->destination.tensor_name] = k;
            }
        }
    }

    const dfx::program& m_program;
    std::map<std::string, std::size_t> m_maker;
    std::map<std::string, std::size_t> m_uses;
};

compute_op& operator_of(dfx::kernel& k) {
    return std::get<compute_op>(k.body.front());
}

/// Removes the kernels that are marked, and the tensors that only they used.
void sweep(dfx::program& p, const std::vector<bool>& dead, const std::vector<std::string>& tensors) {
    std::vector<dfx::kernel> kept;
    for (std::size_t k = 0; k < p.kernels.size(); ++k)
        if (!dead[k])
            kept.push_back(std::move(p.kernels[k]));
    p.kernels = std::move(kept);
    p.tensors.erase(std::remove_if(p.tensors.begin(), p.tensors.end(),
                                   [&](const dfx::tensor_descriptor& t) {
                                       return std::find(tensors.begin(), tensors.end(), t.name) != tensors.end();
                                   }),
                    p.tensors.end());
}

void take_over(dfx::kernel& into, const dfx::kernel& from) {
    into.name += "+" + from.name;
    into.graph_nodes.insert(into.graph_nodes.end(), from.graph_nodes.begin(), from.graph_nodes.end());
}

/// Makes fixed numbers of operands that are clamps to one value of what they are combined with: c(x, clamp(x, n, n))
/// is c(x, n), a NaN included. That is how a file states a number.
class number_finder {
  public:
    explicit number_finder(dfx::program& p) : m_program(p), m_uses(p), m_dead(p.kernels.size(), false) {}

    void run() {
        for (dfx::kernel& k : m_program.kernels)
            if (const compute_op* op = dfx::whole_tensor_operator(k);
                op != nullptr && is_step(*op) && op->inputs.size() == 2)
                try_at(k);
        sweep(m_program, m_dead, m_tensors);
    }

  private:
    static bool is_step(const compute_op& op) { return op.type == compute_type::elementwise && op.steps.size() == 1; }
    void try_at(dfx::kernel& k) {
        compute_op& op = operator_of(k);
        const std::string clamped = op.inputs[1].tensor_name;
        const auto maker = m_uses.maker(clamped);
        if (!maker || !m_uses.is_private(clamped, 1) ||
            dfx::whole_tensor_operator(m_program.kernels[*maker]) == nullptr)
            return;
        const compute_op& clamp = operator_of(m_program.kernels[*maker]);
        const dfx::element_step step = clamp.steps.empty() ? dfx::element_step{} : clamp.steps.front();
        if (!is_step(clamp) || step.function != element_function::clamp || step.low != step.high ||
            clamp.inputs.front().tensor_name != op.inputs[0].tensor_name || step.result != op.steps.front().result)
            return;
        tensor number(step.result, shape(op.inputs[0].tile_shape.size(), 1));
        store(step.result, step.low, number.data.data());
        op.inputs[1].tensor_name = constant_tensor(m_program, number);
        op.inputs[1].tile_shape = number.dims;
        k.hints = hints_for(*dfx::whole_tensor_operator(k));
        const auto& nodes = m_program.kernels[*maker].graph_nodes;
        k.graph_nodes.insert(k.graph_nodes.begin(), nodes.begin(), nodes.end());
        m_dead[*maker] = true;
        m_tensors.push_back(clamped);
    }

    dfx::program& m_program;
    tensor_uses m_uses;
    std::vector<bool> m_dead;
    std::vector<std::string> m_tensors; ///< that are gone
};

// ---- softmax and layer norm

class pattern_finder {
  public:
    explicit pattern_finder(dfx::program& p) : m_program(p), m_uses(p), m_dead(p.kernels.size(), false) {}

    void run() {
        for (std::size_t k = 0; k < m_program.kernels.size(); ++k)
            if (is_step(k, element_function::multiply))
                try_at(k);
        sweep(m_program, m_dead, m_tensors);
    }

  private:
    /// The maker of a tensor as an element-wise kernel of one step of that function.
    [[nodiscard]] std::optional<std::size_t> step_that_makes(const std::string& tensor, element_function f) {
        const auto k = m_uses.maker(tensor);
        if (!k || !is_step(*k, f))
            return std::nullopt;
        return k;
    }
    [[nodiscard]] bool is_step(std::size_t k, element_function f) {
        const compute_op* op = dfx::whole_tensor_operator(m_program.kernels[k]);
        return op != nullptr && op->type == compute_type::elementwise && op->steps.size() == 1 &&
               op->steps.front().function == f;
    }
    [[nodiscard]] std::optional<std::size_t> reduction_that_makes(const std::string& tensor, element_function f,
                                                                  const std::string& of) {
        const auto k = m_uses.maker(tensor);
        if (!k || dfx::whole_tensor_operator(m_program.kernels[*k]) == nullptr)
            return std::nullopt;
        const compute_op& op = operator_of(m_program.kernels[*k]);
        const bool last = op.axes.size() == 1 && op.axes.front() + 1 == op.inputs.front().tile_shape.size();
        if (op.type != compute_type::reduction || op.combine != f || !last || !op.steps.empty() ||
            op.inputs.front().tensor_name != of)
            return std::nullopt;
        return k;
    }
    [[nodiscard]] std::string input(std::size_t k, std::size_t number) {
        return operator_of(m_program.kernels[k]).inputs.at(number).tensor_name;
    }

    void try_at(std::size_t product) {
        if (m_uses.maker(input(product, 0)) && m_uses.maker(input(product, 1))) {
            if (!try_softmax(product))
                try_layer_norm(product);
        }
    }

    [[nodiscard]] bool try_softmax(std::size_t product) {
        const std::string e = input(product, 0);
        const std::string inverse = input(product, 1);
        const auto exponential = step_that_makes(e, element_function::exponential);
        const auto reciprocal = step_that_makes(inverse, element_function::reciprocal);
        if (!exponential || !reciprocal)
            return false;
        const std::string sum = input(*reciprocal, 0);
        const auto total = reduction_that_makes(sum, element_function::add, e);
        const std::string shifted = input(*exponential, 0);
        const auto shift = step_that_makes(shifted, element_function::subtract);
        if (!total || !shift || operator_of(m_program.kernels[*shift]).steps.front().operand_first)
            return false;
        const std::string x = input(*shift, 0);
        const std::string most = input(*shift, 1);
        const auto largest = reduction_that_makes(most, element_function::maximum, x);
        if (!largest || !all_of_one_type({x, most, shifted, e, sum, inverse, output(product)}))
            return false;
        if (!m_uses.is_private(e, 2))
            return false;
        for (const std::string& tensor : {inverse, sum, shifted, most})
            if (!m_uses.is_private(tensor, 1))
                return false;
        replace(product, compute_type::softmax_tile, {*largest, *shift, *exponential, *total, *reciprocal},
                {operator_of(m_program.kernels[*largest]).inputs.front()});
        m_tensors.insert(m_tensors.end(), {e, inverse, sum, shifted, most});
        return true;
    }

    /// A step that combines a value with a number: one element that is there from the start.
    struct with_number {
        std::size_t kernel = 0;
        std::string value;
        dfx::tensor_region number;
    };
    [[nodiscard]] std::optional<with_number> step_with_number(const std::string& tensor, element_function f) {
        const auto k = step_that_makes(tensor, f);
        if (!k)
            return std::nullopt;
        const compute_op& op = operator_of(m_program.kernels[*k]);
        for (const std::size_t i : {std::size_t{1}, std::size_t{0}}) { // both functions commute
            const dfx::tensor_region& r = op.inputs.at(i);
            const dfx::tensor_role role = m_program.find(r.tensor_name)->role;
            const bool given = role == dfx::tensor_role::input || role == dfx::tensor_role::constant;
            if (given && element_count(r.tile_shape) == 1)
                return with_number{*k, op.inputs.at(1 - i).tensor_name, r};
        }
        return std::nullopt;
    }

    void try_layer_norm(std::size_t product) {
        const std::string centred = input(product, 0);
        const std::string inverse = input(product, 1);
        const auto root = step_that_makes(inverse, element_function::reciprocal_root);
        const auto centre = step_that_makes(centred, element_function::subtract);
        if (!root || !centre || operator_of(m_program.kernels[*centre]).steps.front().operand_first)
            return;
        const std::string variance = input(*root, 0);
        const auto shift = step_with_number(variance, element_function::add);
        const auto spread = shift ? step_with_number(shift->value, element_function::multiply) : std::nullopt;
        const auto squares = spread ? m_uses.maker(spread->value) : std::nullopt;
        const std::string mean = input(*centre, 1);
        const auto scaled = step_with_number(mean, element_function::multiply);
        const std::string x = input(*centre, 0);
        const auto total = scaled ? reduction_that_makes(scaled->value, element_function::add, x) : std::nullopt;
        if (!squares || !total || dfx::whole_tensor_operator(m_program.kernels[*squares]) == nullptr)
            return;
        const std::string square = input(*squares, 0);
        const auto sum = reduction_that_makes(spread->value, element_function::add, square);
        const auto product_of_two = step_that_makes(square, element_function::multiply);
        if (!sum || !product_of_two || input(*product_of_two, 0) != centred || input(*product_of_two, 1) != centred)
            return;
        const std::vector<std::string> once = {inverse, variance, shift->value, spread->value,
                                               square,  mean,     scaled->value};
        std::vector<std::string> all = once;
        all.insert(all.end(), {x, centred, output(product), scaled->number.tensor_name, spread->number.tensor_name,
                               shift->number.tensor_name});
        if (!all_of_one_type(all) || !m_uses.is_private(centred, 3) ||
            !std::all_of(once.begin(), once.end(), [&](const std::string& t) { return m_uses.is_private(t, 1); }))
            return;
        replace(product, compute_type::layernorm_tile,
                {*total, scaled->kernel, *centre, *product_of_two, *sum, spread->kernel, shift->kernel, *root},
                {operator_of(m_program.kernels[*total]).inputs.front(), scaled->number, spread->number, shift->number});
        m_tensors.insert(m_tensors.end(), once.begin(), once.end());
        m_tensors.push_back(centred);
    }

    [[nodiscard]] std::string output(std::size_t k) { return operator_of(m_program.kernels[k]).output.tensor_name; }
    [[nodiscard]] bool all_of_one_type(const std::vector<std::string>& tensors) const {
        return std::all_of(tensors.begin(), tensors.end(), [&](const std::string& name) {
            return m_program.find(name)->type == m_program.find(tensors.front())->type;
        });
    }

    /// One operator over the last dimension of its first input for the product and all that leads to it.
    void replace(std::size_t product, compute_type type, const std::vector<std::size_t>& parts,
                 const std::vector<dfx::tensor_region>& inputs) {
        dfx::kernel& k = m_program.kernels[product];
        compute_op& op = operator_of(k);
        compute_op whole;
        whole.op_id = op.op_id;
        whole.produces = op.produces;
        whole.type = type;
        whole.output = op.output;
        whole.inputs = inputs;
        whole.axes = {inputs.front().tile_shape.size() - 1};
        op = whole;
        k.hints = hints_for(*dfx::whole_tensor_operator(k));
        std::vector<std::uint64_t> nodes;
        for (const std::size_t part : parts) {
            m_dead[part] = true;
            const auto& own = m_program.kernels[part].graph_nodes;
            nodes.insert(nodes.end(), own.begin(), own.end());
        }
        k.graph_nodes.insert(k.graph_nodes.begin(), nodes.begin(), nodes.end());
        if (!k.graph_nodes.empty())
            k.name =
                (type == compute_type::softmax_tile ? "SOFTMAX." : "LAYERNORM.") + std::to_string(k.graph_nodes.back());
    }

    dfx::program& m_program;
    tensor_uses m_uses;
    std::vector<bool> m_dead;
    std::vector<std::string> m_tensors; ///< that are gone
};

// ---- steps

bool on_array(const compute_op& op) {
    return op.type == compute_type::matmul_tile || op.type == compute_type::conv_tile;
}

/// Its result holds its input's elements, each once, and nothing else.
bool permutes(const compute_op& op) {
    return op.inputs.size() == 1 && dfx::only_moves(op.type) &&
           element_count(op.inputs.front().tile_shape) == element_count(op.output.tile_shape);
}

/// A permutation moves elements along that dimension.
bool moves_along(const compute_op& permutation, std::size_t d) {
    if (permutation.type == compute_type::spread_tile)
        return d == 1 || d == 2;
    return !permutation.axes.empty() && permutation.axes[d] != d;
}

class step_fuser {
  public:
    explicit step_fuser(dfx::program& p) : m_program(p), m_dead(p.kernels.size(), false) {}

    void run() {
        for (std::size_t k = 0; k < m_program.kernels.size(); ++k) {
            const compute_op* op = dfx::whole_tensor_operator(m_program.kernels[k]);
            if (op != nullptr && op->type == compute_type::elementwise)
                try_at(k);
        }
        sweep(m_program, m_dead, m_tensors);
    }

  private:
    /// An element-wise operation behind the kernel that makes its first input, as one operation on whole tensors.
    struct pair {
        compute_op op;
        std::size_t maker = 0;
        compute_op into;
        std::optional<std::size_t> permutation = {}; ///< a kernel between the two, which moves the steps' results then
    };

    void try_at(std::size_t k) {
        const tensor_uses uses(m_program); // what was fused before has moved
        std::optional<pair> best;
        for (compute_op& op : ways_to_say(operator_of(m_program.kernels[k]))) {
            std::optional<pair> found = behind_its_maker(std::move(op), uses);
            if (found && (!best || preferred(*found, *best)))
                best = std::move(found);
        }
        if (best)
            merge(*best, k, uses);
    }

    /// Either argument of the first step may be the value that steps follow.
    [[nodiscard]] std::vector<compute_op> ways_to_say(const compute_op& op) const {
        std::vector<compute_op> ways{op};
        const std::optional<std::uint64_t> operand = op.steps.front().operand;
        if (operand && type_of(op.inputs[static_cast<std::size_t>(*operand)]) == type_of(op.inputs.front())) {
            compute_op& other = ways.emplace_back(op);
            std::swap(other.inputs.front(), other.inputs[static_cast<std::size_t>(*operand)]);
            other.steps.front().operand_first = !op.steps.front().operand_first;
        }
        return ways;
    }
    [[nodiscard]] dtype type_of(const dfx::tensor_region& r) const { return m_program.find(r.tensor_name)->type; }

    [[nodiscard]] std::optional<pair> behind_its_maker(compute_op op, const tensor_uses& uses) const {
        const std::string between = op.inputs.front().tensor_name;
        const std::optional<std::size_t> maker = uses.maker(between);
        if (!maker || m_dead[*maker] || !uses.is_private(between, 1) ||
            op.inputs.front().tile_shape != op.output.tile_shape)
            return std::nullopt;
        const dfx::kernel& k = m_program.kernels[*maker];
        const compute_op* whole = dfx::whole_tensor_operator(k);
        if (whole != nullptr && permutes(*whole))
            return in_front_of(*whole, *maker, std::move(op), uses);
        std::optional<compute_op> into = whole != nullptr ? *whole : whole_product(m_program, k);
        if (!into || dfx::only_moves(into->type) || !fits(op, *into))
            return std::nullopt;
        return pair{std::move(op), *maker, std::move(*into)};
    }

    /// What is done to every element may as well be done before elements are moved, where operands do not tell apart
    /// the places between which they are.
    [[nodiscard]] std::optional<pair> in_front_of(const compute_op& permutation, std::size_t k, compute_op op,
                                                  const tensor_uses& uses) const {
        for (std::size_t i = 1; i < op.inputs.size(); ++i)
            for (std::size_t d = 0; d < op.inputs[i].tile_shape.size(); ++d)
                if (op.inputs[i].tile_shape[d] != 1 && moves_along(permutation, d))
                    return std::nullopt;
        op.inputs.front() = op.output = permutation.inputs.front();
        op.output.element_size = size_of(op.steps.back().result);
        std::optional<pair> found = behind_its_maker(std::move(op), uses);
        if (!found || found->permutation || !is_ready(*found, uses))
            return std::nullopt;
        found->permutation = k;
        return found;
    }

    /// The steps' operands are made before the kernel that takes the steps.
    [[nodiscard]] bool is_ready(const pair& p, const tensor_uses& uses) const {
        return std::all_of(p.op.inputs.begin() + 1, p.op.inputs.end(), [&](const dfx::tensor_region& r) {
            const std::optional<std::size_t> other = uses.maker(storage_of(r.tensor_name));
            return !other || *other < p.maker;
        });
    }

    /// Drains of arrays have time; else what is made last finds the other argument made.
    static bool preferred(const pair& a, const pair& b) {
        return on_array(a.into) != on_array(b.into) ? on_array(a.into) : a.maker > b.maker;
    }

    /// The arrays' results are worked on where they lie, beside operands as matrices.
    [[nodiscard]] bool fits(const compute_op& op, const compute_op& into) const {
        std::size_t size = into.output.element_size;
        return !on_array(into) || std::all_of(op.steps.begin(), op.steps.end(), [&](const dfx::element_step& step) {
            const bool wider = size_of(step.result) > std::exchange(size, size_of(step.result));
            return !wider && (!step.operand || is_matrix(op, static_cast<std::size_t>(*step.operand)));
        });
    }
    [[nodiscard]] bool is_matrix(const compute_op& op, std::size_t operand) const {
        const dfx::tensor_descriptor& t = *m_program.find(op.inputs[operand].tensor_name);
        return dfx::operand_of_step(t, op.output.tile_shape).has_value();
    }

    /// In the place of the first kernel, or of the second where the steps' operands are made in between.
    void merge(pair& p, std::size_t k, const tensor_uses& uses) {
        const std::string between = p.op.inputs.front().tensor_name;
        const std::size_t place = is_ready(p, uses) ? p.maker : k;
        dfx::kernel merged = std::move(m_program.kernels[p.maker]);
        take_over(merged, m_program.kernels[k]);
        merged.hints.estimated_dram_bytes += added_bytes(p);
        append(p.op, m_program.find(between)->type, p.into);
        if (p.permutation)
            move_results(*p.permutation, p.op, k);
        else
            m_tensors.push_back(between);
        merged.body.clear();
        merged.body.emplace_back(std::move(p.into));
        m_program.kernels[p.maker].body.clear();
        m_program.kernels[k].body.clear();
        m_dead[p.maker] = m_dead[k] = true;
        m_program.kernels[place] = std::move(merged);
        m_dead[place] = false;
    }

    /// A permutation whose input has the steps' type now makes what kernel `k` made of its result.
    void move_results(std::size_t permutation, const compute_op& steps, std::size_t k) {
        const auto value = std::find_if(m_program.tensors.begin(), m_program.tensors.end(),
                                        [&](const auto& t) { return t.name == steps.output.tensor_name; });
        value->type = steps.steps.back().result;
        compute_op& op = operator_of(m_program.kernels[permutation]);
        m_tensors.push_back(op.output.tensor_name);
        op.inputs.front() = steps.output;
        op.output = operator_of(m_program.kernels[k]).output;
        m_program.kernels[permutation].hints = hints_for(op);
    }

    /// Those of the steps' operands, and what the result is larger than the one without them.
    [[nodiscard]] static std::uint64_t added_bytes(const pair& p) {
        const auto size = [](const dfx::tensor_region& r) { return element_count(r.tile_shape) * r.element_size; };
        std::uint64_t sum = size(p.op.output) - size(p.op.inputs.front());
        for (std::size_t i = 1; i < p.op.inputs.size(); ++i)
            sum += size(p.op.inputs[i]);
        return sum;
    }

    [[nodiscard]] std::string storage_of(const std::string& name) const {
        const dfx::tensor_descriptor* t = m_program.find(name);
        while (!t->view_of.empty())
            t = m_program.find(t->view_of);
        return t->name;
    }

    static void append(const compute_op& op, dtype between, compute_op& into) {
        // sums are rounded to the tensor's type first, whatever the step makes of it
        if (forms_sums(into) && into.steps.empty() && op.steps.front().result != between) {
            dfx::element_step round;
            round.result = between;
            into.steps.push_back(round);
        }
        for (dfx::element_step step : op.steps) {
            if (step.operand) {
                into.inputs.push_back(op.inputs[static_cast<std::size_t>(*step.operand)]);
                step.operand = into.inputs.size() - 1;
            }
            into.steps.push_back(step);
        }
        into.output = op.output;
    }

    dfx::program& m_program;
    std::vector<bool> m_dead;
    std::vector<std::string> m_tensors; ///< that are gone
};

} // namespace

void recognise_patterns(dfx::program& p) {
    number_finder(p).run();
    pattern_finder(p).run();
    p.version = dfx::lowest_version(p);
}

void fuse_steps(dfx::program& p) {
    step_fuser(p).run();
    p.version = dfx::lowest_version(p);
}

} // namespace kpu::passes
