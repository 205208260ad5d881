// DRAM traffic of matmuls against that of the best blocking, where all fits on the chip and where next to nothing does.

#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr double k_most_traffic = 1.10; ///< DRAM bytes / those of the best blocking
// by what factor at most the loader's estimates miss what is measured
constexpr double k_bytes_estimated = 1.06;
constexpr double k_cycles_estimated = 1.15;
constexpr double k_cycles_estimated_with_less = 1.6; ///< memory, where everything waits for everything

/// A shipped platform, or one with less memory: capacities of an L3 tile, an L2 bank, an L1 operand buffer; 0: as it
/// is.
struct grid_chip {
    const char* name;
    std::uint64_t l3_tile, l2_bank, l1_buffer;
    std::vector<test::matmul_shape> shapes;
};

std::ostream& operator<<(std::ostream& out, const grid_chip& chip) {
    return out << chip.name << (chip.l3_tile == 0 ? "" : " with less memory");
}

// square, tall, wide, thin K, deep K, odd extents, few rows
const std::vector<test::matmul_shape> k_shapes = {{512, 512, 512}, {2048, 128, 256}, {96, 2048, 384}, {1024, 1024, 32},
                                                  {64, 64, 8192},  {333, 517, 1021}, {17, 1024, 1024}};
const std::vector<grid_chip> k_grid = {
    {"minimal", 0, 0, 0, k_shapes},
    {"edge_ai", 0, 0, 0, k_shapes},
    {"workstation", 0, 0, 0, k_shapes},
    {"datacenter", 0, 0, 0, k_shapes},
    {"minimal",
     65536,
     8192,
     4096,
     {{320, 320, 320}, {6144, 64, 256}, {64, 6144, 384}, {768, 768, 48}, {128, 128, 8192}, {321, 643, 957}}},
    {"edge_ai",
     32768,
     16384,
     8192,
     {{640, 640, 640}, {8192, 144, 256}, {144, 8192, 256}, {1024, 1024, 96}, {160, 160, 14400}, {521, 643, 769}}},
    {"workstation",
     16384,
     8192,
     8192,
     {{640, 640, 640}, {8192, 144, 256}, {144, 8192, 256}, {1024, 1024, 96}, {160, 160, 14400}, {521, 643, 769}}},
    {"datacenter",
     32768,
     16384,
     16384,
     {{1024, 1024, 1024},
      {8192, 320, 512},
      {320, 8192, 512},
      {2048, 2048, 96},
      {320, 320, 28672},
      {1021, 1151, 1279}}}};

platform::platform platform_of(const grid_chip& chip) {
    platform::platform p = test::shipped(chip.name);
    if (chip.l3_tile == 0)
        return p;
    p.l3.tile.capacity = bytes(chip.l3_tile);
    p.l2.bank.capacity = bytes(chip.l2_bank);
    p.l1.row.capacity = p.l1.column.capacity = bytes(chip.l1_buffer);
    return p;
}

} // namespace

BOOST_DATA_TEST_CASE(matmuls_move_hardly_more_than_the_best_blocking, bdata::make(k_grid), chip) {
    const platform::platform p = platform_of(chip);
    const std::uint64_t l3 = p.l3.tiles * p.l3.tile.capacity.value();
    const std::uint64_t l2 = p.l2.banks * p.l2.bank.capacity.value();
    const double cycles_estimated = chip.l3_tile == 0 ? k_cycles_estimated : k_cycles_estimated_with_less;
    std::string table = fmt::format("{}: L3 {} KiB, L2 {} KiB\n", chip.name, l3 / 1024, l2 / 1024);
    for (const test::matmul_shape& shape : chip.shapes) {
        const trace::run_statistics run = test::measure_matmul(p, shape);
        const double traffic = test::traffic_of(run);
        const test::estimate_ratios estimated = test::estimates_of(run);
        const std::uint64_t tensors = 4 * (shape.m * shape.k + shape.k * shape.n + shape.m * shape.n);
        table += fmt::format(
            "{:>16}  tensors {:>5.1f} x the capacity  DRAM {:.3f}  efficiency {:.3f}  estimated {:.3f}, {:.3f}\n",
            to_string(shape), static_cast<double>(tensors) / static_cast<double>(l3 + l2), traffic, run.efficiency,
            estimated.cycles, estimated.dram_bytes);
        BOOST_TEST(test::within(estimated.dram_bytes, k_bytes_estimated), to_string(shape)
                                                                              << ": " << estimated.dram_bytes);
        BOOST_TEST(test::within(estimated.cycles, cycles_estimated), to_string(shape) << ": " << estimated.cycles);
        BOOST_TEST(traffic <= k_most_traffic, to_string(shape) << ": " << traffic);
    }
    BOOST_TEST_MESSAGE(table);
}
