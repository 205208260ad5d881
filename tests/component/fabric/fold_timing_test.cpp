// The closed forms of fold timing: totals, periods, what drains and writes hold back.

#include "hw/fabric/fold_timing.h"

#include <boost/test/unit_test.hpp>
#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using iface::array_dataflow;
using iface::element_type;

/// One cycle is one picosecond, so that times read as cycles.
array_geometry array_of(std::uint32_t rows, std::uint32_t columns, bool pipelined = true) {
    array_geometry array;
    array.rows = rows;
    array.columns = columns;
    array.pipelined = pipelined;
    array.period = picoseconds(1);
    return array;
}

array_fold fold_of(const fold_extents& x, array_dataflow flow = array_dataflow::output_stationary,
                   bool seeded = false) {
    return {element_type::f32, flow, x, seeded};
}

/// Folds whose operands are always there and whose results are written as they leave; the cycles in which they begin to
/// load, enter, give their first result and have left.
struct passage {
    std::vector<std::uint64_t> load, enter, drain, first, end;
};
passage pass(const array_geometry& array, const std::vector<array_fold>& folds, std::uint64_t streaming = 0,
             std::uint64_t write = 0) {
    fold_timing timing(array);
    std::vector<fold_entry> entries;
    passage p;
    std::uint64_t port_free = 0;
    const auto drain_next = [&] {
        const array_fold& x = folds[p.drain.size()];
        const fold_drain d = timing.drain(entries[p.drain.size()], x);
        p.drain.push_back(d.start.value());
        p.first.push_back(d.first.value());
        p.end.push_back(d.end.value());
        port_free = std::max(port_free, d.first.value()) + write; // the write's port, one fold after the other
        timing.written(picoseconds(port_free));
    };
    for (const array_fold& x : folds) {
        while (!timing.may_begin(x.flow))
            drain_next();
        p.load.push_back(is_loaded(x) ? timing.load(picoseconds(0), picoseconds(0), x).begin.value()
                                      : timing.free_for(x).value());
        while (!timing.may_enter(x))
            drain_next();
        entries.push_back(timing.enter(picoseconds(0), picoseconds(streaming), x));
        p.enter.push_back(entries.back().enter.value());
    }
    while (timing.may_drain())
        drain_next();
    return p;
}

std::vector<array_fold> full(const array_geometry& array, std::uint32_t k, std::size_t count) {
    return std::vector<array_fold>(count, fold_of({array.rows, array.columns, k}));
}

constexpr array_dataflow k_streamed[] = {array_dataflow::weight_stationary, array_dataflow::input_stationary};

/// Fills the array and streams `steps` rows of A (weight stationary) or columns of B (input stationary).
array_fold streamed(const array_geometry& array, array_dataflow flow, std::uint32_t steps) {
    if (flow == array_dataflow::weight_stationary)
        return fold_of({steps, array.columns, array.rows}, flow);
    return fold_of({array.columns, steps, array.rows}, flow);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_full_unpipelined_fold_takes_2r_c_k_minus_2) {
    for (const std::uint32_t r : {1U, 4U, 16U, 32U})
        for (const std::uint32_t c : {1U, 8U, 16U, 40U})
            for (const std::uint32_t k : {1U, 7U, 64U, 300U}) {
                const passage p = pass(array_of(r, c, false), full(array_of(r, c), k, 5));
                for (std::size_t f = 0; f < 5; ++f) {
                    const std::uint64_t total = 2ULL * r + c + k - 2;
                    BOOST_REQUIRE_EQUAL(p.enter[f], f * total);
                    BOOST_REQUIRE_EQUAL(p.end[f], (f + 1) * total);
                }
            }
}

BOOST_AUTO_TEST_CASE(pipelined_folds_follow_each_other_in_max_k_stream_rows) {
    for (const std::uint32_t k : {1U, 7U, 16U, 64U})
        for (const std::uint64_t streaming : {0U, 20U, 100U}) {
            const array_geometry array = array_of(16, 16);
            const passage p = pass(array, full(array, k, 6), streaming);
            const std::uint64_t period = std::max<std::uint64_t>({k, streaming, 16});
            for (std::size_t f = 0; f < 6; ++f) {
                BOOST_REQUIRE_EQUAL(p.enter[f], f * period);
                // the skew is hidden behind the next fold; operands that arrive slowly stretch the fold itself
                BOOST_REQUIRE_EQUAL(p.end[f], f * period + 2 * 16 + 16 + std::max<std::uint64_t>(k, streaming) - 2);
            }
        }
}

