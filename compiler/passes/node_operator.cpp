#include "compiler/passes/node_operator.h"

#include "compiler/dfg/attributes.h"

#include <algorithm>

namespace kpu::passes {

namespace {

using dfg::operator_kind;
using dfx::compute_type;
using dfx::element_function;

class reader {
  public:
    reader(const dfg::graph& g, const dfg::binding& bound, dfg::node_id id)
        : m_graph(g), m_bound(bound), m_node(g.nodes.at(id)), m_attributes(g, m_node) {
        m_out.id = id;
        m_result = {id, m_node.result_types.empty() ? 0 : m_node.result_types.begin()->first, false};
        m_out.result = dims_of(m_result);
    }

    node_operator run() {
        read();
        m_problems.throw_if_errors();
        return std::move(m_out);
    }

  private:
    void error(const std::string& message, const std::string& text = {}, const std::string& expected = {}) {
        m_problems.error(place_of(m_graph, m_node), describe(m_node) + ": " + message, text, expected);
    }
    [[noreturn]] void refuse(const std::string& message, const std::string& text = {},
                             const std::string& expected = {}) {
        error(message, text, expected);
        throw input_error(m_problems);
    }

    [[nodiscard]] const dfg::tensor_type& type_of(const dfg::value_ref& v) const { return dfg::type_of(m_graph, v); }
    [[nodiscard]] shape dims_of(const dfg::value_ref& v) const { return type_of(v).extents(); }
    [[nodiscard]] dtype element_of(const dfg::value_ref& v) {
        const std::optional<dtype> type = type_of(v).type();
        if (!type)
            refuse("element type is none of the project's", type_of(v).element);
        return *type;
    }
    [[nodiscard]] dfg::value_ref operand(dfg::slot at) {
        const auto value = m_bound.operand(m_node.id, at);
        if (!value)
            refuse("operand is missing", std::to_string(at));
        return *value;
    }
    [[nodiscard]] bool has_operand(dfg::slot at) const { return m_bound.operand(m_node.id, at).has_value(); }
    void expect_operands(std::size_t least, std::size_t most) {
        const auto found = m_bound.operands.find(m_node.id);
        const std::size_t count = found == m_bound.operands.end() ? 0 : found->second.size();
        if (count < least || count > most)
            refuse("has " + std::to_string(count) + " operands", "",
                   std::to_string(least) + (most > least ? " to " + std::to_string(most) : ""));
    }
    void use(const dfg::value_ref& value) { m_out.operands.push_back({value, dims_of(value), {}, {}}); }
    void use_as(const dfg::value_ref& value, shape dims) { m_out.operands.push_back({value, std::move(dims), {}, {}}); }

    void read() {
        switch (m_node.op) {
        case operator_kind::conv2d:
            return convolution(2);
        case operator_kind::conv3d:
            return convolution(3);
        case operator_kind::depthwise_conv2d:
            return depthwise();
        case operator_kind::fc:
        case operator_kind::linear:
            return fully_connected();
        case operator_kind::fused_matmul_bias_act:
            return fused_matmul();
        case operator_kind::add:
            return binary(element_function::add);
        case operator_kind::sub:
            return binary(element_function::subtract);
        case operator_kind::mul:
            return binary(element_function::multiply);
        case operator_kind::div:
            return binary(element_function::divide);
        case operator_kind::clamp:
            return clamp();
        case operator_kind::relu:
            return unary(element_function::relu);
        case operator_kind::sigmoid:
            return unary(element_function::sigmoid);
        case operator_kind::atan:
            return unary(element_function::arctangent);
        case operator_kind::exp:
            return unary(element_function::exponential);
        case operator_kind::reciprocal:
            return unary(element_function::reciprocal);
        case operator_kind::abs:
            return unary(element_function::absolute);
        case operator_kind::negate:
            return unary(element_function::negate);
        case operator_kind::cast:
            return unary(element_function::identity);
        case operator_kind::reduce_sum:
            return reduction(element_function::add);
        case operator_kind::reduce_max:
            return reduction(element_function::maximum);
        case operator_kind::reduce_min:
            return reduction(element_function::minimum);
        case operator_kind::reduce_prod:
            return reduction(element_function::multiply);
        case operator_kind::reshape:
            return reshape();
        case operator_kind::transpose:
            return transpose();
        case operator_kind::concat:
            return concat();
        case operator_kind::pad:
            return pad();
        case operator_kind::maxpool2d:
            return pool(element_function::maximum);
        case operator_kind::avgpool2d:
            return pool(element_function::add);
        case operator_kind::gather:
            refuse("addresses that are data are beyond what the chip's DMA engines can follow");
        case operator_kind::transpose_conv2d:
            refuse("transposed convolutions are not compiled", "", "a CONV2D of the padded input");
        case operator_kind::reduce_all:
            refuse("truth values are no element type of the chip");
        default:
            refuse("this operator is not compiled");
        }
    }

