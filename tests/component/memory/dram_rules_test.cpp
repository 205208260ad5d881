// Every rule between DRAM commands: blocked at t - 1, legal at t, and only for the banks that it is about.

#include "hw/memory/dram_rules.h"
#include "tests/component/memory/dram_bench.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using hw::dram_command;
using hw::dram_rules;
using kpu::test::bare_device;

namespace {

constexpr std::uint32_t k_bank = 5, k_same_group = 9, k_other_group = 6;

struct rules_bench {
    platform::dram_device device = bare_device();
    picoseconds burst;

    /// `first` is given to k_bank at 1000; `second` to `bank` is then legal from 1000 + `after` on, not before.
    void needs(dram_command first, dram_command second, std::uint32_t bank, std::uint64_t after) const {
        dram_rules rules(device, burst);
        rules.record(first, k_bank, picoseconds(1000), 7);
        const std::uint64_t from = 1000 + after;
        if (after != 0) {
            BOOST_TEST(rules.earliest(second, bank, picoseconds(0)).value() == from);
            BOOST_TEST(rules.earliest(second, bank, picoseconds(from - 1)).value() == from);
        }
        BOOST_TEST(rules.earliest(second, bank, picoseconds(from)).value() == from);
        BOOST_TEST(rules.earliest(second, bank, picoseconds(from + 1)).value() == from + 1);
    }
    void does_not_hold_up(dram_command first, dram_command second, std::uint32_t bank) const {
        needs(first, second, bank, 0);
    }
};

constexpr auto k_precharge = dram_command::precharge, k_activate = dram_command::activate;
constexpr auto k_read = dram_command::read, k_write = dram_command::write;

} // namespace

BOOST_FIXTURE_TEST_SUITE(dram_rules_one_by_one, rules_bench)

BOOST_AUTO_TEST_CASE(rcd) {
    device.t_rcd = picoseconds(130);
    for (const dram_command column : {k_read, k_write}) {
        needs(k_activate, column, k_bank, 130);
        does_not_hold_up(k_activate, column, k_same_group);
    }
}

BOOST_AUTO_TEST_CASE(rp) {
    device.t_rp = picoseconds(170);
    needs(k_precharge, k_activate, k_bank, 170);
    does_not_hold_up(k_precharge, k_activate, k_same_group);
}

BOOST_AUTO_TEST_CASE(ras) {
    device.t_ras = picoseconds(340);
    needs(k_activate, k_precharge, k_bank, 340);
    does_not_hold_up(k_activate, k_precharge, k_same_group);
}

BOOST_AUTO_TEST_CASE(rc) {
    device.t_rc = picoseconds(480);
    needs(k_activate, k_activate, k_bank, 480);
    does_not_hold_up(k_activate, k_activate, k_same_group);
}

BOOST_AUTO_TEST_CASE(rtp) {
    device.t_rtp = picoseconds(50);
    needs(k_read, k_precharge, k_bank, 50);
    does_not_hold_up(k_read, k_precharge, k_same_group);
    does_not_hold_up(k_write, k_precharge, k_bank);
}

BOOST_AUTO_TEST_CASE(write_recovery_counts_from_the_end_of_the_data) {
    device.t_wr = picoseconds(160);
    device.t_cwl = picoseconds(40);
    burst = picoseconds(20);
    needs(k_write, k_precharge, k_bank, 40 + 20 + 160);
    does_not_hold_up(k_write, k_precharge, k_same_group);
    does_not_hold_up(k_read, k_precharge, k_bank);
}

BOOST_AUTO_TEST_CASE(ccd) {
    device.t_ccd_s = picoseconds(20);
    device.t_ccd_l = picoseconds(45);
    for (const dram_command column : {k_read, k_write}) {
        needs(column, column, k_bank, 45);
        needs(column, column, k_same_group, 45);
        needs(column, column, k_other_group, 20);
        does_not_hold_up(column, k_activate, k_same_group);
    }
}

BOOST_AUTO_TEST_CASE(the_bus_holds_one_burst) {
    device.t_ccd_s = picoseconds(20);
    device.t_ccd_l = picoseconds(25);
    burst = picoseconds(30);
    for (const dram_command column : {k_read, k_write})
        for (const std::uint32_t bank : {k_bank, k_same_group, k_other_group})
            needs(column, column, bank, 30);
}

BOOST_AUTO_TEST_CASE(rrd) {
    device.t_rrd_s = picoseconds(40);
    device.t_rrd_l = picoseconds(55);
    needs(k_activate, k_activate, k_same_group, 55);
    needs(k_activate, k_activate, k_other_group, 40);
    does_not_hold_up(k_activate, k_read, k_other_group);
}

