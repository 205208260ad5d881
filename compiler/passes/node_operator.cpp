#include "compiler/passes/node_operator.h"

#include <algorithm>

namespace kpu::passes {

namespace {

using dfx::compute_type;
using dfx::element_function;

element_function function_of(dfg::unary_function f) {
    switch (f) {
    case dfg::unary_function::relu:
        return element_function::relu;
    case dfg::unary_function::clamp:
        return element_function::clamp;
    case dfg::unary_function::sigmoid:
        return element_function::sigmoid;
    case dfg::unary_function::atan:
        return element_function::arctangent;
    case dfg::unary_function::exp:
        return element_function::exponential;
    case dfg::unary_function::reciprocal:
        return element_function::reciprocal;
    case dfg::unary_function::abs:
        return element_function::absolute;
    case dfg::unary_function::negate:
        break;
    }
    return element_function::negate;
}

element_function function_of(dfg::binary_function f) {
    switch (f) {
    case dfg::binary_function::add:
        return element_function::add;
    case dfg::binary_function::sub:
        return element_function::subtract;
    case dfg::binary_function::mul:
        return element_function::multiply;
    case dfg::binary_function::div:
        break;
    }
    return element_function::divide;
}

element_function function_of(dfg::reduce_function f) {
    switch (f) {
    case dfg::reduce_function::sum:
        return element_function::add;
    case dfg::reduce_function::prod:
        return element_function::multiply;
    case dfg::reduce_function::max:
        return element_function::maximum;
    case dfg::reduce_function::min:
        break;
    }
    return element_function::minimum;
}

dfx::element_step step_of(element_function f, dtype type) {
    dfx::element_step step;
    step.function = f;
    step.result = type;
    return step;
}

class translator {
  public:
    translator(const dfg::graph& g, const dfg::resolved_op& node) : m_graph(g), m_node(node) {}

    std::vector<node_operator> run() {
        std::visit([&](const auto& parameters) { translate(parameters); }, m_node.parameters);
        return std::move(m_all);
    }

  private:
    [[noreturn]] void refuse(const std::string& message, const std::string& text = {},
                             const std::string& expected = {}) const {
        const dfg::node& n = m_graph.nodes.at(m_node.id);
        diagnostic problem;
        problem.where = place_of(m_graph, n);
        problem.message = describe(n) + ": " + message;
        problem.text = text;
        problem.expected = expected;
        throw input_error(std::move(problem));
    }

    [[nodiscard]] operand_use use(std::size_t number) const { return use_as(number, m_node.operands.at(number).dims); }
    [[nodiscard]] operand_use use_as(std::size_t number, shape dims) const {
        operand_use u;
        u.value = m_node.operands.at(number).value;
        u.dims = std::move(dims);
        return u;
    }

    node_operator& add(compute_type type) {
        node_operator next;
        next.op.type = type;
        next.result = m_node.dims;
        next.type = m_node.result;
        m_all.push_back(std::move(next));
        return m_all.back();
    }

    void translate(const dfg::matmul& /*product*/) { refuse("is lowered as a loop nest"); }
    void translate(const dfg::reshaping& /*view*/) {}

    /// The sum, then the bias and the activation on it.
    void translate(const dfg::fused_product& p) {
        add(compute_type::matmul_tile).operands = {use(0), use(1)};
        m_all.back().type = p.accumulator;
        shape dims = m_node.operands.at(2).dims;
        while (dims.size() < m_node.dims.size())
            dims.insert(dims.begin(), 1);
        operand_use bias = use_as(2, dims);
        if (m_node.operands.at(2).type != p.accumulator) {
            node_operator& widened = add(compute_type::elementwise);
            widened.operands = {bias};
            widened.op.steps.push_back(step_of(element_function::identity, p.accumulator));
            widened.result = dims;
            widened.type = p.accumulator;
            bias = result_of(1, dims);
        }
        node_operator& rest = add(compute_type::elementwise);
        rest.operands = {result_of(0, m_node.dims), bias};
        rest.op.steps.push_back(step_of(element_function::add, p.accumulator));
        rest.op.steps.back().operand = 1;
        if (p.activation)
            rest.op.steps.push_back(step_of(function_of(*p.activation), p.accumulator));
        if (m_node.result != p.accumulator)
            rest.op.steps.push_back(step_of(element_function::identity, m_node.result));
    }
    static operand_use result_of(std::size_t earlier, const shape& dims) {
        operand_use u;
        u.dims = dims;
        u.earlier = earlier;
        return u;
    }

    // ---- windows

    void set_window(dfx::sliding_window& w, const std::vector<dfg::window_axis>& axes) const {
        for (const dfg::window_axis& axis : axes) {
            if (axis.transposed)
                refuse("transposed convolutions are not compiled", "", "a CONV2D");
            if (axis.before < 0 || axis.after < 0)
                refuse("negative padding is not compiled");
            w.kernel.push_back(axis.kernel);
            w.stride.push_back(axis.stride);
            w.dilation.push_back(axis.dilation);
            w.before.push_back(static_cast<std::uint64_t>(axis.before));
            w.after.push_back(static_cast<std::uint64_t>(axis.after));
        }
    }

    void set_bias(node_operator& next, bool biased, std::uint64_t channels) {
        if (!biased)
            return;
        if (element_count(m_node.operands.at(2).dims) != channels)
            refuse("one bias for all channels is not compiled", to_string(m_node.operands.at(2).dims));
        next.op.biased = true;
        next.operands.push_back(use_as(2, {channels}));
    }

