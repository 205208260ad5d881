// What the simulation does per unit of modelled work: counts, the same on every host.

#include "tests/bench/benchmarks.h"
#include "tests/bench/measure.h"

#include <fmt/format.h>

namespace kpu::bench {

namespace {

double per(std::uint64_t n, std::uint64_t of) {
    return static_cast<double>(n) / static_cast<double>(of);
}

} // namespace

void activations_per_work(bool quick) {
    fmt::print("  {:<12} {:>6} {:>8} {:>8} {:>13} {:>12} {:>12} {:>10}\n", "platform", "size", "folds", "MB",
               "commands/fold", "threads/fold", "threads/MB", "deltas/fold");
    for (const char* platform : {"minimal", "edge_ai", "workstation", "datacenter"}) {
        const std::uint64_t size = quick ? 256 : 1024;
        const cost c = simulate_apart({platform, size, false, listener::nobody});
        fmt::print("  {:<12} {:>6} {:>8} {:>8.1f} {:>13.2f} {:>12.1f} {:>12.1f} {:>10.1f}\n", platform, size, c.folds,
                   static_cast<double>(c.moved_bytes) / 1e6, per(c.commands, c.folds), per(c.activations, c.folds),
                   per(c.activations, c.moved_bytes) * 1e6, per(c.deltas, c.folds));
    }
}

void steady_state(bool quick) {
    fmt::print("  {:<12} {:>12} {:>10} {:>12} {:>10} {:>14} {:>10}\n", "platform", "sizes", "folds", "allocations",
               "per fold", "heap KiB", "more");
    for (const char* platform : {"edge_ai", "datacenter"}) {
        const std::uint64_t size = quick ? 512 : 1024;
        const cost small = simulate_apart({platform, size, false, listener::nobody});
        const cost large = simulate_apart({platform, 2 * size, false, listener::nobody});
        const std::uint64_t folds = large.folds - small.folds;
        const double more = static_cast<double>(large.allocations) - static_cast<double>(small.allocations);
        fmt::print("  {:<12} {:>5} -> {:>4} {:>10} {:>12} {:>10.4f} {:>14} {:>9.2f}x\n", platform, size, 2 * size,
                   folds, more, more / static_cast<double>(folds), large.peak_heap / 1024,
                   per(large.peak_heap, small.peak_heap));
    }
}

} // namespace kpu::bench
