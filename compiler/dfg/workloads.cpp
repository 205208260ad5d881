#include "compiler/dfg/workloads.h"

#include "compiler/dfg/graph_builder.h"

#include <fmt/format.h>

namespace kpu::dfg {

namespace {

using kind = operator_kind;

void require(bool ok, const std::string& message, const std::string& expected) {
    if (ok)
        return;
    diagnostic problem;
    problem.message = message;
    problem.expected = expected;
    throw input_error(std::move(problem));
}

void check(const std::vector<std::uint64_t>& extents, dtype t) {
    for (const std::uint64_t extent : extents)
        require(extent != 0 && extent <= k_largest_extent, "extent out of range: " + std::to_string(extent),
                "1 to 2^48");
    require(t != dtype::i32, "networks are of floating-point numbers or of i8", "f64, f32, f16, bf16, f8 or i8");
}

std::string numbers(const std::vector<std::uint64_t>& values) {
    return fmt::format("array<i64: {}>", fmt::join(values, ", "));
}

/// Layers on top of a graph_builder; labels number the values of a kind.
class layers {
  public:
    layers(const std::string& name, dtype t)
        : m_builder(name), m_type(t), m_sum_type(quantised() ? accumulator_of(t) : t) {}

    node_id constant(const std::string& label, const shape& dims) { return m_builder.constant(label, m_type, dims); }
    node_id bias(const std::string& label, const shape& dims) {
        return m_builder.constant(label, accumulator_of(m_type), dims);
    }
    [[nodiscard]] dtype type_of(node_id value) const { return *m_builder.type_of(value).type(); }
    [[nodiscard]] shape dims(node_id value) const { return m_builder.type_of(value).extents(); }

    node_id op_in(dtype t, kind k, const std::vector<node_id>& operands, const shape& result,
                  const std::map<std::string, std::string>& attributes = {}) {
        return named(t, k, std::string(name_of(k)), operands, result, attributes);
    }
    /// In the type of the first operand.
    node_id op(kind k, const std::vector<node_id>& operands, const shape& result,
               const std::map<std::string, std::string>& attributes = {}) {
        return op_in(type_of(operands.front()), k, operands, result, attributes);
    }
    /// A sum of products.
    node_id sum(kind k, const std::vector<node_id>& operands, const shape& result,
                const std::map<std::string, std::string>& attributes = {}) {
        return op_in(m_sum_type, k, operands, result, attributes);
    }
    /// An operator that the format has no word for.
    node_id same_named(const std::string& name, node_id x) {
        return named(type_of(x), kind::unknown, name, {x}, dims(x), {});
    }
    node_id same(kind k, const std::vector<node_id>& operands) { return op(k, operands, dims(operands.front())); }
    node_id clamp(node_id x, double low, double high) {
        if (is_integer(type_of(x)))
            return op(kind::clamp, {x}, dims(x),
                      {{"min_int", fmt::format("{:.0f} : i64", low)}, {"max_int", fmt::format("{:.0f} : i64", high)}});
        return op(kind::clamp, {x}, dims(x),
                  {{"min_fp", fmt::format("{:.17e} : f32", low)}, {"max_fp", fmt::format("{:.17e} : f32", high)}});
    }
    node_id fold(kind k, node_id x, std::size_t axis) {
        shape to = dims(x);
        to[axis] = 1;
        return op(k, {x}, to, {{"axis", std::to_string(axis) + " : i32"}});
    }
    node_id transpose(node_id x, const std::vector<std::uint64_t>& perms) {
        shape to;
        for (const std::uint64_t d : perms)
            to.push_back(dims(x)[d]);
        return op(kind::transpose, {x}, to, {{"perms", numbers(perms)}});
    }
    node_id multiply(node_id a, node_id b) {
        shape to = dims(a);
        to.back() = dims(b).back();
        return sum(kind::matmul, {a, b}, to);
    }
    /// Along the last axis.
    node_id softmax(node_id x) {
        const std::size_t axis = dims(x).size() - 1;
        const node_id powers = same(kind::exp, {same(kind::sub, {x, fold(kind::reduce_max, x, axis)})});
        return same(kind::mul, {powers, same(kind::reciprocal, {fold(kind::reduce_sum, powers, axis)})});
    }
    /// x [rows, columns], without gain and shift.
    node_id layer_norm(node_id x) {
        const node_id centred = same(kind::sub, {x, mean(x)});
        const node_id spread = mean(same(kind::mul, {centred, centred}));
        const node_id variance = same(kind::add, {spread, clamp(spread, 1e-5, 1e-5)});
        return same(kind::mul, {centred, same_named("tosa.rsqrt", variance)});
    }
    node_id dense(node_id x, const std::string& label, std::uint64_t width, bool activated) {
        const node_id weights = constant("W" + label, {dims(x)[1], width});
        const node_id bias = this->bias("b" + label, {1, width});
        std::map<std::string, std::string> attributes;
        if (activated)
            attributes["activation"] = "relu";
        return sum(kind::fused_matmul_bias_act, {x, weights, bias}, {dims(x)[0], width}, attributes);
    }
    node_id convolve(node_id x, const std::string& label, std::uint64_t out, std::uint64_t kernel,
                     std::uint64_t stride) {
        const shape from = dims(x);
        shape to{from[0], 0, 0, out};
        std::vector<std::uint64_t> pads;
        for (const std::size_t d : {std::size_t{1}, std::size_t{2}}) {
            const std::uint64_t pad = kernel / 2;
            require(from[d] + 2 * pad >= kernel, "the kernel exceeds the padded image", "a smaller kernel");
            const std::uint64_t span = from[d] + 2 * pad - kernel;
            const std::uint64_t rest = span % stride;
            const std::uint64_t after = rest <= pad ? pad - rest : pad + stride - rest;
            pads.insert(pads.end(), {pad, after});
            to[d] = (from[d] + pad + after - kernel) / stride + 1;
        }
        const node_id weights = constant("W" + label, {out, kernel, kernel, from[3]});
        const node_id bias = this->bias("b" + label, {out});
        return sum(kind::conv2d, {x, weights, bias}, to,
                   {{"dilation", numbers({1, 1})}, {"pad", numbers(pads)}, {"stride", numbers({stride, stride})}});
    }

