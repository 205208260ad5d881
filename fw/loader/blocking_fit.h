#pragma once
// Capacity: how many slots of L1, L2 and L3 a blocking gets.

#include "fw/loader/blocking.h"

namespace kpu::fw {

/// Sizes and numbers of slots in L1 and in a lane's share of L2, from the extents of folds and blocks. False where not
/// even one of each fits.
[[nodiscard]] bool fit_tile(const machine& chip, const element_sizes& e, blocking& plan);

/// L3 slots for a superblock that keeps `partials` blocks of sums there. False where fewer than two tiles are left for
/// A and B.
[[nodiscard]] bool fit_l3(const machine& chip, const element_sizes& e, std::uint64_t partials, blocking& plan);

} // namespace kpu::fw
