// The .dfg reader: every rule of the format, one violation at a time.

#include "compiler/dfg/reader.h"
#include "compiler/dfg/text.h"
#include "compiler/dfg/writer.h"
#include "tests/dfg/samples.h"

#include <boost/test/unit_test.hpp>
#include <string>

using kpu::dfg::node_id;
using kpu::dfg::operator_kind;
using kpu::test::parse;
using kpu::test::small_graph;
using kpu::test::with;

namespace {

const kpu::dfg::node& node_of(const kpu::dfg::graph& g, unsigned id) {
    return g.nodes.at(node_id(id));
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

/// small_graph() with one more node that has these attributes, on line 9.
std::string with_attributes(const std::string& attributes) {
    return with(with(small_graph(), "NODES 4", "NODES 5"), "EDGES 3\n",
                "NODE 7 : |x|CONV2D|0||" + attributes + "||\nEDGES 3\n");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_graph_is_read_as_it_stands) {
    const auto got = parse(small_graph());
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.text.empty(), got.text);
    BOOST_TEST(got.graph.name == "small");
    BOOST_TEST(got.graph.nodes.size() == 4U);
    const kpu::dfg::node& mm = node_of(got.graph, 2);
    BOOST_TEST(mm.name == "matmul");
    BOOST_TEST((mm.op == operator_kind::matmul));
    BOOST_TEST(mm.depth == 1);
    BOOST_TEST(mm.line == 7U);
    BOOST_TEST(to_string(mm.operand_types.at(1)) == "tensor<16x4xf32>");
    BOOST_TEST(mm.result_labels.at(0) == "C");
    BOOST_TEST(node_of(got.graph, 3).attributes.at("target") == "memory");
    BOOST_TEST(got.graph.edges.size() == 3U);
    const kpu::dfg::edge& e = got.graph.edges[1];
    BOOST_TEST((e.from == node_id(1) && e.to == node_id(2)));
    BOOST_TEST(e.to_slot == 1U);
    BOOST_TEST(e.stationary);
    BOOST_TEST(e.bits == 32U);
    BOOST_TEST((e.schedule == std::vector<std::int64_t>{1, 1, 1}));
    BOOST_TEST((got.graph.sources == std::vector<node_id>{node_id(0), node_id(1)}));
    BOOST_TEST((got.graph.sinks == std::vector<node_id>{node_id(3)}));
}

BOOST_AUTO_TEST_CASE(line_ends_do_not_matter) {
    const kpu::dfg::graph plain = parse(small_graph()).graph;
    BOOST_TEST((parse(small_graph() + "\n").graph == plain));
    BOOST_TEST((parse(replace_all(small_graph(), "\n", "\r\n")).graph == plain));
    BOOST_TEST((parse(replace_all(small_graph() + "\n", "\n", "\r\n") + "\r\n\r\n").graph == plain));
    BOOST_TEST(parse(with(small_graph(), "EDGES 3", "EDGES\r 3")).says("g.dfg:9:1: error: control character"));
    BOOST_TEST(parse(with(small_graph(), "EDGES 3\n", "\nEDGES 3\n")).says("g.dfg:9:1: error: blank line"));
}

BOOST_AUTO_TEST_CASE(order_within_sections_does_not_matter) {
    const std::string line = "ADJ 2 : 3\n";
    const std::string moved = with(with(small_graph(), line, ""), "SOURCE", line + "SOURCE");
    BOOST_TEST((parse(moved).graph == parse(small_graph()).graph));
}

BOOST_AUTO_TEST_CASE(header_and_trailer_may_be_missing) {
    const std::string headless = with(small_graph(), "Domain Flow Graph: small\n", "");
    const std::string bare = with(headless, "SOURCE: 0, 1\nSINK: 3", "");
    const auto f2a = parse(bare);
    BOOST_REQUIRE_MESSAGE(f2a.accepted, f2a.text);
    BOOST_TEST(f2a.text.empty(), f2a.text);
    BOOST_TEST(f2a.graph.name.empty());
    BOOST_TEST((f2a.graph.nodes == parse(small_graph()).graph.nodes));
    const auto cut = parse(with(small_graph(), "SOURCE: 0, 1\nSINK: 3", ""));
    BOOST_TEST(cut.accepted);
    BOOST_TEST(cut.says("may be truncated"));
}

BOOST_AUTO_TEST_CASE(other_names_and_headers) {
    BOOST_TEST(parse(with(small_graph(), "Domain Flow Graph: small", "Graph:   a:b c")).graph.name == "a:b c");
    BOOST_TEST(parse(with(small_graph(), "Domain Flow Graph: small", "X:")).graph.name.empty());
    BOOST_TEST(parse(with(small_graph(), "Domain Flow Graph: small", "hello")).says("g.dfg:1:1: error: not a domain"));
    BOOST_TEST(parse(with(small_graph(), "DIRECTED", "UNDIRECTED")).says("g.dfg:2:1: error: undirected"));
    BOOST_TEST(parse("").says("g.dfg: error: empty file"));
}

BOOST_AUTO_TEST_CASE(empty_graph) {
    const auto got =
        parse("Domain Flow Graph: \nDIRECTED\nRUNNING_NODE_ID 0\nNODES 0\nEDGES 0\nADJACENCY 0\nSOURCE: \nSINK: ");
    BOOST_TEST(got.accepted, got.text);
    BOOST_TEST(got.graph.nodes.empty());
    BOOST_TEST((parse(kpu::dfg::to_dfg(got.graph)).graph == got.graph));
}

BOOST_AUTO_TEST_CASE(attributes_are_split_outside_brackets) {
    const auto got = parse(with_attributes("dilation:array<i64: 1, 1>,kind:\"a, b: (\",map:(d0) -> (d0, d1),"
                                           "max_fp:6.000000e+00 : f32,pad:array<i64: 0, 1, 0, 1>"));
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    const auto& attributes = node_of(got.graph, 7).attributes;
    BOOST_TEST(attributes.size() == 5U);
    BOOST_TEST(attributes.at("pad") == "array<i64: 0, 1, 0, 1>");
    BOOST_TEST(attributes.at("max_fp") == "6.000000e+00 : f32");
    BOOST_TEST(attributes.at("kind") == "\"a, b: (\"");
    BOOST_TEST(attributes.at("map") == "(d0) -> (d0, d1)");
}

BOOST_AUTO_TEST_CASE(truncated_attributes_are_reported) {
    const auto got = parse(with_attributes("dilation:array<i64: 1,pad:array<i64: 0,stride:array<i64: 2"));
    BOOST_TEST(!got.accepted);
    BOOST_TEST(got.says("g.dfg:9:23: error: truncated attribute"), got.text);
    BOOST_TEST(parse(with_attributes("a:b,c")).says("attribute without a value: 'c'"));
    BOOST_TEST(parse(with_attributes("a:1,a:2")).says("attribute given twice"));
}

BOOST_AUTO_TEST_CASE(labels_have_an_end) {
    const auto labelled = [](const std::string& labels) {
        return parse(with(small_graph(), "C|0:tensor<4x4xf32>", labels + "|0:tensor<4x4xf32>"));
    };
    for (const char* whole : {"C", "f(x, y)", "a<", "f(x,1:g("}) {
        const auto got = labelled(whole);
        BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
        BOOST_TEST((parse(kpu::dfg::to_dfg(got.graph)).graph == got.graph));
    }
    // split at each comma because c<d is open; without it, which does not count, f(x,2:y) would be one label
    const auto open = labelled("a<b>,1:c<d,1:f(x,2:y)");
    BOOST_TEST(!open.accepted);
    BOOST_TEST(open.says("error: brackets do not balance: where one label ends"), open.text);
}

BOOST_AUTO_TEST_CASE(damaged_types_are_repaired_with_a_warning) {
    const auto cut = parse(with(small_graph(), "0:tensor<4x16xf32>,1", "0:tensor<4x16xf32,1"));
    BOOST_REQUIRE_MESSAGE(cut.accepted, cut.text);
    BOOST_TEST(cut.says("g.dfg:7:29: warning: missing '>'"), cut.text);
    BOOST_TEST((cut.graph == parse(small_graph()).graph));
    const auto nested = parse(with(small_graph(), "C|0:tensor<4x4xf32>", "C|0:tensor<tensor<4x4xf32>"));
    BOOST_REQUIRE_MESSAGE(nested.accepted, nested.text);
    BOOST_TEST(nested.says("warning: nested tensor type"));
    BOOST_TEST((nested.graph == parse(small_graph()).graph));
}

BOOST_AUTO_TEST_CASE(text_is_utf8) {
    BOOST_TEST(parse(with(small_graph(), "const.B", "\xc3\xa4")).accepted);
    BOOST_TEST(parse(with(small_graph(), "const.B", "\xff")).says("g.dfg:8: error: line is not UTF-8"));
}

BOOST_AUTO_TEST_CASE(warnings_do_not_end_a_file) {
    // More repaired types than errors would be listed: the nodes after them are still read.
    std::string nodes;
    constexpr unsigned k_nodes = 300;
    for (unsigned i = 0; i < k_nodes; ++i)
        nodes += "NODE " + std::to_string(i) + " : |a|CONSTANT|0|||0:A|0:tensor<4xf32>>\n";
    const auto got = parse("Domain Flow Graph: x\nDIRECTED\nRUNNING_NODE_ID 299\nNODES 300\n" + nodes +
                           "EDGES 0\nADJACENCY 0\nSOURCE: \nSINK: \n");
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.graph.nodes.size() == k_nodes);
}

