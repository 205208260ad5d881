// kpu-reference: evaluates a graph in plain C++.

#include "compiler/dfg/reference/evaluate.h"
#include "compiler/tensor/host_memory.h"
#include "compiler/tensor/npz.h"
#include "compiler/tensor/selection.h"
#include "compiler/tools/graph_input.h"
#include "platforms/common/number_option.h"
#include "platforms/common/option_files.h"
#include "platforms/common/tool.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>
#include <optional>

namespace {

struct options {
    kpu::graph_options graph;
    std::string tensors;
    std::string outputs;
    std::optional<std::uint64_t> seed;
};

/// Refuses graphs whose inputs and outputs alone exceed the machine's memory, before anything is allocated.
void check_memory(const kpu::dfg::graph_interface& interface, const std::string& file) {
    double needed = 0;
    const auto add = [&](const auto& value) {
        needed += static_cast<double>(kpu::element_count(value.dims) * kpu::size_of(value.type));
    };
    for (const auto& input : interface.inputs)
        add(input);
    for (const auto& output : interface.outputs)
        add(output);
    kpu::location where;
    where.file = file;
    kpu::require_host_memory(needed, where);
}

int run(const options& o) {
    kpu::require_separate({{"the graph", o.graph.path}, {"--tensors", o.tensors}}, {{"--outputs", o.outputs}});
    const auto [graph, bound] = kpu::load_graph(o.graph);
    kpu::dfg::check_evaluable(graph, bound);
    const kpu::dfg::graph_interface interface = kpu::dfg::interface_of(graph, bound);
    check_memory(interface, o.graph.path);

    kpu::diagnostics warnings;
    kpu::location where;
    where.file = o.tensors;
    kpu::npz_arrays given;
    if (!o.tensors.empty())
        given = kpu::read_npz(o.tensors);
    const kpu::tensor_map inputs =
        kpu::select_tensors(kpu::dfg::expected_inputs(interface), std::move(given), o.seed, where, warnings);
    std::cerr << to_string(warnings);

    const kpu::tensor_map outputs = kpu::dfg::evaluate(graph, bound, interface, inputs);
    kpu::write_npz(o.outputs, outputs);
    for (const auto& [key, value] : outputs)
        fmt::print("{}: {} -> {}\n", key, kpu::describe(value.type, value.dims), o.outputs);
    return kpu::exit_success;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Evaluates a domain flow graph in plain C++, with the numerics that the chip has.", "kpu-reference");
    options o;
    add_options(app, o.graph);
    app.add_option("--tensors", o.tensors, "inputs by name (.npz)");
    app.add_option("--outputs", o.outputs, "where the outputs go (.npz)")->required();
    kpu::add_number(app, "--random", o.seed,
                    "fill inputs that are not given: number i in the graph's list of inputs from SEED + i");
    return kpu::run_tool(app, argc, argv, [&] { return run(o); });
}
