// The table of keys is complete, and the effective configuration reads back as the same platform.

#include "platforms/dram_presets.h"
#include "platforms/reader.h"
#include "platforms/schema.h"
#include "platforms/show.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <set>
#include <string>

using namespace kpu;
using platform::field;
using platform::field_value;

namespace {

/// Number of keys for the members of each struct. The structured bindings do not compile once a struct has another
/// number of members: whoever adds one must give it a row in platforms/schema_rows.cpp and count it here.
std::size_t members() {
    std::size_t n = 0;
    platform::platform p;
    const auto memory = [&n](const platform::memory_params& m) {
        [[maybe_unused]] const auto& [capacity, read_ports, write_ports, port_width, latency] = m;
        n += 5;
    };
    const auto mover = [&n](const platform::mover_params& m) {
        [[maybe_unused]] const auto& [queue_depth, width, start_cost, in_flight, chunk] = m;
        n += 5;
    };
    const auto crossbar = [&n](const platform::crossbar_params& m) {
        [[maybe_unused]] const auto& [port_width, hop_latency] = m;
        n += 2;
    };
    auto& [name, description, clock, dram, dram_x, dma, l3_x, l3, block_mover, l2_x, l2, streamer, l1, array, vector,
           management, energy] = p;
    n += 2;
    [[maybe_unused]] const auto& [frequency] = clock;
    n += 1;
    const auto& [kind, timing, preset, channels, sub_channels, capacity, bandwidth, latency, burst, interleave,
                 controller, device] = dram;
    n += 11;
    [[maybe_unused]] const auto& [bank_groups, dram_banks, dram_row, cl, cwl, rcd, rp, ras, rc, rtp, wr, ccd_s, ccd_l,
                                  rrd_s, rrd_l, faw, wtr_s, wtr_l, rtw, rfc, refi] = device;
    n += 21;
    crossbar(dram_x), crossbar(l3_x), crossbar(l2_x);
    const auto& [dma_engines, dma_mover] = dma;
    const auto& [movers, block_mover_mover] = block_mover;
    const auto& [per_array, streamer_mover] = streamer;
    n += 3;
    mover(dma_mover), mover(block_mover_mover), mover(streamer_mover);
    const auto& [tiles, l3_interleave, tile] = l3;
    const auto& [banks, bank] = l2;
    n += 3;
    const auto& [row, column, result] = l1;
    memory(tile), memory(bank), memory(row), memory(column), memory(result);
    const auto& [count, rows, columns, pipelined, depth, start, macs] = array;
    n += 6 + macs.size();
    [[maybe_unused]] const auto& [lanes, vector_depth, vector_start, vector_latency] = vector;
    n += 4;
    [[maybe_unused]] const auto& [access, width, interrupt] = management;
    n += 3;
    const auto access_energy = [&n](const platform::access_energy& e) {
        [[maybe_unused]] const auto& [read, write] = e;
        n += 2;
    };
    const auto& [vector_energy, dma_energy, block_mover_energy, streamer_energy, interconnect, chip_static, standby,
                 mac, dram_energy, activation, l3_energy, l2_energy, l1_energy] = energy.emplace();
    n += 8 + mac.size();
    access_energy(dram_energy), access_energy(l3_energy), access_energy(l2_energy), access_energy(l1_energy);
    static_cast<void>(std::tie(vector_energy, dma_energy, block_mover_energy, streamer_energy, interconnect,
                               chip_static, standby, activation));
    static_cast<void>(std::tie(kind, timing, preset, channels, sub_channels, capacity, bandwidth, latency, burst,
                               interleave, controller));
    static_cast<void>(std::tie(dma_engines, movers, per_array, tiles, l3_interleave, banks, count, rows, columns,
                               pipelined, depth, start, name, description));
    return n;
}

/// A platform with all sections that may be left out.
platform::platform whole() {
    platform::platform p;
    p.energy.emplace();
    return p;
}

/// Another legal value of the key than the one that `p` has.
field_value other_value(const field& f, const platform::platform& p) {
    const field_value now = f.get(p);
    if (const auto* flag = std::get_if<bool>(&now))
        return !*flag;
    if (const auto* text = std::get_if<std::string>(&now))
        return f.choices.empty() ? *text + "x" : f.choices.front() == *text ? f.choices.back() : f.choices.front();
    const std::uint64_t n = std::get<std::uint64_t>(now);
    if (f.power_of_two)
        return n * 2 <= f.max ? n * 2 : n / 2;
    return n + 1 <= f.max ? n + 1 : n - 1;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_member_has_a_key) {
    const platform::schema& keys = platform::schema::get();
    BOOST_TEST(keys.fields().size() == members());
    std::set<std::string> paths;
    for (const field& f : keys.fields())
        BOOST_TEST(paths.insert(f.path).second, f.path);
}

BOOST_AUTO_TEST_CASE(every_key_sets_a_member_of_its_own) {
    const platform::schema& keys = platform::schema::get();
    const platform::platform initial = whole();
    for (const field& f : keys.fields()) {
        platform::platform changed = whole();
        const field_value value = other_value(f, changed);
        f.set(changed, value);
        BOOST_TEST((f.get(changed) == value), f.path);
        const auto found = platform::compare(initial, changed);
        BOOST_REQUIRE(found.size() == 1u);
        BOOST_TEST(found[0].path == f.path);
        BOOST_TEST((initial != changed));
    }
}

BOOST_AUTO_TEST_CASE(defaults_are_legal) {
    const platform::platform p;
    const platform::schema& keys = platform::schema::get();
    for (const field& f : keys.fields()) {
        const field_value value = f.get(p);
        if (const auto* text = std::get_if<std::string>(&value))
            BOOST_TEST((f.choices.empty() || std::count(f.choices.begin(), f.choices.end(), *text) == 1), f.path);
        if (const auto* n = std::get_if<std::uint64_t>(&value))
            BOOST_TEST((*n >= f.min && *n <= f.max && (!f.power_of_two || (*n & (*n - 1)) == 0)), f.path);
    }
}

BOOST_AUTO_TEST_CASE(the_effective_configuration_reads_back) {
    constexpr unsigned seed = 7;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const platform::schema& keys = platform::schema::get();
    int tried = 0;
    for (int i = 0; i < 300; ++i) {
        platform::platform p = random() % 2 == 0 ? whole() : platform::platform();
        p.name = "r" + std::to_string(i);
        for (const field& f : keys.fields())
            if (random() % 8 == 0 && !(f.required && !p.energy))
                f.set(p, other_value(f, p));
        if (platform::check(p).has_errors())
            continue;
        ++tried;
        const std::string text = platform::to_yaml(p, platform::defaults::marked);
        const platform::platform again = platform::parse_platform(text, "dump");
        BOOST_REQUIRE_MESSAGE(p == again, text);
        BOOST_TEST(platform::to_yaml(again) == platform::to_yaml(p));
    }
    BOOST_TEST(tried > 20);
}

BOOST_AUTO_TEST_CASE(text_survives_the_round_trip) {
    platform::platform p = platform::parse_platform("{}", "x");
    for (const char* text : {"a: b # c", "quote \" backslash \\ tick '", "two\nlines\tand a tab", "true", "- x",
                             "µ ≥ 日本", "\x01\x7f", "{[*&!|>%@`"}) {
        p.description = text;
        BOOST_TEST(platform::parse_platform(platform::to_yaml(p), "y").description == text);
    }
}

BOOST_AUTO_TEST_CASE(defaults_are_marked) {
    const std::string text =
        platform::to_yaml(platform::parse_platform("dma: {engines: 3}", "x"), platform::defaults::marked);
    BOOST_TEST(text.find("  engines: 3\n") != std::string::npos, text);
    BOOST_TEST(text.find("  channels: 1                       # default\n") != std::string::npos, text);
    // derived from the array's shape, so a default although no member is initialised so
    BOOST_TEST(text.find("    port_width: 128B/cycle          # default\n") != std::string::npos, text);
}

BOOST_AUTO_TEST_CASE(documentation_names_every_key_and_section) {
    const std::string text = platform::document_schema();
    const platform::schema& keys = platform::schema::get();
    for (const field& f : keys.fields())
        BOOST_TEST(text.find("| " + f.path + " |") != std::string::npos, f.path);
    for (const platform::dram_preset& preset : platform::dram_presets())
        BOOST_TEST(text.find(" " + preset.name + " |") != std::string::npos, preset.name);
    BOOST_TEST(text.find(platform::dram_preset_source()) != std::string::npos);
    for (const platform::section& s : keys.sections())
        BOOST_TEST(text.find("| **" + s.path + "** |") != std::string::npos, s.path);
}
