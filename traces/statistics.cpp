#include "traces/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <set>

namespace kpu::trace {

namespace {

constexpr double k_mostly = 0.85; ///< share of its capacity from which on a resource counts as the limit
constexpr double k_half =
    0.5; ///< share from which on waiting for DRAM is put down to its bandwidth and not its latency

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

bool close(double a, double b) {
    return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

const resource_statistics* find_resource(const run_statistics& run, const std::string& name) {
    for (const resource_statistics& r : run.resources) {
        if (r.name == name)
            return &r;
    }
    return nullptr;
}

std::string percent(double part) {
    return fmt::format("{:.0f}%", 100 * part);
}

struct cause {
    const char* name;
    std::uint64_t cycles;
};

cause largest_cause(const engine_statistics& e) {
    const stall_cycles& s = e.stalled;
    const std::array<cause, 8> all{{{"dma", s.dma},
                                    {"block_mover", s.block_mover},
                                    {"streamer", s.streamer},
                                    {"array", s.array},
                                    {"vector", s.vector},
                                    {"read", s.read},
                                    {"write", s.write},
                                    {"idle", e.idle}}};
    return *std::max_element(all.begin(), all.end(),
                             [](const cause& a, const cause& b) { return a.cycles < b.cycles; });
}

void check_engine(const run_statistics& run, const engine_statistics& e, std::vector<std::string>& problems) {
    const std::uint64_t sum = e.busy + e.stalled.total() + e.idle;
    if (sum != e.total)
        problems.push_back(fmt::format("{}: busy {} + stalled {} + idle {} = {} cycles, not its total of {}", e.name,
                                       e.busy, e.stalled.total(), e.idle, sum, e.total));
    if (e.total != run.cycles)
        problems.push_back(fmt::format("{}: {} cycles in all, the run has {}", e.name, e.total, run.cycles));
}

/// A memory that an engine of this kind is held up by.
limit memory_limit(const run_statistics& run, const std::string& kind, const cause& worst, double part) {
    const std::string reason =
        fmt::format("{} engines spend {} of the run stalled on {}s", kind, percent(part), worst.name);
    if (kind != "dma" || worst.name != std::string("read"))
        return {fmt::format("{} {} bandwidth", kind, worst.name), reason};
    const resource_statistics* dram = find_resource(run, "dram");
    const double used = dram == nullptr ? 0 : dram->utilisation(run.cycles);
    return {used >= k_half ? "dram bandwidth" : "dram latency",
            fmt::format("{} while DRAM is {} used", reason, percent(used))};
}

} // namespace

double resource_statistics::utilisation(std::uint64_t cycles) const {
    const double capacity = peak_per_cycle * static_cast<double>(cycles);
    return capacity > 0 ? static_cast<double>(used) / capacity : 0;
}

void derive(run_statistics& run, double peak_macs_per_cycle, double dram_bytes_per_cycle) {
    if (!run.kernels.empty()) {
        run.dram.lower_bound_bytes = run.dram.best_blocking_bytes = 0;
        for (const kernel_statistics& k : run.kernels) {
            run.dram.lower_bound_bytes += k.lower_bound_bytes;
            run.dram.best_blocking_bytes += k.best_blocking_bytes;
        }
    }
    const auto bound = [](std::uint64_t work, double peak) { return peak > 0 ? static_cast<double>(work) / peak : 0; };
    run.bounds.compute_cycles = bound(run.macs, peak_macs_per_cycle);
    run.bounds.dram_cycles = bound(run.dram.lower_bound_bytes, dram_bytes_per_cycle);
    run.bounds.cycles = std::max(run.bounds.compute_cycles, run.bounds.dram_cycles);
    run.efficiency = run.cycles == 0 ? 0 : run.bounds.cycles / static_cast<double>(run.cycles);
}

std::vector<std::string> check(const run_statistics& run) {
    std::vector<std::string> problems;
    std::uint64_t array_macs = 0;
    for (const engine_statistics& e : run.engines) {
        check_engine(run, e, problems);
        array_macs += e.kind == "array" ? e.macs : 0;
    }
    if (!run.engines.empty() && array_macs != run.macs)
        problems.push_back(fmt::format("the arrays did {} MACs, the program has {}", array_macs, run.macs));
    if (!close(run.bounds.cycles, std::max(run.bounds.compute_cycles, run.bounds.dram_cycles)))
        problems.push_back("bounds.cycles is not the larger of the compute and DRAM bounds");
    const auto cycles = static_cast<double>(run.cycles);
    if (run.cycles != 0 && !close(run.efficiency * cycles, run.bounds.cycles))
        problems.push_back("efficiency is not bounds.cycles / cycles");
    if (run.bounds.cycles > cycles && !close(run.bounds.cycles, cycles))
        problems.push_back(
            fmt::format("the run took {} cycles, fewer than its bound of {:.1f}", run.cycles, run.bounds.cycles));
    for (const resource_statistics& r : run.resources) {
        const double used = r.utilisation(run.cycles);
        if (used > 1 && !close(used, 1))
            problems.push_back(fmt::format("{}: {} {} used, {:.2f} times what {} cycles allow", r.name, r.used, r.unit,
                                           used, run.cycles));
    }
    std::uint64_t chain = 0;
    for (const path_statistics& part : run.critical_path)
        chain += part.cycles;
    if (!run.critical_path.empty() && chain != run.cycles)
        problems.push_back(fmt::format("the longest chain of commands has {} cycles, the run {}", chain, run.cycles));
    if (run.energy)
        for (std::string& problem : check(*run.energy, run.macs, picoseconds(run.time_ps)))
            problems.push_back(std::move(problem));
    return problems;
}

std::string limit_of(const kernel_statistics& kernel) {
    const std::array<std::pair<double, const char*>, 3> uses{
        {{kernel.arrays, "arrays"}, {kernel.vector, "vector units"}, {kernel.dram, "dram bandwidth"}}};
    const auto most = std::max_element(uses.begin(), uses.end());
    return most->first >= k_half ? most->second : "latency";
}

namespace {

/// The arrays or the DRAM, if that share of their peak is used.
std::optional<limit> used_at_least(const run_statistics& run, double part) {
    for (const auto& [name, called] : {std::pair{"arrays", "arrays"}, std::pair{"dram", "dram bandwidth"}}) {
        const resource_statistics* r = find_resource(run, name);
        if (r != nullptr && r->utilisation(run.cycles) >= part)
            return limit{called, fmt::format("{} of their peak is used", percent(r->utilisation(run.cycles)))};
    }
    return std::nullopt;
}

} // namespace

std::vector<engine_statistics> by_kind(const run_statistics& run) {
    std::vector<engine_statistics> kinds;
    for (const engine_statistics& e : run.engines) {
        auto at = std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.kind == e.kind; });
        if (at == kinds.end()) {
            kinds.push_back(e);
            kinds.back().name = e.kind;
            continue;
        }
        for (auto member : {&engine_statistics::commands, &engine_statistics::busy, &engine_statistics::idle,
                            &engine_statistics::total, &engine_statistics::read_bytes, &engine_statistics::write_bytes,
                            &engine_statistics::macs})
            (*at).*member += e.*member;
        for (auto member : {&stall_cycles::dma, &stall_cycles::block_mover, &stall_cycles::streamer,
                            &stall_cycles::array, &stall_cycles::vector, &stall_cycles::read, &stall_cycles::write})
            at->stalled.*member += e.stalled.*member;
    }
    return kinds;
}

