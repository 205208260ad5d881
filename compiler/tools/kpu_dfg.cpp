// kpu-dfg: writes domain flow graphs.

#include "compiler/dfg/build.h"
#include "compiler/dfg/writer.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/tool.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <optional>

namespace {

struct options {
    kpu::dfg::matmul_graph_spec spec;
    std::string type = "f32";
    std::string result;
    std::string output;
};

kpu::dtype parse_dtype(const std::string& text) {
    if (const auto type = kpu::dtype_named(text))
        return *type;
    kpu::diagnostic problem;
    problem.message = "unknown element type";
    problem.text = text;
    problem.expected = "f64, f32, f16, bf16, f8, i8 or i32";
    throw kpu::input_error(std::move(problem));
}

int run(options o) {
    o.spec.type = parse_dtype(o.type);
    if (!o.result.empty())
        o.spec.result = parse_dtype(o.result);
    const kpu::dfg::graph graph = kpu::dfg::matmul_graph(o.spec);
    kpu::dfg::write_dfg(o.output, graph);
    fmt::print("{}: {} nodes, {} edges\n", o.output, graph.nodes.size(), graph.edges.size());
    return kpu::exit_success;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Writes domain flow graphs.", "kpu-dfg");
    app.require_subcommand(1);
    options o;
    CLI::App* matmul = app.add_subcommand("matmul", "Cout = A·B (+ Cin), then · B2 · B3 … with --chain");
    matmul->add_option("--m", o.spec.m, "rows of A")->required();
    matmul->add_option("--n", o.spec.n, "columns of B")->required();
    matmul->add_option("--k", o.spec.k, "columns of A, rows of B")->required();
    matmul->add_option("--type", o.type, "element type of A and B")->capture_default_str();
    matmul->add_option("--result", o.result, "element type of the product (default: that of A and B; i32 for i8)");
    matmul->add_flag("--seeded", o.spec.seeded, "with Cin, from which the sums start");
    matmul->add_option("--batch", o.spec.batch, "batch of matrices: all tensors have rank 3");
    matmul->add_option("--chain", o.spec.chain, "columns of B2, B3, …")->delimiter(',');
    matmul->add_option("--name", o.spec.name, "name of the graph")->capture_default_str();
    matmul->add_option("-o,--output", o.output, "file to write (.dfg)")->required();
    return kpu::run_tool(app, argc, argv, [&] { return run(o); });
}
