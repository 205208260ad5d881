// Banked DRAM: where bursts lie, closed forms of accesses, and the arithmetic on whole stripes against a scheduler that
// issues every burst by itself.

#include "hw/memory/dram_scheduler.h"
#include "tests/component/memory/dram_bench.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>

using namespace kpu;
using namespace kpu::test;
using hw::dram_command;
using hw::dram_mapping;
using hw::dram_rules;
using hw::dram_scheduler;
using platform::dram_params;

namespace {

/// Burst by burst, in order, each at its earliest: the definition. Rows that were closed, and the bus's turn, are
/// remembered for bursts that arrived before.
class plain_scheduler {
  public:
    explicit plain_scheduler(const dram_params& p)
        : m_params(p), m_mapping(p.device, p.burst), m_rules(p.device, p.burst_time()) {}

    dram_scheduler::window access(bool is_write, std::uint64_t local, std::uint64_t length, std::uint64_t arrival) {
        const picoseconds latency = is_write ? m_params.device.t_cwl : m_params.device.t_cl;
        const std::uint64_t first = local / m_params.burst.value();
        const std::uint64_t last = (local + length - 1) / m_params.burst.value();
        dram_scheduler::window w;
        for (std::uint64_t b = first; b <= last; ++b) {
            const picoseconds at = issue(is_write ? dram_command::write : dram_command::read, b, picoseconds(arrival));
            if (b == first)
                w.start = at + latency;
            w.end = at + latency + m_params.burst_time();
        }
        w.bursts = last - first + 1;
        return w;
    }
    std::uint64_t hits = 0, misses = 0, conflicts = 0;

