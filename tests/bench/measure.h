#pragma once
// One simulated matmul and what it cost the host.

#include <cstdint>
#include <string>

namespace kpu::bench {

/// Who listens to a run.
enum class listener : std::uint8_t { nobody, hazards, conservation, monitors, vcd, trace };

struct workload {
    std::string platform = "edge_ai"; ///< a shipped one
    std::uint64_t size = 256;         ///< square, f32
    bool data = true;
    listener who = listener::nobody;
};

/// Plain data, so that a child process can hand it back through a pipe.
struct cost {
    double seconds = 0;                           ///< processor time of the run: planning, upload, simulation, download
    double wall_seconds = 0;                      ///< the same by the clock on the wall
    std::uint64_t peak_rss = 0, tensor_bytes = 0; ///< bytes; tensors lie in the host's memory and in the chip's DRAM
    std::uint64_t peak_heap = 0;                  ///< bytes of operator new that were in use at the same time
    std::uint64_t cycles = 0, macs = 0;
    std::uint64_t folds = 0;
    std::uint64_t commands = 0;    ///< of all engines; a fold is one or a part of one
    std::uint64_t moved_bytes = 0; ///< read by DMA engines, block movers and streamers
    std::uint64_t allocations = 0; ///< calls of operator new
    std::uint64_t activations = 0; ///< of SystemC threads: returns from wait()
    std::uint64_t deltas = 0;      ///< delta cycles of the kernel
};

/// Compiles and simulates the workload in this process, in a simulation context of its own.
[[nodiscard]] cost simulate(const workload& w);
/// The same in a child process, whose memory and simulation are its own. Throws run_error if it fails.
[[nodiscard]] cost simulate_apart(const workload& w);

/// The operands and the result of a workload, in bytes.
[[nodiscard]] std::uint64_t tensor_bytes(const workload& w);

} // namespace kpu::bench
