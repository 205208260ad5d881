#pragma once
// What a choice was made among, and by what: for --verbose.

#include <algorithm>
#include <cstdint>
#include <optional>
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

    /// The closed form.
    [[nodiscard]] double cycles() const { return around + std::max({compute, movers, dram, firmware}); }
};

/// What came out when a plan's commands were run through the model of engines and memories that the loader has.
struct rehearsal_result {
    double cycles = 0;
    bool given_up = false; ///< it takes more cycles than that
};

/// Of hidden work in the cost of what was rehearsed: a rehearsal sees what is not hidden.
inline constexpr double k_hidden_when_rehearsed = 0.5;

struct candidate {
    std::string shape; ///< how it cuts the work
    cost_terms terms;
    double hidden = 0; ///< cycles that resources are busy while others take longer, weighted
    double traffic_weight = 1;
    std::optional<rehearsal_result> rehearsed;
    std::uint64_t dram_bytes = 0;
    std::string lost = {}; ///< by what, where that is not its cost

    [[nodiscard]] double closed_cost() const { return (terms.cycles() + hidden) * traffic_weight; }
    /// Rehearsed or by the closed form: what is minimised.
    [[nodiscard]] double cost() const {
        return rehearsed ? (rehearsed->cycles + k_hidden_when_rehearsed * hidden) * traffic_weight : closed_cost();
    }
};

struct weighing {
    std::uint64_t evaluated = 0; ///< candidates that the closed form saw
    std::uint64_t rehearsed = 0;
    std::vector<candidate> cheapest; ///< the one that was taken, then others, none twice
};

/// The candidates, a line each: closed form with its terms, what a rehearsal came to, and of the others by what they
/// lost; each line begins with `start`.
[[nodiscard]] std::string to_string(const weighing& w, const std::string& start);

} // namespace kpu::fw
