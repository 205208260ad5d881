// kpu-dfg: writes domain flow graphs.

#include "compiler/dfg/build.h"
#include "compiler/dfg/workloads.h"
#include "compiler/dfg/writer.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/number_option.h"
#include "platforms/common/tool.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <optional>

namespace {

struct options {
    kpu::dfg::matmul_graph_spec spec;
    kpu::dfg::mlp_spec mlp;
    kpu::dfg::conv_spec conv;
    kpu::dfg::attention_spec attention;
    kpu::dfg::classifier_spec classifier;
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

kpu::dfg::graph build(const std::string& command, options& o) {
    const kpu::dtype type = parse_dtype(o.type);
    o.spec.type = o.mlp.type = o.conv.type = o.attention.type = o.classifier.type = type;
    if (command == "mlp")
        return kpu::dfg::mlp_graph(o.mlp);
    if (command == "conv" || command == "residual")
        return kpu::dfg::conv_graph(o.conv);
    if (command == "attention" || command == "encoder")
        return kpu::dfg::attention_graph(o.attention);
    if (command == "classifier")
        return kpu::dfg::classifier_graph(o.classifier);
    if (!o.result.empty())
        o.spec.result = parse_dtype(o.result);
    return kpu::dfg::matmul_graph(o.spec);
}

int run(const std::string& command, options& o) {
    const kpu::dfg::graph graph = build(command, o);
    kpu::dfg::write_dfg(o.output, graph);
    fmt::print("{}: {} nodes, {} edges\n", o.output, graph.nodes.size(), graph.edges.size());
    return kpu::exit_success;
}

void add_matmul(CLI::App& app, options& o) {
    CLI::App* matmul = app.add_subcommand("matmul", "Cout = A·B (+ Cin), then · B2 · B3 … with --chain");
    kpu::add_number(*matmul, "--m", o.spec.m, "rows of A", 1)->required();
    kpu::add_number(*matmul, "--n", o.spec.n, "columns of B", 1)->required();
    kpu::add_number(*matmul, "--k", o.spec.k, "columns of A, rows of B", 1)->required();
    matmul->add_option("--type", o.type, "element type of A and B")->capture_default_str();
    matmul->add_option("--result", o.result, "element type of the product (default: that of A and B; i32 for i8)");
    matmul->add_flag("--seeded", o.spec.seeded, "with Cin, from which the sums start");
    kpu::add_number(*matmul, "--batch", o.spec.batch, "batch of matrices: all tensors have rank 3", 1);
    kpu::add_number(*matmul, "--chain", o.spec.chain, "columns of B2, B3, …", 1)->delimiter(',');
    matmul->add_option("--name", o.spec.name, "name of the graph")->capture_default_str();
    matmul->add_option("-o,--output", o.output, "file to write (.dfg)")->required();
}

CLI::App* add_network(CLI::App& app, options& o, const std::string& command, const std::string& text,
                      std::string& name) {
    CLI::App* sub = app.add_subcommand(command, text);
    sub->add_option("--type", o.type, "element type; i8: a quantised network, scales are inputs")
        ->capture_default_str();
    sub->add_option("--name", name, "name of the graph")->capture_default_str();
    sub->add_option("-o,--output", o.output, "file to write (.dfg)")->required();
    return sub;
}

void add_networks(CLI::App& app, options& o) {
    CLI::App* mlp = add_network(app, o, "mlp", "dense layers with relu", o.mlp.name);
    kpu::add_number(*mlp, "--batch", o.mlp.batch, "rows of the input", 1)->capture_default_str();
    kpu::add_number(*mlp, "--widths", o.mlp.widths, "of the input and of each layer", 1)->delimiter(',')->required();
    for (const std::string command : {"conv", "residual"}) {
        const bool residual = command == "residual";
        CLI::App* conv = add_network(
            app, o, command, residual ? "convolutions, the input added to the last" : "convolutions with clamps",
            o.conv.name);
        kpu::add_number(*conv, "--batch", o.conv.batch, "images", 1)->capture_default_str();
        kpu::add_number(*conv, "--height", o.conv.height, "of the image", 1)->required();
        kpu::add_number(*conv, "--width", o.conv.width, "of the image", 1)->required();
        kpu::add_number(*conv, "--channels", o.conv.channels, "of the image and of each layer", 1)
            ->delimiter(',')
            ->required();
        kpu::add_number(*conv, "--kernel", o.conv.kernel, "height and width", 1)->capture_default_str();
        if (!residual) {
            kpu::add_number(*conv, "--stride", o.conv.stride, "of the first layer", 1)->capture_default_str();
            conv->add_flag("!--no-clamp", o.conv.activated, "convolutions alone");
        }
        conv->callback([&o, residual] { o.conv.residual = residual; });
    }
    CLI::App* classifier =
        add_network(app, o, "classifier", "convolutions of stride 2, then dense layers", o.classifier.name);
    kpu::add_number(*classifier, "--batch", o.classifier.batch, "images", 1)->capture_default_str();
    kpu::add_number(*classifier, "--side", o.classifier.side, "height and width of an image", 1)->capture_default_str();
    kpu::add_number(*classifier, "--channels", o.classifier.channels, "of the image and of each convolution", 1)
        ->delimiter(',')
        ->required();
    kpu::add_number(*classifier, "--widths", o.classifier.widths, "of each dense layer", 1)->delimiter(',')->required();
    for (const std::string command : {"attention", "encoder"}) {
        const bool encoder = command == "encoder";
        CLI::App* attention =
            add_network(app, o, command, encoder ? "a transformer's encoder layer" : "self-attention with its softmax",
                        o.attention.name);
        kpu::add_number(*attention, "--tokens", o.attention.tokens, "rows of the input", 1)->required();
        kpu::add_number(*attention, "--model", o.attention.model, "columns of the input", 1)->required();
        kpu::add_number(*attention, "--heads", o.attention.heads, "divide the model's columns", 1)
            ->capture_default_str();
        if (encoder)
            kpu::add_number(*attention, "--hidden", o.attention.hidden, "columns of the hidden layer", 1)->required();
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Writes domain flow graphs.", "kpu-dfg");
    app.require_subcommand(1);
    options o;
    add_matmul(app, o);
    add_networks(app, o);
    return kpu::run_tool(app, argc, argv, [&] { return run(app.get_subcommands().front()->get_name(), o); });
}