BOOST_AUTO_TEST_CASE(the_first_and_last_result_of_every_column) {
    fold_timing timing(array_of(8, 6));
    const array_fold x = fold_of({5, 4, 10});
    const fold_entry e = timing.enter(picoseconds(100), picoseconds(0), x);
    const fold_drain d = timing.drain(e, x);
    BOOST_TEST(e.enter.value() == 100U);
    BOOST_TEST(e.last_step.value() == 100U + 10);
    for (std::uint32_t j = 0; j < 4; ++j) {
        BOOST_TEST(d.first_result(j).value() == 100U + 10 + 8 - 1 + j);          // enter + k + (R-1) + j
        BOOST_TEST(d.last_result(j).value() == 100U + 10 + (5 - 1) + 8 - 1 + j); // (m-1) later
    }
    BOOST_TEST(d.end.value() == d.last_result(3).value() + 1);
}

BOOST_AUTO_TEST_CASE(several_macs_per_pe_shorten_the_steps) {
    array_geometry array = array_of(4, 4);
    array.macs_per_pe[static_cast<std::size_t>(element_type::i8)] = 4;
    const auto steps = [&](element_type type, std::uint32_t k) {
        array_fold x = fold_of({4, 4, k});
        x.type = type;
        return fold_steps(array, x);
    };
    BOOST_TEST(steps(element_type::i8, 64) == 16U);
    BOOST_TEST(steps(element_type::i8, 65) == 17U);
    BOOST_TEST(steps(element_type::f32, 64) == 64U);
}

BOOST_AUTO_TEST_CASE(a_short_fold_waits_for_the_drain_of_a_long_one) {
    const passage p = pass(array_of(16, 16), {fold_of({16, 16, 100}), fold_of({1, 1, 1}), fold_of({1, 1, 1})});
    BOOST_TEST(p.enter[1] == 100U);
    BOOST_TEST(p.drain[0] == 115U);
    BOOST_TEST(p.drain[1] == 131U); // done in cycle 101, but the column shifts until 131
    BOOST_TEST(p.drain[2] == 147U);
}

BOOST_AUTO_TEST_CASE(seeds_shift_in_before_the_fold_and_hide_behind_the_one_before) {
    const array_geometry array = array_of(16, 16);
    const array_fold seeded = fold_of({16, 16, 20}, array_dataflow::output_stationary, true);
    const passage p = pass(array, {seeded, seeded, seeded});
    for (std::size_t f = 0; f < 3; ++f)
        BOOST_TEST(p.enter[f] == 16 + f * 20); // the first one's load is seen
    BOOST_TEST(p.load[2] == p.enter[1]);
    const passage alone = pass(array_of(16, 16, false), {seeded, seeded});
    BOOST_TEST(alone.end[0] == 3U * 16 + 16 + 20 - 2);
    BOOST_TEST(alone.end[1] == 2 * alone.end[0]);
}

// ---- weight and input stationary

BOOST_AUTO_TEST_CASE(an_unpipelined_streamed_fold_takes_scale_sims_2r_c_t_minus_2) {
    for (const array_dataflow flow : k_streamed)
        for (const std::uint32_t r : {1U, 4U, 16U, 32U})
            for (const std::uint32_t c : {1U, 8U, 16U, 40U})
                for (const std::uint32_t t : {1U, 7U, 64U, 300U}) {
                    const array_geometry array = array_of(r, c, false);
                    const passage p = pass(array, std::vector<array_fold>(5, streamed(array, flow, t)));
                    const std::uint64_t total = 2ULL * r + c + t - 2;
                    for (std::size_t f = 0; f < 5; ++f) {
                        BOOST_REQUIRE_EQUAL(p.load[f], f * total);
                        BOOST_REQUIRE_EQUAL(p.end[f], (f + 1) * total);
                    }
                    BOOST_REQUIRE_EQUAL(fold_period(array, streamed(array, flow, t)).value(), total);
                }
}

