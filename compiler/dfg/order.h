#pragma once
// Topological order.

#include "compiler/dfg/graph.h"
#include "platforms/common/diagnostic.h"

#include <map>
#include <set>
#include <vector>

namespace kpu::dfg {

using dependence_map = std::map<node_id, std::set<node_id>>; ///< node -> nodes that it needs

/// Every node after those it needs, the smallest id first among the ready. A cycle is an error that lists its nodes, at
/// the line of the first; the order then lacks the nodes on and behind it.
[[nodiscard]] std::vector<node_id> topological_order(const graph& g, const dependence_map& needs,
                                                     diagnostics& problems);

} // namespace kpu::dfg