BOOST_AUTO_TEST_CASE(what_is_read_can_be_written) {
    for (const std::string& text :
         {with(small_graph(), "Domain Flow Graph: ", "Domain Flow Graph: a|b "),
          with(small_graph(), "|||0:B|", "|||0:f(x, y)|"), with(small_graph(), "|||0:B|", "|||0:f(x,1:y|")}) {
        const auto got = parse(text);
        BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
        BOOST_TEST((parse(kpu::dfg::to_dfg(got.graph)).graph == got.graph));
    }
    BOOST_TEST(parse(with_attributes("<a:b>")).says("malformed key of an attribute: '<a:b>'"));
}

BOOST_AUTO_TEST_CASE(types) {
    const auto good = [](const std::string& text) {
        const auto parsed = kpu::dfg::parse_type(text);
        return parsed.type && parsed.repair.empty() ? to_string(*parsed.type) : parsed.problem + parsed.repair;
    };
    for (const char* text :
         {"tensor<f32>", "tensor<4xf32>", "tensor<?x224x224x3xf32>", "tensor<2x3x?xbf16>", "tensor<1xsi8>"})
        BOOST_TEST(good(text) == text);
    BOOST_TEST(good("tensor<4x256>") == "tensor type without an element type");
    BOOST_TEST(good("1xi32") == "not a tensor type");
    BOOST_TEST(good("tensor<>") == "malformed tensor type");
    BOOST_TEST(good("tensor<4x-1xf32>") == "malformed tensor type");
    BOOST_TEST(good("tensor<0xf32>") == "extent out of range");
    BOOST_TEST(good("tensor<99999999999999999999xf32>") == "extent out of range");
    BOOST_TEST(good("tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>") == "more than 16 dimensions");
    BOOST_TEST(good("tensor<4xf32>>") == "superfluous '>' of a tensor type ignored");
}