BOOST_AUTO_TEST_CASE(published_fold_counts_of_scale_sim) {
    // SCALE-Sim v1's analytical run time, (2R + C + T - 2) per fold, for C[M×N] = A[M×K]·B[K×N]:
    // OS: T = K, M/R · N/C folds; WS: T = M, K/R · N/C; IS: T = N, K/R · M/C. Here M, N, K = 64, 128, 32 on 16×32.
    const array_geometry array = array_of(16, 32, false);
    const auto total = [&](const array_fold& fold, std::size_t count) {
        return pass(array, std::vector<array_fold>(count, fold)).end.back();
    };
    BOOST_TEST(total(fold_of({16, 32, 32}), 4 * 4) == 16U * (2 * 16 + 32 + 32 - 2));
    BOOST_TEST(total(streamed(array, array_dataflow::weight_stationary, 64), 2 * 4) == 8U * (2 * 16 + 32 + 64 - 2));
    BOOST_TEST(total(streamed(array, array_dataflow::input_stationary, 128), 2 * 2) == 4U * (2 * 16 + 32 + 128 - 2));
}

BOOST_AUTO_TEST_CASE(pipelined_loads_hide_and_the_period_is_max_t_rows) {
    for (const array_dataflow flow : k_streamed)
        for (const std::uint32_t t : {1U, 7U, 16U, 64U}) {
            const array_geometry array = array_of(16, 12);
            const passage p = pass(array, std::vector<array_fold>(6, streamed(array, flow, t)));
            const std::uint64_t period = std::max(t, 16U);
            for (std::size_t f = 0; f < 6; ++f) {
                BOOST_REQUIRE_EQUAL(p.enter[f], 16 + f * period); // the first load is seen
                BOOST_REQUIRE_EQUAL(p.first[f], p.enter[f] + 16 - 1);
                BOOST_REQUIRE_EQUAL(p.end[f], p.enter[f] + t + 16 + 12 - 2);
            }
        }
}

BOOST_AUTO_TEST_CASE(results_of_a_streamed_fold_leave_as_the_last_row_finishes_them) {
    fold_timing timing(array_of(8, 6));
    const array_fold x = fold_of({5, 4, 3}, array_dataflow::weight_stationary);
    const fold_load l = timing.load(picoseconds(100), picoseconds(0), x);
    BOOST_TEST(l.end.value() == 108U);
    const fold_drain d = timing.drain(timing.enter(picoseconds(0), picoseconds(0), x), x);
    for (std::uint32_t j = 0; j < 4; ++j) {
        BOOST_TEST(d.first_result(j).value() == 108U + (8 - 1) + j); // through all rows, however small k is
        BOOST_TEST(d.last_result(j).value() == 108U + (8 - 1) + j + (5 - 1));
    }
    BOOST_TEST(d.end.value() == d.last_result(3).value() + 1);
}

BOOST_AUTO_TEST_CASE(operands_that_stream_slowly_stretch_a_streamed_fold) {
    for (const array_dataflow flow : k_streamed) {
        const array_geometry array = array_of(16, 16);
        const passage p = pass(array, std::vector<array_fold>(4, streamed(array, flow, 30)), 50);
        for (std::size_t f = 0; f < 4; ++f) {
            BOOST_TEST(p.enter[f] == 16 + f * 50);
            BOOST_TEST(p.end[f] == p.enter[f] + 50 + 16 + 16 - 2);
        }
        fold_timing timing(array);
        const fold_load slow = timing.load(picoseconds(10), picoseconds(40), streamed(array, flow, 30));
        BOOST_TEST(slow.end.value() == 50U);
        BOOST_TEST(slow.late.value() == 24U);
    }
}

BOOST_AUTO_TEST_CASE(slow_writes_hold_a_streamed_fold_back_at_their_own_rate) {
    for (const array_dataflow flow : k_streamed) {
        const array_geometry array = array_of(16, 16);
        const passage p = pass(array, std::vector<array_fold>(40, streamed(array, flow, 16)), 0, 50);
        BOOST_TEST(p.enter[39] - p.enter[29] == 10U * 50);
        BOOST_TEST(p.first[39] == p.first[38] + 50);
        const passage fast = pass(array, std::vector<array_fold>(40, streamed(array, flow, 16)), 0, 16);
        BOOST_TEST(fast.enter[39] == 16 + 39U * 16);
    }
}

