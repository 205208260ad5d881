// Whole networks on every shipped platform: the bits of an evaluator that shares nothing with the chip, no findings of
// the checkers, and what stays on the chip.

#include "tests/e2e/network_inputs.h"
#include "tests/e2e/networks.h"
#include "tests/e2e/on_chip.h"

#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr dtype k_types[] = {dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::f64, dtype::i8};

std::vector<double> only_output(const tensor_map& outputs) {
    return widened<double>(outputs.begin()->second);
}

/// How far a network's answers are from those in f64 on the same numbers: root of the mean square of the difference
/// over that of the answers.
double error_of(const test::network& n, dtype type) {
    const test::compiled_graph g = test::compile(n.make(type));
    const test::compiled_graph exact = test::compile(n.make(dtype::f64));
    tensor_map inputs = test::network_inputs(g, 7);
    const std::vector<double> found = only_output(test::reference_outputs(g, inputs));
    for (auto& [key, values] : inputs)
        values = convert(values, dtype::f64);
    const std::vector<double> expected = only_output(test::reference_outputs(exact, inputs));
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        difference += (found[i] - expected[i]) * (found[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return std::sqrt(difference / size);
}

void check_clean(const test::checked_chip::outcome& o) {
    for (const std::string& finding : o.findings)
        BOOST_ERROR(finding.substr(0, 2000));
}

bool has_mobilenet() {
    return std::filesystem::exists(std::string(KPU_SOURCE_DIR) + "/../shared/dfg/mobilenet_v1.dfg");
}

dfg::graph chained_matmuls() {
    dfg::matmul_graph_spec s;
    s.m = 96;
    s.n = 128;
    s.k = 160;
    s.chain = {64, 48};
    return dfg::matmul_graph(s);
}

} // namespace

BOOST_DATA_TEST_CASE(generated_networks_give_the_references_bits, bdata::make(test::shipped_platforms()), platform) {
    test::checked_chip chip(test::shipped(platform));
    for (const test::network& n : test::k_networks) {
        for (const dtype type : k_types) {
            BOOST_TEST_CONTEXT(n.name << " " << name_of(type)) {
                const test::compiled_graph g = test::compile(n.make(type));
                const tensor_map inputs = test::network_inputs(g, 7);
                const auto o = chip.run(g.program, inputs);
                check_clean(o);
                BOOST_TEST((o.outputs == test::reference_outputs(g, inputs)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(narrow_types_answer_like_wide_ones) {
    const std::pair<dtype, double> bounds[] = {
        {dtype::f32, 5e-6}, {dtype::f16, 1e-2}, {dtype::bf16, 5e-2}, {dtype::f8, 0.5}};
    for (const test::network& n : test::k_networks) {
        for (const auto& [type, bound] : bounds) {
            BOOST_TEST_CONTEXT(n.name << " " << name_of(type)) {
                const double error = error_of(n, type);
                BOOST_TEST_MESSAGE(n.name << " " << name_of(type) << ": " << error);
                // f8 ends at 448, which a layer norm's sum of squares exceeds
                const bool saturates = type == dtype::f8 && n.make == test::encoder;
                BOOST_TEST(std::isfinite(error));
                BOOST_TEST((saturates || error < bound));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(quantised_networks_answer_with_many_numbers) {
    for (const test::network& n : test::k_networks) {
        BOOST_TEST_CONTEXT(n.name) {
            const test::compiled_graph g = test::compile(n.make(dtype::i8));
            const std::vector<double> y = only_output(test::reference_outputs(g, test::network_inputs(g, 7)));
            const std::set<double> different(y.begin(), y.end());
            BOOST_TEST_MESSAGE(n.name << ": " << different.size() << " of " << y.size());
            BOOST_TEST(std::all_of(y.begin(), y.end(), [](double number) { return std::isfinite(number); }));
            BOOST_TEST(different.size() >= std::min<std::size_t>(y.size() / 2, 32));
        }
    }
}

BOOST_DATA_TEST_CASE(fusion_changes_no_bit, bdata::make({std::string("minimal"), std::string("datacenter")}),
                     platform) {
    std::size_t merged = 0;
    test::checked_chip chip(test::shipped(platform));
    for (const test::network& n : test::k_networks) {
        for (const dtype type : {dtype::f16, dtype::i8}) {
            BOOST_TEST_CONTEXT(n.name << " " << name_of(type)) {
                const test::compiled_graph fused = test::compile(n.make(type));
                const test::compiled_graph plain = test::compile(n.make(type), test::without_fusion());
                BOOST_TEST(fused.program.kernels.size() <= plain.program.kernels.size());
                merged += plain.program.kernels.size() - fused.program.kernels.size();
                const tensor_map inputs = test::network_inputs(fused, 3);
                const auto o = chip.run(plain.program, inputs);
                check_clean(o);
                BOOST_TEST((o.outputs == chip.run(fused.program, inputs).outputs));
            }
        }
    }
    BOOST_TEST(merged > 10U);
}

BOOST_AUTO_TEST_CASE(a_quantised_layer_is_one_kernel) {
    BOOST_TEST(test::compile(test::mlp(dtype::i8)).program.kernels.size() == 3U);
    BOOST_TEST(test::compile(test::convolutions(dtype::i8)).program.kernels.size() == 2U);
    BOOST_TEST(test::compile(test::classifier(dtype::i8)).program.kernels.size() == 4U);
}

BOOST_DATA_TEST_CASE(mobilenet_runs_whole, bdata::make(test::shipped_platforms()), platform) {
    if (!has_mobilenet())
        return; // the sample is not shipped with the project
    dfg::graph graph = test::sample_graph("mobilenet_v1.dfg");
    const test::compiled_graph g = test::compile(std::move(graph));
    BOOST_TEST(g.program.kernels.size() == 31U);
    const tensor_map inputs = test::random_inputs(g, 1);
    test::checked_chip chip(test::shipped(platform));
    const auto o = chip.run(g.program, inputs);
    check_clean(o);
    BOOST_TEST((o.outputs == test::reference_outputs(g, inputs)));
    double sum = 0;
    const tensor& classes = o.outputs.begin()->second;
    for (std::size_t i = 0; i < classes.data.size(); i += sizeof(float)) {
        float value = 0;
        std::memcpy(&value, &classes.data[i], sizeof value);
        sum += static_cast<double>(value);
    }
    BOOST_TEST(std::fabs(sum - 1) < 1e-5);
}

BOOST_AUTO_TEST_CASE(what_lies_between_matmuls_stays_on_the_chip) {
    const test::compiled_graph g = test::compile(chained_matmuls());
    const trace::run_statistics run = test::measure(test::shipped("datacenter"), g.program, test::random_inputs(g, 1));
    // A, B, B2, B3 and the result, each once: nothing of the two products between
    const std::uint64_t outside = 4 * (96 * 160 + 160 * 128 + 128 * 64 + 64 * 48 + 96 * 48);
    BOOST_TEST(run.dram.read_bytes + run.dram.write_bytes == outside);
    BOOST_TEST(run.dram.lower_bound_bytes == outside);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_goes_through_dram) {
    const test::compiled_graph g = test::compile(chained_matmuls());
    platform::platform small = test::shipped("minimal");
    small.l3.tiles = 1;
    small.l3.tile.capacity = bytes(32 * 1024);
    test::checked_chip chip(small);
    const tensor_map inputs = test::random_inputs(g, 1);
    const auto o = chip.run(g.program, inputs);
    check_clean(o);
    BOOST_TEST((o.outputs == test::reference_outputs(g, inputs)));
    BOOST_TEST(chip.chip().dram().stats().write_bytes.value() > 4U * 96 * 128);
}