BOOST_AUTO_TEST_CASE(slots) {
    const auto sparse =
        parse(with(small_graph(), "NODE 1 : |const.B|CONSTANT|0|||0:B|", "NODE 1 : |const.B|CONSTANT|0|||0:B,7:D|"));
    BOOST_TEST(node_of(sparse.graph, 1).result_labels.at(7) == "D");
    const auto twice = parse(with(small_graph(), "|||0:B|", "|||0:X,0:B|"));
    BOOST_TEST(twice.says("slot given twice"));
    BOOST_TEST((twice.graph == parse(small_graph()).graph));
    BOOST_TEST(parse(with(small_graph(), "|||0:B|", "|||x:B|")).says("malformed slot: 'x:B'"));
    BOOST_TEST(parse(with(small_graph(), "|||0:B|", "|||65536:B|")).says("malformed slot"));
}

BOOST_AUTO_TEST_CASE(parallel_edges_are_both_kept) {
    std::string text = with(small_graph(), "EDGE 1 -> 2 : 0|true|tensor<16x4xf32>|32|0|1|",
                            "EDGE 0 -> 2 : 0|true|tensor<16x4xf32>|32|0|1|");
    text = with(with(text, "ADJACENCY 3", "ADJACENCY 2"), "ADJ 1 : 2\n", "");
    const auto got = parse(text);
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.graph.edges.size() == 3U);
    BOOST_TEST(got.graph.edges[0].to_slot == 0U);
    BOOST_TEST(got.graph.edges[1].to_slot == 1U);
    BOOST_TEST(parse(with(text, "32|0|1|", "32|0|0|")).says("repeated edge ignored"));
}