BOOST_AUTO_TEST_CASE(streamed_results_take_two_buffers_in_turn_and_longer_ones_both) {
    const array_geometry array = array_of(16, 16);
    const auto ws = [&](std::uint32_t steps) { return streamed(array, array_dataflow::weight_stationary, steps); };
    const passage in_turn = pass(array, {ws(16), ws(16), ws(16)}, 0, 100);
    BOOST_TEST(in_turn.first[1] == in_turn.first[0] + 16);
    BOOST_TEST(in_turn.first[2] ==
               in_turn.first[0] + 100 - 16); // the first fold's buffer is empty as the third fills it
    const passage both = pass(array, {ws(17), ws(16), ws(16), ws(17)}, 0, 100);
    BOOST_TEST(both.first[1] == both.first[0] + 100 - 16);
    BOOST_TEST(both.first[2] == both.first[1] + 16);
    BOOST_TEST(both.first[3] == both.first[0] + 300 - 16);
}

BOOST_AUTO_TEST_CASE(a_fold_of_another_dataflow_waits_for_the_array_to_empty) {
    const array_geometry array = array_of(8, 8);
    const array_fold os = fold_of({8, 8, 20}), ws = streamed(array, array_dataflow::weight_stationary, 20),
                     is = streamed(array, array_dataflow::input_stationary, 20);
    const passage p = pass(array, {os, ws, ws, is, os});
    BOOST_TEST(p.load[1] == p.end[0]);
    BOOST_TEST(p.load[2] == p.enter[1]); // the same dataflow: hidden
    BOOST_TEST(p.load[3] == p.end[2]);
    BOOST_TEST(p.enter[4] == p.end[3]);
    fold_timing timing(array);
    (void)timing.enter(picoseconds(0), picoseconds(0), os);
    BOOST_TEST(timing.may_begin(os.flow));
    BOOST_TEST(!timing.may_begin(ws.flow)); // when the fold inside drains is not known yet
}

// ---- what holds folds back

BOOST_AUTO_TEST_CASE(without_slow_writes_accumulators_never_hold_a_fold_back) {
    std::mt19937 random(3);
    for (int trial = 0; trial < 300; ++trial) {
        const array_geometry array =
            array_of(1 + static_cast<std::uint32_t>(random() % 9), 1 + static_cast<std::uint32_t>(random() % 20));
        std::vector<array_fold> folds;
        for (int f = 0; f < 8; ++f)
            folds.push_back(fold_of({1 + static_cast<std::uint32_t>(random() % array.rows),
                                     1 + static_cast<std::uint32_t>(random() % array.columns),
                                     1 + static_cast<std::uint32_t>(random() % 30)}));
        const passage p = pass(array, folds);
        for (std::size_t f = 1; f < folds.size(); ++f)
            BOOST_REQUIRE_EQUAL(p.enter[f] - p.enter[f - 1], std::max(folds[f - 1].extents.k, array.rows));
    }
}

BOOST_AUTO_TEST_CASE(slow_writes_hold_folds_back_at_their_own_rate) {
    const array_geometry array = array_of(16, 16);
    const passage p = pass(array, full(array, 16, 40), 0, 50);
    BOOST_TEST(p.enter[39] - p.enter[29] == 10U * 50); // the port's rate, not the array's
    const passage fast = pass(array, full(array, 16, 40), 0, 16);
    BOOST_TEST(fast.enter[39] == 39U * 16);
}

BOOST_AUTO_TEST_CASE(late_operands_delay_the_entry_and_nothing_else) {
    fold_timing timing(array_of(4, 4));
    const array_fold x = fold_of({4, 4, 8});
    const fold_entry first = timing.enter(picoseconds(0), picoseconds(0), x);
    const fold_entry second = timing.enter(picoseconds(50), picoseconds(0), x);
    BOOST_TEST(first.next_enter.value() == 8U);
    BOOST_TEST(second.enter.value() == 50U);
    BOOST_TEST(second.held.value() == 0U);
    BOOST_TEST(!timing.may_enter(x));
    timing.reset();
    BOOST_TEST(timing.may_enter(x));
    BOOST_TEST(!timing.may_drain());
}
