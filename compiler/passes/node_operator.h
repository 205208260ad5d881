#pragma once
// From a node of a graph to one whole-tensor operator.

#include "compiler/dfg/binding.h"
#include "compiler/dfx/program.h"

#include <optional>
#include <vector>

namespace kpu::passes {

/// A value as an operator wants to see it.
struct operand_use {
    dfg::value_ref value;
    shape dims;                           ///< of the operator's operand: the value's own, or a view's
    std::optional<dfx::host_layout> host; ///< dims in another order than the value's: weights
    /// A number that the operator itself brings, instead of a value: a tensor with one element and `dims.size()`
    /// dimensions.
    std::optional<double> number;
};

/// The operator without its regions; `operands` stand for its inputs in order.
struct node_operator {
    dfg::node_id id;
    dfx::compute_op op;
    std::vector<operand_use> operands;
    shape result;      ///< dimensions of the operator's output; the value has those of the node's result type
    bool view = false; ///< RESHAPE: nothing is computed
};

/// Throws input_error with all problems at the node's line: operators that a file cannot describe or that the chip does
/// not have, shapes and types that do not fit.
[[nodiscard]] node_operator operator_at(const dfg::graph& g, const dfg::binding& bound, dfg::node_id id);

} // namespace kpu::passes
