#include "compiler/passes/node_operator.h"

#include "compiler/tensor/number_format.h"

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
    case dfg::unary_function::reciprocal_root:
        return element_function::reciprocal_root;
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
    case dfg::binary_function::max:
        return element_function::maximum;
    case dfg::binary_function::min:
        return element_function::minimum;
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
    case dfg::reduce_function::all: // of zeros and ones
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

    static void set_window(dfx::sliding_window& w, const std::vector<dfg::window_axis>& axes) {
        for (const dfg::window_axis& axis : axes) {
            w.kernel.push_back(axis.kernel);
            w.stride.push_back(axis.stride);
            w.dilation.push_back(axis.dilation);
            w.before.push_back(static_cast<std::uint64_t>(axis.before));
            w.after.push_back(static_cast<std::uint64_t>(axis.after));
        }
    }

    /// One element per output channel; where one stands for all channels, an operator spreads it.
    [[nodiscard]] std::optional<operand_use> bias_for(const dfg::convolution& c) {
        if (!c.biased)
            return std::nullopt;
        const dfg::op_operand& bias = m_node.operands.at(2);
        if (element_count(bias.dims) == c.out_channels)
            return use_as(2, {c.out_channels});
        return spread(use_as(2, {1}), bias.type, {c.out_channels});
    }
    static void set_bias(node_operator& next, const std::optional<operand_use>& bias) {
        next.op.biased = bias.has_value();
        if (bias)
            next.operands.push_back(*bias);
    }
    /// The operand's elements over dimensions where it has extent 1.
    operand_use spread(const operand_use& operand, dtype type, const shape& dims) {
        node_operator& copies = add(compute_type::elementwise);
        copies.operands = {operand};
        copies.op.steps.push_back(step_of(element_function::identity, type));
        copies.result = dims;
        copies.type = type;
        return result_of(m_all.size() - 1, dims);
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
        if (c.axes[1].transposed)
            return transposed(c);
        const std::size_t spatial = m_node.operands.at(0).dims.size() - 2;
        const std::optional<operand_use> bias = bias_for(c);
        node_operator& next = add(spatial == 0 ? compute_type::matmul_tile : compute_type::conv_tile);
        set_window(next.op.window, {c.axes.end() - static_cast<std::ptrdiff_t>(spatial), c.axes.end()});
        next.operands = {use(0), weights()};
        set_bias(next, bias);
    }

    /// Taps ascend while what they read descends: a convolution of the input backwards, with zeros between its
    /// elements and around them, which gives the result backwards.
    void transposed(const dfg::convolution& c) {
        const std::optional<operand_use> bias = bias_for(c);
        const dfg::op_operand& x = m_node.operands.at(0);
        node_operator& spread_out = add(compute_type::spread_tile);
        spread_out.operands = {use(0)};
        spread_out.type = x.type;
        spread_out.result = {c.batch, 0, 0, c.in_channels};
        dfx::sliding_window window;
        for (std::size_t d = 0; d < 2; ++d) {
            const dfg::window_axis& axis = c.axes[d + 1];
            spread_out.op.window.stride.push_back(axis.stride);
            spread_out.op.window.before.push_back(
                static_cast<std::uint64_t>(static_cast<std::int64_t>(axis.kernel) - 1 + axis.after));
            spread_out.result[d + 1] = axis.out + axis.kernel - 1;
            window.kernel.push_back(axis.kernel);
        }
        window.stride = window.dilation = {1, 1};
        window.before = window.after = {0, 0};
        const operand_use image = result_of(m_all.size() - 1, spread_out.result);
        node_operator& next = add(compute_type::conv_tile);
        next.op.window = window;
        next.operands = {image, weights()};
        set_bias(next, bias);
        const operand_use backwards = result_of(m_all.size() - 1, m_node.dims);
        node_operator& turned = add(compute_type::spread_tile);
        turned.op.window.stride = {1, 1};
        turned.op.window.before = {0, 0};
        turned.operands = {backwards};
    }

    void depthwise(const dfg::convolution& c) {
        const std::optional<operand_use> bias = bias_for(c);
        node_operator& next = add(compute_type::depthwise_conv2d_tile);
        set_window(next.op.window, {c.axes[1], c.axes[2]});
        next.operands = {use(0), use_as(1, {c.axes[1].kernel, c.axes[2].kernel, c.out_channels})};
        set_bias(next, bias);
    }

    void translate(const dfg::pooling& p) {
        node_operator& next = add(compute_type::pool2d_tile);
        set_window(next.op.window, {p.row, p.column});
        next.operands = {use(0)};
        if (p.function == dfg::pool_function::max) {
            next.op.combine = element_function::maximum;
            return;
        }
        const dtype sum = accumulator_of(m_node.operands.at(0).type);
        next.op.steps.push_back(step_of(element_function::divide, sum));
        next.op.steps.back().operand = 1;
        next.operands.push_back(taps_of(p, sum));
        if (sum != m_node.result)
            next.op.steps.push_back(step_of(element_function::identity, m_node.result));
    }

    /// How many taps of each window lie inside: one number where all of them do.
    static operand_use taps_of(const dfg::pooling& p, dtype type) {
        const bool inside = p.row.before + p.row.after + p.column.before + p.column.after == 0;
        const shape dims = inside ? shape{1, 1, 1, 1} : shape{1, p.row.out, p.column.out, 1};
        tensor counts(type, dims);
        for (std::uint64_t y = 0; y < dims[1]; ++y)
            for (std::uint64_t x = 0; x < dims[2]; ++x)
                store(type, static_cast<double>(taps_inside(p.row, y) * taps_inside(p.column, x)),
                      counts.data.data() + (y * dims[2] + x) * size_of(type));
        operand_use u;
        u.dims = dims;
        u.own = std::move(counts);
        return u;
    }
    static std::uint64_t taps_inside(const dfg::window_axis& axis, std::uint64_t place) {
        std::uint64_t count = 0;
        for (std::uint64_t tap = 0; tap < axis.kernel; ++tap)
            count += axis.source(place, tap) ? 1 : 0;
        return count;
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

    /// Extents of both operands are the result's or 1; the first is the one that has its shape, where one has.
    void translate(const dfg::binary& b) {
        const bool swapped = m_node.operands.at(1).dims == m_node.dims && m_node.operands.at(0).dims != m_node.dims;
        const operand_use first = use(swapped ? 1 : 0);
        const operand_use second = use(swapped ? 0 : 1);
        node_operator& next = add(compute_type::elementwise);
        next.operands = {first, second};
        next.op.steps.push_back(step_of(function_of(b.function), m_node.result));
        next.op.steps.back().operand = 1;
        next.op.steps.back().operand_first = swapped;
        if (b.shift != 0) {
            next.op.steps.back().function = element_function::multiply_shifted;
            next.op.steps.back().low = b.shift;
        }
    }

    void translate(const dfg::reduction& r) {
        operand_use operand = use(0);
        if (r.function == dfg::reduce_function::all)
            operand = zeros_and_ones(operand);
        node_operator& next = add(compute_type::reduction);
        next.op.combine = function_of(r.function);
        next.op.axes = {r.axis};
        next.operands = {operand};
    }

    /// Truth values: 1 for every element that is not 0.
    operand_use zeros_and_ones(const operand_use& operand) {
        node_operator& sizes = add(compute_type::elementwise);
        sizes.operands = {operand};
        sizes.result = operand.dims;
        for (const element_function f :
             {element_function::identity, element_function::absolute, element_function::clamp})
            sizes.op.steps.push_back(step_of(f, dtype::i32));
        sizes.op.steps.back().high = 1;
        sizes.op.steps.push_back(step_of(element_function::identity, m_node.result));
        return result_of(m_all.size() - 1, operand.dims);
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
            return surround(p);
        node_operator& next = add(compute_type::rearrange_tile);
        next.op.before = p.before;
        next.operands = {use(0)};
    }

    /// A border of an element that is data: dimension by dimension slabs of it before and behind.
    void surround(const dfg::padding& p) {
        operand_use inner = use(0);
        const std::size_t rank = inner.dims.size();
        const operand_use element = use_as(*p.value, shape(rank, 1));
        for (std::size_t d = 0; d < rank; ++d) {
            const std::uint64_t after = m_node.dims[d] - p.before[d] - inner.dims[d];
            if (p.before[d] + after == 0)
                continue;
            std::vector<operand_use> parts;
            const auto add_slab = [&](std::uint64_t extent) {
                shape slab = inner.dims;
                slab[d] = extent;
                if (extent > 0)
                    parts.push_back(spread(element, m_node.result, slab));
            };
            add_slab(p.before[d]);
            parts.push_back(inner);
            add_slab(after);
            node_operator& next = add(compute_type::rearrange_tile);
            next.op.along = d;
            next.operands = parts;
            inner.dims[d] = m_node.dims[d];
            next.result = inner.dims;
            inner = result_of(m_all.size() - 1, inner.dims);
        }
        if (m_all.empty()) // nothing is added: a copy
            add(compute_type::rearrange_tile).operands = {inner};
    }

    void translate(const dfg::gathering& /*g*/) { add(compute_type::gather_tile).operands = {use(0), use(1)}; }

    const dfg::graph& m_graph;
    const dfg::resolved_op& m_node;
    std::vector<node_operator> m_all;
};

} // namespace

std::vector<node_operator> operators_of(const dfg::graph& g, const dfg::resolved_op& node) {
    return translator(g, node).run();
}

} // namespace kpu::passes
