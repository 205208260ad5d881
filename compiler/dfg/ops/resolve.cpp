#include "compiler/dfg/ops/resolve.h"

#include "compiler/dfg/ops/resolvers.h"

#include <utility>

namespace kpu::dfg {

namespace {

using resolver = resolved_op (*)(op_reader&);

constexpr std::pair<operator_kind, resolver> k_resolvers[] = {
    {operator_kind::conv2d, resolve_convolution},
    {operator_kind::depthwise_conv2d, resolve_convolution},
    {operator_kind::conv3d, resolve_convolution},
    {operator_kind::transpose_conv2d, resolve_convolution},
    {operator_kind::fc, resolve_fully_connected},
    {operator_kind::linear, resolve_fully_connected},
    {operator_kind::fused_matmul_bias_act, resolve_fused_product},
    {operator_kind::add, resolve_binary},
    {operator_kind::sub, resolve_binary},
    {operator_kind::mul, resolve_binary},
    {operator_kind::div, resolve_binary},
    {operator_kind::clamp, resolve_clamp},
    {operator_kind::relu, resolve_unary},
    {operator_kind::sigmoid, resolve_unary},
    {operator_kind::atan, resolve_unary},
    {operator_kind::exp, resolve_unary},
    {operator_kind::reciprocal, resolve_unary},
    {operator_kind::abs, resolve_unary},
    {operator_kind::negate, resolve_unary},
    {operator_kind::cast, resolve_cast},
    {operator_kind::reduce_sum, resolve_reduction},
    {operator_kind::reduce_max, resolve_reduction},
    {operator_kind::reduce_min, resolve_reduction},
    {operator_kind::reduce_prod, resolve_reduction},
    {operator_kind::reduce_all, resolve_reduction},
    {operator_kind::reshape, resolve_reshape},
    {operator_kind::transpose, resolve_transpose},
    {operator_kind::concat, resolve_concat},
    {operator_kind::pad, resolve_pad},
    {operator_kind::gather, resolve_gather},
    {operator_kind::maxpool2d, resolve_pooling},
    {operator_kind::avgpool2d, resolve_pooling},
};

/// matmul_at() has rules of its own: operand 2 may be declared wider than it is produced.
resolved_op resolve_matmul(const graph& g, const binding& bound, node_id id) {
    const matmul product = matmul_at(g, bound, id);
    resolved_op out;
    out.id = id;
    out.op = operator_kind::matmul;
    for (const auto& [at, value] : bound.operands.at(id)) {
        const tensor_type& type = type_of(g, value);
        out.operands.push_back({value, *type.type(), type.extents()});
    }
    out.result = product.result;
    out.dims = type_of(g, {id, 0}).extents();
    out.parameters = product;
    return out;
}

/// By the name of a node whose operator is UNKNOWN.
constexpr std::pair<std::string_view, resolver> k_dialect[] = {{k_dialect_rsqrt, resolve_unary},
                                                               {k_dialect_sigmoid, resolve_unary},
                                                               {k_dialect_maximum, resolve_binary},
                                                               {k_dialect_minimum, resolve_binary}};

resolver resolver_of(const node& n) {
    for (const auto& [op, run] : k_resolvers)
        if (op == n.op)
            return run;
    for (const auto& [name, run] : k_dialect)
        if (n.op == operator_kind::unknown && name == n.name)
            return run;
    return nullptr;
}

} // namespace

std::optional<unary_function> activation_named(std::string_view text) {
    constexpr std::pair<std::string_view, unary_function> k_names[] = {{"relu", unary_function::relu},
                                                                       {"sigmoid", unary_function::sigmoid},
                                                                       {"abs", unary_function::abs},
                                                                       {"negate", unary_function::negate},
                                                                       {"exp", unary_function::exp},
                                                                       {"atan", unary_function::atan},
                                                                       {"reciprocal", unary_function::reciprocal}};
    for (const auto& [name, function] : k_names)
        if (name == text)
            return function;
    return std::nullopt;
}

resolved_op resolve(const graph& g, const binding& bound, node_id id) {
    const node& n = g.nodes.at(id);
    if (n.op == operator_kind::matmul)
        return resolve_matmul(g, bound, id);
    if (const resolver run = resolver_of(n)) {
        op_reader reader(g, bound, id);
        return run(reader);
    }
    diagnostic problem;
    problem.where = place_of(g, n);
    problem.message = describe(n) + ": the operator cannot be evaluated: the file keeps no attributes of an operator "
                                    "that its writer did not know";
    problem.expected = "tosa.rsqrt, tosa.sigmoid, tosa.maximum or tosa.minimum, which have none";
    throw input_error(std::move(problem));
}

} // namespace kpu::dfg