    // ---- windows

    /// `count` values that fit a window, or a refusal.
    std::vector<std::uint64_t> window_list(const std::string& key, std::size_t count, std::int64_t least,
                                           std::optional<std::uint64_t> otherwise) {
        const auto found = m_attributes.integers(key);
        if (!found && otherwise)
            return std::vector<std::uint64_t>(count, *otherwise);
        if (!found)
            refuse("the file does not say the attribute " + key);
        if (found->size() != count || std::any_of(found->begin(), found->end(), [&](auto x) { return x < least; }))
            refuse("attribute " + key + " does not fit", m_node.attributes.at(key),
                   std::to_string(count) + " values from " + std::to_string(least) + " upwards");
        return {found->begin(), found->end()};
    }

    /// pad: before and after of each dimension in turn.
    void set_window(std::vector<std::uint64_t> kernel, bool dilated) {
        const std::size_t spatial = kernel.size();
        dfx::sliding_window& w = m_out.op.window;
        w.kernel = std::move(kernel);
        w.stride = window_list("stride", spatial, 1, 1);
        w.dilation = dilated ? window_list("dilation", spatial, 1, 1) : std::vector<std::uint64_t>(spatial, 1);
        const std::vector<std::uint64_t> pads = window_list("pad", 2 * spatial, 0, 0);
        for (std::size_t d = 0; d < spatial; ++d) {
            w.before.push_back(pads[2 * d]);
            w.after.push_back(pads[2 * d + 1]);
            check_places(d);
        }
    }

    void check_places(std::size_t d) {
        const dfx::sliding_window& w = m_out.op.window;
        const std::uint64_t extent = w.before[d] + dims_of(operand(0))[d + 1] + w.after[d];
        const std::uint64_t reach = w.dilation[d] * (w.kernel[d] - 1) + 1;
        const bool fits = m_out.result.size() == w.kernel.size() + 2 && reach <= extent &&
                          m_out.result[d + 1] == (extent - reach) / w.stride[d] + 1;
        if (!fits)
            refuse("the result's shape does not follow from input, window, padding and stride",
                   to_string(type_of(m_result)));
    }

    void expect_rank(const dfg::value_ref& value, std::size_t rank, const char* what) {
        if (dims_of(value).size() != rank)
            refuse(std::string(what) + " has a wrong rank", to_string(type_of(value)), std::to_string(rank));
    }

    /// Weights [o, kernel…, c] as [kernel…·c, o].
    void use_weights(const dfg::value_ref& value) {
        const shape dims = dims_of(value);
        dfx::host_layout host;
        host.dims = dims;
        for (std::size_t d = 1; d < dims.size(); ++d)
            host.permutation.push_back(d);
        host.permutation.push_back(0);
        m_out.operands.push_back({value, {element_count(dims) / dims[0], dims[0]}, host, {}});
    }

    void use_bias() {
        m_out.op.biased = has_operand(2);
        if (m_out.op.biased)
            use_as(operand(2), {m_out.result.back()});
    }

    void convolution(std::size_t spatial) {
        expect_operands(2, 3);
        m_out.op.type = compute_type::conv_tile;
        expect_rank(operand(0), spatial + 2, "the input");
        expect_rank(operand(1), spatial + 2, "the weights");
        const shape weights = dims_of(operand(1));
        if (weights.back() != dims_of(operand(0)).back())
            refuse("input and weights have different channels", to_string(type_of(operand(1))));
        set_window({weights.begin() + 1, weights.end() - 1}, true);
        use(operand(0));
        use_weights(operand(1));
        use_bias();
    }

