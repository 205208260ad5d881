#include "compiler/dfg/ops/resolvers.h"
#include "compiler/tensor/number_format.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kpu::dfg {

namespace {

unary_function unary_of(const node& n) {
    switch (n.op) {
    case operator_kind::unknown:
        return n.name == k_dialect_rsqrt ? unary_function::reciprocal_root : unary_function::sigmoid;
    case operator_kind::relu:
        return unary_function::relu;
    case operator_kind::sigmoid:
        return unary_function::sigmoid;
    case operator_kind::atan:
        return unary_function::atan;
    case operator_kind::exp:
        return unary_function::exp;
    case operator_kind::reciprocal:
        return unary_function::reciprocal;
    case operator_kind::negate:
        return unary_function::negate;
    default:
        return unary_function::abs;
    }
}

binary_function binary_of(const node& n) {
    switch (n.op) {
    case operator_kind::unknown:
        return n.name == k_dialect_maximum ? binary_function::max : binary_function::min;
    case operator_kind::add:
        return binary_function::add;
    case operator_kind::sub:
        return binary_function::sub;
    case operator_kind::mul:
        return binary_function::mul;
    default:
        return binary_function::div;
    }
}

bool works_on_integers(unary_function f) {
    return f == unary_function::relu || f == unary_function::clamp || f == unary_function::abs ||
           f == unary_function::negate;
}

/// Strides in elements for reading `from` along the dimensions of `to`, 0 where it broadcasts.
std::vector<std::uint64_t> broadcast_strides(const shape& from, const shape& to) {
    std::vector<std::uint64_t> out(to.size());
    std::uint64_t step = 1;
    for (std::size_t d = to.size(); d-- > 0;) {
        out[d] = from[d] == 1 ? 0 : step;
        step *= from[d];
    }
    return out;
}

/// `value` as a number of the type.
double number_of(dtype t, double value) {
    std::array<std::byte, sizeof(double)> room{};
    store(t, value, room.data());
    return load(t, room.data());
}

} // namespace

resolved_op resolve_unary(op_reader& r) {
    r.know_attributes({});
    if (r.source().op == operator_kind::negate && r.operands() > 1)
        r.error("zero points are operands whose values the file does not hold");
    r.stop_on_errors();
    r.need_operands(1, 1);
    unary u;
    u.function = unary_of(r.source());
    if (!works_on_integers(u.function))
        r.need_float();
    r.need_one_type(1);
    r.need_result(r.in(0).dims);
    return r.finish(u);
}

resolved_op resolve_clamp(op_reader& r) {
    r.know_attributes({"min_fp", "max_fp", "min_int", "max_int", "min_val", "max_val", "nan_mode"});
    r.need_operands(1, 1);
    r.need_one_type(1);
    r.need_result(r.in(0).dims);
    if (r.has("nan_mode")) {
        const std::string& mode = r.source().attributes.at("nan_mode");
        r.require(mode.find("PROPAGATE") != std::string::npos, "a NaN stays a NaN", "nan_mode:" + mode, "PROPAGATE");
    }
    const dtype type = r.in(0).type;
    const std::string suffix = r.has("min_val") || r.has("max_val") ? "_val" : is_integer(type) ? "_int" : "_fp";
    const auto bound = [&](const std::string& which) {
        const std::string key = which + suffix;
        return number_of(type, is_integer(type) ? static_cast<double>(r.integer(key)) : r.real(key));
    };
    unary u;
    u.function = unary_function::clamp;
    u.low = bound("min");
    u.high = bound("max");
    r.require(u.low <= u.high, "the lower bound exceeds the upper one (or one is no number)",
              std::to_string(u.low) + ", " + std::to_string(u.high));
    return r.finish(u);
}

resolved_op resolve_binary(op_reader& r) {
    binary b;
    b.function = binary_of(r.source());
    if (b.function == binary_function::mul)
        r.know_attributes({"shift"});
    else
        r.know_attributes({});
    r.need_operands(2, 2);
    r.need_rank(1, r.in(0).dims.size());
    const shape& left = r.in(0).dims;
    const shape& right = r.in(1).dims;
    shape dims;
    for (std::size_t d = 0; d < left.size(); ++d) {
        r.require(left[d] == right[d] || left[d] == 1 || right[d] == 1, "the operands do not broadcast",
                  to_string(left) + " and " + to_string(right), "equal extents, or 1");
        dims.push_back(left[d] == 1 ? right[d] : left[d]);
    }
    r.stop_on_errors();
    r.need_result(dims);
    const bool widening =
        b.function == binary_function::mul && r.in(0).type == dtype::i8 && r.op().result == dtype::i32;
    if (widening)
        r.require(r.in(1).type == dtype::i8, "element types of operands 0 and 1 differ");
    else
        r.need_one_type(2);
    if (r.has("shift") && is_integer(r.in(0).type)) {
        const std::int64_t shift = r.integer("shift");
        r.require(shift == 0 || (r.in(0).type == dtype::i32 && shift > 0 && shift < 63), "shift out of range",
                  std::to_string(shift), "0, or up to 62 for i32");
        b.shift = static_cast<unsigned>(shift);
    }
    b.a_strides = broadcast_strides(left, dims);
    b.b_strides = broadcast_strides(right, dims);
    return r.finish(std::move(b));
}

resolved_op resolve_cast(op_reader& r) {
    r.know_attributes({});
    r.need_operands(1, 1);
    r.need_result(r.in(0).dims);
    return r.finish(cast{});
}

resolved_op resolve_fused_product(op_reader& r) {
    r.know_attributes({"activation"});
    r.need_operands(3, 3);
    for (std::size_t i = 0; i < 3; ++i)
        r.need_rank(i, 2);
    fused_product p;
    p.m = r.in(0).dims[0];
    p.k = r.in(0).dims[1];
    p.n = r.in(1).dims[1];
    r.require(r.in(1).dims[0] == p.k, "shapes of A and B disagree",
              to_string(r.in(0).dims) + " and " + to_string(r.in(1).dims), "[MxK] · [KxN]");
    r.need_result({p.m, p.n});
    std::uint64_t macs = 1;
    for (const std::uint64_t extent : {p.m, p.n, p.k})
        if (__builtin_mul_overflow(macs, extent, &macs)) {
            r.error("too large to count its operations");
            break;
        }
    const shape& bias = r.in(2).dims;
    if (r.require((bias[0] == 1 || bias[0] == p.m) && (bias[1] == 1 || bias[1] == p.n),
                  "the bias does not broadcast to the result", to_string(bias), to_string(shape{p.m, p.n}))) {
        const auto strides = broadcast_strides(bias, {p.m, p.n});
        p.bias_strides = {strides[0], strides[1]};
    }
    p.accumulator = accumulator_of(r.in(0).type);
    r.need_accumulation();
    r.need_bias(2, p.accumulator);
    if (r.has("activation")) {
        const std::string& name = r.source().attributes.at("activation");
        p.activation = activation_named(name);
        r.require(p.activation.has_value(), "unknown activation", name,
                  "relu, sigmoid, abs, negate, exp, atan or reciprocal");
        r.require(!p.activation || !is_integer(p.accumulator) || works_on_integers(*p.activation),
                  "the activation is defined for floating-point numbers only", name);
    }
    return r.finish(p);
}

} // namespace kpu::dfg