    // ---- i8: products are summed in i32, scaled in f32, and rounded to i8 again

    [[nodiscard]] bool quantised() const { return m_type == dtype::i8; }
    node_id cast(node_id x, dtype t) { return op_in(t, kind::cast, {x}, dims(x)); }
    /// A quantised network's integers as f32 numbers times a constant, one for all or (`per_channel`) one per element
    /// of the last dimension. Other networks' values as they are.
    node_id scaled(node_id x, const std::string& scale, bool per_channel = false) {
        if (!quantised())
            return x;
        shape extents(dims(x).size(), 1);
        if (per_channel)
            extents.back() = dims(x).back();
        const node_id number = type_of(x) == dtype::f32 ? x : cast(x, dtype::f32);
        return same(kind::mul, {number, m_builder.constant(scale, dtype::f32, extents)});
    }
    /// Numbers in the network's type.
    node_id rounded(node_id x) { return type_of(x) == m_type ? x : cast(x, m_type); }
    /// The way from one layer's sums to the next layer.
    node_id requantised(node_id sums, const std::string& scale) { return rounded(scaled(sums, scale, true)); }

    graph finish(node_id y) {
        m_builder.give_back(y, "y");
        return m_builder.finish();
    }

  private:
    node_id named(dtype t, kind k, const std::string& name, const std::vector<node_id>& operands, const shape& result,
                  const std::map<std::string, std::string>& attributes) {
        const std::string label = "v" + std::to_string(++m_values);
        return m_builder.compute(k, name, operands, label, make_type(t, result), attributes);
    }
    node_id mean(node_id x) {
        const double factor = 1.0 / static_cast<double>(dims(x)[1]);
        const node_id sum = fold(kind::reduce_sum, x, 1);
        return same(kind::mul, {sum, clamp(sum, factor, factor)});
    }

