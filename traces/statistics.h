#pragma once
// What a run cost and where its cycles went: the contents of --stats, the tables printed from it, and what limits the
// run.

#include "traces/energy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu::trace {

/// Cycles in which an engine had work and could not do it, by what it waited for.
struct stall_cycles {
    std::uint64_t dma = 0, block_mover = 0, streamer = 0, array = 0, vector = 0; ///< a command of such an engine
    std::uint64_t read = 0, write = 0; ///< the memory read from or written to, or the way there
    [[nodiscard]] std::uint64_t total() const { return dma + block_mover + streamer + array + vector + read + write; }
};

/// Counters of one engine. busy + stalled + idle == total, in cycles.
struct engine_statistics {
    std::string name;
    std::string kind; ///< as iface::name_of(engine_kind)
    std::uint64_t commands = 0, busy = 0;
    stall_cycles stalled;
    std::uint64_t idle = 0, total = 0;
    std::uint64_t read_bytes = 0, write_bytes = 0, macs = 0;
};

struct kernel_statistics {
    std::string name;
    std::uint64_t macs = 0;
    std::uint64_t lower_bound_bytes = 0;   ///< of DRAM traffic
    std::uint64_t best_blocking_bytes = 0; ///< of DRAM traffic
    // by what the loader planned; 0 where it had no estimate
    double estimated_cycles = 0;
    std::uint64_t estimated_dram_bytes = 0; ///< without tensors that stay on the chip
    // measured where the run was watched kernel by kernel, else 0
    std::uint64_t cycles = 0; ///< from the end of the kernel before it to its own: they add up to the run's
    std::uint64_t dram_bytes = 0;
    double arrays = 0, vector = 0, dram = 0; ///< shares of these resources' peak in its cycles
    /// What its MACs, its vector elements or lower_bound_bytes would take at these resources' peaks: the longest of the
    /// three.
    double bound_cycles = 0;

    [[nodiscard]] double efficiency() const { return cycles == 0 ? 0 : bound_cycles / static_cast<double>(cycles); }
};
/// The resource of which most is used, or "latency" where it is less than half of any.
[[nodiscard]] std::string limit_of(const kernel_statistics& kernel);

/// Something with a capacity per cycle: how much of it was used.
struct resource_statistics {
    std::string name; ///< "arrays", "dram", "l3", …
    std::string unit; ///< "MAC", "B"
    std::uint64_t used = 0;
    double peak_per_cycle = 0;
    [[nodiscard]] double utilisation(std::uint64_t cycles) const;
};

/// A part of the longest chain of commands, each started by the one before it.
struct path_statistics {
    std::string of; ///< "firmware" or a kind of engine
    std::uint64_t cycles = 0;
};

/// What banked DRAM did, all channels together; zeros where the latency is fixed. Hits, misses and conflicts are bursts
/// that found their row open, their bank closed, or another row open.
struct dram_banks {
    std::uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0, activations = 0, refreshes = 0;
};

struct run_statistics {
    std::string tool, platform, program, program_hash;
    std::uint64_t cycles = 0, time_ps = 0, macs = 0;
    struct {
        double compute_cycles = 0; ///< MACs / peak MACs per cycle of all arrays
        double dram_cycles = 0;    ///< dram.lower_bound_bytes / bytes per cycle of all channels
        double cycles = 0;         ///< the larger one
    } bounds;
    double efficiency = 0; ///< bounds.cycles / cycles
    struct {
        std::uint64_t read_bytes = 0, write_bytes = 0, lower_bound_bytes = 0, best_blocking_bytes = 0;
        dram_banks banks;
        std::vector<std::uint64_t> channel_busy_ps; ///< time in which each channel's data bus was occupied
    } dram;
    std::vector<engine_statistics> engines;
    std::vector<kernel_statistics> kernels;
    /// What it saves that kernels were merged: bytes of tensors between them.
    struct {
        std::uint64_t kernels_not_launched = 0, bytes_not_written = 0, bytes_not_read = 0;
    } fusion;
    std::vector<resource_statistics> resources;
    std::vector<path_statistics> critical_path; ///< adds up to the run; empty where it was not watched
    std::optional<energy_statistics> energy;    ///< nothing where the platform says nothing about energies
    struct {
        double elaborate_s = 0, simulate_s = 0;
    } wall;
    std::uint64_t peak_rss_bytes = 0;
};

/// Fills what follows from other fields: bounds (from macs, lower bound and peaks per cycle), efficiency, and where
/// kernels are given, dram.lower_bound_bytes and dram.best_blocking_bytes as their sums. A peak of 0 bounds nothing.
void derive(run_statistics& run, double peak_macs_per_cycle, double dram_bytes_per_cycle);

/// What is wrong with the numbers: engines whose cycles do not add up or differ from the run's, bounds and efficiency
/// that do not follow, a run faster than its bounds, more used of a resource than there was, MACs that the arrays did
/// not do, a chain of commands or energies that do not add up. Empty where all is well.
[[nodiscard]] std::vector<std::string> check(const run_statistics& run);

/// What holds a run back and how that is known.
struct limit {
    std::string resource; ///< "arrays", "dram bandwidth", "dram latency", an engine kind, "firmware", …
    std::string reason;
};
/// Follows the arrays' largest stall cause from kind to kind of engine until one is mostly busy, stalled on its memory,
/// or idle.
[[nodiscard]] limit limiting_resource(const run_statistics& run);

/// All engines of one kind together; cycles are sums. In the order in which the kinds first occur.
[[nodiscard]] std::vector<engine_statistics> by_kind(const run_statistics& run);

/// JSON with sorted keys, two spaces of indentation and a newline at the end.
[[nodiscard]] std::string to_json(const run_statistics& run);
/// Throws input_error, naming `file` and every key that is missing or has the wrong type.
[[nodiscard]] run_statistics from_json(const std::string& text, const std::string& file);

/// The result table of a run: cycles against bounds, use of resources, stall causes by kind of engine, DRAM traffic.
[[nodiscard]] std::string to_table(const run_statistics& run);
/// The same by engine, with commands and bytes.
[[nodiscard]] std::string to_profile(const run_statistics& run);
/// Two runs side by side: what changed and by how much.
[[nodiscard]] std::string to_comparison(const run_statistics& before, const run_statistics& after);

} // namespace kpu::trace
