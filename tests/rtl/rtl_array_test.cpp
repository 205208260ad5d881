// Three arrays, one answer: the Verilog array under its own sequencer, the PE-level model and the formulas agree on the
// cycle in which a fold loads, enters and gives the first and last result of every column; the first two on every bit.

#include "rtl_3x5.h"
#include "rtl_4x4.h"
#include "rtl_4x6_single.h"
#include "rtl_5x3_single.h"
#include "rtl_8x8.h"
#include "tests/rtl/rtl_driver.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::array_dataflow;

/// One cycle is one picosecond, so that times read as cycles.
array_geometry geometry(std::uint32_t rows, std::uint32_t columns, bool pipelined) {
    array_geometry array;
    array.rows = rows;
    array.columns = columns;
    array.pipelined = pipelined;
    array.period = picoseconds(1);
    return array;
}

/// How much random time passes between folds, for operands and for results.
struct gaps {
    std::uint32_t offers = 0, streams = 0, writes = 0; ///< below so many cycles each
};

/// A run of random folds.
class scenario {
  public:
    scenario(const array_geometry& array, unsigned operand_bits, std::mt19937& random)
        : m_array(array), m_bits(operand_bits), m_random(random) {}

    void add(array_dataflow flow, const gaps& g) {
        rtl_fold f;
        f.work.flow = flow;
        if (flow == array_dataflow::output_stationary)
            f.work.extents = {up_to(m_array.rows), up_to(m_array.columns), up_to(20)};
        else if (flow == array_dataflow::weight_stationary)
            f.work.extents = {up_to(20), up_to(m_array.columns), up_to(m_array.rows)};
        else
            f.work.extents = {up_to(m_array.columns), up_to(20), up_to(m_array.rows)};
        const fold_extents& x = f.work.extents;
        f.work.a = values(std::size_t{x.m} * x.k, m_bits);
        f.work.b = values(std::size_t{x.k} * x.n, m_bits);
        f.work.seed = m_random() % 2 == 0 ? values(std::size_t{x.m} * x.n, 32) : nullptr;
        f.offered = (folds.empty() ? 0 : folds.back().offered) + below(g.offers);
        f.streams = f.offered + below(g.streams);
        f.write_lag = below(g.writes);
        folds.push_back(f);
    }

    std::vector<rtl_fold> folds;

  private:
    std::uint32_t up_to(std::uint32_t most) { return 1 + static_cast<std::uint32_t>(m_random() % most); }
    std::uint32_t below(std::uint32_t limit) {
        return limit == 0 || m_random() % 3 == 0 ? 0 : static_cast<std::uint32_t>(m_random() % limit);
    }
    /// Signed numbers of so many bits, as the 32-bit arithmetic sees them.
    const std::uint32_t* values(std::size_t count, unsigned bits) {
        std::vector<std::uint32_t> v(count);
        for (std::uint32_t& x : v)
            x = static_cast<std::uint32_t>(
                static_cast<std::int32_t>(static_cast<std::uint32_t>(m_random()) << (32 - bits)) >> (32 - bits));
        m_data.push_back(std::move(v));
        return m_data.back().data();
    }

    array_geometry m_array;
    unsigned m_bits;
    std::mt19937& m_random;
    std::vector<std::vector<std::uint32_t>> m_data;
};

/// What the formulas say, and the schedule for the PE-level model.
struct prediction {
    std::vector<fold_drain> drains;
    std::vector<pe_fold<std::uint32_t>> schedule;
};

prediction predict(const array_geometry& array, const std::vector<rtl_fold>& folds) {
    fold_timing timing(array);
    std::vector<fold_entry> entries;
    std::vector<array_fold> shapes;
    prediction p;
    const auto drain_next = [&] {
        const std::size_t f = p.drains.size();
        p.drains.push_back(timing.drain(entries[f], shapes[f]));
        timing.written(p.drains[f].first + picoseconds(folds[f].write_lag));
        p.schedule[f].drain = p.drains[f].start.value();
    };
    for (const rtl_fold& f : folds) {
        p.schedule.push_back(f.work);
        shapes.push_back({iface::element_type::i32, f.work.flow, f.work.extents, f.work.seed != nullptr});
        while (!timing.may_begin(f.work.flow))
            drain_next();
        // an offer is a cycle later in the sequencer's first register, another one later in that from which it enters
        std::uint64_t arrival = std::max(f.streams, f.offered + 2);
        if (f.work.is_loaded()) {
            p.schedule.back().load =
                timing.load(picoseconds(f.offered + 1), picoseconds(0), shapes.back()).begin.value();
            arrival = f.streams;
        }
        while (!timing.may_enter(shapes.back()))
            drain_next();
        entries.push_back(timing.enter(picoseconds(arrival), picoseconds(0), shapes.back()));
        p.schedule.back().enter = entries.back().enter.value();
    }
    while (timing.may_drain())
        drain_next();
    return p;
}

