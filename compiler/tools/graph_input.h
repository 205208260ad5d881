#pragma once
// The graph that a tool works on: its command-line options, and how it becomes a bound graph.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/graph.h"

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace kpu {

struct graph_options {
    std::string path;
    std::uint64_t batch = 1;
    bool legacy = false;
};
/// The positional `graph`, --batch and --legacy.
void add_options(CLI::App& app, graph_options& o);

struct bound_graph {
    dfg::graph graph;
    dfg::binding bound;
};
/// Reads the file, binds its batch and its operands. Warnings go to stderr at once, so that they stand before an error
/// that follows from what they say. Throws input_error as the steps do.
[[nodiscard]] bound_graph load_graph(const graph_options& o);

} // namespace kpu