  private:
    picoseconds issue(dram_command column, std::uint64_t burst, picoseconds arrival) {
        const dram_mapping::stripe in = m_mapping.locate(burst);
        const std::uint32_t bank = m_mapping.bank_of(in, 0);
        for (;;) {
            dram_rules plan = m_rules;
            const std::uint64_t open = plan.open_row(bank);
            const auto& gone = m_closed[bank];
            const std::size_t kept = std::min<std::size_t>(gone.size(), 4);
            const bool hit =
                open == in.row || std::any_of(gone.end() - static_cast<std::ptrdiff_t>(kept), gone.end(),
                                              [&](const auto& c) { return c.first == in.row && arrival < c.second; });
            picoseconds precharge;
            if (!hit && open != dram_rules::k_closed) {
                precharge = plan.earliest(dram_command::precharge, bank, arrival);
                plan.record(dram_command::precharge, bank, precharge);
            }
            if (!hit)
                plan.record(dram_command::activate, bank, plan.earliest(dram_command::activate, bank, arrival), in.row);
            const bool turned = column != m_direction && !(arrival < m_turned);
            const bool as_before = column == m_direction || turned;
            const picoseconds at =
                as_before ? plan.earliest(column, bank, arrival) : plan.earliest_unturned(bank, arrival);
            if (at >= m_rules.next_refresh()) {
                m_rules.refresh_until(at);
                m_closed.clear();
                m_turned = picoseconds();
                continue;
            }
            if (as_before)
                plan.record(column, bank, at);
            else
                plan.record_unturned(column, bank, at);
            m_rules = plan;
            if (!hit && open != dram_rules::k_closed)
                m_closed[bank].emplace_back(open, precharge);
            if (turned) {
                m_turned = m_last;
                m_direction = column;
            }
            m_last = at;
            ++(hit ? hits : open == dram_rules::k_closed ? misses : conflicts);
            return at;
        }
    }
    std::map<std::uint32_t, std::vector<std::pair<std::uint64_t, picoseconds>>> m_closed;
    dram_command m_direction = dram_command::read;
    picoseconds m_turned, m_last;
    dram_params m_params;
    dram_mapping m_mapping;
    dram_rules m_rules;
};

std::uint64_t ps(picoseconds t) {
    return t.value();
}

/// Address of a burst in the bank of `local`, `n` rows further: another row, the same bank.
std::uint64_t other_row_of_the_same_bank(const dram_params& p, std::uint64_t local) {
    const dram_mapping map(p.device, p.burst);
    const std::uint64_t burst = map.burst_of(local);
    const dram_mapping::stripe here = map.locate(burst);
    for (std::uint64_t b = burst + 1;; ++b) {
        const dram_mapping::stripe there = map.locate(b);
        if (there.row != here.row && map.bank_of(there, 0) == map.bank_of(here, 0))
            return b * p.burst.value();
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(dram_mapping_suite)

BOOST_AUTO_TEST_CASE(every_row_of_every_bank_holds_its_bursts) {
    platform::dram_device device = bare_device(); // 16 banks with rows of 32 bursts
    for (const std::uint32_t groups : {1u, 2u, 4u})
        for (const std::uint32_t banks : {1u, 4u}) {
            device.bank_groups = groups;
            device.banks = banks;
            const dram_mapping map(device, bytes(64));
            const std::uint64_t rows = 40;
            std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> filled;
            for (std::uint64_t b = 0; b < rows * groups * banks * 32; ++b) {
                const dram_mapping::stripe in = map.locate(b);
                ++filled[{map.bank_of(in, 0), in.row}];
            }
            BOOST_TEST(filled.size() == rows * groups * banks);
            for (const auto& [place, bursts] : filled)
                BOOST_REQUIRE(bursts == 32u);
        }
}

BOOST_AUTO_TEST_CASE(consecutive_bursts_take_the_groups_in_turn) {
    const platform::dram_device device = bare_device();
    const dram_mapping map(device, bytes(64));
    for (std::uint64_t b = 0; b < 10'000; b += 4) {
        std::set<std::uint32_t> groups;
        for (std::uint64_t i = b; i < b + 4; ++i)
            groups.insert(map.bank_of(map.locate(i), 0) % 4);
        BOOST_REQUIRE(groups.size() == 4u);
    }
}

BOOST_AUTO_TEST_CASE(a_stripe_tells_the_banks_of_its_bursts) {
    const platform::dram_device device = bare_device();
    const dram_mapping map(device, bytes(64));
    for (std::uint64_t b = 0; b < 5000; b += 37) {
        const dram_mapping::stripe in = map.locate(b);
        BOOST_REQUIRE(in.left == 128 - b % 128);
        for (std::uint64_t i = 0; i < in.left; ++i) {
            const dram_mapping::stripe there = map.locate(b + i);
            BOOST_REQUIRE(there.row == in.row);
            BOOST_REQUIRE(map.bank_of(there, 0) == map.bank_of(in, i));
        }
    }
}

BOOST_AUTO_TEST_CASE(power_of_two_strides_visit_all_banks_of_a_group) {
    const platform::dram_device device = bare_device();
    const dram_mapping map(device, bytes(64));
    const std::uint64_t row_of_all_banks = 16 * 32; // bursts
    for (std::uint64_t stride = row_of_all_banks; stride <= row_of_all_banks << 12; stride *= 2) {
        std::set<std::uint32_t> banks;
        for (std::uint64_t i = 0; i < 16; ++i)
            banks.insert(map.bank_of(map.locate(i * stride), 0));
        BOOST_TEST(banks.size() == 4u, "stride " << stride << ": " << banks.size() << " banks");
    }
}

BOOST_AUTO_TEST_CASE(consecutive_stripes_lie_in_different_banks) {
    for (const std::uint32_t banks : {4u, 8u, 16u}) {
        platform::dram_device device = bare_device();
        device.banks = banks;
        const dram_mapping map(device, bytes(64));
        for (std::uint64_t stripe = 0; stripe < 100'000; ++stripe)
            BOOST_REQUIRE(map.locate(128 * stripe).bank != map.locate(128 * (stripe + 1)).bank);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(dram_scheduler_closed_forms)

BOOST_AUTO_TEST_CASE(hit_miss_and_conflict_of_one_burst) {
    for (const dram_params& p : {ddr4_2400(), ddr4_3200(), lpddr5_6400(), hbm2_2000(), hbm3_6400()}) {
        const platform::dram_device& d = p.device;
        dram_scheduler dram(p);
        const std::uint64_t closed = ps(d.t_rcd + d.t_cl), burst = ps(p.burst_time());
        auto w = dram.access(false, 0, bytes(1), picoseconds(1000));
        BOOST_TEST(ps(w.start) == 1000 + closed);
        BOOST_TEST(ps(w.end) == 1000 + closed + burst);
        w = dram.access(false, 0, p.burst, picoseconds(500'000)); // its row is open
        BOOST_TEST(ps(w.start) == 500'000 + ps(d.t_cl));
        w = dram.access(false, other_row_of_the_same_bank(p, 0), p.burst, picoseconds(600'000));
        BOOST_TEST(ps(w.start) == 600'000 + ps(d.t_rp) + closed);
        w = dram.access(true, other_row_of_the_same_bank(p, 0), p.burst, picoseconds(700'000));
        BOOST_TEST(ps(w.start) == 700'000 + ps(d.t_cwl));
        BOOST_TEST(ps(w.end) == 700'000 + ps(d.t_cwl) + burst);
        BOOST_TEST(dram.counts().row_hits == 2u);
        BOOST_TEST(dram.counts().row_misses == 1u);
        BOOST_TEST(dram.counts().row_conflicts == 1u);
    }
}

BOOST_AUTO_TEST_CASE(one_bank_opens_a_row_every_rc) {
    const dram_params p = without_refresh(ddr4_3200());
    dram_scheduler dram(p);
    std::uint64_t where = 0;
    std::uint64_t end = 0;
    for (std::uint64_t n = 0; n < 100; ++n) {
        end = ps(dram.access(false, where, p.burst, picoseconds(0)).end);
        const std::uint64_t least = n * ps(p.device.t_rc) + ps(p.device.t_rcd + p.device.t_cl) + 2500;
        BOOST_REQUIRE(end == least);
        where = other_row_of_the_same_bank(p, where);
    }
    BOOST_TEST(dram.counts().row_conflicts == 99u);
}

BOOST_AUTO_TEST_CASE(dependent_random_bursts_pay_conflicts) {
    // Each waits for the one before: the time is that of a closed row, and of a precharge where another row is open.
    const dram_params p = without_refresh(ddr4_3200());
    dram_scheduler dram(p);
    constexpr std::uint64_t seed = 5;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    std::uint64_t now = 0;
    for (int i = 0; i < 2000; ++i)
        now = ps(dram.access(false, random() % (1ULL << 32) / 64 * 64, p.burst, picoseconds(now)).end);
    const hw::dram_counts& c = dram.counts();
    BOOST_TEST(c.row_hits < 5u);
    // t_ras of an earlier access seldom lasts beyond the next one's arrival: 41.25 ns and a burst lie between
    const std::uint64_t expected =
        c.row_hits * (13'750 + 2500) + c.row_misses * (27'500 + 2500) + c.row_conflicts * (41'250 + 2500);
    BOOST_TEST(now >= expected);
    BOOST_TEST(static_cast<double>(now) < 1.01 * static_cast<double>(expected));
}

BOOST_AUTO_TEST_CASE(a_stream_runs_at_the_peak) {
    constexpr std::uint64_t length = 1 << 20;
    for (const dram_params& with : {ddr4_2400(), ddr4_3200(), lpddr5_6400(), hbm2_2000(), hbm3_6400()}) {
        const dram_params p = without_refresh(with);
        for (const std::uint64_t piece : {std::uint64_t{256}, std::uint64_t{4096}, length})
            for (const bool write : {false, true}) {
                dram_scheduler dram(p);
                picoseconds end;
                for (std::uint64_t at = 0; at < length; at += piece)
                    end = dram.access(write, at, bytes(piece), picoseconds(0)).end;
                const platform::dram_device& d = p.device;
                const picoseconds latency = d.t_rcd + (write ? d.t_cwl : d.t_cl);
                // the first burst of the last group waits for three activates
                const std::uint64_t late = 3 * (ps(std::max(d.t_rrd_s, p.burst_time()) - p.burst_time()));
                BOOST_TEST(ps(end) == ps(latency) + late + length / p.burst.value() * ps(p.burst_time()));
                BOOST_TEST(dram.counts().row_misses + dram.counts().row_conflicts == length / d.row.value());
            }
    }
}

BOOST_AUTO_TEST_CASE(one_bank_group_is_bound_by_ccd_l) {
    // DDR4-2400: 4 of 6 clocks, two thirds of the peak
    dram_params p = without_refresh(ddr4_2400());
    p.device.bank_groups = 1;
    dram_scheduler dram(p);
    constexpr std::uint64_t length = 1 << 20;
    const picoseconds end = dram.access(false, 0, bytes(length), picoseconds(0)).end;
    const std::uint64_t bursts = length / 64;
    BOOST_TEST(ps(end) == ps(p.device.t_rcd + p.device.t_cl + p.burst_time()) + (bursts - 1) * ps(p.device.t_ccd_l));
    const double share = static_cast<double>(bursts * ps(p.burst_time())) / static_cast<double>(ps(end));
    BOOST_TEST(share > 0.665);
    BOOST_TEST(share < 0.668);
}

BOOST_AUTO_TEST_CASE(refresh_takes_rfc_of_every_refi) {
    // Rows open in no time: exactly t_rfc is lost.
    dram_params p = ddr4_3200();
    p.device = bare_device();
    p.device.t_refi = picoseconds(100'000);
    p.device.t_rfc = picoseconds(10'000);
    dram_scheduler dram(p);
    // the first interval has no refresh: 40 bursts of 2.5 ns; the others carry 36 each
    const std::uint64_t bursts = 40 + 99 * 36;
    BOOST_TEST(ps(dram.access(false, 0, bytes(bursts * 64), picoseconds(0)).end) == 100 * 100'000u);
    BOOST_TEST(ps(dram.access(false, 0, bytes(1), picoseconds(0)).end) == 100 * 100'000u + 10'000 + 2500);
}

BOOST_AUTO_TEST_CASE(refresh_loss_of_the_presets) {
    for (const dram_params& p : {ddr4_2400(), ddr4_3200(), lpddr5_6400(), hbm2_2000(), hbm3_6400()}) {
        dram_scheduler dram(p);
        constexpr std::uint64_t length = 64 << 20;
        picoseconds end;
        for (std::uint64_t at = 0; at < length; at += 4096)
            end = dram.access(false, at, bytes(4096), picoseconds(0)).end;
        const double all = static_cast<double>(ps(end));
        const double lost = 1 - static_cast<double>(length / p.burst.value() * ps(p.burst_time())) / all;
        const double interval = static_cast<double>(ps(p.device.t_refi));
        const double least = static_cast<double>(ps(p.device.t_rfc)) / interval;
        // on top, rows are opened again
        const double most = static_cast<double>(ps(p.device.t_rfc + p.device.t_rcd + 5 * p.device.t_rrd_s)) / interval;
        BOOST_TEST(lost > least - 0.001, p.preset << " loses " << lost << ", at least " << least);
        BOOST_TEST(lost < most, p.preset << " loses " << lost << ", at most " << most);
        BOOST_TEST_MESSAGE(p.preset << " loses " << lost);
    }
}

BOOST_AUTO_TEST_CASE(the_bus_turns_round) {
    const dram_params p = ddr4_3200();
    const platform::dram_device& d = p.device;
    dram_scheduler dram(p);
    dram.access(false, 0, bytes(256), picoseconds(0));
    const std::uint64_t now = 100'000;
    dram.access(false, 0, bytes(256), picoseconds(now)); // reads at 0, 2.5, 5, 7.5 ns
    const std::uint64_t later = now + 7500; // as the last read is given: the bus is still busy, the reads are over
    auto w = dram.access(true, 0, bytes(256), picoseconds(later));
    const std::uint64_t write = now + 7500 + ps(d.t_rtw);
    BOOST_TEST(ps(w.start) == write + ps(d.t_cwl));
    const std::uint64_t written = ps(w.end);
    BOOST_TEST(written == write + 7500 + ps(d.t_cwl) + 2500);
    dram_scheduler other_group = dram;
    w = other_group.access(false, 0, bytes(64), picoseconds(later));
    BOOST_TEST(ps(w.start) == written + ps(d.t_wtr_s) + ps(d.t_cl));
    dram_scheduler early = dram;
    w = dram.access(false, 192, bytes(64), picoseconds(later)); // the last write's group
    BOOST_TEST(ps(w.start) == written + ps(d.t_wtr_l) + ps(d.t_cl));
    // One that was there before the last read costs no turn, but comes after the writes.
    w = early.access(false, 0, bytes(64), picoseconds(later - 1));
    BOOST_TEST(ps(w.start) == write + 7500 + 2500 + ps(d.t_cl));
    w = early.access(true, 192, bytes(64), picoseconds(later)); // nor does it turn the bus
    BOOST_TEST(ps(w.start) == write + 7500 + 5000 + ps(d.t_cwl));
}

BOOST_AUTO_TEST_CASE(a_row_is_open_for_those_who_came_before_it_was_closed) {
    const dram_params p = ddr4_3200();
    const platform::dram_device& d = p.device;
    const std::uint64_t other = other_row_of_the_same_bank(p, 0);
    dram_scheduler dram(p);
    const std::uint64_t now = 100'000;
    dram.access(false, 0, bytes(64), picoseconds(0));
    auto w = dram.access(false, other, bytes(64), picoseconds(now)); // closes row 0 at once
    const std::uint64_t start = now + ps(d.t_rp + d.t_rcd + d.t_cl);
    BOOST_TEST(ps(w.start) == start);
    dram_scheduler late = dram;
    w = dram.access(false, 0, bytes(64), picoseconds(now - 1));
    BOOST_TEST(ps(w.start) == start + ps(d.t_ccd_l));
    BOOST_TEST(dram.counts().row_hits == 1u);
    BOOST_TEST(dram.counts().row_conflicts == 1u);
    w = late.access(false, 0, bytes(64), picoseconds(now));
    BOOST_TEST(ps(w.start) == now + ps(d.t_rp + d.t_rc + d.t_rcd + d.t_cl)); // the other row was opened for t_rc
    BOOST_TEST(late.counts().row_conflicts == 2u);
    // a refresh closes everything for everybody
    const std::uint64_t refreshed = ps(d.t_refi + d.t_rfc);
    dram.access(false, other, bytes(64), picoseconds(refreshed));
    w = dram.access(false, 0, bytes(64), picoseconds(now - 1));
    BOOST_TEST(dram.counts().row_conflicts == 2u);
}

BOOST_AUTO_TEST_CASE(rows_are_opened_while_earlier_data_flows) {
    const dram_params p = without_refresh(ddr4_3200());
    dram_scheduler dram(p);
    const std::uint64_t stripe = 4 * 8192;
    const auto first = dram.access(false, 0, bytes(4096), picoseconds(0));
    const auto second = dram.access(false, stripe, bytes(4096), picoseconds(1000)); // other rows, other banks
    BOOST_TEST((second.start == first.end));
    const auto third = dram.access(false, 3 * stripe, bytes(64), picoseconds(ps(second.end) - 14'000));
    BOOST_TEST(ps(third.start) == ps(second.end) - 14'000 + 27'500); // came too late for that
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(stripes_at_once_are_as_bursts_one_by_one) {
    constexpr std::uint64_t seed = 20'261'127;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    for (const dram_params& preset : {ddr4_2400(), lpddr5_6400(), hbm2_2000()})
        for (const std::uint32_t groups : {1u, 2u, 4u, 8u})
            for (const std::uint64_t ccd_l : {0u, 3000u, 9000u, 40'000u}) {
                dram_params p = preset;
                p.device.bank_groups = groups;
                p.device.t_ccd_l = std::max(p.device.t_ccd_s, picoseconds(ccd_l));
                p.device.row = bytes(1024);
                p.device.t_refi = picoseconds(2'000'000);
                dram_scheduler dram(p);
                plain_scheduler plain(p);
                std::uint64_t now = 0;
                std::uint64_t where = 0;
                for (int i = 0; i < 300; ++i) {
                    now += random() % 3 == 0 ? random() % 2'000'000 : random() % 100'000;
                    where = random() % 2 == 0 ? random() % 1'000'000 : where;
                    const std::uint64_t length = 1 + random() % (random() % 4 == 0 ? 20'000 : 500);
                    const bool write = random() % 3 == 0;
                    const auto found = dram.access(write, where, bytes(length), picoseconds(now));
                    const auto expected = plain.access(write, where, length, now);
                    BOOST_REQUIRE(ps(found.start) == ps(expected.start));
                    BOOST_REQUIRE(ps(found.end) == ps(expected.end));
                    BOOST_REQUIRE(found.bursts == expected.bursts);
                    where += length;
                }
                BOOST_TEST(dram.counts().row_hits == plain.hits);
                BOOST_TEST(dram.counts().row_misses == plain.misses);
                BOOST_TEST(dram.counts().row_conflicts == plain.conflicts);
            }
}