    graph_builder m_builder;
    dtype m_type;
    dtype m_sum_type; ///< of what sums products
    unsigned m_values = 0;
};

node_id attention(layers& l, node_id x, const attention_spec& s) {
    const std::uint64_t depth = s.model / s.heads;
    const auto projected = [&](const std::string& label, const std::vector<std::uint64_t>& perms) {
        const node_id all = l.requantised(l.multiply(x, l.constant("W" + label, {s.model, s.model})), "s" + label);
        return l.transpose(l.op(kind::reshape, {all}, {s.tokens, s.heads, depth}), perms);
    };
    const node_id queries = projected("q", {1, 0, 2});
    const node_id keys = projected("k", {1, 2, 0});
    const node_id values = projected("v", {1, 0, 2});
    const node_id shares = l.softmax(l.scaled(l.multiply(queries, keys), "s.scores"));
    const node_id mixed = l.multiply(l.rounded(l.scaled(shares, "s.shares")), values);
    const node_id heads = l.rounded(l.scaled(mixed, "s.mixed"));
    const node_id joined = l.op(kind::reshape, {l.transpose(heads, {1, 0, 2})}, {s.tokens, s.model});
    return l.scaled(l.multiply(joined, l.constant("Wo", {s.model, s.model})), "so", true);
}

} // namespace

graph mlp_graph(const mlp_spec& spec) {
    check(spec.widths, spec.type);
    check({spec.batch}, spec.type);
    require(spec.widths.size() >= 2, "a network has an input and an output", "two widths or more");
    layers l(spec.name, spec.type);
    node_id value = l.constant("x", {spec.batch, spec.widths[0]});
    for (std::size_t i = 1; i < spec.widths.size(); ++i) {
        const bool last = i + 1 == spec.widths.size();
        const std::string label = std::to_string(i);
        value = l.dense(value, label, spec.widths[i], !last);
        value = last ? l.scaled(value, "s" + label, true) : l.requantised(value, "s" + label);
    }
    return l.finish(value);
}

graph conv_graph(const conv_spec& spec) {
    check(spec.channels, spec.type);
    check({spec.batch, spec.height, spec.width, spec.kernel, spec.stride}, spec.type);
    require(spec.channels.size() >= 2, "a convolution has input and output channels",
            "two numbers of channels or more");
    require(!spec.residual ||
                (spec.channels.front() == spec.channels.back() && spec.stride == 1 && spec.kernel % 2 == 1),
            "the sum needs equal shapes", "as many channels at the end as at the start, stride 1, an odd kernel");
    layers l(spec.name, spec.type);
    const node_id x = l.constant("x", {spec.batch, spec.height, spec.width, spec.channels[0]});
    node_id value = x;
    for (std::size_t i = 1; i < spec.channels.size(); ++i) {
        const std::string label = std::to_string(i);
        value = l.convolve(value, label, spec.channels[i], spec.kernel, i == 1 ? spec.stride : 1);
        value = l.scaled(value, "s" + label, true);
        if (spec.residual && i + 1 == spec.channels.size())
            value = l.same(kind::add, {l.rounded(value), x});
        if (spec.activated)
            value = l.clamp(value, 0, l.quantised() ? 127 : 6);
        value = l.rounded(value);
    }
    return l.finish(value);
}

graph classifier_graph(const classifier_spec& spec) {
    check(spec.channels, spec.type);
    check(spec.widths, spec.type);
    check({spec.batch, spec.side}, spec.type);
    require(!spec.channels.empty() && !spec.widths.empty(), "a classifier has an image and classes",
            "channels and widths");
    layers l(spec.name, spec.type);
    node_id value = l.constant("x", {spec.batch, spec.side, spec.side, spec.channels[0]});
    for (std::size_t i = 1; i < spec.channels.size(); ++i) {
        const shape from = l.dims(value);
        require(from[1] % 2 == 0, "an image of odd side is halved", "a side with enough factors of 2");
        const std::string label = "conv" + std::to_string(i);
        const node_id weights = l.constant(label + ".w", {spec.channels[i], 3, 3, from[3]});
        const node_id bias = l.bias(label + ".b", {spec.channels[i]});
        value = l.sum(kind::conv2d, {value, weights, bias}, {from[0], from[1] / 2, from[2] / 2, spec.channels[i]},
                      {{"dilation", numbers({1, 1})}, {"pad", numbers({0, 1, 0, 1})}, {"stride", numbers({2, 2})}});
        value = l.requantised(l.same(kind::relu, {value}), label + ".s");
    }
    const shape image = l.dims(value);
    value = l.op(kind::reshape, {value}, {image[0], image[1] * image[2] * image[3]});
    for (std::size_t i = 0; i < spec.widths.size(); ++i) {
        const std::string label = "fc" + std::to_string(i + 1);
        const node_id weights = l.constant(label + ".w", {spec.widths[i], l.dims(value)[1]});
        const node_id bias = l.bias(label + ".b", {spec.widths[i]});
        value = l.sum(kind::fc, {value, weights, bias}, {spec.batch, spec.widths[i]});
        if (i + 1 < spec.widths.size())
            value = l.requantised(l.same(kind::relu, {value}), label + ".s");
        else
            value = l.scaled(value, label + ".s", true);
    }
    return l.finish(value);
}

graph attention_graph(const attention_spec& spec) {
    check({spec.tokens, spec.model, spec.heads}, spec.type);
    require(spec.model % spec.heads == 0, "the heads do not share the model's width evenly", "a divisor of it");
    layers l(spec.name, spec.type);
    const node_id x = l.constant("x", {spec.tokens, spec.model});
    const node_id mixed = attention(l, x, spec);
    if (spec.hidden == 0)
        return l.finish(mixed);
    check({spec.hidden}, spec.type);
    const node_id first = l.layer_norm(l.same(kind::add, {l.scaled(x, "sx"), mixed}));
    const node_id hidden = l.dense(l.rounded(l.scaled(first, "s.first")), "1", spec.hidden, true);
    const node_id second = l.scaled(l.dense(l.requantised(hidden, "s1"), "2", spec.model, false), "s2", true);
    return l.finish(l.layer_norm(l.same(kind::add, {first, second})));
}

} // namespace kpu::dfg
