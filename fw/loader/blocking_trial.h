#pragma once
// The choice among a few blockings of a short run by rehearsals.

#include "fw/loader/superblocks.h"

#include <limits>
#include <optional>
#include <vector>

namespace kpu::fw {

/// What a plan must stay below to be of interest.
struct trial_bar {
    double cost = std::numeric_limits<double>::infinity(), time = std::numeric_limits<double>::infinity();
};

/// The ones of `plans`, best first by the cost model, that cost least when rehearsed, best first; variants of the best
/// ones are rehearsed, too. At least one plan goes in; how many are tried depends on their length. None where none
/// stays below the bar.
[[nodiscard]] std::vector<blocking> best_rehearsed(const task& t, const std::vector<blocking>& plans,
                                                   const trial_bar& bar);

/// The plan with a rehearsal's cycles instead of the cost model's. Nothing where it does not stay below the
/// bar.
[[nodiscard]] std::optional<blocking> as_rehearsed(const task& t, const blocking& plan, const trial_bar& bar);

} // namespace kpu::fw