BOOST_AUTO_TEST_CASE(faw) {
    device.t_faw = picoseconds(300);
    dram_rules rules(device, burst);
    for (std::uint32_t n = 0; n < 4; ++n) {
        BOOST_TEST(rules.earliest(k_activate, n, picoseconds(10 * n)).value() == 10 * n);
        rules.record(k_activate, n, picoseconds(10 * n), 0);
    }
    BOOST_TEST(rules.earliest(k_activate, 4, picoseconds(299)).value() == 300u);
    BOOST_TEST(rules.earliest(k_activate, 4, picoseconds(300)).value() == 300u);
    rules.record(k_activate, 4, picoseconds(300), 0);
    BOOST_TEST(rules.earliest(k_activate, 8, picoseconds(309)).value() == 310u);
    BOOST_TEST(rules.earliest(k_activate, 8, picoseconds(310)).value() == 310u);
}

BOOST_AUTO_TEST_CASE(write_to_read_counts_from_the_end_of_the_data) {
    device.t_wtr_s = picoseconds(60);
    device.t_wtr_l = picoseconds(80);
    device.t_cwl = picoseconds(50);
    burst = picoseconds(20);
    needs(k_write, k_read, k_bank, 50 + 20 + 80);
    needs(k_write, k_read, k_same_group, 50 + 20 + 80);
    needs(k_write, k_read, k_other_group, 50 + 20 + 60);
}

BOOST_AUTO_TEST_CASE(read_to_write) {
    device.t_rtw = picoseconds(75);
    needs(k_read, k_write, k_bank, 75);
    needs(k_read, k_write, k_other_group, 75);
    does_not_hold_up(k_read, k_read, k_other_group);
}

BOOST_AUTO_TEST_CASE(refresh_blocks_every_command_and_closes_rows) {
    device.t_refi = picoseconds(10'000);
    device.t_rfc = picoseconds(700);
    dram_rules rules(device, burst);
    const auto check = [&](std::uint64_t begin) {
        for (const dram_command c : {k_precharge, k_activate, k_read, k_write}) {
            BOOST_TEST(rules.earliest(c, 3, picoseconds(begin - 1)).value() == begin - 1);
            BOOST_TEST(rules.earliest(c, 3, picoseconds(begin)).value() == begin + 700);
            BOOST_TEST(rules.earliest(c, 3, picoseconds(begin + 699)).value() == begin + 700);
            BOOST_TEST(rules.earliest(c, 3, picoseconds(begin + 700)).value() == begin + 700);
        }
    };
    for (const std::uint64_t k : {1u, 2u, 5u})
        check(k * 10'000);
    BOOST_TEST(rules.earliest(k_activate, 3, picoseconds(0)).value() == 0u); // none at the start
    rules.record(k_activate, 3, picoseconds(100), 42);
    rules.refresh_until(picoseconds(9'999));
    BOOST_TEST(rules.open_row(3) == 42u);
    BOOST_TEST(rules.next_refresh().value() == 10'000u);
    rules.refresh_until(picoseconds(10'000));
    BOOST_TEST(rules.open_row(3) == dram_rules::k_closed);
    BOOST_TEST(rules.next_refresh().value() == 20'000u);
    // one that came early is not served while the refresh goes on
    BOOST_TEST(rules.earliest(k_activate, 3, picoseconds(5'000)).value() == 10'700u);
    check(20'000);
    rules.refresh_until(picoseconds(55'000)); // several at once
    BOOST_TEST(rules.next_refresh().value() == 60'000u);
}

BOOST_AUTO_TEST_CASE(without_refresh_there_is_none) {
    dram_rules rules(device, burst);
    const picoseconds late(~std::uint64_t{0} - 1);
    BOOST_TEST((rules.earliest(k_read, 0, late) == late));
}

BOOST_AUTO_TEST_CASE(the_strictest_rule_counts) {
    const platform::dram_device real = kpu::test::ddr4_3200().device;
    dram_rules rules(real, picoseconds(2500));
    rules.record(k_activate, k_bank, picoseconds(0), 1);
    rules.record(k_read, k_bank, picoseconds(13'750));
    // 13'750 + t_rtp is before t_ras
    BOOST_TEST(rules.earliest(k_precharge, k_bank, picoseconds(0)).value() == real.t_ras.value());
    rules.record(k_read, k_bank, picoseconds(40'000));
    BOOST_TEST(rules.earliest(k_precharge, k_bank, picoseconds(0)).value() == 47'500u);
    rules.record(k_precharge, k_bank, picoseconds(47'500));
    BOOST_TEST(rules.earliest(k_activate, k_bank, picoseconds(0)).value() == 47'500u + 13'750);
    BOOST_TEST(rules.open_row(k_bank) == dram_rules::k_closed);
}

BOOST_AUTO_TEST_SUITE_END()
