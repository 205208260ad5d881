#include "compiler/passes/patterns.h"

#include "compiler/passes/dataflow.h"
#include "compiler/passes/numbers.h"
#include "compiler/passes/tensor_uses.h"
#include "compiler/tensor/number_format.h"

#include <algorithm>
#include <optional>

namespace kpu::passes {

namespace {

using dfx::compute_op;
using dfx::compute_type;
using dfx::element_function;

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

/// Softmax and layer norm.
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

} // namespace

void recognise_patterns(dfx::program& p) {
    number_finder(p).run();
    pattern_finder(p).run();
    p.version = dfx::lowest_version(p);
}

} // namespace kpu::passes
