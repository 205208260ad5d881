#include "traces/statistics.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::trace {

namespace {

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

/// Digits in groups of three: 12'345'678 is read at a glance, 12345678 is not.
std::string grouped(std::uint64_t value) {
    std::string digits = std::to_string(value);
    for (std::size_t at = digits.size(); at > 3;)
        digits.insert(at -= 3, "'");
    return digits;
}

std::string size_of(std::uint64_t bytes) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    auto value = static_cast<double>(bytes);
    for (; value >= 1024 && unit + 1 < std::size(units); ++unit)
        value /= 1024;
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.2f} {}", value, units[unit]);
}

std::string time_of(std::uint64_t ps) {
    constexpr std::uint64_t k_ns = 1000, k_us = 1000 * k_ns, k_ms = 1000 * k_us;
    const auto value = static_cast<double>(ps);
    if (ps >= k_ms)
        return fmt::format("{:.3f} ms", value / k_ms);
    if (ps >= k_us)
        return fmt::format("{:.3f} us", value / k_us);
    return fmt::format("{:.3f} ns", value / k_ns);
}

std::string ratio_to(std::uint64_t bytes, std::uint64_t reference) {
    if (reference == 0)
        return "";
    return fmt::format(" ({:.2f}x)", static_cast<double>(bytes) / static_cast<double>(reference));
}

std::string head_of(const run_statistics& run) {
    std::string text;
    const auto line = [&](const char* name, const std::string& value) {
        text += fmt::format("{:<12} {}\n", name, value);
    };
    line("program", run.program);
    line("platform", run.platform);
    line("cycles", grouped(run.cycles));
    line("time", time_of(run.time_ps));
    line("MACs", grouped(run.macs));
    line("bounds", fmt::format("{:.1f} cycles (compute {:.1f}, DRAM {:.1f})", run.bounds.cycles,
                               run.bounds.compute_cycles, run.bounds.dram_cycles));
    line("efficiency", fmt::format("{:.1f}%", 100 * run.efficiency));
    const std::uint64_t moved = run.dram.read_bytes + run.dram.write_bytes;
    line("DRAM", fmt::format("{} read, {} written, {} in all", size_of(run.dram.read_bytes),
                             size_of(run.dram.write_bytes), size_of(moved)));
    line("", fmt::format("lower bound {}{}, best blocking {}{}", size_of(run.dram.lower_bound_bytes),
                         ratio_to(moved, run.dram.lower_bound_bytes), size_of(run.dram.best_blocking_bytes),
                         ratio_to(moved, run.dram.best_blocking_bytes)));
    const dram_banks& banks = run.dram.banks;
    if (banks.activations != 0)
        line("", fmt::format("bursts: {} row hits, {} misses, {} conflicts; {} refreshes", grouped(banks.row_hits),
                             grouped(banks.row_misses), grouped(banks.row_conflicts), grouped(banks.refreshes)));
    line("energy", run.energy ? to_line(*run.energy) : "no energy table");
    return text;
}

std::string resources_of(const run_statistics& run) {
    if (run.resources.empty())
        return "";
    std::string text =
        fmt::format("\n{:<20} {:>14} {:>14} {:>8}\n", "resource", "achieved/cycle", "peak/cycle", "used");
    for (const resource_statistics& r : run.resources) {
        const double achieved = run.cycles == 0 ? 0 : static_cast<double>(r.used) / static_cast<double>(run.cycles);
        text += fmt::format("{:<20} {:>14} {:>14} {:>7.1f}%\n", r.name, fmt::format("{:.2f} {}", achieved, r.unit),
                            fmt::format("{:.2f} {}", r.peak_per_cycle, r.unit), 100 * r.utilisation(run.cycles));
    }
    return text;
}

constexpr const char* k_shares = "{:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}";

std::string shares_title() {
    return fmt::format(k_shares, "busy", "dma", "mover", "streamr", "array", "vector", "read", "write", "idle");
}

std::string shares_of(const engine_statistics& e) {
    const auto cell = [&](std::uint64_t part) {
        return part == 0 ? std::string("-") : fmt::format("{:.1f}%", share(part, e.total));
    };
    const stall_cycles& s = e.stalled;
    return fmt::format(k_shares, cell(e.busy), cell(s.dma), cell(s.block_mover), cell(s.streamer), cell(s.array),
                       cell(s.vector), cell(s.read), cell(s.write), cell(e.idle));
}

