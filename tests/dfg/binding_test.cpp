// Operand binding, order, interface, and the checks of MATMUL.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/build.h"
#include "compiler/dfg/interface.h"
#include "compiler/dfg/matmul.h"
#include "tests/dfg/samples.h"

#include <boost/test/unit_test.hpp>
#include <functional>

using kpu::dtype;
using kpu::dfg::graph;
using kpu::dfg::node_id;
using kpu::dfg::value_ref;

namespace {

/// A graph from bare lines: sections, counts and adjacency are supplied.
graph graph_of(const std::vector<std::string>& nodes, const std::vector<std::string>& edges) {
    std::string text = "DIRECTED\nRUNNING_NODE_ID 0\nNODES " + std::to_string(nodes.size()) + "\n";
    for (const std::string& line : nodes)
        text += "NODE " + line + "\n";
    text += "EDGES " + std::to_string(edges.size()) + "\n";
    for (const std::string& line : edges)
        text += "EDGE " + line + "|1,1,1\n";
    const auto got = kpu::test::parse(text + "ADJACENCY 0\n");
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    return got.graph;
}

struct bound_graph {
    kpu::dfg::binding bound;
    std::string warnings;
};

bound_graph bind(const graph& g) {
    kpu::diagnostics warnings;
    bound_graph out;
    out.bound = kpu::dfg::bind_operands(g, warnings);
    out.warnings = to_string(warnings);
    return out;
}

std::string problem_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const kpu::input_error& problem) {
        return problem.what();
    }
    return "accepted";
}

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string binding_problem(const graph& g) {
    return problem_of([&] { (void)bind(g); });
}

const char* const k_a = "0 : |a|CONSTANT|0|||0:A|0:tensor<4x4xf32>";

std::vector<std::string> operands_of(const std::string& a, const std::string& b, const std::string& c,
                                     const std::string& result, const std::string& declared_c = {}) {
    std::vector<std::string> out{"0 : |a|CONSTANT|0|||0:A|0:tensor<" + a + ">",
                                 "1 : |b|CONSTANT|0|||0:B|0:tensor<" + b + ">"};
    std::string types = "0:tensor<" + a + ">,1:tensor<" + b + ">";
    if (!c.empty()) {
        out.push_back("2 : |c|CONSTANT|0|||0:Cin|0:tensor<" + c + ">");
        types += ",2:tensor<" + (declared_c.empty() ? c : declared_c) + ">";
    }
    out.push_back("3 : |mm|MATMUL|1|" + types + "||0:C|0:tensor<" + result + ">");
    out.push_back("4 : |out|FUNCTION_RETURN|2|0:tensor<" + result + ">||0:Cout|0:tensor<" + result + ">");
    return out;
}

graph product(const std::string& a, const std::string& b, const std::string& c, const std::string& result,
              const std::string& declared_c = {}) {
    std::vector<std::string> edges{"0 -> 3 : 0|true|x|32|0|0", "1 -> 3 : 0|true|x|32|0|1", "3 -> 4 : 0|true|x|32|0|0"};
    if (!c.empty())
        edges.push_back("2 -> 3 : 0|true|x|32|0|2");
    return graph_of(operands_of(a, b, c, result, declared_c), edges);
}

kpu::dfg::matmul matmul_of(const graph& g) {
    const bound_graph b = bind(g);
    return kpu::dfg::matmul_at(g, b.bound, node_id(3));
}

std::string matmul_problem(const graph& g) {
    return problem_of([&] { (void)matmul_of(g); });
}

} // namespace

BOOST_AUTO_TEST_CASE(a_compute_node_without_operands_takes_no_input) {
    const graph g = graph_of({"0 : |a|ADD|0|||0:A|0:tensor<4xf32>", "1 : |r|FUNCTION_RETURN|1|0:tensor<4xf32>|||"},
                             {"0 -> 1 : 0|true|tensor<4xf32>|32|0|0"});
    const auto interface = kpu::dfg::interface_of(g, bind(g).bound);
    BOOST_TEST(interface.inputs.empty());
    BOOST_TEST(interface.outputs.size() == 1U);
}

