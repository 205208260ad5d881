// The closed forms of fold timing: totals, periods, what drains and writes hold back.

#include "hw/fabric/fold_timing.h"

#include <boost/test/unit_test.hpp>
#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
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

/// Folds whose operands are always there and whose results are written as they leave; the cycles in which they enter
/// and drain.
struct passage {
    std::vector<std::uint64_t> enter, drain, end;
};
passage pass(const array_geometry& array, const std::vector<fold_extents>& folds, std::uint64_t streaming = 0,
             std::uint64_t write = 0) {
    fold_timing timing(array);
    std::vector<fold_entry> entries;
    passage p;
    std::uint64_t port_free = 0;
    const auto drain_next = [&] {
        const fold_extents& x = folds[p.drain.size()];
        const fold_drain d = timing.drain(entries[p.drain.size()], x);
        p.drain.push_back(d.start.value());
        p.end.push_back(d.end.value());
        port_free = std::max(port_free, d.start.value()) + write; // the write's port, one fold after the other
        timing.written(picoseconds(port_free));
    };
    for (const fold_extents& x : folds) {
        while (!timing.may_enter())
            drain_next();
        entries.push_back(timing.enter(picoseconds(0), picoseconds(streaming), element_type::f32, x));
        p.enter.push_back(entries.back().enter.value());
    }
    while (timing.may_drain())
        drain_next();
    return p;
}

std::vector<fold_extents> full(const array_geometry& array, std::uint32_t k, std::size_t count) {
    return std::vector<fold_extents>(count, fold_extents{array.rows, array.columns, k});
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
    const fold_extents x{5, 4, 10};
    const fold_entry e = timing.enter(picoseconds(100), picoseconds(0), element_type::f32, x);
    const fold_drain d = timing.drain(e, x);
    BOOST_TEST(e.enter.value() == 100U);
    BOOST_TEST(e.last_mac.value() == 100U + 4 + 3 + 10);
    for (std::uint32_t j = 0; j < 4; ++j) {
        BOOST_TEST(d.first_result(j).value() == 100U + 10 + 8 - 1 + j);          // enter + k + (R-1) + j
        BOOST_TEST(d.last_result(j).value() == 100U + 10 + (5 - 1) + 8 - 1 + j); // (m-1) later
    }
    BOOST_TEST(d.end.value() == d.last_result(3).value() + 1);
}

BOOST_AUTO_TEST_CASE(several_macs_per_pe_shorten_the_steps) {
    array_geometry array = array_of(4, 4);
    array.macs_per_pe[static_cast<std::size_t>(element_type::i8)] = 4;
    BOOST_TEST(fold_steps(array, element_type::i8, 64) == 16U);
    BOOST_TEST(fold_steps(array, element_type::i8, 65) == 17U);
    BOOST_TEST(fold_steps(array, element_type::f32, 64) == 64U);
}

BOOST_AUTO_TEST_CASE(a_short_fold_waits_for_the_drain_of_a_long_one) {
    const passage p = pass(array_of(16, 16), {{16, 16, 100}, {1, 1, 1}, {1, 1, 1}});
    BOOST_TEST(p.enter[1] == 100U);
    BOOST_TEST(p.drain[0] == 115U);
    BOOST_TEST(p.drain[1] == 131U); // done in cycle 101, but the column shifts until 131
    BOOST_TEST(p.drain[2] == 147U);
}

BOOST_AUTO_TEST_CASE(without_slow_writes_accumulators_never_hold_a_fold_back) {
    std::mt19937 random(3);
    for (int trial = 0; trial < 300; ++trial) {
        const array_geometry array =
            array_of(1 + static_cast<std::uint32_t>(random() % 9), 1 + static_cast<std::uint32_t>(random() % 20));
        std::vector<fold_extents> folds;
        for (int f = 0; f < 8; ++f)
            folds.push_back({1 + static_cast<std::uint32_t>(random() % array.rows),
                             1 + static_cast<std::uint32_t>(random() % array.columns),
                             1 + static_cast<std::uint32_t>(random() % 30)});
        const passage p = pass(array, folds);
        for (std::size_t f = 1; f < folds.size(); ++f)
            BOOST_REQUIRE_EQUAL(p.enter[f] - p.enter[f - 1], std::max(folds[f - 1].k, array.rows));
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
    const fold_extents x{4, 4, 8};
    const fold_entry first = timing.enter(picoseconds(0), picoseconds(0), element_type::f32, x);
    const fold_entry second = timing.enter(picoseconds(50), picoseconds(0), element_type::f32, x);
    BOOST_TEST(first.next_enter.value() == 8U);
    BOOST_TEST(second.enter.value() == 50U);
    BOOST_TEST(second.held.value() == 0U);
    BOOST_TEST(!timing.may_enter());
    timing.reset();
    BOOST_TEST(timing.may_enter());
    BOOST_TEST(!timing.may_drain());
}
