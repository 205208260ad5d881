#include "tests/bench/benchmarks.h"
#include "tests/bench/measure.h"
#include "tests/bench/medians.h"

#include <fmt/format.h>

namespace kpu::bench {

void cost_of_listeners(bool quick) {
    constexpr const char* names[] = {"plain", "hazards", "conservation", "monitors", "vcd", "trace"};
    fmt::print("  {:<12} {:>6}", "platform", "size");
    for (const char* name : names)
        fmt::print(" {:>12}", name);
    fmt::print("\n");
    for (const char* platform : {"edge_ai", "datacenter"}) {
        const std::uint64_t size = quick ? 256 : 1024;
        std::vector<std::function<double()>> runs;
        for (std::size_t l = 0; l < std::size(names); ++l)
            runs.emplace_back([=] { return simulate_apart({platform, size, true, static_cast<listener>(l)}).seconds; });
        const std::vector<double> m = interleaved_medians(runs, quick ? 1 : 3);
        fmt::print("  {:<12} {:>6} {:>10.3f} s", platform, size, m[0]);
        for (std::size_t l = 1; l < m.size(); ++l)
            fmt::print(" {:>11.2f}x", m[l] / m[0]);
        fmt::print("\n");
    }
}

} // namespace kpu::bench
