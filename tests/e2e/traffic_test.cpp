// DRAM traffic of matmuls against that of the best blocking, where all fits on the chip and where next to nothing does.

#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fmt/format.h>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr double k_most_traffic = 1.10; ///< DRAM bytes / those of the best blocking

/// A shipped platform whose L3 and L2 are `divisor` times smaller.
struct grid_chip {
    const char* name;
    std::uint32_t divisor;
    std::vector<test::matmul_shape> shapes;
};

std::ostream& operator<<(std::ostream& out, const grid_chip& chip) {
    return out << chip.name << "/" << chip.divisor;
}

const std::vector<test::matmul_shape> k_shapes = {{512, 512, 512}, {2048, 128, 256},  {96, 2048, 384}, {1024, 1024, 32},
                                                  {64, 64, 8192},  {333, 517, 1021}, {17, 1024, 1024}};
const std::vector<grid_chip> k_grid = {
    {"minimal", 1, k_shapes},
    {"edge_ai", 1, k_shapes},
    {"workstation", 1, k_shapes},
    {"datacenter", 1, k_shapes},
    {"minimal", 32, {{704, 704, 704}, {2816, 176, 704}, {176, 2816, 704}, {1408, 1408, 176}, {352, 352, 1408}, {701, 703, 709}}},
    {"edge_ai", 64, {{1024, 1024, 1024}, {4096, 256, 1024}, {256, 4096, 1024}, {2048, 2048, 256}, {512, 512, 2048}, {1021, 1025, 1031}}},
    {"workstation", 64, {{1440, 1440, 1440}, {5760, 360, 1440}, {360, 5760, 1440}, {2880, 2880, 360}, {720, 720, 2880}, {1439, 1441, 1443}}},
    {"datacenter", 128, {{2048, 2048, 2048}, {8192, 512, 2048}, {512, 8192, 2048}, {4096, 4096, 512}, {1024, 1024, 4096}, {2047, 2049, 2051}}}};

platform::platform small_chip(const grid_chip& chip) {
    platform::platform p = test::shipped(chip.name);
    const auto cut = [&](platform::memory_params& memory, std::uint32_t divisor) {
        memory.capacity = bytes(memory.capacity.value() / divisor);
    };
    cut(p.l3.tile, chip.divisor);
    cut(p.l2.bank, chip.divisor);
    if (chip.divisor > 1) {
        cut(p.l1.row, 16);
        cut(p.l1.column, 16);
        cut(p.l1.result, 8);
    }
    return p;
}

} // namespace

BOOST_DATA_TEST_CASE(matmuls_move_hardly_more_than_the_best_blocking, bdata::make(k_grid), chip) {
    const platform::platform p = small_chip(chip);
    const double on_chip = static_cast<double>(p.l3.tiles * p.l3.tile.capacity.value() +
                                               p.l2.banks * p.l2.bank.capacity.value()) / 4;
    for (const test::matmul_shape& shape : chip.shapes) {
        const trace::run_statistics run = test::measure_matmul(p, shape);
        const double traffic = test::traffic_of(run);
        const auto operands = static_cast<double>(shape.m * shape.k + shape.k * shape.n);
        BOOST_TEST_MESSAGE(fmt::format("{:11} 1/{:<3} {:>16}: S = operands / {:<6.1f} efficiency {:.3f}, DRAM {:.3f} cycles {}, {:.2f}s", chip.name, chip.divisor,
                                       to_string(shape), operands / on_chip, run.efficiency, traffic, run.cycles, run.wall.simulate_s));
        BOOST_TEST(traffic <= k_most_traffic, to_string(shape) << ": " << traffic);
    }
}
