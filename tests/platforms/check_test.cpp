// Relations between keys: each rule at its last legal value, and broken.

#include "hw/interface/engine.h"
#include "hw/interface/registers.h"
#include "platforms/reader.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace kpu;
using platform::parse_platform;

namespace {

void accepts(const std::string& text) {
    try {
        static_cast<void>(parse_platform(text, "p"));
    } catch (const input_error& e) {
        BOOST_ERROR(text << ": " << e.what());
    }
}

void refuses(const std::string& text, const std::string& expected) {
    try {
        static_cast<void>(parse_platform(text, "p"));
        BOOST_ERROR(text << ": accepted");
    } catch (const input_error& e) {
        const std::string found = e.what();
        BOOST_TEST(found == expected + "\n");
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(the_clock_period_is_whole_picoseconds) {
    accepts("clock: {frequency: 625MHz}");
    accepts("clock: {frequency: 781.25MHz}");
    refuses("clock: {frequency: 750MHz}",
            "p:1:20: clock.frequency: error: the period is not a whole number of picoseconds: "
            "'750MHz' [hint: the nearest are 625MHz and 781.25MHz]");
}

BOOST_AUTO_TEST_CASE(dram_divides_into_channels) {
    accepts("dram: {channels: 3, interleave: 256B, burst: 256B, capacity: 768KiB}");
    refuses(
        "dram: {channels: 3, interleave: 256B, capacity: 1MiB}",
        "p:1:49: dram.capacity: error: does not divide into equal channels: '1MiB' (expected a multiple of channels * "
        "interleave, 768B)");
    refuses("dram: {interleave: 64B, burst: 128B}",
            "p:1:20: dram.interleave: error: smaller than dram.burst: '64B' (expected at least 128B)");
}

BOOST_AUTO_TEST_CASE(dram_timing_is_chosen_by_name) {
    accepts("dram: {timing: banked, preset: LPDDR5_6400, burst: 32B}");
    refuses("dram: {timing: bankd}", "p:1:16: dram.timing: error: unknown value: 'bankd' (expected one of fixed, "
                                     "banked) [hint: did you mean 'banked'?]");
    refuses("dram: {preset: DDR4_3200A}",
            "p:1:16: dram.preset: error: unknown value: 'DDR4_3200A' (expected one of DDR4_2400R, DDR4_3200AA, "
            "LPDDR5_6400, HBM2_2000Mbps, HBM3_6400Mbps) [hint: did you mean 'DDR4_3200AA'?]");
}

BOOST_AUTO_TEST_CASE(a_devices_times_fit_together) {
    struct rule {
        const char* legal;
        const char* broken;
        const char* says;
    };
    // LPDDR5_6400, with bursts of 2.5 ns
    for (const rule& r : {
             rule{"t_ras: 18.75ns", "t_ras: 18.749ns", "t_rcd: '18.749ns' (expected at least 18.75ns)"},
             rule{"t_rc: 61.25ns", "t_rc: 61.249ns", "t_ras + t_rp: '61.249ns' (expected at least 61.25ns)"},
             rule{"t_ccd_l: 2.5ns", "t_ccd_l: 2.499ns", "t_ccd_s: '2.499ns' (expected at least 2.5ns)"},
             rule{"t_rrd_l: 5ns", "t_rrd_l: 4.999ns", "t_rrd_s: '4.999ns' (expected at least 5ns)"},
             rule{"t_faw: 5ns", "t_faw: 4.999ns", "t_rrd_s: '4.999ns' (expected at least 5ns)"},
             rule{"t_wtr_l: 6.25ns", "t_wtr_l: 6.249ns", "t_wtr_s: '6.249ns' (expected at least 6.25ns)"},
             rule{"t_rtw: 12.5ns", "t_rtw: 12.499ns", "t_cl + a burst - t_cwl: '12.499ns' (expected at least 12.5ns)"},
             rule{"t_refi: 228.751ns", "t_refi: 228.75ns",
                  "t_rfc + t_rcd + 1ps: '228.75ns' (expected at least 228.751ns)"},
         }) {
        const std::string head = "dram: {timing: banked, burst: 32B, device: {";
        accepts(head + r.legal + "}}");
        const std::string broken = r.broken;
        const std::string key = broken.substr(0, broken.find(':'));
        refuses(head + broken + "}}", "p:1:" + std::to_string(head.size() + key.size() + 3) + ": dram.device." + key +
                                          ": error: less than " + r.says);
        accepts("dram: {burst: 32B, device: {" + broken + "}}"); // fixed timing does not look at it
    }
    accepts("dram: {timing: banked, burst: 32B, device: {t_refi: 0ps}}"); // no refresh
    refuses("dram: {device: {row: 3KiB}}",
            "p:1:22: dram.device.row: error: not a power of two: '3KiB' (expected a size "
            "such as 64KiB, from 1B to 1MiB, a power of two)");
}

BOOST_AUTO_TEST_CASE(a_device_fits_its_channel) {
    accepts("dram: {timing: banked, burst: 32B, bandwidth: 12.8GB/s}");
    refuses(
        "dram: {timing: banked, burst: 32B, bandwidth: 12.9GB/s}",
        "p:1:47: dram.bandwidth: error: more than bursts every t_ccd_s carry: '12.9GB/s' (expected a burst of 32B in "
        "at least 2.5ns on each sub-channel) [hint: the preset is for another width or rate]");
    accepts("dram: {timing: banked, burst: 32B, bandwidth: 25.6GB/s, sub_channels: 2}");
    accepts("dram: {timing: banked, burst: 64B, device: {row: 64B}}");
    refuses("dram: {timing: banked, burst: 64B, device: {row: 32B}}",
            "p:1:50: dram.device.row: error: smaller than dram.burst: '32B' (expected at least 64B)");
    // two channels of 16 banks
    accepts("dram: {timing: banked, burst: 32B, channels: 2, capacity: 128KiB}");
    refuses(
        "dram: {timing: banked, burst: 32B, channels: 2, capacity: 96KiB}",
        "p:1:59: dram.capacity: error: does not divide into equal banks of whole rows: '96KiB' (expected a multiple "
        "of channels * sub_channels * bank_groups * banks * row, 64KiB)");
}

BOOST_AUTO_TEST_CASE(devices_come_from_the_preset_and_may_be_overridden) {
    const platform::platform p =
        parse_platform("dram: {preset: DDR4_3200AA, latency: 60ns, device: {t_cl: 15ns}}", "p");
    BOOST_TEST(p.dram.device.row.value() == 8192u);
    BOOST_TEST(p.dram.device.t_rcd.value() == 13'750u);
    BOOST_TEST(p.dram.device.t_cl.value() == 15'000u);
    BOOST_TEST(p.dram.controller_latency.value() == 60'000u - 13'750 - 15'000);
    BOOST_TEST(parse_platform("dram: {latency: 10ns}", "p").dram.controller_latency.value() == 0u);
    // the members' initial values are those of the default preset
    BOOST_TEST((parse_platform("{}", "").dram.device.t_refi == platform::dram_device().t_refi));
    platform::platform initial;
    BOOST_TEST(parse_platform("name: x", "x").dram.controller_latency.value() ==
               initial.dram.controller_latency.value());
}

BOOST_AUTO_TEST_CASE(interleaving_divides_an_l3_tile) {
    accepts("l3: {interleave: 256KiB}");
    refuses("l3:\n  interleave: 512KiB\n", "p:2:3: l3.tile.capacity: error: not a multiple of l3.interleave: '256KiB' "
                                           "(expected a multiple of 512KiB)");
}

BOOST_AUTO_TEST_CASE(a_movers_buffer_holds_two_chunks) {
    accepts("dma: {in_flight: 8KiB, chunk: 4KiB}");
    refuses("dma: {in_flight: 8KiB, chunk: 4097B}", "p:1:31: dma.chunk: error: more than half of dma.in_flight: "
                                                    "'4097B' (expected at most 4KiB) [hint: one chunk is "
                                                    "written while the next is read]");
    accepts("streamer: {width: 256B/cycle, chunk: 256B}");
    refuses("streamer: {width: 256B/cycle, chunk: 255B}",
            "p:1:38: streamer.chunk: error: less than streamer.width moves at once: '255B' (expected at least 256B) "
            "[hint: part of a beat takes as long as a whole one]");
}

BOOST_AUTO_TEST_CASE(a_chunk_is_a_beat_of_every_port_on_its_way) {
    const auto wide = [](const std::string& port, const std::string& mover, const std::string& key) {
        const std::string line = port + "\n" + mover + ": {chunk: ";
        accepts(line + "2KiB}");
        refuses(line + "1KiB}", "p:2:" + std::to_string(mover.size() + 11) + ": " + mover +
                                    ".chunk: error: less than " + key +
                                    " moves at once: '1KiB' (expected at least 2KiB) [hint: part of a beat "
                                    "takes as long as a whole one]");
    };
    wide("dram: {burst: 2KiB, interleave: 2KiB}", "dma", "dram.burst");
    wide("dram_crossbar: {port_width: 2048B/cycle}", "dma", "dram_crossbar.port_width");
    wide("l3: {tile: {port_width: 2048B/cycle}}", "dma", "l3.tile.port_width");
    wide("l3_crossbar: {port_width: 2048B/cycle}", "block_mover", "l3_crossbar.port_width");
    wide("l2: {bank: {port_width: 2048B/cycle}}", "block_mover", "l2.bank.port_width");
    wide("l2_crossbar: {port_width: 2048B/cycle}", "streamer", "l2_crossbar.port_width");
    for (const char* buffer : {"row", "column", "result"})
        wide(std::string("l1: {") + buffer + ": {port_width: 2048B/cycle}}", "streamer",
             std::string("l1.") + buffer + ".port_width");
}

BOOST_AUTO_TEST_CASE(an_array_supports_something) {
    accepts("array: {macs_per_pe: {f64: 0, f32: 0, f16: 0, bf16: 0, f8: 0, i8: 0, i32: 1}}");
    refuses("array: {macs_per_pe: {f64: 0, f32: 0, f16: 0, bf16: 0, f8: 0, i8: 0, i32: 0}}",
            "p:1:22: array.macs_per_pe: error: the array supports no type (expected at least one type with 1 or more)");
}

BOOST_AUTO_TEST_CASE(at_most_256_engines) {
    static_assert(iface::k_max_engines == 256, "platforms/check.cpp repeats it");
    static_assert(iface::k_element_types == platform::k_array_types);
    // 1 + 3 + 42 * (4 + 2)
    accepts("block_mover: {engines: 3}\narray: {count: 42}");
    refuses("block_mover: {engines: 4}\narray: {count: 42}",
            "p:2:16: array.count: error: 257 engines on the chip: '42' (expected at most 256: dma.engines + "
            "block_mover.engines + array.count * (streamer.per_array + 2))");
}

BOOST_AUTO_TEST_CASE(memories_fit_into_the_address_map) {
    accepts("l3: {tiles: 1, tile: {capacity: 2GiB}}");
    refuses("l3: {tiles: 2, tile: {capacity: 2GiB}}",
            "p:1:33: l3.tile.capacity: error: on-chip memories end at 4313055232 in the address map: '2GiB' (expected "
            "at most 4 "
            "GiB of L1, L2 and L3 together) [hint: l3.tiles, l2.banks and array.count multiply capacities]");
    // 256 tiles of the largest size: the arithmetic must not wrap around
    refuses("l3: {tiles: 256, tile: {capacity: 2GiB}}",
            "p:1:35: l3.tile.capacity: error: on-chip memories end at 549773901824 in the address map: '2GiB' "
            "(expected at most "
            "4 GiB of L1, L2 and L3 together) [hint: l3.tiles, l2.banks and array.count multiply capacities]");
}

BOOST_AUTO_TEST_CASE(platforms_built_in_a_program_are_checked_too) {
    platform::platform p;
    BOOST_TEST(platform::check(p).empty());
    p.l3.interleave = bytes(3000);
    p.array.rows = 0;
    const diagnostics problems = platform::check(p);
    BOOST_TEST(problems.has_errors());
    const std::string text = to_string(problems);
    BOOST_TEST(text.find("l3.interleave: error: not a power of two: '3000B'") != std::string::npos, text);
    BOOST_TEST(text.find("array.rows: error: out of range: '0'") != std::string::npos, text);
    platform::platform q;
    q.dram.preset = "SDRAM";
    BOOST_TEST(to_string(platform::check(q)).find("dram.preset: error: unknown value: '\"SDRAM\"'") !=
               std::string::npos);
}
