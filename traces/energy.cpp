#include "traces/energy.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace kpu::trace {

namespace {

constexpr double k_femto = 1e15; // femtojoules per joule, exact as a double; 1e-15 is not
constexpr double k_pico = 1e12;
constexpr double k_attojoules_per_femtojoule = 1e3; // a microwatt is an attojoule per picosecond

double seconds(picoseconds time) {
    return static_cast<double>(time.value()) / k_pico;
}

// Femtojoules, exact up to 2^53 (9 J).
double spent(std::uint64_t events, femtojoules each) {
    return static_cast<double>(events) * static_cast<double>(each.value());
}
double spent(bytes moved, femtojoules_per_byte each) {
    return static_cast<double>(moved.value()) * static_cast<double>(each.value());
}
double spent(const activity::traffic& moved, const platform::access_energy& each) {
    return spent(moved.read, each.read) + spent(moved.written, each.write);
}
double spent(const std::array<std::uint64_t, platform::k_array_types>& macs,
             const std::array<femtojoules, platform::k_array_types>& each) {
    double sum = 0;
    for (std::size_t type = 0; type < macs.size(); ++type)
        sum += spent(macs[type], each[type]);
    return sum;
}
double spent(microwatts power, picoseconds time) {
    return static_cast<double>(power.value()) * static_cast<double>(time.value()) / k_attojoules_per_femtojoule;
}

/// Fills what follows from the components.
void derive(energy_statistics& energy, std::uint64_t macs, picoseconds time) {
    energy.total_j = std::accumulate(energy.joules.begin(), energy.joules.end(), 0.0);
    energy.static_j = energy.of(component::chip_static) + energy.of(component::dram_standby);
    energy.edp_js = energy.total_j * seconds(time);
    energy.pj_per_mac = macs == 0 ? 0 : energy.total_j * k_pico / static_cast<double>(macs);
    energy.average_w = time.value() == 0 ? 0 : energy.total_j / seconds(time);
}

bool close(double a, double b) {
    return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

} // namespace

std::string_view name_of(component c) {
    constexpr std::array<std::string_view, k_components> names = {
        "arrays", "vector",       "l1",        "l2",           "l3",          "dram",
        "dma",    "block_movers", "streamers", "interconnect", "chip_static", "dram_standby"};
    return names.at(static_cast<std::size_t>(c));
}

energy_statistics energy_of(const activity& done, const platform::energy_params& table) {
    energy_statistics energy;
    const auto set = [&](component c, double femtojoules) {
        energy.joules[static_cast<std::size_t>(c)] = femtojoules / k_femto; // rounded here only
    };
    set(component::arrays, spent(done.macs, table.mac));
    set(component::vector, spent(done.vector.value(), table.vector));
    set(component::l1, spent(done.l1, table.l1));
    set(component::l2, spent(done.l2, table.l2));
    set(component::l3, spent(done.l3, table.l3));
    set(component::dram, spent(done.dram, table.dram) + spent(done.dram_activations, table.dram_activation));
    set(component::dma, spent(done.dma, table.dma));
    set(component::block_movers, spent(done.block_mover, table.block_mover));
    set(component::streamers, spent(done.streamer, table.streamer));
    set(component::interconnect, spent(done.interconnect, table.interconnect));
    set(component::chip_static, spent(table.chip_static, done.time));
    set(component::dram_standby, spent(table.dram_standby, done.time));
    derive(energy, std::accumulate(done.macs.begin(), done.macs.end(), std::uint64_t{0}), done.time);
    return energy;
}

std::vector<std::string> check(const energy_statistics& energy, std::uint64_t macs, picoseconds time) {
    std::vector<std::string> problems;
    for (std::size_t c = 0; c < k_components; ++c)
        if (!std::isfinite(energy.joules[c]) || energy.joules[c] < 0)
            problems.push_back(fmt::format("energy of {}: {} J", name_of(static_cast<component>(c)), energy.joules[c]));
    energy_statistics expected = energy;
    derive(expected, macs, time);
    const auto compare = [&](const char* name, double found, double wanted) {
        if (!close(found, wanted))
            problems.push_back(fmt::format("energy.{} is {:.6g}, its parts give {:.6g}", name, found, wanted));
    };
    compare("total_j", energy.total_j, expected.total_j);
    compare("static_j", energy.static_j, expected.static_j);
    compare("edp_js", energy.edp_js, expected.edp_js);
    compare("pj_per_mac", energy.pj_per_mac, expected.pj_per_mac);
    compare("average_w", energy.average_w, expected.average_w);
    return problems;
}

std::string with_prefix(double value, std::string_view unit) {
    constexpr std::array<std::string_view, 10> prefixes = {"a", "f", "p", "n", "u", "m", "", "k", "M", "G"};
    if (value == 0)
        return fmt::format("0 {}", unit);
    std::size_t at = 0;
    double scaled = value * 1e18;
    // 999.9995 would be printed as 1000.000 of the smaller prefix
    for (; std::abs(scaled) >= 999.9995 && at + 1 < prefixes.size(); ++at)
        scaled /= 1000;
    return fmt::format("{:.3f} {}{}", scaled, prefixes.at(at), unit);
}

std::string to_line(const energy_statistics& energy) {
    return fmt::format("{}, {}/MAC, energy-delay product {}, {} on average", with_prefix(energy.total_j, "J"),
                       with_prefix(energy.pj_per_mac / k_pico, "J"), with_prefix(energy.edp_js, "J*s"),
                       with_prefix(energy.average_w, "W"));
}

std::string to_table(const energy_statistics& energy, std::uint64_t macs, picoseconds time) {
    constexpr const char* k_row = "{:<14} {:>12} {:>8} {:>12} {:>12}\n";
    std::string text = fmt::format(k_row, "energy", "", "share", "per MAC", "average");
    const auto row = [&](std::string_view name, double value) {
        text += fmt::format(k_row, name, with_prefix(value, "J"),
                            fmt::format("{:.1f}%", energy.total_j > 0 ? 100 * value / energy.total_j : 0),
                            macs == 0 ? "-" : with_prefix(value / static_cast<double>(macs), "J"),
                            time.value() == 0 ? "-" : with_prefix(value / seconds(time), "W"));
    };
    for (std::size_t c = 0; c < k_components; ++c)
        row(name_of(static_cast<component>(c)), energy.joules[c]);
    row("total", energy.total_j);
    return text;
}

} // namespace kpu::trace
