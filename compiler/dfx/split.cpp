#include "compiler/dfx/split.h"

#include "compiler/dfx/leaves.h"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace kpu::dfx {

namespace {

/// Collects parts of one kernel, with names and ids that its program does not have.
class part_collector {
  public:
    part_collector(const program& p, const kernel& whole)
        : m_program(p), m_whole(whole), m_result(whole_tensor_operator(whole)->output.tensor_name) {
        for (const kernel& k : p.kernels)
            for (const leaf& l : leaves_of(k, ""))
                m_ids.insert(l.id());
    }

    /// A part whose result is a new tensor, which is returned as the next ones read it.
    tensor_region add(compute_op op, const shape& dims, dtype type) {
        tensor_descriptor between;
        between.name = new_name();
        between.dims = dims;
        between.type = type;
        op.output = whole(between);
        m_parts.tensors.push_back(std::move(between));
        const tensor_region result = op.output;
        add(std::move(op));
        return result;
    }

    /// The last part makes the kernel's own result.
    kernel_parts finish(compute_op op) {
        op.output = whole_tensor_operator(m_whole)->output;
        add(std::move(op));
        return std::move(m_parts);
    }

  private:
    void add(compute_op op) {
        const bool first = m_parts.kernels.empty();
        op.op_id = first ? whole_tensor_operator(m_whole)->op_id : new_id();
        op.produces = first ? whole_tensor_operator(m_whole)->produces : 0;
        kernel part;
        part.name = m_whole.name + "/" + std::to_string(m_parts.kernels.size() + 1);
        part.graph_nodes = m_whole.graph_nodes;
        part.flow = m_whole.flow;
        part.tiles = m_whole.tiles;
        part.body.emplace_back(std::move(op));
        m_parts.kernels.push_back(std::move(part));
    }

    std::uint64_t new_id() {
        std::uint64_t id = 1;
        for (auto used = m_ids.lower_bound(id); used != m_ids.end() && *used == id; ++used)
            ++id;
        m_ids.insert(id);
        return id;
    }

    std::string new_name() {
        std::string name;
        do
            name = m_result + "/" + std::to_string(++m_names);
        while (m_program.find(name) != nullptr);
        return name;
    }

    const program& m_program;
    const kernel& m_whole;
    std::string m_result;
    std::set<std::uint64_t> m_ids;
    std::size_t m_names = 0;
    kernel_parts m_parts;
};

/// Inputs that are no operands of steps: a verified operator has no others in front of these.
std::size_t named_inputs(const compute_op& op) {
    std::set<std::uint64_t> operands;
    for (const element_step& step : op.steps)
        if (step.operand)
            operands.insert(*step.operand);
    return op.inputs.size() - operands.size();
}

/// Steps [first, last) of one operator go behind those of another, and their operands behind its inputs.
void take_steps(const compute_op& from, std::size_t first, std::size_t last, compute_op& to) {
    std::map<std::uint64_t, std::uint64_t> taken; // an operand may serve several steps
    for (std::size_t i = first; i < last; ++i) {
        element_step step = from.steps[i];
        if (step.operand) {
            const auto [number, fresh] = taken.emplace(*step.operand, to.inputs.size());
            if (fresh)
                to.inputs.push_back(from.inputs[static_cast<std::size_t>(*step.operand)]);
            step.operand = number->second;
        }
        to.steps.push_back(step);
    }
}

compute_op elementwise(std::vector<tensor_region> inputs) {
    compute_op op;
    op.type = compute_type::elementwise;
    op.inputs = std::move(inputs);
    return op;
}

/// Behind the others; a second argument is the operator's last input.
void add_step(compute_op& op, element_function f, dtype type) {
    element_step step;
    step.function = f;
    step.result = type;
    const bool two = f == element_function::add || f == element_function::subtract || f == element_function::multiply;
    if (two)
        step.operand = op.inputs.size() - 1;
    op.steps.push_back(step);
}

/// What a SOFTMAX_TILE or LAYERNORM_TILE is made of.
class row_splitter {
  public:
    row_splitter(const program& p, const kernel& k)
        : m_op(*whole_tensor_operator(k)), m_dims(p.find(m_op.output.tensor_name)->dims),
          m_type(p.find(m_op.inputs.front().tensor_name)->type), m_parts(p, k) {}