    void depthwise() {
        expect_operands(2, 3);
        m_out.op.type = compute_type::depthwise_conv2d_tile;
        expect_rank(operand(0), 4, "the input");
        expect_rank(operand(1), 4, "the weights");
        const shape weights = dims_of(operand(1));
        if (weights[3] != 1)
            refuse("several results per channel are not compiled", to_string(type_of(operand(1))), "a multiplier of 1");
        set_window({weights[0], weights[1]}, true);
        use(operand(0));
        use_as(operand(1), {weights[0], weights[1], weights[2]});
        use_bias();
    }

    void pool(element_function combine) {
        expect_operands(1, 1);
        m_out.op.type = compute_type::pool2d_tile;
        m_out.op.combine = combine;
        expect_rank(operand(0), 4, "the input");
        set_window(window_list("kernel", 2, 1, std::nullopt), false);
        use(operand(0));
        if (combine != element_function::add)
            return;
        const auto padded = [](const std::vector<std::uint64_t>& list) {
            return std::any_of(list.begin(), list.end(), [](std::uint64_t n) { return n != 0; });
        };
        if (padded(m_out.op.window.before) || padded(m_out.op.window.after))
            refuse("an average over a border divides by what lies inside: not compiled", "", "no padding");
        const dtype type = element_of(m_result);
        if (is_integer(type))
            refuse("averages of integers are not compiled", std::string(name_of(type)));
        dfx::element_step divide;
        divide.function = element_function::divide;
        divide.operand = 1;
        divide.result = type;
        m_out.op.steps.push_back(divide);
        operand_use taps;
        taps.dims = {1, 1, 1, 1};
        taps.number = static_cast<double>(element_count(m_out.op.window.kernel));
        m_out.operands.push_back(taps);
    }

    // ---- products

    void fully_connected() {
        expect_operands(2, 3);
        m_out.op.type = compute_type::matmul_tile;
        expect_rank(operand(0), 2, "the input");
        expect_rank(operand(1), 2, "the weights");
        use(operand(0));
        use_weights(operand(1));
        use_bias();
    }

    /// The bias seeds the sums, as that of a convolution.
    void fused_matmul() {
        expect_operands(3, 3);
        m_out.op.type = compute_type::matmul_tile;
        expect_rank(operand(0), 2, "operand 0");
        expect_rank(operand(1), 2, "operand 1");
        use(operand(0));
        use(operand(1));
        const shape bias = dims_of(operand(2));
        if (bias != shape{1, m_out.result.back()} && bias != shape{m_out.result.back()})
            refuse("the bias is one row", to_string(type_of(operand(2))));
        use_bias();
        const auto activation = m_attributes.word("activation");
        if (!activation)
            return;
        static const std::pair<const char*, element_function> known[] = {{"relu", element_function::relu},
                                                                         {"sigmoid", element_function::sigmoid},
                                                                         {"abs", element_function::absolute},
                                                                         {"negate", element_function::negate},
                                                                         {"exp", element_function::exponential},
                                                                         {"atan", element_function::arctangent},
                                                                         {"reciprocal", element_function::reciprocal}};
        for (const auto& [name, function] : known)
            if (*activation == name)
                return add_step(function);
        refuse("unknown activation", *activation);
    }

    // ---- element-wise

    void add_step(element_function function) {
        dfx::element_step step;
        step.function = function;
        step.result = element_of(m_result);
        m_out.op.steps.push_back(step);
    }

    void expect_same_type(const dfg::value_ref& value) {
        if (element_of(value) != element_of(m_result))
            error("operand and result have different types", to_string(type_of(value)),
                  std::string(name_of(element_of(m_result))));
    }

    void unary(element_function function) {
        expect_operands(1, 1);
        m_out.op.type = compute_type::elementwise;
        if (function != element_function::identity)
            expect_same_type(operand(0));
        if (dims_of(operand(0)) != m_out.result)
            error("operand and result have different shapes", to_string(type_of(operand(0))));
        use(operand(0));
        add_step(function);
    }

    void clamp() {
        unary(element_function::clamp);
        dfx::element_step& step = m_out.op.steps.front();
        const bool integer = is_integer(step.result);
        const auto low = integer ? m_attributes.number("min_int") : m_attributes.number("min_fp");
        const auto high = integer ? m_attributes.number("max_int") : m_attributes.number("max_fp");
        const auto least = low ? low : m_attributes.number("min_val");
        const auto most = high ? high : m_attributes.number("max_val");
        if (!least || !most)
            refuse("the file does not say the bounds", "", "attributes min_fp and max_fp, or min_int and max_int");
        step.low = *least;
        step.high = *most;
        if (!(step.low <= step.high))
            refuse("the bounds are not in order");
    }

