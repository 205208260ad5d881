// Whichever dataflow is fastest on a chip, it is the one that is taken where none is asked for; nearly so in short
// runs, and the estimate by which it is taken is near what is measured.

#include "tests/e2e/on_chip.h"

#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fmt/format.h>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

// square, ragged, tall, wide, thin K, deep K, few rows, few columns
const std::vector<test::matmul_shape> k_shapes = {{256, 256, 256}, {333, 517, 101},  {2048, 64, 256}, {64, 2048, 256},
                                                  {512, 512, 16},  {1024, 1024, 17}, {64, 64, 2048},  {16, 16, 4096},
                                                  {8, 1024, 512},  {1024, 8, 512}};

// rows that are no whole bursts, folds that are not full, and few of them
const std::vector<test::matmul_shape> k_short = {
    {17, 65, 200},           {17, 65, 200, dtype::i8},   {33, 257, 65, dtype::i8},   {100, 100, 100, dtype::i8},
    {5, 300, 77, dtype::i8}, {166, 78, 203, dtype::i8},  {512, 64, 1000, dtype::i8}, {299, 30, 260, dtype::i8},
    {20, 45, 223},           {38, 275, 49, dtype::bf16}, {65, 33, 129, dtype::f8},   {17, 1024, 1024}};

// narrow operands, of whose rows a panel is less than a beat of a DMA engine
const std::vector<test::matmul_shape> k_narrow = {
    {23, 2000, 600, dtype::i8},  {48, 1536, 384, dtype::i8},   {48, 1536, 385, dtype::i8}, {450, 470, 33, dtype::i8},
    {8, 4000, 300, dtype::bf16}, {1, 2222, 1111, dtype::bf16}, {61, 1999, 257, dtype::i8}, {97, 83, 2003, dtype::bf16}};

trace::run_statistics run_with(const platform::platform& p, const test::matmul_shape& shape,
                               std::optional<dfx::dataflow> flow) {
    passes::lower_options options;
    options.flow = flow;
    return test::measure_matmul(p, shape, options);
}

/// What is most over all shapes.
struct worst {
    double cycles = 0;   ///< of the dataflow that is taken over those of the best one
    double estimate = 1; ///< furthest from 1: estimated cycles over measured ones
};

/// A table of all shapes, and the worst of them.
worst compare(const std::string& name, const std::vector<test::matmul_shape>& shapes) {
    const platform::platform p = test::shipped(name);
    std::string table =
        name +
        ": cycles of output, weight, input stationary; of what is chosen over the least, estimated over measured\n";
    worst all;
    for (const test::matmul_shape& shape : shapes) {
        std::vector<std::uint64_t> cycles;
        for (const dfx::dataflow flow : dfx::all_of<dfx::dataflow>())
            cycles.push_back(run_with(p, shape, flow).cycles);
        const auto least = static_cast<double>(*std::min_element(cycles.begin(), cycles.end()));
        const trace::run_statistics run = run_with(p, shape, std::nullopt);
        const double chosen = static_cast<double>(run.cycles) / least;
        const double estimate = test::estimates_of(run).cycles;
        table += fmt::format("{:>16} {:>8} {:>8} {:>8}  {:.3f}  {:.3f}\n", to_string(shape), cycles[0], cycles[1],
                             cycles[2], chosen, estimate);
        all.cycles = std::max(all.cycles, chosen);
        if (std::abs(std::log(estimate)) > std::abs(std::log(all.estimate)))
            all.estimate = estimate;
    }
    BOOST_TEST_MESSAGE(table << "worst: " << all.cycles << ", estimate " << all.estimate);
    return all;
}

} // namespace

BOOST_DATA_TEST_CASE(the_fastest_dataflow_is_taken, bdata::make(test::shipped_platforms()), name) {
    BOOST_TEST(compare(name, k_shapes).cycles <= 1.03);
}

BOOST_DATA_TEST_CASE(of_short_runs_it_is_nearly_the_fastest, bdata::make(test::shipped_platforms()), name) {
    const worst all = compare(name, k_short);
    BOOST_TEST(all.cycles <= 1.07);
    BOOST_TEST(test::within(all.estimate, 1.25));
}

BOOST_DATA_TEST_CASE(of_narrow_operands_it_is_the_fastest, bdata::make(test::shipped_platforms()), name) {
    const worst all = compare(name, k_narrow);
    BOOST_TEST(all.cycles <= 1.03);
    BOOST_TEST(test::within(all.estimate, 1.2));
}