BOOST_AUTO_TEST_CASE(same_value_in_two_operands) {
    const graph g = graph_of({k_a, "1 : |mm|MATMUL|1|0:tensor<4x4xf32>,1:tensor<4x4xf32>||0:C|0:tensor<4x4xf32>",
                              "2 : |r|FUNCTION_RETURN|2|0:tensor<4x4xf32>|||"},
                             {"0 -> 1 : 0|true|x|32|0|0", "0 -> 1 : 0|true|x|32|0|1", "1 -> 2 : 0|true|x|32|0|0"});
    const bound_graph b = bind(g);
    BOOST_TEST((b.bound.operand(node_id(1), 0) == value_ref{node_id(0), 0}));
    BOOST_TEST((b.bound.operand(node_id(1), 1) == value_ref{node_id(0), 0}));
    BOOST_TEST(!b.bound.operand(node_id(1), 2));
    BOOST_TEST(b.warnings.empty(), b.warnings);
    BOOST_TEST((b.bound.compute == std::vector<node_id>{node_id(1)}));
    BOOST_TEST((b.bound.order == std::vector<node_id>{node_id(0), node_id(1), node_id(2)}));
}

BOOST_AUTO_TEST_CASE(an_operand_without_an_edge_is_bound_by_type) {
    // Upstream drops the second edge between the same two nodes.
    const std::string mm = "1 : |mm|MATMUL|1|0:tensor<4x4xf32>,1:tensor<4x4xf32>||0:C|0:tensor<4x4xf32>";
    const std::string end = "2 : |r|FUNCTION_RETURN|2|0:tensor<4x4xf32>|||";
    const bound_graph b = bind(graph_of({k_a, mm, end}, {"0 -> 1 : 0|true|x|32|0|0", "1 -> 2 : 0|true|x|32|0|0"}));
    BOOST_TEST((b.bound.operand(node_id(1), 1) == value_ref{node_id(0), 0}));
    BOOST_TEST(
        says(b.warnings, "g.dfg:5: warning: node 1 'mm' (MATMUL) has no edge into operand 1: taken from the producer"),
        b.warnings);
}

BOOST_AUTO_TEST_CASE(an_operand_that_nothing_fits_is_an_input) {
    const graph g = graph_of({k_a, "1 : |mm|MATMUL|1|0:tensor<4x4xf32>,1:tensor<4x2xf32>||0:C|0:tensor<4x2xf32>",
                              "2 : |r|FUNCTION_RETURN|2|0:tensor<4x2xf32>|||"},
                             {"0 -> 1 : 0|true|x|32|0|0", "1 -> 2 : 0|true|x|32|0|0"});
    const bound_graph b = bind(g);
    BOOST_TEST(says(b.warnings, "operand 1: taken from outside the graph"), b.warnings);
    const auto interface = kpu::dfg::interface_of(g, b.bound);
    BOOST_TEST(interface.inputs.size() == 2U);
    BOOST_TEST((interface.inputs[1].kind == kpu::dfg::input_kind::open_operand));
    BOOST_TEST(interface.inputs[1].keys.front() == "n1.1");
    BOOST_TEST((interface.inputs[1].dims == kpu::shape{4, 2}));
}