    /// One operand has the result's shape; the other's extents are equal or 1.
    void binary(element_function function) {
        expect_operands(2, 2);
        if (m_attributes.integer("shift").value_or(0) != 0)
            refuse("shifts of integer products are not compiled");
        m_out.op.type = compute_type::elementwise;
        dfg::value_ref first = operand(0);
        dfg::value_ref second = operand(1);
        expect_same_type(first);
        expect_same_type(second);
        const bool swapped = dims_of(first) != m_out.result;
        if (swapped)
            std::swap(first, second);
        if (dims_of(first) != m_out.result)
            refuse("both operands are broadcast: not compiled", to_string(type_of(first)));
        if (dims_of(second).size() != m_out.result.size())
            refuse("operands have different ranks", to_string(type_of(second)));
        use(first);
        use(second);
        add_step(function);
        m_out.op.steps.front().operand = 1;
        m_out.op.steps.front().operand_first = swapped;
    }

    // ---- along an axis, and moves

    std::uint64_t axis(std::size_t rank) {
        const auto found = m_attributes.integer("axis");
        if (!found)
            refuse("the file does not say the axis");
        if (*found < 0 || static_cast<std::uint64_t>(*found) >= rank)
            refuse("no such axis", std::to_string(*found));
        return static_cast<std::uint64_t>(*found);
    }

    void reduction(element_function combine) {
        expect_operands(1, 1);
        m_out.op.type = compute_type::reduction;
        m_out.op.combine = combine;
        use(operand(0));
        m_out.op.axes = {axis(m_out.operands.front().dims.size())};
    }

    void reshape() {
        expect_operands(1, 2); // a second one repeats the result's shape
        if (element_count(dims_of(operand(0))) != element_count(m_out.result))
            refuse("another number of elements", to_string(type_of(operand(0))));
        expect_same_type(operand(0));
        m_out.view = true;
        use_as(operand(0), m_out.result);
    }

    void transpose() {
        expect_operands(1, 2);
        const auto order = m_attributes.integers("perms");
        if (!order)
            refuse("the file does not say the order of dimensions", "", "attribute perms");
        m_out.op.type = compute_type::rearrange_tile;
        use(operand(0));
        for (const std::int64_t d : *order) {
            if (d < 0 || static_cast<std::size_t>(d) >= m_out.result.size())
                refuse("no such dimension", std::to_string(d));
            m_out.op.axes.push_back(static_cast<std::uint64_t>(d));
        }
    }

    void concat() {
        m_out.op.type = compute_type::rearrange_tile;
        const auto found = m_bound.operands.find(m_node.id);
        if (found == m_bound.operands.end())
            refuse("operand is missing", "0");
        for (const auto& [at, value] : found->second)
            use(value);
        m_out.op.along = axis(m_out.result.size());
    }

    void pad() {
        expect_operands(1, 3);
        const auto pads = m_attributes.integers("padding");
        if (!pads)
            refuse("the amounts are values of a constant, which the file does not hold", "",
                   "attribute padding:array<i64: before, after, …>");
        m_out.op.type = compute_type::rearrange_tile;
        use(operand(0));
        const shape& in = m_out.operands.front().dims;
        if (pads->size() != 2 * in.size() || in.size() != m_out.result.size())
            refuse("attribute padding does not fit", "", "two values per dimension");
        for (std::size_t d = 0; d < in.size(); ++d) {
            const std::int64_t before = (*pads)[2 * d];
            const std::int64_t after = (*pads)[2 * d + 1];
            if (before < 0 || after < 0 ||
                in[d] + static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(after) != m_out.result[d])
                refuse("attribute padding does not fit the result");
            m_out.op.before.push_back(static_cast<std::uint64_t>(before));
        }
    }

    const dfg::graph& m_graph;
    const dfg::binding& m_bound;
    const dfg::node& m_node;
    dfg::attribute_reader m_attributes;
    dfg::value_ref m_result;
    diagnostics m_problems;
    node_operator m_out;
};

} // namespace

node_operator operator_at(const dfg::graph& g, const dfg::binding& bound, dfg::node_id id) {
    return reader(g, bound, id).run();
}

} // namespace kpu::passes
