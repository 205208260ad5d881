#pragma once
// What a choice was made among, and by what: for --verbose.

#include <cstdint>
#include <string>
#include <vector>

namespace kpu::fw {

/// Estimated cycles of one kernel: those of the resources, which work at the same time, and what comes before the first
/// and after the last of them can begin.
struct cost_terms {
    double compute = 0;  ///< the busiest array or vector unit
    double movers = 0;   ///< block movers
    double dram = 0;     ///< DRAM, or the DMA engines where these are slower
    double firmware = 0; ///< pushes of commands
    double around = 0;
};

struct candidate {
    std::string shape; ///< how it cuts the work
    cost_terms terms;
    double cycles = 0;      ///< around + the largest of the others; rehearsed: as that came out
    bool rehearsed = false; ///< its commands were run through the model of engines and memories that the loader has
    double cost = 0;        ///< what is minimised
    std::uint64_t dram_bytes = 0;
};

struct weighing {
    std::uint64_t evaluated = 0;     ///< candidates that the cost model saw
    std::vector<candidate> cheapest; ///< the one that was taken, then others, best first
};

/// The candidates with their terms, a line each, and by how much the first is ahead; each line begins with `start`.
[[nodiscard]] std::string to_string(const weighing& w, const std::string& start);

} // namespace kpu::fw
