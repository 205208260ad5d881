#pragma once
// What the layouts F0 and F1 leave unsaid.

#include "compiler/dfg/graph.h"
#include "platforms/common/diagnostic.h"

namespace kpu::dfg {

/// Gives every edge of a graph without slots the operand slot that it feeds: equal types first, then the producers
/// without a type take the slots that are left. Nodes of the operator UNKNOWN named func.return and result<i> become
/// FUNCTION_RETURN and FUNCTION_RESULT. Edges that fit nowhere are errors.
void bind_legacy_edges(graph& g, diagnostics& problems);

} // namespace kpu::dfg
