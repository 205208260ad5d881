#include "tests/bench/benchmarks.h"
#include "tests/bench/measure.h"
#include "tests/bench/medians.h"

#include <fmt/format.h>

namespace kpu::bench {

void time_per_mac(bool quick) {
    fmt::print("  {:<12} {:>6} {:>10} {:>14} {:>12} {:>14}\n", "platform", "size", "run s", "ps per MAC", "us per fold",
               "Mcycles per s");
    for (const char* platform : {"edge_ai", "datacenter"}) {
        for (const std::uint64_t size : {256U, 512U, 1024U, 2048U, 4096U}) {
            if (quick && size > 512)
                break;
            cost c;
            const auto run = [&] {
                c = simulate_apart({platform, size, false, listener::nobody});
                return c.seconds;
            };
            const double s = interleaved_medians({run}, quick ? 1 : 3).front();
            fmt::print("  {:<12} {:>6} {:>10.3f} {:>14.1f} {:>12.2f} {:>14.2f}\n", platform, size, s,
                       s * 1e12 / static_cast<double>(c.macs), s * 1e6 / static_cast<double>(c.folds),
                       static_cast<double>(c.cycles) / s * 1e-6);
        }
    }
}

void largest(bool quick) {
    const std::uint64_t size = quick ? 1024 : 16384;
    const cost c = simulate_apart({"datacenter", size, false, listener::nobody});
    fmt::print("  {}: {:.1f} s on the wall, {:.1f} s of the processor, {} cycles, {} folds, {:.1f} MiB peak memory\n",
               size, c.wall_seconds, c.seconds, c.cycles, c.folds, static_cast<double>(c.peak_rss) / 1048576);
}

void memory_beside_tensors(bool quick) {
    fmt::print("  tensors count twice: the host's, and those in the chip's DRAM; goal: 64 MiB or less beside them\n");
    fmt::print("  {:<12} {:>6} {:>6} {:>12} {:>12} {:>12}\n", "platform", "size", "data", "peak MiB", "tensors MiB",
               "beside MiB");
    for (const char* platform : {"edge_ai", "datacenter"}) {
        for (const std::uint64_t size : {1024U, 2048U}) {
            for (const bool data : {true, false}) {
                if (quick && size > 1024)
                    continue;
                const cost c = simulate_apart({platform, size, data, listener::nobody});
                const double peak = static_cast<double>(c.peak_rss) / 1048576;
                const double tensors = static_cast<double>(2 * c.tensor_bytes) / 1048576;
                fmt::print("  {:<12} {:>6} {:>6} {:>12.1f} {:>12.1f} {:>12.1f}\n", platform, size, data ? "yes" : "no",
                           peak, tensors, peak - tensors);
            }
        }
    }
}

} // namespace kpu::bench