BOOST_AUTO_TEST_CASE(function_edges_lead_to_the_arguments) {
    const std::vector<std::string> nodes{
        "0 : |func.arg|FUNCTION_ARGUMENT|0|||0:arg0|0:tensor<?x4x4xf32>",
        "1 : |func.arg|FUNCTION_ARGUMENT|0|||0:arg1|0:tensor<?x4x2xf32>",
        "2 : |func.func|FUNCTION|0|0:tensor<?x4x4xf32>,1:tensor<?x4x2xf32>||0:result0|0:tensor<?x4x2xf32>",
        "3 : |tosa.matmul|MATMUL|1|0:tensor<?x4x4xf32>,1:tensor<?x4x2xf32>||0:result_0|0:tensor<?x4x2xf32>",
        "4 : |func.return|FUNCTION_RETURN|2|0:tensor<?x4x2xf32>|||",
        "5 : |result0|FUNCTION_RESULT|2||||"};
    graph g = graph_of(nodes, {"2 -> 3 : 1|true|1xi32|32|0|0", "2 -> 3 : 1|true|1xi32|32|1|1",
                               "3 -> 4 : 1|true|1xi32|32|0|0", "3 -> 5 : 1|true|1xi32|32|0|0"});
    kpu::dfg::bind_batch(g, 8);
    const bound_graph b = bind(g);
    BOOST_TEST(b.warnings.empty(), b.warnings);
    BOOST_TEST((b.bound.operand(node_id(3), 0) == value_ref{node_id(0), 0}));
    BOOST_TEST((b.bound.operand(node_id(3), 1) == value_ref{node_id(1), 0}));
    const auto interface = kpu::dfg::interface_of(g, b.bound);
    BOOST_TEST((interface.inputs[1].keys == std::vector<std::string>{"arg1", "n1"}));
    BOOST_TEST((interface.inputs[1].kind == kpu::dfg::input_kind::argument));
    BOOST_TEST(interface.outputs.size() == 1U);
    BOOST_TEST(interface.outputs[0].key == "result0");
    const kpu::dfg::matmul mm = kpu::dfg::matmul_at(g, b.bound, node_id(3));
    BOOST_TEST(mm.batched);
    BOOST_TEST(mm.batch == 8U);

    const graph wrong = graph_of({nodes.begin() + 1, nodes.end()}, {"2 -> 3 : 1|true|x|32|7|0"});
    BOOST_TEST(says(binding_problem(wrong), "declares 2 arguments and has 1 FUNCTION_ARGUMENT nodes"));
    BOOST_TEST(says(binding_problem(wrong), "edge from an argument that the function does not have: '7'"));
}

BOOST_AUTO_TEST_CASE(wrong_edges_are_refused) {
    const auto nodes = operands_of("4x4xf32", "4x4xf32", "", "4x4xf32");
    BOOST_TEST(says(binding_problem(graph_of(
                        nodes, {"0 -> 3 : 0|true|x|32|0|0", "1 -> 3 : 0|true|x|32|0|0", "3 -> 4 : 0|true|x|32|0|0"})),
                    "g.dfg:10: error: operand slot fed by two edges"));
    BOOST_TEST(
        says(binding_problem(graph_of(nodes, {"0 -> 3 : 0|true|x|32|0|5"})), "edge into an operand slot that node 3"));
    BOOST_TEST(says(binding_problem(graph_of(nodes, {"0 -> 3 : 0|true|x|32|9|0"})), "has no type for result 9"));
    BOOST_TEST(says(binding_problem(graph_of(nodes, {"0 -> 3 : 0|true|x|32|0|0", "1 -> 3 : 0|true|x|32|0|1"})),
                    "nothing to return"));
}

BOOST_AUTO_TEST_CASE(cycles_are_shown) {
    const auto relu = [](const std::string& id) { return id + " : |r|RELU|1|0:tensor<4xf32>||0:x|0:tensor<4xf32>"; };
    const graph g = graph_of({relu("1"), relu("2"), relu("3"), "4 : |o|FUNCTION_RETURN|1|0:tensor<4xf32>|||"},
                             {"1 -> 2 : 0|true|x|32|0|0", "2 -> 3 : 0|true|x|32|0|0", "3 -> 1 : 0|true|x|32|0|0",
                              "3 -> 4 : 0|true|x|32|0|0"});
    BOOST_TEST(says(binding_problem(g), "g.dfg:4: error: cyclic data flow: '1 -> 2 -> 3 -> 1'"), binding_problem(g));
    const graph self = graph_of({relu("1")}, {"1 -> 1 : 0|true|x|32|0|0"});
    BOOST_TEST(says(binding_problem(self), "cyclic data flow: '1 -> 1'"));
}