    /// Weights [o, kernel…, c] as [kernel…·c, o].
    [[nodiscard]] operand_use weights() const {
        operand_use u = use(1);
        dfx::host_layout host;
        host.dims = u.dims;
        for (std::size_t d = 1; d < u.dims.size(); ++d)
            host.permutation.push_back(d);
        host.permutation.push_back(0);
        u.dims = {element_count(host.dims) / host.dims[0], host.dims[0]};
        u.host = std::move(host);
        return u;
    }

    void translate(const dfg::convolution& c) {
        if (c.depthwise)
            return depthwise(c);
        const std::size_t spatial = m_node.operands.at(0).dims.size() - 2;
        node_operator& next = add(spatial == 0 ? compute_type::matmul_tile : compute_type::conv_tile);
        set_window(next.op.window, {c.axes.end() - static_cast<std::ptrdiff_t>(spatial), c.axes.end()});
        next.operands = {use(0), weights()};
        set_bias(next, c.biased, c.out_channels);
    }

    void depthwise(const dfg::convolution& c) {
        if (c.multiplier != 1)
            refuse("several results per channel are not compiled", std::to_string(c.multiplier), "a multiplier of 1");
        node_operator& next = add(compute_type::depthwise_conv2d_tile);
        set_window(next.op.window, {c.axes[1], c.axes[2]});
        next.operands = {use(0), use_as(1, {c.axes[1].kernel, c.axes[2].kernel, c.in_channels})};
        set_bias(next, c.biased, c.in_channels);
    }

    void translate(const dfg::pooling& p) {
        node_operator& next = add(compute_type::pool2d_tile);
        set_window(next.op.window, {p.row, p.column});
        next.operands = {use(0)};
        if (p.function == dfg::pool_function::max) {
            next.op.combine = element_function::maximum;
            return;
        }
        const auto padded = [](const std::vector<std::uint64_t>& list) {
            return std::any_of(list.begin(), list.end(), [](std::uint64_t n) { return n != 0; });
        };
        if (padded(next.op.window.before) || padded(next.op.window.after))
            refuse("an average over a border divides by what lies inside: not compiled", "", "no padding");
        const dtype sum = accumulator_of(m_node.operands.at(0).type);
        next.op.steps.push_back(step_of(element_function::divide, sum));
        next.op.steps.back().operand = 1;
        operand_use taps;
        taps.dims = {1, 1, 1, 1};
        taps.number = static_cast<double>(p.row.kernel * p.column.kernel);
        taps.number_type = sum;
        next.operands.push_back(taps);
        if (sum != m_node.result)
            next.op.steps.push_back(step_of(element_function::identity, m_node.result));
    }

    // ---- element-wise

    void translate(const dfg::unary& u) {
        node_operator& next = add(compute_type::elementwise);
        next.operands = {use(0)};
        next.op.steps.push_back(step_of(function_of(u.function), m_node.result));
        if (u.function == dfg::unary_function::clamp) {
            next.op.steps.back().low = u.low;
            next.op.steps.back().high = u.high;
        }
    }

    void translate(const dfg::cast& /*c*/) {
        node_operator& next = add(compute_type::elementwise);
        next.operands = {use(0)};
        next.op.steps.push_back(step_of(element_function::identity, m_node.result));
    }

    /// One operand has the result's shape; the other's extents are equal or 1.
    void translate(const dfg::binary& b) {
        if (b.shift != 0)
            refuse("shifts of integer products are not compiled");
        const bool swapped = m_node.operands.at(0).dims != m_node.dims;
        operand_use first = use(swapped ? 1 : 0);
        operand_use second = use(swapped ? 0 : 1);
        if (first.dims != m_node.dims)
            refuse("both operands are broadcast: not compiled", to_string(first.dims));
        while (second.dims.size() < m_node.dims.size())
            second.dims.insert(second.dims.begin(), 1);
        node_operator& next = add(compute_type::elementwise);
        next.operands = {first, second};
        next.op.steps.push_back(step_of(function_of(b.function), m_node.result));
        next.op.steps.back().operand = 1;
        next.op.steps.back().operand_first = swapped;
    }

    void translate(const dfg::reduction& r) {
        node_operator& next = add(compute_type::reduction);
        next.op.combine = function_of(r.function);
        next.op.axes = {r.axis};
        next.operands = {use(0)};
    }

    // ---- moves

    void translate(const dfg::transposition& t) {
        node_operator& next = add(compute_type::rearrange_tile);
        next.op.axes.assign(t.order.begin(), t.order.end());
        next.operands = {use(0)};
    }

    void translate(const dfg::concatenation& c) {
        node_operator& next = add(compute_type::rearrange_tile);
        next.op.along = m_node.operands.size() > 1 ? c.axis : 0;
        for (std::size_t i = 0; i < m_node.operands.size(); ++i)
            next.operands.push_back(use(i));
    }

    void translate(const dfg::padding& p) {
        if (p.value)
            refuse("padding with a value that is data is not compiled", "", "zeros");
        node_operator& next = add(compute_type::rearrange_tile);
        next.op.before = p.before;
        next.operands = {use(0)};
    }

    void translate(const dfg::gathering& /*g*/) {
        refuse("addresses that are data are beyond what the chip's DMA engines can follow");
    }

    const dfg::graph& m_graph;
    const dfg::resolved_op& m_node;
    std::vector<node_operator> m_all;
};

} // namespace

std::vector<node_operator> operators_of(const dfg::graph& g, const dfg::resolved_op& node) {
    return translator(g, node).run();
}

} // namespace kpu::passes
