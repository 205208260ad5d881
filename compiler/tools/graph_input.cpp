#include "compiler/tools/graph_input.h"

#include "compiler/dfg/reader.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace kpu {

void add_options(CLI::App& app, graph_options& o) {
    app.add_option("graph", o.path, "domain flow graph (.dfg)")->required();
    app.add_option("--batch", o.batch, "extent of dynamic leading dimensions")->capture_default_str();
    app.add_flag("--legacy", o.legacy, "accept the older layouts without slots");
}

bound_graph load_graph(const graph_options& o) {
    if (o.batch == 0) {
        diagnostic problem;
        problem.message = "the batch is empty";
        problem.text = "0";
        problem.expected = "--batch from 1";
        throw input_error(std::move(problem));
    }
    dfg::read_options reading;
    reading.legacy = o.legacy;
    bound_graph g;
    diagnostics warnings;
    g.graph = dfg::read_dfg(o.path, reading, warnings);
    std::cerr << to_string(warnings);
    dfg::bind_batch(g.graph, o.batch);
    warnings = {};
    g.bound = dfg::bind_operands(g.graph, warnings);
    std::cerr << to_string(warnings);
    return g;
}

} // namespace kpu
