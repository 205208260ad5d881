// Whichever dataflow is fastest on a chip, it is the one that is taken where none is asked for.

#include "tests/e2e/on_chip.h"

#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr double k_most_cycles = 1.03; ///< over those of the best dataflow

// square, ragged, tall, wide, thin K, deep K, few rows, few columns
const std::vector<test::matmul_shape> k_shapes = {{256, 256, 256}, {333, 517, 101},  {2048, 64, 256}, {64, 2048, 256},
                                                  {512, 512, 16},  {1024, 1024, 17}, {64, 64, 2048},  {16, 16, 4096},
                                                  {8, 1024, 512},  {1024, 8, 512}};

std::uint64_t cycles_with(const platform::platform& p, const test::matmul_shape& shape,
                          std::optional<dfx::dataflow> flow) {
    passes::lower_options options;
    options.flow = flow;
    return test::measure_matmul(p, shape, options).cycles;
}

} // namespace

BOOST_DATA_TEST_CASE(the_fastest_dataflow_is_taken, bdata::make(test::shipped_platforms()), name) {
    const platform::platform p = test::shipped(name);
    std::string table = name + ": cycles of output, weight, input stationary; of what is chosen over the least\n";
    for (const test::matmul_shape& shape : k_shapes) {
        std::vector<std::uint64_t> cycles;
        for (const dfx::dataflow flow : dfx::all_of<dfx::dataflow>())
            cycles.push_back(cycles_with(p, shape, flow));
        const auto least = static_cast<double>(*std::min_element(cycles.begin(), cycles.end()));
        const double chosen = static_cast<double>(cycles_with(p, shape, std::nullopt)) / least;
        table += fmt::format("{:>16} {:>8} {:>8} {:>8}  {:.3f}\n", to_string(shape), cycles[0], cycles[1], cycles[2],
                             chosen);
        BOOST_TEST(chosen <= k_most_cycles, to_string(shape) << ": " << chosen);
    }
    BOOST_TEST_MESSAGE(table);
}
