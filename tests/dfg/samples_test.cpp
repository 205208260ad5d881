// The public sample graphs: what is known of them, round trips, and mutations of their text.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/interface.h"
#include "compiler/dfg/ops/resolve.h"
#include "compiler/dfg/reference/evaluate.h"
#include "compiler/dfg/writer.h"
#include "platforms/common/files.h"
#include "tests/dfg/samples.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <sstream>

using kpu::dfg::node_id;
using kpu::dfg::operator_kind;
using kpu::test::sample;

namespace utf = boost::unit_test;

namespace {

kpu::test::parse_outcome read(const std::string& path) {
    return kpu::test::parse(kpu::read_file(path), path.find("test1") != std::string::npos);
}

std::multiset<std::string> lines_of(const std::string& text) {
    std::multiset<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        out.insert(line);
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(mobilenet_v1, *utf::precondition(kpu::test::samples_present)) {
    const auto got = read(sample("mobilenet_v1.dfg"));
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.text.empty(), got.text);
    BOOST_TEST(got.graph.nodes.size() == 126U);
    BOOST_TEST(got.graph.edges.size() == 126U);
    BOOST_TEST(got.graph.sources.size() == 59U);
    BOOST_TEST((got.graph.sinks == std::vector<node_id>{node_id(125)}));
    const auto& conv = got.graph.nodes.at(node_id(59)).attributes;
    BOOST_TEST(conv.at("pad") == "array<i64: 0, 1, 0, 1>");
    BOOST_TEST(conv.at("stride") == "array<i64: 2, 2>");
    BOOST_TEST(conv.at("dilation") == "array<i64: 1, 1>");
    const auto& clamp = got.graph.nodes.at(node_id(60)).attributes;
    BOOST_TEST(clamp.at("min_fp") == "0.000000e+00 : f32");
    BOOST_TEST(clamp.at("max_fp") == "6.000000e+00 : f32");
    BOOST_TEST(got.graph.nodes.at(node_id(117)).attributes.at("new_shape") == "array<i64: -1, 1000>");
}

BOOST_AUTO_TEST_CASE(mobilenet_v1_binds_completely, *utf::precondition(kpu::test::samples_present)) {
    kpu::dfg::graph g = read(sample("mobilenet_v1.dfg")).graph;
    kpu::dfg::bind_batch(g, 3);
    kpu::diagnostics warnings;
    const kpu::dfg::binding bound = kpu::dfg::bind_operands(g, warnings);
    BOOST_TEST(warnings.empty(), to_string(warnings));
    BOOST_TEST(bound.compute.size() == 65U);
    // The function's argument feeds the first convolution.
    BOOST_TEST((bound.operand(node_id(59), 0) == kpu::dfg::value_ref{node_id(0), 0}));
    const auto interface = kpu::dfg::interface_of(g, bound);
    BOOST_TEST(interface.inputs.size() == 58U); // one argument and 57 constants
    BOOST_TEST(interface.inputs[0].keys.front() == "arg0");
    BOOST_TEST((interface.inputs[0].dims == kpu::shape{3, 224, 224, 3}));
    BOOST_TEST(interface.inputs[1].keys.front() == "n2"); // all constants are labelled result_0
    BOOST_TEST(interface.outputs.size() == 1U);
    BOOST_TEST(interface.outputs[0].key == "result0");
    BOOST_TEST((interface.outputs[0].dims == kpu::shape{3, 1000}));
    std::uint64_t macs = 0;
    for (const node_id id : bound.compute) {
        const kpu::dfg::resolved_op op = kpu::dfg::resolve(g, bound, id);
        if (const auto* c = std::get_if<kpu::dfg::convolution>(&op.parameters))
            macs += c->macs();
    }
    BOOST_TEST(macs == 3 * 568740352U);
}

BOOST_AUTO_TEST_CASE(order_of_lines_is_no_difference, *utf::precondition(kpu::test::samples_present)) {
    const auto a = read(sample("matmul.dfg"));
    const auto b = read(sample("non-batched-2-input-matmul.dfg"));
    BOOST_REQUIRE_MESSAGE(a.accepted && b.accepted, a.text << b.text);
    BOOST_TEST((a.graph == b.graph));
    kpu::diagnostics warnings;
    const auto bound = kpu::dfg::bind_operands(a.graph, warnings);
    const auto interface = kpu::dfg::interface_of(a.graph, bound);
    BOOST_TEST(interface.inputs.size() == 2U); // node 2 is dead
    BOOST_TEST(warnings.empty());
}

BOOST_AUTO_TEST_CASE(test1_is_legacy, *utf::precondition(kpu::test::samples_present)) {
    const std::string text = kpu::read_file(sample("test1.dfg"));
    BOOST_TEST(kpu::test::parse(text).says("g.dfg:4:1: error: legacy layout F0"));
    const auto got = kpu::test::parse(text, true);
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.graph.nodes.size() == 7U);
    BOOST_TEST(got.graph.edges.size() == 6U);
    const auto& add = got.graph.nodes.at(node_id(3));
    BOOST_TEST((add.op == operator_kind::add));
    BOOST_TEST(add.operand_types.size() == 2U);
    BOOST_TEST(to_string(add.operand_types.at(0)) == "tensor<1x1x4xf32>");
    BOOST_TEST(to_string(add.operand_types.at(1)) == "tensor<1x1x4xf32>");
}

