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

/// Operands of steps lie one after the other: `count` parts of the first one, each for that much of C, then those of
/// the next. Where the parts of operand `number` begin; behind the last: the size of all.
[[nodiscard]] bytes step_operands_before(const element_sizes& e, std::size_t number, std::uint64_t rows,
                                         std::uint64_t columns, std::uint64_t count);
/// In a slot for the results of a strip's column: a part for every cell.
[[nodiscard]] bytes step_operands_in_l1(const element_sizes& e, std::size_t number, const blocking& plan);
/// In a slot of L2 or L3: one part, for a whole block, whose cells have their full size.
[[nodiscard]] bytes step_operands_in_block(const element_sizes& e, std::size_t number, const blocking& plan);

} // namespace kpu::fw