BOOST_AUTO_TEST_CASE(trailer_is_advisory) {
    const std::string two_ends =
        "Domain Flow Graph: x\nDIRECTED\nRUNNING_NODE_ID 3\nNODES 4\n"
        "NODE 0 : |a|CONSTANT|0|||0:A|0:tensor<4xf32>\nNODE 1 : |b|CONSTANT|0|||0:B|0:tensor<4xf32>\n"
        "NODE 2 : |r|FUNCTION_RETURN|1|0:tensor<4xf32>|||\nNODE 3 : |r|FUNCTION_RETURN|1|0:tensor<4xf32>|||\n"
        "EDGES 2\nEDGE 0 -> 2 : 0|true|tensor<4>|32|0|0|\nEDGE 1 -> 3 : 0|true|tensor<4>|32|0|0|\n"
        "ADJACENCY 2\nADJ 0 : 2\nADJ 1 : 3\nSOURCE: 0, 1\nSINK: 23";
    const auto got = parse(two_ends);
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.says("g.dfg:16: warning: sinks name unknown nodes and are recomputed"), got.text);
    BOOST_TEST((got.graph.sinks == std::vector<node_id>{node_id(2), node_id(3)}));
    BOOST_TEST(kpu::dfg::to_dfg(got.graph).find("SINK: 2, 3\n") != std::string::npos);
    const auto sources = parse(with(small_graph(), "SOURCE: 0, 1", "SOURCE: 0, x, 77"));
    BOOST_TEST((sources.graph.sources == std::vector<node_id>{node_id(0)}));
    BOOST_TEST(sources.says("not a node id: ' x'"));
}

