// Random matmuls of all types on all platforms under all dataflow options, every checker on.

#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr int k_shards = 4;
constexpr int k_matmuls_per_shard = 250;
constexpr int k_stall_seeds = 6;
constexpr int k_matmuls_per_stall_seed = 25;

std::uint64_t extent(std::mt19937_64& random) {
    return random() % 3 == 0 ? 1 + random() % 16 : 1 + random() % 200;
}

dfg::matmul_graph_spec random_spec(std::mt19937_64& random) {
    static const std::vector<dtype> types = {dtype::f32, dtype::f64, dtype::f16, dtype::bf16,
                                             dtype::f8,  dtype::i8,  dtype::i32};
    dfg::matmul_graph_spec spec;
    spec.m = extent(random);
    spec.n = extent(random);
    spec.k = extent(random);
    spec.type = types[random() % types.size()];
    spec.seeded = random() % 3 == 0;
    if (random() % 5 == 0)
        spec.batch = 1 + random() % 3;
    if (spec.type != dtype::i8 && random() % 5 == 0)
        spec.chain = {1 + random() % 64};
    return spec;
}

passes::lower_options random_options(std::mt19937_64& random) {
    static const std::vector<std::optional<dfx::dataflow>> flows = {std::nullopt, dfx::dataflow::output_stationary,
                                                                    dfx::dataflow::weight_stationary,
                                                                    dfx::dataflow::input_stationary};
    passes::lower_options options;
    options.flow = flows[random() % flows.size()];
    switch (random() % 4) {
    case 0:
        options.tiles.strategy = passes::tile_strategy::search;
        break;
    case 1:
        options.tiles.strategy = passes::tile_strategy::fixed;
        options.tiles.fixed = {1 + random() % 64, 1 + random() % 64, 1 + random() % 64};
        break;
    default:
        break;
    }
    return options;
}

std::string describe(const dfg::matmul_graph_spec& s) {
    return std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) + " " +
           std::string(name_of(s.type)) + (s.seeded ? " seeded" : "") +
           (s.batch ? " batch " + std::to_string(*s.batch) : "") + (s.chain.empty() ? "" : " chained");
}

/// Compiles and runs one; the reference's bits, no findings.
void check_one(test::checked_chip& chip, const dfg::matmul_graph_spec& spec, std::mt19937_64& random,
               const std::string& which) {
    const test::compiled_graph g = test::compile(dfg::matmul_graph(spec), random_options(random));
    const tensor_map inputs = test::random_inputs(g, random());
    const auto o = chip.run(g.program, inputs);
    const std::string what = which + ": " + describe(spec);
    BOOST_REQUIRE_MESSAGE(o.outputs == test::reference_outputs(g, inputs), what << ": wrong bits");
    for (const std::string& finding : o.findings)
        BOOST_FAIL(what << ": " << finding.substr(0, 2000));
}

} // namespace

BOOST_DATA_TEST_CASE(random_matmuls, bdata::make(test::shipped_platforms()) * bdata::xrange(k_shards), platform,
                     shard) {
    const std::uint64_t seed = 1000 * std::hash<std::string>{}(platform) + static_cast<std::uint64_t>(shard);
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    test::checked_chip chip(test::shipped(platform));
    for (int i = 0; i < k_matmuls_per_shard; ++i)
        check_one(chip, random_spec(random), random, "matmul " + std::to_string(i));
}

BOOST_DATA_TEST_CASE(random_stalls_change_no_bit, bdata::make(test::shipped_platforms()) * bdata::xrange(k_stall_seeds),
                     platform, stall_seed) {
    std::mt19937_64 random(static_cast<std::uint64_t>(stall_seed));
    BOOST_TEST_MESSAGE("seed " << stall_seed);
    test::checked_chip chip(test::shipped(platform), static_cast<std::uint64_t>(stall_seed));
    for (int i = 0; i < k_matmuls_per_stall_seed; ++i)
        check_one(chip, random_spec(random), random, "matmul " + std::to_string(i));
}
