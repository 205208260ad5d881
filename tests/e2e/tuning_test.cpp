// A .kpu that was compiled for no platform in particular comes close to the one that was compiled for the chip at hand;
// tiles that were searched for are no worse than those of the closed form.

#include "compiler/tools/tune_for.h"
#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fmt/format.h>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr double k_most_cycles = 1.05; ///< of the untuned object, over those of a tuned one

// square, ragged, tall, wide, thin K, deep K, few rows, few columns
const std::vector<test::matmul_shape> k_shapes = {{256, 256, 256}, {333, 517, 101},  {2048, 64, 256}, {64, 2048, 256},
                                                  {512, 512, 16},  {1024, 1024, 17}, {64, 64, 2048},  {300, 200, 1000},
                                                  {17, 1024, 512}, {1000, 120, 500}};

std::uint64_t cycles_with(const platform::platform& p, const test::matmul_shape& shape,
                          const passes::lower_options& options) {
    return test::measure_matmul(p, shape, options).cycles;
}

std::array<std::uint64_t, 3> tiles_of(const test::matmul_shape& shape, const passes::lower_options& options) {
    dfg::matmul_graph_spec spec;
    spec.m = shape.m;
    spec.n = shape.n;
    spec.k = shape.k;
    const test::compiled_graph g = test::compile(dfg::matmul_graph(spec), options);
    return dfx::contractions_of(g.program, g.program.kernels.front()).front().tile;
}

/// The same tiles, as a user would insist on them.
passes::lower_options insisting(const test::matmul_shape& shape, const passes::lower_options& options) {
    passes::lower_options fixed = options;
    fixed.tiles.strategy = passes::tile_strategy::fixed;
    fixed.tiles.fixed = tiles_of(shape, options);
    return fixed;
}

passes::lower_options with(passes::tile_strategy strategy) {
    passes::lower_options options;
    options.tiles.strategy = strategy;
    return options;
}

passes::lower_options for_chip(const platform::platform& p, passes::tile_strategy strategy) {
    passes::lower_options options = with(strategy);
    options.on = passes::tuned_target(p.name, model_of(p));
    return options;
}

} // namespace

BOOST_DATA_TEST_CASE(an_untuned_object_is_as_good_as_a_tuned_one, bdata::make(test::shipped_platforms()), name) {
    const platform::platform p = test::shipped(name);
    std::string table = name +
                        ": cycles; over those of the object tuned with analytical, with searched tiles, and where "
                        "the searched tiles are insisted on\n";
    for (const test::matmul_shape& shape : k_shapes) {
        const std::uint64_t untuned = cycles_with(p, shape, {});
        const passes::lower_options searched = for_chip(p, passes::tile_strategy::search);
        table += fmt::format("{:>16} {:>8}", to_string(shape), untuned);
        for (const passes::lower_options& options :
             {for_chip(p, passes::tile_strategy::analytical), searched, insisting(shape, searched)}) {
            const double ratio = static_cast<double>(untuned) / static_cast<double>(cycles_with(p, shape, options));
            table += fmt::format(" {:.3f}", ratio);
            BOOST_TEST(ratio <= k_most_cycles, to_string(shape) << ": " << ratio);
        }
        table += "\n";
    }
    BOOST_TEST_MESSAGE(table);
}

BOOST_DATA_TEST_CASE(searched_tiles_are_no_worse_than_the_closed_form, bdata::make(test::shipped_platforms()), name) {
    const platform::platform p = test::shipped(name);
    std::string table =
        name + ": cycles with searched tiles over those with analytical ones, as wishes, and insisted on\n";
    double logs = 0;
    for (const test::matmul_shape& shape : k_shapes) {
        const passes::lower_options search = with(passes::tile_strategy::search);
        const passes::lower_options closed = with(passes::tile_strategy::analytical);
        const auto ratio = [&](const passes::lower_options& x, const passes::lower_options& y) {
            return static_cast<double>(cycles_with(p, shape, x)) / static_cast<double>(cycles_with(p, shape, y));
        };
        const double wished = ratio(search, closed);
        const double insisted = ratio(insisting(shape, search), insisting(shape, closed));
        table += fmt::format("{:>16} {:.3f} {:.3f}\n", to_string(shape), wished, insisted);
        BOOST_TEST(wished <= 1.0, to_string(shape) << ": " << wished);
        logs += std::log(insisted);
    }
    const double mean = std::exp(logs / static_cast<double>(k_shapes.size()));
    BOOST_TEST(mean <= 1.0, "insisted on, geometric mean: " << mean);
    BOOST_TEST_MESSAGE(table << "geometric mean where they are insisted on: " << mean);
}
