// The rehearsal's recurrences against closed forms of single commands and of commands that share an engine or a unit.

#include "fw/loader/fold_time.h"
#include "fw/loader/rehearsal.h"
#include "tests/fw/flat_chip.h"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace kpu;
using namespace kpu::fw;

namespace {

// make_machine: descriptors of 4 cycles, movers of 64 bytes per cycle that start in 4 cycles, L3 of 64 bytes per cycle
// and 16 cycles, L2 of 64 bytes per cycle and 8 cycles, DRAM of 32 bytes per cycle and 80 cycles
struct bench {
    machine chip = test::make_machine([] {
        test::machine_shape shape;
        shape.movers = 2;
        shape.l2_banks = 1;
        return shape;
    }());
    emitter out{chip};

    iface::copy_operands down(std::uint32_t size) const {
        iface::copy_operands copy;
        copy.run = size;
        copy.count = {1, 1, 1, 1};
        copy.source.base = chip.l3.base;
        copy.destination.base = chip.l2.base;
        return copy;
    }
    double cycles() {
        rehearsal all(chip);
        while (!out.empty())
            all.add(out.take());
        return all.cycles();
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_copy_takes_its_way_and_its_bytes, bench) {
    (void)out.copy(chip.block_movers[0], 1, down(1024), {});
    BOOST_TEST(cycles() == 4 + 4 + 16 + 1024 / 64 + 8); // descriptor, start, L3, bytes, L2
}

BOOST_FIXTURE_TEST_CASE(commands_of_an_engine_follow_each_other_and_latencies_overlap, bench) {
    for (int i = 0; i < 3; ++i)
        (void)out.copy(chip.block_movers[0], 1, down(1024), {});
    BOOST_TEST(cycles() == 4 + 3 * (4 + 16) + 16 + 8);
}

BOOST_FIXTURE_TEST_CASE(engines_that_share_a_unit_take_turns, bench) {
    for (const engine_id mover : chip.block_movers)
        (void)out.copy(mover, 1, down(4096), {});
    // the second is pushed 4 cycles later and finds L3 busy for the first one's 64 cycles
    BOOST_TEST(cycles() == 4 + 4 + 16 + 2 * 64 + 8);
}

BOOST_FIXTURE_TEST_CASE(a_wait_holds_a_command_until_the_other_is_done, bench) {
    const point first = out.copy(chip.block_movers[0], 1, down(1024), {});
    dependences after;
    after.read_after_write.add(first);
    (void)out.copy(chip.block_movers[1], 1, down(1024), after);
    BOOST_TEST(cycles() == 4 + 2 * (4 + 16 + 16 + 8));
}

BOOST_FIXTURE_TEST_CASE(runs_in_dram_cost_the_bursts_that_they_touch, bench) {
    // 100 runs of 32 bytes: in bursts of 32 each takes a cycle of DRAM where it is aligned, nearly two where it is not
    const auto cycles_of = [&](std::uint32_t pitch, bytes burst) {
        chip.dram.burst = burst;
        out = emitter(chip);
        iface::copy_operands copy = down(32);
        copy.count = {1, 1, 1, 100};
        copy.source = {chip.dram.base, {0, 0, 0, pitch}};
        copy.destination = {chip.l3.base, {0, 0, 0, 32}};
        (void)out.copy(chip.dma[0], 1, copy, {});
        return cycles();
    };
    const double fixed = 4 + 4 + 80 + 16; // descriptor, start, DRAM, L3
    BOOST_TEST(cycles_of(64, bytes(32)) == fixed + 100, boost::test_tools::tolerance(0.01));
    BOOST_TEST(cycles_of(64, bytes(64)) == fixed + 200, boost::test_tools::tolerance(0.01));
    // of offsets 0 to 99 four are multiples of 32, and 34 more than 32 beyond a multiple of 64
    BOOST_TEST(cycles_of(65, bytes(32)) == fixed + 100 + 96, boost::test_tools::tolerance(0.01));
    BOOST_TEST(cycles_of(65, bytes(64)) == fixed + (100 + 34) * 2, boost::test_tools::tolerance(0.01));
}

BOOST_FIXTURE_TEST_CASE(cleared_it_begins_anew, bench) {
    rehearsal all(chip);
    for (int round = 0; round < 2; ++round) {
        out = emitter(chip);
        (void)out.copy(chip.block_movers[0], 1, down(1024), {});
        all.clear();
        all.add(out.take());
        BOOST_TEST(all.cycles() == 4 + 4 + 16 + 1024 / 64 + 8);
    }
}

BOOST_FIXTURE_TEST_CASE(it_gives_up_when_the_folds_that_are_left_take_too_long, bench) {
    iface::fold_operands fold;
    fold.m = fold.n = 4;
    fold.k = 100;
    rehearsal all(chip);
    const auto cycles_within = [&](double give_up) {
        out = emitter(chip);
        all.clear();
        for (int i = 0; i < 50; ++i) {
            (void)out.fold(chip.tiles[0].array, 1, fold, {});
            all.add(out.take());
        }
        return all.cycles(give_up);
    };
    const double whole = cycles_within(1e9);
    BOOST_TEST(cycles_within(whole) == whole);
    BOOST_TEST(cycles_within(4000) == std::numeric_limits<double>::infinity());
}

BOOST_FIXTURE_TEST_CASE(folds_follow_at_the_arrays_period, bench) {
    iface::fold_operands fold;
    fold.m = fold.n = 4;
    fold.k = 100;
    const fold_time time = time_of(chip.tiles[0], fold);
    BOOST_TEST(time.period == 100);
    BOOST_TEST(time.latency == 100 + 3 * 4);
    for (int i = 0; i < 5; ++i)
        (void)out.fold(chip.tiles[0].array, 1, fold, {});
    BOOST_TEST(cycles() == 4 + 2 + 4 * time.period + time.latency); // L1 takes two cycles
    fold.flow = iface::array_dataflow::weight_stationary;
    BOOST_TEST(time_of(chip.tiles[0], fold).period == 4); // as many rows stream as the array has
}