BOOST_AUTO_TEST_CASE(dead_nodes) {
    const graph g =
        graph_of({k_a, "1 : |r|RELU|1|0:tensor<4x4xf32>||0:x|0:tensor<4x4xf32>",
                  "2 : |b|CONSTANT|0|||0:B|0:tensor<4x4xf32>", "3 : |o|FUNCTION_RETURN|1|0:tensor<4x4xf32>|||"},
                 {"0 -> 1 : 0|true|x|32|0|0", "0 -> 3 : 0|true|x|32|0|0"});
    const bound_graph b = bind(g);
    BOOST_TEST(b.bound.compute.empty());
    BOOST_TEST(b.warnings == "g.dfg:5: warning: node 1 'r' (RELU) leads to no output and is left out\n");
    const auto interface = kpu::dfg::interface_of(g, b.bound);
    BOOST_TEST(interface.inputs.size() == 1U);
    BOOST_TEST((interface.outputs.at(0).value == value_ref{node_id(0), 0}));
}

BOOST_AUTO_TEST_CASE(declared_and_produced_types_must_agree) {
    const auto chain = [](const std::string& declared) {
        return graph_of({k_a, "1 : |r|RELU|1|0:tensor<" + declared + ">||0:x|0:tensor<4x4xf32>",
                         "2 : |o|FUNCTION_RETURN|1|0:tensor<4x4xf32>|||"},
                        {"0 -> 1 : 0|true|x|32|0|0", "1 -> 2 : 0|true|x|32|0|0"});
    };
    BOOST_TEST(binding_problem(chain("4x4xf32")) == "accepted");
    BOOST_TEST(binding_problem(chain("4x4xf64")) == "accepted");
    BOOST_TEST(
        says(binding_problem(chain("4x4xf16")), "g.dfg:5: error: node 1 'r' (RELU) declares operand 0 otherwise"));
    BOOST_TEST(says(binding_problem(chain("4xf32")), "'tensor<4xf32>' (expected tensor<4x4xf32>)"));
    graph widened_return = chain("4x4xf32");
    widened_return.nodes.at(node_id(2)).operand_types[0] = kpu::dfg::make_type(dtype::f64, {4, 4});
    BOOST_TEST(says(binding_problem(widened_return), "node 2 'o' (FUNCTION_RETURN) declares operand 0 otherwise"));
}

BOOST_AUTO_TEST_CASE(keys_of_inputs_and_outputs) {
    graph g = product("4x4xf32", "4x4xf32", "4x4xf32", "4x4xf32");
    const auto keys = [&](std::size_t i) { return kpu::dfg::interface_of(g, bind(g).bound).inputs.at(i).keys; };
    using names = std::vector<std::string>;
    BOOST_TEST((keys(0) == names{"A", "n0"}));
    g.nodes.at(node_id(1)).result_labels[0] = "A";
    BOOST_TEST((keys(0) == names{"n0"}));
    BOOST_TEST((keys(1) == names{"n1"}));
    g.nodes.at(node_id(1)).result_labels[0] = "C"; // the label of the product
    BOOST_TEST((keys(1) == names{"n1"}));
    g.nodes.at(node_id(1)).result_labels[0] = "n0"; // another node's number
    BOOST_TEST((keys(1) == names{"n1"}));
    BOOST_TEST((keys(0) == names{"A", "n0"}));

    const auto key = [&] { return kpu::dfg::interface_of(g, bind(g).bound).outputs.at(0).key; };
    BOOST_TEST(key() == "Cout");
    g.nodes.at(node_id(4)).result_labels.clear();
    BOOST_TEST(key() == "result0");
    g.nodes.erase(node_id(4));
    g.edges.erase(std::remove_if(g.edges.begin(), g.edges.end(), [](const auto& e) { return e.to == node_id(4); }),
                  g.edges.end());
    BOOST_TEST(says(problem_of([&] { (void)key(); }), "graph has no outputs"));
}

