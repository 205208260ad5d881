#pragma once
// Writes .dfg files.

#include "compiler/dfg/graph.h"

#include <string>

namespace kpu::dfg {

/// The canonical form: header, nodes ascending by id, edges by (from, to, to_slot), adjacency by id, slots and keys
/// ascending, LF everywhere and at the end. Throws input_error for text that the format cannot carry (it has no
/// escapes): '|' (but for the graph's name) and line ends anywhere, bare commas in labels, unbalanced brackets in
/// attributes.
[[nodiscard]] std::string to_dfg(const graph& g);
void write_dfg(const std::string& path, const graph& g);

} // namespace kpu::dfg
