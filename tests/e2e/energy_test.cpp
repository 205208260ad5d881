// Energies of whole runs: what the memories and crossbars count agrees with what the engines say they moved.

#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace bdata = boost::unit_test::data;
using namespace kpu;
using trace::component;

namespace {

test::compiled_graph matmul(std::uint64_t m, std::uint64_t n, std::uint64_t k, dtype type = dtype::f32) {
    dfg::matmul_graph_spec spec;
    spec.m = m;
    spec.n = n;
    spec.k = k;
    spec.type = type;
    return test::compile(dfg::matmul_graph(spec));
}

/// The platform with a joule-per-event table in which everything costs one femtojoule, and nothing else does.
platform::platform counting(const std::string& name) {
    platform::platform p = test::shipped(name);
    platform::energy_params& e = p.energy.emplace();
    e.mac.fill(femtojoules(1));
    e.vector = femtojoules(1);
    const femtojoules_per_byte one(1);
    e.dram = e.l3 = e.l2 = e.l1 = {one, one};
    e.dma = e.block_mover = e.streamer = e.interconnect = one;
    return p;
}

/// Bytes that the engines of a kind read and wrote.
struct moved {
    double read = 0, written = 0;
};
moved of(const trace::run_statistics& run, const std::string& kind) {
    moved sum;
    for (const trace::engine_statistics& e : run.engines) {
        if (e.kind != kind)
            continue;
        sum.read += static_cast<double>(e.read_bytes);
        sum.written += static_cast<double>(e.write_bytes);
    }
    return sum;
}

const auto k_rounding = boost::test_tools::tolerance(1e-12);

} // namespace

BOOST_AUTO_TEST_CASE(macs_and_dram_of_256_cubed_on_edge_ai) {
    const platform::platform p = test::shipped("edge_ai");
    BOOST_REQUIRE(p.energy.has_value());
    const test::compiled_graph g = matmul(256, 256, 256);
    const trace::run_statistics run = test::measure(p, g.program, test::random_inputs(g, 1));
    BOOST_REQUIRE(run.energy.has_value());
    const trace::energy_statistics& e = *run.energy;
    // 2.25 pJ per f32 MAC, 64 pJ per byte of DRAM: A, B and C pass it once
    BOOST_TEST(e.of(component::arrays) == 256.0 * 256 * 256 * 2.25e-12, k_rounding);
    BOOST_TEST(e.of(component::dram) == 3.0 * 256 * 256 * 4 * 64e-12, k_rounding);
    BOOST_TEST(e.of(component::chip_static) == 0.106 * static_cast<double>(run.time_ps) * 1e-12, k_rounding);
    BOOST_TEST(check(run).empty());
}

BOOST_DATA_TEST_CASE(memories_count_what_engines_move, bdata::make(test::shipped_platforms()), platform) {
    for (const dtype type : {dtype::f32, dtype::f16}) {
        const test::compiled_graph g = matmul(96, 64, 160, type);
        const trace::run_statistics run = test::measure(counting(platform), g.program, test::random_inputs(g, 1));
        BOOST_REQUIRE(run.energy.has_value());
        const auto events = [&](component c) { return run.energy->of(c) * 1e15; };
        const double dma = of(run, "dma").written, movers = of(run, "block_mover").written,
                     streamers = of(run, "streamer").written;
        const moved array = of(run, "array"), vector = of(run, "vector");
        BOOST_TEST(events(component::arrays) == 96.0 * 64 * 160, k_rounding);
        BOOST_TEST(events(component::dma) == dma, k_rounding);
        BOOST_TEST(events(component::block_movers) == movers, k_rounding);
        BOOST_TEST(events(component::streamers) == streamers, k_rounding);
        if (type == dtype::f32) // its blocks' rows are whole bursts
            BOOST_TEST(events(component::dram) == dma, k_rounding);
        BOOST_TEST(events(component::l3) == dma + movers, k_rounding);
        BOOST_TEST(events(component::l2) == movers + streamers, k_rounding);
        BOOST_TEST(events(component::l1) == streamers + array.read + array.written + vector.read + vector.written,
                   k_rounding);
        BOOST_TEST(events(component::interconnect) == 2 * dma + 2 * movers + streamers, k_rounding);
        // results leave the accumulators as f32: half precision is converted, element by element
        BOOST_TEST(events(component::vector) == (type == dtype::f16 ? 96.0 * 64 : 0.0), k_rounding);
        BOOST_TEST(run.energy->static_j == 0);
    }
}

BOOST_AUTO_TEST_CASE(short_rows_cost_whole_bursts) {
    // blocks of 16 columns: rows of 32 bytes in f16, and a burst has 64
    const test::compiled_graph g = matmul(96, 64, 160, dtype::f16);
    const trace::run_statistics run = test::measure(counting("workstation"), g.program, test::random_inputs(g, 1));
    BOOST_TEST(run.energy->of(component::dram) * 1e15 >
               static_cast<double>(run.dram.read_bytes + run.dram.write_bytes));
}

BOOST_AUTO_TEST_CASE(without_a_table_there_is_no_energy) {
    platform::platform p = test::shipped("minimal");
    p.energy.reset();
    const test::compiled_graph g = matmul(16, 16, 16);
    BOOST_TEST(!test::measure(p, g.program, test::random_inputs(g, 1)).energy.has_value());
}