BOOST_AUTO_TEST_CASE(several_returns_are_counted) {
    const std::string end = " : |o|FUNCTION_RETURN|1|0:tensor<4x4xf32>||";
    const graph g =
        graph_of({k_a, "1" + end + "|", "2" + end + "0:X|", "3" + end + "|", "4" + end + "0:Y|", "5" + end + "0:Y|"},
                 {"0 -> 1 : 0|true|x|32|0|0", "0 -> 2 : 0|true|x|32|0|0", "0 -> 3 : 0|true|x|32|0|0",
                  "0 -> 4 : 0|true|x|32|0|0", "0 -> 5 : 0|true|x|32|0|0"});
    std::vector<std::string> keys;
    for (const auto& output : kpu::dfg::interface_of(g, bind(g).bound).outputs)
        keys.push_back(output.key);
    BOOST_TEST((keys == std::vector<std::string>{"result0", "X", "result2", "result3", "result4"}));
}

BOOST_AUTO_TEST_CASE(unsupported_types_have_their_line) {
    const graph g = product("4x4xsi16", "4x4xsi16", "", "4x4xsi16");
    BOOST_TEST(says(problem_of([&] { (void)kpu::dfg::interface_of(g, bind(g).bound); }),
                    "g.dfg:4: error: node 0 'a' (CONSTANT) has an unsupported element type"));
    BOOST_TEST(says(matmul_problem(g), "unsupported element type"));
    const graph dynamic = product("?x4xf32", "4x4xf32", "", "?x4xf32");
    BOOST_TEST(
        says(problem_of([&] { (void)kpu::dfg::interface_of(dynamic, bind(dynamic).bound); }), "has a dynamic shape"));
    const graph huge = product("281474976710656x4xf32", "4x4xf32", "", "281474976710656x4xf32");
    BOOST_TEST(says(problem_of([&] { (void)kpu::dfg::interface_of(huge, bind(huge).bound); }),
                    "g.dfg:4: error: node 0 'a' (CONSTANT): too many elements"));
}

BOOST_AUTO_TEST_CASE(batch_binds_leading_dimensions_only) {
    graph g = product("?x4xf32", "4x4xf32", "", "?x4xf32");
    kpu::dfg::bind_batch(g, 5);
    BOOST_TEST(matmul_of(g).m == 5U);
    graph inner = product("4x?xf32", "?x4xf32", "", "4x4xf32");
    BOOST_TEST(says(problem_of([&] { kpu::dfg::bind_batch(inner, 2); }),
                    "dynamic dimension other than the first: 'tensor<4x?xf32>'"));
    BOOST_TEST(says(problem_of([&] { kpu::dfg::bind_batch(g, 0); }), "batch out of range"));
}

BOOST_AUTO_TEST_CASE(matmuls_that_are_right) {
    const kpu::dfg::matmul mm = matmul_of(product("4x16xf16", "16x8xf16", "4x8xf8", "4x8xf32", "4x8xf16"));
    BOOST_TEST(mm.m == 4U);
    BOOST_TEST(mm.n == 8U);
    BOOST_TEST(mm.k == 16U);
    BOOST_TEST(mm.macs() == 512U);
    BOOST_TEST(!mm.batched);
    BOOST_TEST((mm.operand == dtype::f16 && mm.accumulator == dtype::f32 && mm.result == dtype::f32));
    BOOST_TEST((mm.seed_type == dtype::f8));
    BOOST_TEST(
        (mm.a == value_ref{node_id(0), 0} && mm.b == value_ref{node_id(1), 0} && mm.seed == value_ref{node_id(2), 0}));
    const kpu::dfg::matmul batched = matmul_of(product("3x4x16xi8", "3x16x8xi8", "3x4x8xi8", "3x4x8xi32"));
    BOOST_TEST(batched.batched);
    BOOST_TEST(batched.batch == 3U);
    BOOST_TEST(batched.macs() == 3U * 512U);
    for (const char* t : {"f64", "f32", "f16", "bf16", "f8", "i32"}) {
        const std::string square = std::string("2x2x") + t;
        BOOST_TEST(matmul_problem(product(square, square, square, square)) == "accepted");
    }
}