BOOST_AUTO_TEST_CASE(errors_have_their_lines) {
    const struct {
        const char* from;
        const char* to;
        const char* expected;
    } cases[] = {
        {"|MATMUL|", "|MATMULL|", "g.dfg:7:18: error: unknown operator: 'MATMULL' [hint: did you mean MATMUL?]"},
        {"|MATMUL|", "|matmul2|", "g.dfg:7:18: error: unknown operator: 'matmul2'"},
        {"NODES 4", "NODES 5", "g.dfg:4: error: count mismatch: 5 NODE lines declared, 4 found"},
        {"EDGES 3", "EDGES 2", "g.dfg:9: error: count mismatch: 2 EDGE lines declared, 3 found"},
        {"ADJACENCY 3", "ADJACENCY 4", "g.dfg:13: error: count mismatch: 4 ADJ lines declared, 3 found"},
        {"NODES 4", "NODES four", "g.dfg:4:7: error: malformed count: 'four'"},
        {"NODES 4", "NODES 99999999999999999999", "g.dfg:4:7: error: malformed count"},
        {"NODES 4", "NODES 4000000", "g.dfg:4:7: error: malformed count"},
        {"EDGE 1 -> 2", "EDGE 1 -> 9", "g.dfg:11: error: edge to a node that does not exist: '9'"},
        {"EDGES 3\n", "", "g.dfg:9:1: error: unexpected line"},
        {"ADJACENCY 3\n", "", "missing section before this line: 'SOURCE: 0, 1' (expected ADJACENCY)"},
        {"NODE 1", "NODE one", "g.dfg:8:6: error: not a node id: 'one'"},
        {"NODE 1", "NODE -1", "g.dfg:8:6: error: not a node id: '-1'"},
        {"NODE 1", "NODE 4294967296", "g.dfg:8:6: error: not a node id"},
        {"NODE 1", "NODE 0", "g.dfg:8:1: error: node id used twice"},
        {"|CONSTANT|0|||0:B|", "|CONSTANT|zero|||0:B|", "g.dfg:8:28: error: malformed depth: 'zero'"},
        {"|CONSTANT|0|||0:B|", "|CONSTANT|0||||0:B|", "g.dfg:8:9: error: NODE with 8 '|'"},
        {"NODE 1 :", "NODE 1 ", "line without ':'"},
        {"EDGE 1 -> 2", "EDGE 1 2", "g.dfg:11:1: error: malformed EDGE"},
        {"|32|0|1|1,1,1", "|32|0|-1|1,1,1", "g.dfg:11:44: error: malformed destination slot: '-1'"},
        {"|32|0|1|1,1,1", "|many|0|1|1,1,1", "malformed element size"},
        {"|32|0|1|1,1,1", "|32|0|1|1,x", "malformed schedule: 'x'"},
        {"0|true|tensor<16x4xf32>", "f|true|tensor<16x4xf32>", "malformed flow"},
        {"ADJ 2 : 3", "ADJ 2 : 3, z", "not a node id: ' z'"},
        {"ADJACENCY 3", "NODES 4", "g.dfg:13:1: error: section out of order or repeated"},
        {"SINK: 3", "SINKS: 3", "g.dfg:18:1: error: unexpected line"},
        {"tensor<16x4xf32>\nEDGES", "tensor<16x4>\nEDGES", "g.dfg:8:38: error: tensor type without an element type"},
    };
    for (const auto& c : cases) {
        const auto got = parse(with(small_graph(), c.from, c.to));
        BOOST_TEST(!got.accepted, c.to << " was accepted");
        BOOST_TEST(got.says(c.expected), c.expected << " is not in\n" << got.text);
    }
}

BOOST_AUTO_TEST_CASE(all_problems_are_collected) {
    std::string text = with(small_graph(), "|MATMUL|", "|MATMULL|");
    text = with(text, "NODES 4", "NODES 9");
    text = with(text, "EDGE 1 -> 2", "EDGE 1 -> 99");
    const auto got = parse(text);
    for (const char* expected : {"g.dfg:4:", "g.dfg:7:", "g.dfg:11:"})
        BOOST_TEST(got.says(expected), got.text);
}

BOOST_AUTO_TEST_CASE(every_truncation_is_noticed) {
    const std::string whole = small_graph();
    const std::size_t last_edge = whole.find("ADJACENCY");
    for (std::size_t length = 0; length < whole.find("SINK: "); ++length) {
        const auto got = parse(whole.substr(0, length));
        // Sections are lost with an error, derived data at the end at least with a warning.
        BOOST_TEST(!(got.accepted && (length < last_edge || got.text.empty())), "nothing said at " << length);
    }
}

BOOST_AUTO_TEST_CASE(derived_data_are_checked_and_recomputed) {
    const auto depth = parse(with(small_graph(), "|MATMUL|1|", "|MATMUL|5|"));
    BOOST_TEST(depth.says("g.dfg:7: warning: depth is not the longest path, which is used instead: '5' (expected 1)"),
               depth.text);
    BOOST_TEST((depth.graph == parse(small_graph()).graph));
    const auto wrong = parse(with(small_graph(), "ADJ 1 : 2", "ADJ 1 : 3"));
    BOOST_TEST(wrong.accepted);
    BOOST_TEST(wrong.says("g.dfg:16: warning: adjacency disagrees"));
    const auto lacking = parse(with(with(small_graph(), "ADJ 1 : 2\n", ""), "ADJACENCY 3", "ADJACENCY 2"));
    BOOST_TEST(lacking.says("g.dfg:13: warning: adjacency lacks a node that has edges: '1'"));
    BOOST_TEST(
        parse(with(small_graph(), "0|true|tensor<16x4xf32>", "0|TRUE|tensor<16x4xf32>")).graph.edges[1].stationary ==
        false);
}

