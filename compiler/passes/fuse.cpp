#include "compiler/passes/fuse.h"

#include "compiler/dfx/contraction.h"
#include "compiler/passes/dataflow.h"
#include "compiler/passes/tensor_uses.h"
#include "compiler/passes/whole_product.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kpu::passes {

namespace {

using dfx::compute_op;
using dfx::compute_type;

void take_over(dfx::kernel& into, const dfx::kernel& from) {
    into.name += "+" + from.name;
    into.graph_nodes.insert(into.graph_nodes.end(), from.graph_nodes.begin(), from.graph_nodes.end());
}

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

void fuse_steps(dfx::program& p) {
    step_fuser(p).run();
    p.version = dfx::lowest_version(p);
}

} // namespace kpu::passes
