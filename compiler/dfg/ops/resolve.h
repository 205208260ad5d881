#pragma once
// From a node to what it computes.

#include "compiler/dfg/ops/resolved.h"

namespace kpu::dfg {

/// The operator at a compute node of a graph whose batch is bound. Throws input_error with all problems at the node's
/// line: operators without a meaning, operands, attributes, shapes and element types that do not fit each other, and
/// nodes whose parameters the file does not hold.
[[nodiscard]] resolved_op resolve(const graph& g, const binding& bound, node_id id);

} // namespace kpu::dfg