BOOST_AUTO_TEST_CASE(legacy_layouts_need_permission) {
    const std::string f1 = "DIRECTED\nRUNNING_NODE_ID 3\nNODES 4\n"
                           "NODE 0 : |w|CONSTANT|0|||w|tensor<4x2xf32>\nNODE 1 : |arg0|FUNCTION_ARGUMENT|0||||\n"
                           "NODE 2 : |tosa.matmul|MATMUL|1|tensor<3x4xf32>,tensor<4x2xf32>||result_0|tensor<3x2xf32>\n"
                           "NODE 3 : |func.return|UNKNOWN|2|tensor<3x2xf32>|||\nEDGES 3\n"
                           "EDGE 0 -> 2 : 1|true|1xi32|32|0,0,0\nEDGE 1 -> 2 : 1|true|1xi32|32|0,0,0\n"
                           "EDGE 2 -> 3 : 1|true|1xi32|32|0,0,0\nADJACENCY 3\nADJ 0 : 2\nADJ 1 : 2\nADJ 2 : 3\n";
    BOOST_TEST(parse(f1).says("g.dfg:4:1: error: legacy layout F1"), parse(f1).text);
    const auto got = parse(f1, true);
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.says("g.dfg:4:1: warning: legacy layout F1"));
    BOOST_TEST(got.graph.edges[0].to_slot == 1U); // by type
    BOOST_TEST(got.graph.edges[1].to_slot == 0U); // by elimination
    BOOST_TEST((node_of(got.graph, 3).op == operator_kind::function_return));
    BOOST_TEST(parse(with(small_graph(), "|32|0|1|1,1,1", "|32|1,1,1")).says("legacy layout F0 or F1"));
}

BOOST_AUTO_TEST_CASE(all_operators_are_known_by_name) {
    const auto& names = kpu::dfg::operator_names();
    BOOST_TEST(names.size() == 39U);
    for (const std::string& name : names)
        BOOST_TEST(kpu::dfg::name_of(kpu::dfg::operator_named(name).value()) == name);
    BOOST_TEST(kpu::dfg::name_of(operator_kind::constant) == "CONSTANT");
    BOOST_TEST(kpu::dfg::name_of(operator_kind::matmul) == "MATMUL");
    BOOST_TEST(kpu::dfg::name_of(operator_kind::negate) == "NEGATE");
    BOOST_TEST(kpu::dfg::name_of(operator_kind::unknown) == "UNKNOWN");
    BOOST_TEST(!kpu::dfg::operator_named("Matmul"));
}

BOOST_AUTO_TEST_CASE(writer_refuses_what_cannot_be_written) {
    const kpu::dfg::graph good = parse(small_graph()).graph;
    BOOST_TEST((parse(kpu::dfg::to_dfg(good)).graph == good));
    const auto refuses = [&](auto change) {
        kpu::dfg::graph changed = good;
        change(changed.nodes.at(node_id(2)));
        BOOST_CHECK_THROW((void)kpu::dfg::to_dfg(changed), kpu::input_error);
    };
    refuses([](kpu::dfg::node& n) { n.name = "a|b"; });
    refuses([](kpu::dfg::node& n) { n.name = "a\nb"; });
    refuses([](kpu::dfg::node& n) { n.result_labels[0] = "a,b"; });
    refuses([](kpu::dfg::node& n) { n.attributes["x"] = "array<i64: 1"; });
    refuses([](kpu::dfg::node& n) { n.attributes["x"] = "1, 2"; });
    refuses([](kpu::dfg::node& n) { n.attributes["x:y"] = "1"; });
}