std::string kernels_of(const run_statistics& run) {
    if (run.kernels.empty())
        return "";
    std::size_t width = 8;
    for (const kernel_statistics& k : run.kernels)
        width = std::max(width, k.name.size());
    constexpr const char* row = "{:<{}} {:>12} {:>6} {:>15} {:>7} {:>7} {:>7} {:>7} {:>12} {:>12} {:>6} {:>6}  {}\n";
    std::string text = "\n" + fmt::format(row, "kernel", width, "cycles", "share", "MACs", "effic.", "arrays", "vector",
                                          "DRAM", "DRAM bytes", "at least", "ratio", "est.", "limited by");
    for (const kernel_statistics& k : run.kernels) {
        const auto ratio = [](const kernel_statistics& x) {
            return x.dram_bytes == 0 || x.lower_bound_bytes == 0
                       ? std::string("-")
                       : fmt::format("{:.2f}",
                                     static_cast<double>(x.dram_bytes) / static_cast<double>(x.lower_bound_bytes));
        };
        const auto estimate = [](const kernel_statistics& x) {
            return x.cycles == 0 || x.estimated_cycles == 0
                       ? std::string("-")
                       : fmt::format("{:.2f}", x.estimated_cycles / static_cast<double>(x.cycles));
        };
        const auto cell = [](double part) { return part == 0 ? std::string("-") : fmt::format("{:.1f}%", 100 * part); };
        text += fmt::format(row, k.name, width, grouped(k.cycles), cell(share(k.cycles, run.cycles) / 100),
                            grouped(k.macs), cell(k.efficiency()), cell(k.arrays), cell(k.vector), cell(k.dram),
                            size_of(k.dram_bytes), size_of(k.lower_bound_bytes), ratio(k), estimate(k), limit_of(k));
    }
    if (run.fusion.kernels_not_launched > 0)
        text += fmt::format(
            "fused: {} kernels are not launched; of tensors between them {} are not written, {} not read\n",
            run.fusion.kernels_not_launched, size_of(run.fusion.bytes_not_written), size_of(run.fusion.bytes_not_read));
    return text;
}

std::string path_of(const run_statistics& run) {
    std::string parts;
    for (const path_statistics& part : run.critical_path)
        if (part.cycles != 0)
            parts += fmt::format("{}{} {:.1f}%", parts.empty() ? "" : ", ", part.of, share(part.cycles, run.cycles));
    return parts.empty() ? "" : "\nlongest chain of commands: " + parts + "\n";
}

std::size_t widest(const std::vector<engine_statistics>& engines, std::size_t least) {
    for (const engine_statistics& e : engines)
        least = std::max(least, e.name.size());
    return least;
}

std::string tail_of(const run_statistics& run) {
    const limit l = limiting_resource(run);
    return fmt::format(
        "\nlimited by   {}: {}\nhost         {:.3f} s elaboration, {:.3f} s simulation, {} peak memory\n", l.resource,
        l.reason, run.wall.elaborate_s, run.wall.simulate_s, size_of(run.peak_rss_bytes));
}

std::string change(double before, double after) {
    if (before == after)
        return "=";
    if (before == 0)
        return "new";
    return fmt::format("{:+.1f}%", 100 * (after - before) / before);
}

/// Calls `row` with a name, two numbers and how they are printed. A component comes with its share of the total.
template <class Row>
void compare_energy(const run_statistics& before, const run_statistics& after, Row&& row) {
    if (!before.energy || !after.energy) {
        const auto given = [](const run_statistics& run) { return run.energy ? "given" : "no energy table"; };
        if (before.energy || after.energy)
            row("energy", 0, 0, given(before), given(after));
        return;
    }
    const energy_statistics &a = *before.energy, &b = *after.energy;
    const auto plain = [&](const char* name, double first, double second, const char* unit) {
        row(name, first, second, with_prefix(first, unit), with_prefix(second, unit));
    };
    plain("energy", a.total_j, b.total_j, "J");
    plain("energy per MAC", a.pj_per_mac / 1e12, b.pj_per_mac / 1e12, "J");
    plain("energy-delay product", a.edp_js, b.edp_js, "J*s");
    plain("average power", a.average_w, b.average_w, "W");
    const auto cell = [](const energy_statistics& e, component c) {
        return fmt::format("{} ({:.1f}%)", with_prefix(e.of(c), "J"), e.total_j > 0 ? 100 * e.of(c) / e.total_j : 0);
    };
    for (std::size_t i = 0; i < k_components; ++i) {
        const auto c = static_cast<component>(i);
        row(fmt::format("energy of {}", name_of(c)), a.of(c), b.of(c), cell(a, c), cell(b, c));
    }
}

} // namespace

