#pragma once
// The choice among a few blockings of a short run by rehearsals.

#include "fw/loader/superblocks.h"

#include <limits>
#include <vector>

namespace kpu::fw {

/// What a plan must stay below to be of interest.
struct trial_bar {
    double cost = std::numeric_limits<double>::infinity(), time = std::numeric_limits<double>::infinity();
};

struct trial {
    std::vector<blocking> best; ///< that stay below the bar: the one of least cost and the next
    blocking first;             ///< by the closed form, with what its rehearsal came to
    std::uint64_t rehearsed = 0;
};

/// Rehearses `plans`, best first by the closed form, of which there is at least one, and variants of the ones that cost
/// least then. How many are tried depends on their length.
[[nodiscard]] trial rehearse(const task& t, const std::vector<blocking>& plans, const trial_bar& bar);

/// Rehearses one plan as it is.
[[nodiscard]] trial rehearse(const task& t, const blocking& plan, const trial_bar& bar);

} // namespace kpu::fw
