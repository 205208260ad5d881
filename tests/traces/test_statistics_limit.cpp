// What limits a run: one case per way the stall causes can lead.

#include "tests/traces/run_example.h"

#include <boost/test/unit_test.hpp>

using namespace kpu::trace;
using kpu::trace::test::engine;
using kpu::trace::test::example;

namespace {

std::string limit_of(const run_statistics& run) {
    return limiting_resource(run).resource;
}

} // namespace

BOOST_AUTO_TEST_SUITE(statistics_limit)

BOOST_AUTO_TEST_CASE(arrays_near_their_peak) {
    run_statistics run = example();
    run.resources[0].used = 64 * 2000 * 9 / 10;
    BOOST_TEST(limit_of(run) == "arrays");
}

BOOST_AUTO_TEST_CASE(dram_near_its_peak) {
    run_statistics run = example();
    run.resources[1].used = 25'000;
    BOOST_TEST(limit_of(run) == "dram bandwidth");
}

BOOST_AUTO_TEST_CASE(the_chain_leads_to_the_memory) {
    const limit l = limiting_resource(example()); // array ← streamer ← mover ← dma ← reads, and DRAM is not busy
    BOOST_TEST(l.resource == "dram latency");
    BOOST_TEST(l.reason ==
               "array waits for streamer for 55% of the run; streamer waits for block_mover for 70% of the run; "
               "block_mover waits for dma for 65% of the run; dma engines spend 60% of the run stalled on reads "
               "while DRAM is 31% used");
}

BOOST_AUTO_TEST_CASE(waiting_for_a_half_used_dram_is_its_bandwidth) {
    run_statistics run = example();
    run.resources[1].used = 14'000;
    BOOST_TEST(limit_of(run) == "dram bandwidth");
    run.engines[0] = engine("dma0", "dma", 600, {0, 100, 0, 0, 0, 0, 1200}, 2000);
    BOOST_TEST(limit_of(run) == "dma write bandwidth");
}

BOOST_AUTO_TEST_CASE(a_busy_kind_ends_the_chain) {
    run_statistics run = example();
    run.engines[2] = engine("streamer0", "streamer", 1500, {}, 2000);
    BOOST_TEST(limit_of(run) == "streamer");
}

BOOST_AUTO_TEST_CASE(a_slow_memory_ends_the_chain) {
    run_statistics run = example();
    run.engines[2] = engine("streamer0", "streamer", 500, {0, 0, 0, 0, 0, 0, 1400}, 2000);
    BOOST_TEST(limit_of(run) == "streamer write bandwidth");
}

BOOST_AUTO_TEST_CASE(empty_queues_are_the_firmwares) {
    run_statistics run = example();
    run.engines[3] = engine("array0", "array", 300, {}, 2000);
    BOOST_TEST(limit_of(run) == "firmware");
}

BOOST_AUTO_TEST_CASE(circles_end_at_what_is_used_most_or_the_busiest) {
    run_statistics run = example();
    run.engines[2] = engine("streamer0", "streamer", 900, {0, 0, 0, 1100, 0, 0, 0}, 2000);
    BOOST_TEST(limit_of(run) == "arrays"); // no way to the cause, but half of their peak is used
    run.resources.clear();
    BOOST_TEST(limit_of(run) == "streamer");
}

BOOST_AUTO_TEST_CASE(all_engines_of_a_kind_count) {
    run_statistics run = example();
    run.engines.push_back(engine("streamer1", "streamer", 2000, {}, 2000));
    run.engines.push_back(engine("streamer2", "streamer", 2000, {}, 2000));
    BOOST_TEST(by_kind(run).size() == 4u);
    BOOST_TEST(by_kind(run)[2].busy == 4400u);
    BOOST_TEST(by_kind(run)[2].stalled.block_mover == 1400u);
    BOOST_TEST(limit_of(run) == "streamer");
}

BOOST_AUTO_TEST_CASE(runs_without_engines) {
    run_statistics run;
    BOOST_TEST(limit_of(run) == "nothing");
    run.cycles = 5;
    BOOST_TEST(limit_of(run) == "array");
}

BOOST_AUTO_TEST_SUITE_END()
