#pragma once
// The 39 operators that a domain flow graph knows.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpu::dfg {

enum class operator_kind {
    function,
    function_argument,
    function_return,
    function_result,
    constant,
    conv2d,
    depthwise_conv2d,
    conv3d,
    transpose_conv2d,
    fc,
    matmul,
    fused_matmul_bias_act,
    linear,
    add,
    sub,
    mul,
    div,
    clamp,
    relu,
    sigmoid,
    atan,
    exp,
    reciprocal,
    abs,
    negate,
    cast,
    reduce_sum,
    reduce_max,
    reduce_min,
    reduce_prod,
    reduce_all,
    reshape,
    transpose,
    concat,
    pad,
    gather,
    maxpool2d,
    avgpool2d,
    unknown
};

/// As in the file: "FUNCTION_RETURN".
[[nodiscard]] std::string_view name_of(operator_kind kind);
[[nodiscard]] std::optional<operator_kind> operator_named(std::string_view text);
[[nodiscard]] const std::vector<std::string>& operator_names();

/// FUNCTION, its arguments, returns and results, and CONSTANT: nodes that move or hold values but compute none.
[[nodiscard]] constexpr bool is_compute(operator_kind kind) {
    return kind > operator_kind::constant;
}

} // namespace kpu::dfg
