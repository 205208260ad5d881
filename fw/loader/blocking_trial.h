#pragma once
// The choice among a few blockings of a short run by rehearsals.

#include "fw/loader/superblocks.h"

#include <optional>
#include <vector>

namespace kpu::fw {

/// The ones of `plans`, best first by the cost model, that cost least when rehearsed, best first; variants of the best
/// ones are rehearsed, too. At least one plan goes in; how many are tried depends on their length. None where all cost
/// more than `most`.
[[nodiscard]] std::vector<blocking> best_rehearsed(const task& t, const std::vector<blocking>& plans, double most);

/// The plan with a rehearsal's cycles instead of the cost model's. Nothing where it costs more than `most`.
[[nodiscard]] std::optional<blocking> as_rehearsed(const task& t, const blocking& plan, double most);

} // namespace kpu::fw