limit limiting_resource(const run_statistics& run) {
    if (run.cycles == 0)
        return {"nothing", "the run took no cycles"};
    if (const auto used = used_at_least(run, k_mostly))
        return *used;
    const std::vector<engine_statistics> kinds = by_kind(run);
    std::set<std::string> visited;
    const engine_statistics* busiest = nullptr; // of the kinds on the way: where a circle of waits is broken
    std::string way;
    for (std::string at = "array";;) {
        const auto e = std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.kind == at; });
        if (e == kinds.end())
            return {at, way.empty() ? "the run has no such engine" : way};
        if (!visited.insert(at).second) {
            // engines of one kind wait for each other's kind, stores for sums and sums for loads: no way to the cause
            // there
            if (const auto used = used_at_least(run, k_half))
                return *used;
            return {busiest->kind, fmt::format("{}; of these, {} is the busiest with {}", way, busiest->kind,
                                               percent(share(busiest->busy, busiest->total)))};
        }
        if (busiest == nullptr || share(e->busy, e->total) > share(busiest->busy, busiest->total))
            busiest = &*e;
        const cause worst = largest_cause(*e);
        const double part = share(worst.cycles, e->total);
        const std::string before = way.empty() ? "" : way + "; ";
        if (e->busy >= worst.cycles)
            return {at, fmt::format("{}{} engines are busy for {} of the run, more than they wait for anything", before,
                                    at, percent(share(e->busy, e->total)))};
        const std::string next = worst.name;
        if (next == "idle")
            return {"firmware",
                    fmt::format("{}{} engines have an empty queue for {} of the run", before, at, percent(part))};
        if (next == "read" || next == "write") {
            const limit l = memory_limit(run, at, worst, part);
            return {l.resource, before + l.reason};
        }
        way = fmt::format("{}{} waits for {} for {} of the run", before, at, next, percent(part));
        at = next;
    }
}

} // namespace kpu::trace
