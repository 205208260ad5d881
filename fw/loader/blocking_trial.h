#pragma once
// The choice among a few blockings of a short run by rehearsals.

#include "fw/loader/superblocks.h"

#include <vector>

namespace kpu::fw {

/// The one of `plans`, best first by the cost model, that costs least when rehearsed; variants of the best ones are
/// rehearsed, too. At least one plan; how many are tried depends on their length.
[[nodiscard]] blocking best_rehearsed(const task& t, const std::vector<blocking>& plans);

} // namespace kpu::fw
