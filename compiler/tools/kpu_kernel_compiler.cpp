// kpu-kernel-compiler: from a domain flow graph to a .kpu file.

#include "compiler/dfx/bounds.h"
#include "compiler/dfx/text.h"
#include "compiler/object/object.h"
#include "compiler/passes/embed.h"
#include "compiler/passes/explain.h"
#include "compiler/passes/lower.h"
#include "compiler/tools/graph_input.h"
#include "compiler/tools/tune_for.h"
#include "platforms/common/files.h"
#include "platforms/common/option_files.h"
#include "platforms/common/tool.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <iostream>

namespace {

constexpr const char* k_tool = "kpu-kernel-compiler";

struct options {
    kpu::graph_options graph;
    std::string output;
    std::string dataflow = "auto";
    std::string tile_strategy = "analytical";
    std::string format = "json";
    std::string weights;
    std::string tune_for;
    bool emit_dfx = false;
    bool dump = false;
    bool verbose = false;
    bool no_fusion = false;
};

[[noreturn]] void refuse(const std::string& message, const std::string& text, const std::string& expected) {
    kpu::diagnostic problem;
    problem.message = message;
    problem.text = text;
    problem.expected = expected;
    throw kpu::input_error(std::move(problem));
}

std::optional<kpu::dfx::dataflow> parse_dataflow(std::string text) {
    if (text == "auto")
        return std::nullopt;
    std::replace(text.begin(), text.end(), '-', '_');
    const auto flow = kpu::dfx::named<kpu::dfx::dataflow>(text);
    if (!flow)
        refuse("unknown dataflow", text, "output-stationary, weight-stationary, input-stationary or auto");
    return flow;
}

std::string tiles_text(const kpu::dfx::contraction& c) {
    return fmt::format("{}x{}x{}", c.tile[0], c.tile[1], c.tile[2]);
}

void dump(const kpu::dfg::graph& graph, const kpu::passes::lowered& result, std::size_t bytes) {
    const kpu::dfx::program& p = result.program;
    fmt::print("graph {}: {} nodes, {} edges\n", graph.name, graph.nodes.size(), graph.edges.size());
    fmt::print("program: DFX {}, {} kernels, {} tensors, {} bytes{}\n", p.version, p.kernels.size(), p.tensors.size(),
               bytes, p.tuned_for.empty() ? "" : ", tuned for " + p.tuned_for);
    for (const kpu::dfx::tensor_descriptor& t : p.tensors)
        fmt::print("  {} {}: {} {}{}\n", name_of(t.role), t.name, kpu::to_string(t.dims), name_of(t.type),
                   t.keys.empty() ? "" : fmt::format(", keys {}", fmt::join(t.keys, ", ")));
    for (const kpu::dfx::kernel& k : p.kernels) {
        const auto report = std::find_if(result.kernels.begin(), result.kernels.end(),
                                         [&](const kpu::passes::kernel_report& r) { return r.kernel == k.name; });
        if (report == result.kernels.end()) {
            const kpu::dfx::compute_op& op = *kpu::dfx::whole_tensor_operator(k);
            fmt::print("  kernel {}: {} into {} {}, estimated DRAM bytes {}, compute cycles {}, parallelism {}\n",
                       k.name, name_of(op.type), op.output.tensor_name, kpu::to_string(op.output.tile_shape),
                       k.hints.estimated_dram_bytes, k.hints.estimated_compute_cycles, k.hints.parallelism_degree);
            continue;
        }
        const kpu::dfx::contraction& c = report->product;
        const kpu::dfx::kernel_hints& hints = k.hints;
        fmt::print("  kernel {}: {} = {} * {}{}\n", k.name, c.c, c.a, c.b, c.seed ? " + " + *c.seed : "");
        fmt::print("    batch {}, M {}, N {}, K {}, {} MACs, {} -> {} -> {}\n", c.batch, c.m, c.n, c.k, c.macs(),
                   name_of(c.operand), name_of(c.accumulator), name_of(c.result));
        fmt::print("    tiles {} ({}), {}\n", tiles_text(c), name_of(c.tiles), name_of(c.flow));
        fmt::print("    compulsory DRAM bytes {}; estimated DRAM bytes {}, compute cycles {}, parallelism {}\n",
                   kpu::dfx::compulsory_bytes(c), hints.estimated_dram_bytes, hints.estimated_compute_cycles,
                   hints.parallelism_degree);
    }
}

void embed(const std::string& weights, kpu::dfx::program& program) {
    kpu::location where;
    where.file = weights;
    kpu::diagnostics warnings;
    kpu::passes::embed_constants(program, kpu::read_npz(weights), where, warnings);
    std::cerr << to_string(warnings);
}

int run(const options& o) {
    kpu::require_separate({{"the graph", o.graph.path}, {"--weights", o.weights}, {"--tune-for", o.tune_for}},
                          {{"--output", o.output}});
    kpu::passes::lower_options lowering;
    lowering.flow = parse_dataflow(o.dataflow);
    lowering.tiles = kpu::passes::parse_tile_request(o.tile_strategy);
    lowering.fusion = !o.no_fusion;
    lowering.compiler = kpu::tool_version(k_tool);
    if (!o.tune_for.empty())
        lowering.on = kpu::target_of(o.tune_for);
    const kpu::object::format format = kpu::object::format_named(o.format);
    if (o.output.empty() && !o.emit_dfx && !o.dump)
        refuse("no output is asked for", "", "-o FILE, --emit-dfx or --dump");

    const kpu::bound_graph input = kpu::load_graph(o.graph);
    kpu::passes::lowered result = kpu::passes::lower(input.graph, input.bound, lowering);
    std::cerr << to_string(result.warnings);
    if (!o.weights.empty())
        embed(o.weights, result.program);
    const std::string bytes = kpu::object::serialise(result.program, format);
    if (o.verbose)
        for (const kpu::passes::kernel_report& k : result.kernels)
            fmt::print(stderr, "{}", explain(k, lowering));
    if (!o.output.empty())
        kpu::write_file(o.output, bytes);
    if (o.emit_dfx)
        fmt::print("{}", kpu::dfx::to_text(result.program));
    if (o.dump)
        dump(input.graph, result, bytes.size());
    return kpu::exit_success;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Compiles a domain flow graph to a portable KPU object.", k_tool);
    options o;
    add_options(app, o.graph);
    app.add_option("-o,--output", o.output, "object file (.kpu)");
    app.add_option("--dataflow", o.dataflow, "output-stationary, weight-stationary, input-stationary or auto")
        ->capture_default_str();
    app.add_option("--tile-strategy", o.tile_strategy, "of MATMULs: analytical, search or fixed:Ti,Tj,Tk")
        ->capture_default_str();
    app.add_option("--format", o.format, "encoding of the object: json or binary")->capture_default_str();
    app.add_option("--weights", o.weights, "values of constants to carry in the object, by name (.npz)");
    app.add_option("--tune-for", o.tune_for, "choose for this platform (.yaml or .json); the object still runs on any");
    app.add_flag("--no-fusion", o.no_fusion, "a kernel per node; results do not depend on it");
    app.add_flag("--emit-dfx", o.emit_dfx, "print the program as DFX text");
    app.add_flag("--dump", o.dump, "print a summary of graph and program");
    app.add_flag("--verbose", o.verbose, "print candidates, costs and what decided tiles and dataflow (on stderr)");
    return kpu::run_tool(app, argc, argv, [&] { return run(o); });
}