template <class Model>
void check(const array_geometry& array, const std::vector<rtl_fold>& folds) {
    const prediction formula = predict(array, folds);
    const auto wires = pe_array<std::uint32_t>(array.rows, array.columns, 1, array.pipelined).run(formula.schedule);
    const std::vector<rtl_passage> rtl = rtl_driver<Model>(array).run(folds);
    for (std::size_t f = 0; f < folds.size(); ++f) {
        BOOST_TEST_CONTEXT("fold " << f) {
            BOOST_REQUIRE_EQUAL(rtl[f].enter, formula.schedule[f].enter);
            if (folds[f].work.is_loaded())
                BOOST_REQUIRE_EQUAL(rtl[f].load, formula.schedule[f].load);
            for (std::uint32_t j = 0; j < folds[f].work.columns(); ++j) {
                BOOST_REQUIRE_EQUAL(rtl[f].results.first[j], formula.drains[f].first_result(j).value());
                BOOST_REQUIRE_EQUAL(rtl[f].results.last[j], formula.drains[f].last_result(j).value());
                BOOST_REQUIRE_EQUAL(wires[f].first[j], rtl[f].results.first[j]);
                BOOST_REQUIRE_EQUAL(wires[f].last[j], rtl[f].results.last[j]);
            }
            BOOST_REQUIRE(wires[f].c == rtl[f].results.c);
        }
    }
}

constexpr gaps k_back_to_back{};
constexpr gaps k_all_gaps[] = {k_back_to_back, {60, 0, 0}, {0, 30, 0}, {0, 0, 60}, {40, 20, 40}};

/// Sequences of folds of each dataflow, then of all mixed, without and with gaps.
template <class Model>
void check_array(std::uint32_t rows, std::uint32_t columns, unsigned operand_bits, bool pipelined) {
    const array_geometry array = geometry(rows, columns, pipelined);
    const std::uint32_t seed = 41;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const std::optional<array_dataflow> flows[] = {array_dataflow::output_stationary, array_dataflow::weight_stationary,
                                                   array_dataflow::input_stationary, std::nullopt};
    for (const auto& flow : flows)
        for (const gaps& g : k_all_gaps)
            for (int trial = 0; trial < 40; ++trial) {
                scenario s(array, operand_bits, random);
                const std::size_t count = 1 + random() % 8;
                for (std::size_t f = 0; f < count; ++f)
                    s.add(flow ? *flow : static_cast<array_dataflow>(random() % 3), g);
                BOOST_TEST_CONTEXT("trial " << trial << " of dataflow " << (flow ? static_cast<int>(*flow) : 3)) {
                    check<Model>(array, s.folds);
                }
            }
}

} // namespace

BOOST_AUTO_TEST_CASE(an_array_of_4x4_pipelined) {
    check_array<rtl_4x4>(4, 4, 8, true);
}

BOOST_AUTO_TEST_CASE(an_array_of_3x5_pipelined_with_32_bit_operands) {
    check_array<rtl_3x5>(3, 5, 32, true);
}

BOOST_AUTO_TEST_CASE(an_array_of_8x8_pipelined) {
    check_array<rtl_8x8>(8, 8, 8, true);
}

BOOST_AUTO_TEST_CASE(an_array_of_5x3_not_pipelined) {
    check_array<rtl_5x3_single>(5, 3, 8, false);
}

BOOST_AUTO_TEST_CASE(an_array_of_4x6_not_pipelined_with_32_bit_operands) {
    check_array<rtl_4x6_single>(4, 6, 32, false);
}
