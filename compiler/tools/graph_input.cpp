#include "compiler/tools/graph_input.h"

#include "compiler/dfg/reader.h"
#include "platforms/common/number_option.h"

#include <iostream>

namespace kpu {

void add_options(CLI::App& app, graph_options& o) {
    app.add_option("graph", o.path, "domain flow graph (.dfg)")->required();
    add_number(app, "--batch", o.batch, "extent of dynamic leading dimensions", 1)->capture_default_str();
    app.add_flag("--legacy", o.legacy, "accept the older layouts without slots");
}

bound_graph load_graph(const graph_options& o) {
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
