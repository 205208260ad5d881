#include "tests/bench/benchmarks.h"
#include "tests/bench/measure.h"
#include "tests/bench/medians.h"
#include "tests/bench/sgemm.h"

#include <fmt/format.h>

namespace kpu::bench {

void against_sgemm(bool quick) {
    const sgemm_cost probe = run_sgemm(64);
    if (!probe.found)
        fmt::print("  no OpenBLAS on this host (package libopenblas0-pthread): the ratio is left out\n");
    else
        fmt::print("  OpenBLAS runs its {} kernels; goal: 5 or less at 1024 and 2048\n", probe.core);
    fmt::print("  {:<12} {:>6} {:>10} {:>10} {:>7}\n", "platform", "size", "run s", "sgemm s", "ratio");
    for (const char* platform : {"edge_ai", "datacenter"}) {
        for (const std::uint64_t size : {256U, 512U, 1024U, 2048U}) {
            if (quick && size > 256)
                break;
            const auto run = [&] { return simulate_apart({platform, size, true, listener::nobody}).seconds; };
            const auto sgemm = [&] { return probe.found ? run_sgemm(size).seconds : 0; };
            const std::vector<double> m = interleaved_medians({run, sgemm}, quick ? 1 : 5);
            fmt::print("  {:<12} {:>6} {:>10.4f} {:>10.4f} {:>7}\n", platform, size, m[0], m[1],
                       probe.found ? fmt::format("{:.1f}", m[0] / m[1]) : "-");
        }
    }
}

} // namespace kpu::bench
