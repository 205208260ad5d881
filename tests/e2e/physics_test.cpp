// What-ifs go the way that physics demands: taking something away from a platform never makes a run faster, and a
// starved resource is named. The loader cuts anew for the changed chip; its choice among nearly equal blockings is
// right within 1%.

#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <functional>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

struct change {
    const char* name;
    std::function<void(platform::platform&)> apply;
};

bytes half(bytes b) {
    return b / 2;
}

const std::vector<change>& changes() {
    static const std::vector<change> all = {
        {"dram bandwidth", [](auto& p) { p.dram.bandwidth = p.dram.bandwidth / 2; }},
        {"dram latency", [](auto& p) { p.dram.latency = p.dram.latency * 2; }},
        {"array rows", [](auto& p) { p.array.rows /= 2; }},
        {"array columns", [](auto& p) { p.array.columns /= 2; }},
        {"array pipelining", [](auto& p) { p.array.pipelined = false; }},
        {"row buffer ports", [](auto& p) { p.l1.row.port_width = half(p.l1.row.port_width); }},
        {"column buffer ports", [](auto& p) { p.l1.column.port_width = half(p.l1.column.port_width); }},
        {"result buffer ports", [](auto& p) { p.l1.result.port_width = half(p.l1.result.port_width); }},
        {"l2 ports", [](auto& p) { p.l2.bank.port_width = half(p.l2.bank.port_width); }},
        {"l3 ports", [](auto& p) { p.l3.tile.port_width = half(p.l3.tile.port_width); }},
        {"crossbars",
         [](auto& p) {
             for (auto* x : {&p.dram_crossbar, &p.l3_crossbar, &p.l2_crossbar})
                 x->port_width = half(x->port_width);
         }},
        {"queue depths",
         [](auto& p) {
             for (auto* m : {&p.dma.mover, &p.block_mover.mover, &p.streamer.mover})
                 m->queue_depth /= 2;
             p.array.queue_depth /= 2;
             p.vector.queue_depth /= 2;
         }},
        {"mover widths",
         [](auto& p) {
             for (auto* m : {&p.dma.mover, &p.block_mover.mover, &p.streamer.mover})
                 m->width = half(m->width);
         }},
        {"management core", [](auto& p) { p.management.access_cost = p.management.access_cost * 8; }},
    };
    return all;
}

std::uint64_t cycles_of(const platform::platform& p, const test::compiled_graph& g) {
    return test::measure(p, g.program, test::random_inputs(g, 1)).cycles;
}

test::compiled_graph matmul(std::uint64_t m, std::uint64_t n, std::uint64_t k) {
    dfg::matmul_graph_spec spec;
    spec.m = m;
    spec.n = n;
    spec.k = k;
    return test::compile(dfg::matmul_graph(spec));
}

} // namespace

BOOST_DATA_TEST_CASE(less_of_anything_is_never_faster, bdata::make(test::shipped_platforms()), platform) {
    for (const test::compiled_graph& g : {matmul(256, 256, 256), matmul(512, 128, 384)}) {
        const platform::platform base = test::shipped(platform);
        const std::uint64_t before = cycles_of(base, g);
        for (const change& c : changes()) {
            platform::platform changed = base;
            c.apply(changed);
            const std::uint64_t after = cycles_of(changed, g);
            BOOST_TEST(static_cast<double>(after) >= 0.99 * static_cast<double>(before),
                       c.name << ": " << before << " cycles become " << after);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_starved_dram_is_named) {
    platform::platform p = test::shipped("edge_ai");
    p.dram.bandwidth = p.dram.bandwidth / 64;
    const test::compiled_graph g = matmul(256, 256, 256);
    const trace::run_statistics run = test::measure(p, g.program, test::random_inputs(g, 1));
    const trace::limit limit = limiting_resource(run);
    BOOST_TEST(limit.resource.find("dram") != std::string::npos, limit.resource << ": " << limit.reason);
    BOOST_TEST(run.efficiency > 0.5); // it is the bound that the run is held by
}

BOOST_AUTO_TEST_CASE(starved_streams_show_at_the_array) {
    platform::platform p = test::shipped("edge_ai");
    p.streamer.mover.width = bytes(2);
    const test::compiled_graph g = matmul(256, 256, 256);
    const trace::run_statistics run = test::measure(p, g.program, test::random_inputs(g, 1));
    for (const trace::engine_statistics& e : run.engines)
        if (e.kind == "array")
            BOOST_TEST(e.stalled.streamer > e.busy);
}