BOOST_AUTO_TEST_CASE(matmuls_that_are_wrong) {
    const struct {
        const char* a;
        const char* b;
        const char* c;
        const char* result;
        const char* expected;
    } cases[] = {
        {"4x16xf32", "15x8xf32", "", "4x8xf32",
         "shapes of MATMUL disagree: 'tensor<4x16xf32> · tensor<15x8xf32> -> tensor<4x8xf32>'"},
        {"4x16xf32", "16x8xf32", "", "4x9xf32", "shapes of MATMUL disagree"},
        {"4x16xf32", "16x8xf32", "", "5x8xf32", "shapes of MATMUL disagree"},
        {"2x4x16xf32", "3x16x8xf32", "", "2x4x8xf32", "shapes of MATMUL disagree"},
        {"1x4x16xf32", "16x8xf32", "", "4x8xf32", "shapes of MATMUL disagree"},
        {"16xf32", "16x8xf32", "", "1x8xf32", "static shapes of rank 2 or 3"},
        {"4x16xf32", "16x8xf16", "", "4x8xf32", "element types of A and B differ: 'f32 and f16'"},
        {"4x16xf32", "16x8xf32", "", "4x8xf16", "result type of MATMUL"},
        {"4x16xi8", "16x8xi8", "", "4x8xi8", "(expected i32)"},
        {"4x16xf8", "16x8xf8", "", "4x8xf16", "(expected f8 or f32)"},
        {"4x16xf32", "16x8xf32", "4x8xf64", "4x8xf32",
         "operand 2 does not widen exactly to the accumulator type: 'f64' (expected f32)"},
        {"4x16xf32", "16x8xf32", "4x8xi8", "4x8xf32", "operand 2 does not widen"},
        {"4x16xf32", "16x8xf32", "4x9xf32", "4x8xf32", "shape of operand 2"},
    };
    for (const auto& c : cases) {
        const std::string problem = matmul_problem(product(c.a, c.b, c.c, c.result));
        BOOST_TEST(says(problem, c.expected), c.expected << " is not in " << problem);
        BOOST_TEST(says(problem, "g.dfg:" + std::to_string(*c.c == 0 ? 6 : 7) + ": error: node 3 'mm' (MATMUL): "),
                   problem);
    }
}

BOOST_AUTO_TEST_CASE(nothing_of_a_matmul_is_dropped) {
    graph g = product("4x4xf32", "4x4xf32", "", "4x4xf32");
    g.nodes.at(node_id(3)).attributes["activation"] = "relu";
    BOOST_TEST(says(matmul_problem(g), "attribute of MATMUL is not yet supported: 'activation:relu'"));
    graph four = product("4x4xf32", "4x4xf32", "4x4xf32", "4x4xf32");
    four.nodes.at(node_id(3)).operand_types[3] = kpu::dfg::make_type(dtype::f32, {4, 4});
    BOOST_TEST(says(matmul_problem(four), "at most three operands"));
    graph widened_a = product("4x4xf32", "4x4xf32", "", "4x4xf32");
    widened_a.nodes.at(node_id(0)).result_types[0] = kpu::dfg::make_type(dtype::f16, {4, 4});
    BOOST_TEST(says(matmul_problem(widened_a), "only operand 2 of MATMUL may be declared wider"));
}

BOOST_AUTO_TEST_CASE(built_graphs_are_canonical) {
    kpu::dfg::matmul_graph_spec spec;
    spec.m = 3;
    spec.n = 4;
    spec.k = 5;
    spec.type = dtype::i8;
    spec.seeded = true;
    spec.chain = {6, 7};
    const graph g = kpu::dfg::matmul_graph(spec);
    const bound_graph b = bind(g);
    BOOST_TEST(b.warnings.empty(), b.warnings);
    const auto interface = kpu::dfg::interface_of(g, b.bound);
    std::string keys;
    for (const auto& input : interface.inputs)
        keys += input.keys.front() + " ";
    BOOST_TEST(keys == "A B Cin B2 B3 ");
    BOOST_TEST(interface.outputs.at(0).key == "Cout");
    BOOST_TEST((interface.outputs.at(0).dims == kpu::shape{3, 7}));
    BOOST_TEST((interface.outputs.at(0).type == dtype::i32));
    spec.k = 0;
    BOOST_CHECK_THROW((void)kpu::dfg::matmul_graph(spec), kpu::input_error);
}
