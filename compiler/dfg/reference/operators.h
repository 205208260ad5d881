#pragma once
// One function per kind of operator: the result of a resolved operator for operands of its types and shapes, in the
// order of its operand slots.

#include "compiler/dfg/ops/resolved.h"
#include "compiler/tensor/tensor.h"

#include <vector>

namespace kpu::dfg {

using operand_list = std::vector<const tensor*>;

[[nodiscard]] tensor apply(const resolved_op& op, const matmul& m, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const convolution& c, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const fused_product& p, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const unary& u, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const binary& b, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const cast& c, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const reduction& r, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const pooling& p, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const reshaping& r, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const transposition& t, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const concatenation& c, const operand_list& in);
[[nodiscard]] tensor apply(const resolved_op& op, const padding& p, const operand_list& in);
/// Throws input_error (without a place) for an index out of range.
[[nodiscard]] tensor apply(const resolved_op& op, const gathering& g, const operand_list& in);

} // namespace kpu::dfg