std::string to_table(const run_statistics& run) {
    std::string text = head_of(run) + resources_of(run);
    const std::vector<engine_statistics> kinds = by_kind(run);
    const std::size_t width = widest(kinds, 12);
    text += fmt::format("\n{:<{}} {}\n", "stalled on", width, shares_title());
    for (const engine_statistics& e : kinds)
        text += fmt::format("{:<{}} {}\n", e.name, width, shares_of(e));
    return text + tail_of(run);
}

std::string to_profile(const run_statistics& run) {
    std::string text = head_of(run) + resources_of(run);
    const std::size_t width = widest(run.engines, 12);
    text += fmt::format("\n{:<{}} {:>10} {:>12} {:>12} {}\n", "engine", width, "commands", "read", "written",
                        shares_title());
    for (const engine_statistics& e : run.engines)
        text += fmt::format("{:<{}} {:>10} {:>12} {:>12} {}\n", e.name, width, e.commands, size_of(e.read_bytes),
                            size_of(e.write_bytes), shares_of(e));
    text += path_of(run) + kernels_of(run);
    if (run.energy)
        text += "\n" + to_table(*run.energy, run.macs, picoseconds(run.time_ps));
    return text + tail_of(run);
}

std::string to_comparison(const run_statistics& before, const run_statistics& after) {
    std::string text = fmt::format("{:<24} {:>18} {:>18} {:>10}\n", "", "first", "second", "change");
    const auto row = [&](const std::string& name, double a, double b, const std::string& as_a,
                         const std::string& as_b) {
        text += fmt::format("{:<24} {:>18} {:>18} {:>10}\n", name, as_a, as_b, change(a, b));
    };
    const auto count = [&](const std::string& name, std::uint64_t a, std::uint64_t b) {
        row(name, static_cast<double>(a), static_cast<double>(b), grouped(a), grouped(b));
    };
    const auto percent = [&](const std::string& name, double a, double b) {
        row(name, a, b, fmt::format("{:.1f}%", 100 * a), fmt::format("{:.1f}%", 100 * b));
    };
    text += fmt::format("{:<24} {:>18} {:>18}\n", "program", before.program, after.program);
    text += fmt::format("{:<24} {:>18} {:>18}\n", "platform", before.platform, after.platform);
    count("cycles", before.cycles, after.cycles);
    row("time", static_cast<double>(before.time_ps), static_cast<double>(after.time_ps), time_of(before.time_ps),
        time_of(after.time_ps));
    percent("efficiency", before.efficiency, after.efficiency);
    count("DRAM bytes read", before.dram.read_bytes, after.dram.read_bytes);
    count("DRAM bytes written", before.dram.write_bytes, after.dram.write_bytes);
    compare_energy(before, after, row);
    const std::vector<engine_statistics> theirs = by_kind(after);
    for (const engine_statistics& a : by_kind(before)) {
        const auto b = std::find_if(theirs.begin(), theirs.end(), [&](const auto& e) { return e.kind == a.kind; });
        if (b == theirs.end())
            continue;
        percent(a.kind + " busy", share(a.busy, a.total) / 100, share(b->busy, b->total) / 100);
        percent(a.kind + " stalled", share(a.stalled.total(), a.total) / 100,
                share(b->stalled.total(), b->total) / 100);
        percent(a.kind + " idle", share(a.idle, a.total) / 100, share(b->idle, b->total) / 100);
    }
    const limit first = limiting_resource(before), second = limiting_resource(after);
    return text + fmt::format("\nfirst is limited by {}: {}\nsecond is limited by {}: {}\n", first.resource,
                              first.reason, second.resource, second.reason);
}

} // namespace kpu::trace