BOOST_AUTO_TEST_CASE(kalman_filter_is_repaired_and_then_refused, *utf::precondition(kpu::test::samples_present)) {
    const auto got = read(sample("kalman_filter.dfg"));
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    BOOST_TEST(got.says("g.dfg:7:79: warning: nested tensor type"), got.text);
    kpu::diagnostics warnings;
    try {
        (void)kpu::dfg::bind_operands(got.graph, warnings);
        BOOST_ERROR("accepted");
    } catch (const kpu::input_error& problem) {
        BOOST_TEST(std::string(problem.what()).find("g.dfg:8: error: node 3 'sigmoid' (SIGMOID) declares operand 0") ==
                       0U,
                   problem.what());
    }
}

BOOST_AUTO_TEST_CASE(writing_and_reading_again_changes_nothing, *utf::precondition(kpu::test::samples_present)) {
    const auto samples = kpu::test::all_samples();
    BOOST_TEST(samples.size() >= 13U);
    for (const std::string& path : samples) {
        const auto first = read(path);
        BOOST_REQUIRE_MESSAGE(first.accepted, path << "\n" << first.text);
        const std::string written = kpu::dfg::to_dfg(first.graph);
        const auto second = kpu::test::parse(written);
        BOOST_REQUIRE_MESSAGE(second.accepted && second.text.empty(), path << "\n" << second.text);
        BOOST_TEST((second.graph == first.graph), path);
        BOOST_TEST(kpu::dfg::to_dfg(second.graph) == written);
        if (first.text.empty()) // nothing was mended: the lines are those of the file
            BOOST_TEST((lines_of(written) == lines_of(kpu::read_file(path))), path);
    }
}

BOOST_AUTO_TEST_CASE(chains_widen_their_seeds, *utf::precondition(kpu::test::samples_present)) {
    for (const char* name : {"matmul_8x8_chained.dfg", "matmul_16x16_chained.dfg", "matmul_256x256_chained.dfg",
                             "matmul_8x4_expand_contract.dfg"}) {
        const auto got = read(sample(name));
        BOOST_REQUIRE_MESSAGE(got.accepted && got.text.empty(), got.text);
        kpu::diagnostics warnings;
        const auto bound = kpu::dfg::bind_operands(got.graph, warnings);
        BOOST_TEST(warnings.empty(), to_string(warnings));
        kpu::dfg::check_evaluable(got.graph, bound);
        const auto interface = kpu::dfg::interface_of(got.graph, bound);
        BOOST_TEST(interface.inputs.size() == 8U);
        BOOST_TEST(interface.inputs[0].keys.front() == "A1");
        BOOST_TEST(interface.outputs.at(0).key == "C4");
        BOOST_TEST((interface.outputs.at(0).type == kpu::dtype::f64));
    }
}

BOOST_AUTO_TEST_CASE(returns_without_a_label_are_numbered, *utf::precondition(kpu::test::samples_present)) {
    const auto got = read(sample("AtimesBtimesC_skinny.dfg"));
    kpu::diagnostics warnings;
    const auto bound = kpu::dfg::bind_operands(got.graph, warnings);
    const auto interface = kpu::dfg::interface_of(got.graph, bound);
    BOOST_TEST(interface.outputs.at(0).key == "result0");
    BOOST_TEST((interface.inputs.at(2).keys == std::vector<std::string>{"C-matrix", "n2"}));
}

BOOST_AUTO_TEST_CASE(mutated_graphs_never_crash) {
    constexpr std::uint64_t k_seed = 4711;
    BOOST_TEST_MESSAGE("seed " << k_seed);
    std::vector<std::string> texts{kpu::test::small_graph()};
    if (kpu::test::samples_present(0))
        for (const std::string& path : kpu::test::all_samples())
            texts.push_back(kpu::read_file(path));
    std::mt19937_64 random(k_seed);
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    constexpr std::string_view k_bytes = "|:,<>x?0123456789 -\n\r\0NEA\"tensor";
    unsigned accepted = 0;
    unsigned evaluated = 0;
    constexpr unsigned k_rounds = 12000;
    for (unsigned round = 0; round < k_rounds; ++round) {
        std::string text = texts[below(texts.size())];
        for (std::size_t change = 0; change <= below(3); ++change) {
            const std::size_t at = below(text.size());
            switch (below(4)) {
            case 0:
                text[at] = k_bytes[below(k_bytes.size())];
                break;
            case 1:
                text.erase(at, 1 + below(8));
                break;
            case 2:
                text.insert(at, 1, k_bytes[below(k_bytes.size())]);
                break;
            default:
                text.insert(at, text.substr(below(text.size()), below(60)));
            }
        }
        const auto got = kpu::test::parse(text, round % 2 == 0);
        BOOST_REQUIRE(got.accepted || !got.text.empty());
        accepted += got.accepted ? 1 : 0;
        if (!got.accepted)
            continue;
        try {
            kpu::dfg::graph g = got.graph;
            kpu::dfg::bind_batch(g, 2);
            kpu::diagnostics warnings;
            const auto bound = kpu::dfg::bind_operands(g, warnings);
            (void)kpu::dfg::interface_of(g, bound);
            kpu::dfg::check_evaluable(g, bound);
            ++evaluated;
        } catch (const kpu::input_error&) {
        }
    }
    BOOST_TEST_MESSAGE(accepted << " accepted, " << evaluated << " evaluable");
    BOOST_TEST(accepted > k_rounds / 50);
    BOOST_TEST(accepted < k_rounds);
    BOOST_TEST(evaluated > 0U);
}