    kernel_parts softmax() {
        const tensor_region most = along_rows(reduction(element_function::maximum, m_op.inputs[0]));
        compute_op powers = elementwise({m_op.inputs[0], most});
        add_step(powers, element_function::subtract, m_type);
        add_step(powers, element_function::exponential, m_type);
        const tensor_region e = m_parts.add(std::move(powers), m_dims, m_type);
        compute_op sum = reduction(element_function::add, e);
        add_step(sum, element_function::reciprocal, m_type);
        return times(e, along_rows(std::move(sum)));
    }

    kernel_parts layer_norm() {
        const tensor_region mean = along_rows(scaled(reduction(element_function::add, m_op.inputs[0]), m_op.inputs[1]));
        compute_op shift = elementwise({m_op.inputs[0], mean});
        add_step(shift, element_function::subtract, m_type);
        const tensor_region centred = m_parts.add(std::move(shift), m_dims, m_type);
        compute_op product = elementwise({centred, centred});
        add_step(product, element_function::multiply, m_type);
        const tensor_region squares = m_parts.add(std::move(product), m_dims, m_type);
        compute_op root = scaled(reduction(element_function::add, squares), m_op.inputs[2]);
        root.inputs.push_back(m_op.inputs[3]);
        add_step(root, element_function::add, m_type);
        add_step(root, element_function::reciprocal_root, m_type);
        return times(centred, along_rows(std::move(root)));
    }

  private:
    [[nodiscard]] compute_op reduction(element_function f, const tensor_region& x) const {
        compute_op op;
        op.type = compute_type::reduction;
        op.combine = f;
        op.axes = m_op.axes;
        op.inputs = {x};
        return op;
    }
    [[nodiscard]] compute_op scaled(compute_op op, const tensor_region& number) const {
        op.inputs.push_back(number);
        add_step(op, element_function::multiply, m_type);
        return op;
    }
    tensor_region along_rows(compute_op op) {
        shape dims = m_dims;
        dims[static_cast<std::size_t>(m_op.axes.front())] = 1;
        return m_parts.add(std::move(op), dims, m_type);
    }
    kernel_parts times(const tensor_region& x, const tensor_region& factor) {
        compute_op last = elementwise({x, factor});
        add_step(last, element_function::multiply, m_type);
        take_steps(m_op, 0, m_op.steps.size(), last);
        return m_parts.finish(std::move(last));
    }

    const compute_op& m_op;
    const shape& m_dims;
    dtype m_type;
    part_collector m_parts;
};

} // namespace

std::size_t least_steps(const compute_op& op) {
    return op.type == compute_type::elementwise ? 1 : 0;
}

kernel_parts steps_apart(const program& p, const kernel& k, std::size_t kept) {
    const compute_op& op = *whole_tensor_operator(k);
    compute_op first = op;
    first.steps.clear();
    first.inputs.resize(named_inputs(op));
    take_steps(op, 0, kept, first);
    dtype between = p.find(op.inputs.front().tensor_name)->type;
    if (kept > 0)
        between = op.steps[kept - 1].result;
    else if (forms_sums(op))
        between = op.steps.front().result;
    part_collector parts(p, k);
    compute_op rest = elementwise({parts.add(std::move(first), p.find(op.output.tensor_name)->dims, between)});
    take_steps(op, kept, op.steps.size(), rest);
    return parts.finish(std::move(rest));
}

std::optional<kernel_parts> rows_apart(const program& p, const kernel& k) {
    const compute_op* op = whole_tensor_operator(k);
    if (op == nullptr || (op->type != compute_type::softmax_tile && op->type != compute_type::layernorm_tile))
        return std::nullopt;
    row_splitter rows(p, k);
    return op->type == compute_type::softmax_tile ? rows.softmax() : rows.layer_norm();
}

std::optional<kernel_parts> bias_apart(const program& p, const kernel& k) {
    constexpr std::size_t k_bias = 2; // behind both operands
    const compute_op* op = whole_tensor_operator(k);
    if (op == nullptr || !op->biased || (op->type != compute_type::matmul_tile && op->type != compute_type::conv_tile))
        return std::nullopt;
    const tensor_descriptor& bias = *p.find(op->inputs[k_bias].tensor_name);
    const dtype sums = accumulator_of(p.find(op->inputs.front().tensor_name)->type);
    if (bias.dims.size() != 1 || bias.type == sums)
        return std::nullopt;
    part_collector parts(p, k);
    compute_op widening = elementwise({op->inputs[k_bias]});
    add_step(widening, element_function::identity, sums);
    compute_op rest = *op;
    rest.inputs[k_bias] = parts.add(std::move(widening), bias.dims, sums);
    return parts.finish(std::move(rest));
}

} // namespace kpu::dfx
