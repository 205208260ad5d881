#pragma once
// From a resolved node of a graph to whole-tensor operators.

#include "compiler/dfg/ops/resolved.h"
#include "compiler/dfx/program.h"

#include <optional>
#include <vector>

namespace kpu::passes {

/// A value as an operator wants to see it.
struct operand_use {
    dfg::value_ref value;
    shape dims;                           ///< of the operator's operand: the value's own, or a view's
    std::optional<dfx::host_layout> host; ///< dims in another order than the value's: weights
    std::optional<tensor> own;            ///< numbers that the operator itself brings, instead of a value
    std::optional<std::size_t> earlier;   ///< the result of that operator of the same node, instead
};

/// An operator without its regions; `operands` stand for its inputs in order.
struct node_operator {
    dfx::compute_op op;
    std::vector<operand_use> operands;
    shape result;
    dtype type = dtype::f32; ///< of the result
};

/// The operators that compute a node, the last one its result; none for a RESHAPE, which is a view. Throws input_error
/// at the node's line for what the chip cannot do.
[[nodiscard]] std::vector<node_operator> operators_of(const dfg::graph& g, const dfg::resolved_op& node);

} // namespace kpu::passes
