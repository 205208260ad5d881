#pragma once
// One function per family of operators, for resolve().

#include "compiler/dfg/ops/op_reader.h"

namespace kpu::dfg {

/// UNKNOWN nodes whose name says all that there is to say: operators without attributes that the writer had no word
/// for.
inline constexpr std::string_view k_dialect_rsqrt = "tosa.rsqrt";
inline constexpr std::string_view k_dialect_sigmoid = "tosa.sigmoid";
inline constexpr std::string_view k_dialect_maximum = "tosa.maximum";
inline constexpr std::string_view k_dialect_minimum = "tosa.minimum";

resolved_op resolve_fused_product(op_reader& r);
/// CONV2D, DEPTHWISE_CONV2D, CONV3D and TRANSPOSE_CONV2D.
resolved_op resolve_convolution(op_reader& r);
/// FC and LINEAR.
resolved_op resolve_fully_connected(op_reader& r);
resolved_op resolve_unary(op_reader& r);
resolved_op resolve_clamp(op_reader& r);
resolved_op resolve_binary(op_reader& r);
resolved_op resolve_cast(op_reader& r);
resolved_op resolve_reduction(op_reader& r);
resolved_op resolve_reshape(op_reader& r);
resolved_op resolve_transpose(op_reader& r);
resolved_op resolve_concat(op_reader& r);
resolved_op resolve_pad(op_reader& r);
resolved_op resolve_gather(op_reader& r);
resolved_op resolve_pooling(op_reader& r);

/// The output extent of a window, exact as the format demands; reports parameters out of range.
void set_window(op_reader& r, window_axis& axis, const std::string& name);

} // namespace kpu::dfg
