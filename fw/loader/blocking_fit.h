#pragma once
// Capacity: how many slots of L1, L2 and L3 a blocking gets.

#include "fw/loader/blocking.h"

namespace kpu::fw {

/// Sizes and numbers of slots in L1 and in a lane's share of L2, from the extents of folds and blocks. False where not
/// even one of each fits.
[[nodiscard]] bool fit_tile(const machine& chip, const element_sizes& e, blocking& plan);

/// Gives what is left of a lane's share of L2 to further blocks of sums, up to four in all.
void add_blocks_in_l2(const machine& chip, blocking& plan);

/// What a superblock asks of L3.
struct l3_demand {
    std::uint64_t partial_blocks = 0; ///< whose sums wait there
    std::uint64_t tiles = 2;          ///< of A and B, at least
};

/// What the results of a strip take in L3 on their way out.
[[nodiscard]] bytes strip_slot(const element_sizes& e, const blocking& plan);

/// L3 slots for a superblock: as many for results on their way out as leave room for what is asked for. False where
/// there is none.
[[nodiscard]] bool fit_l3(const machine& chip, const element_sizes& e, const l3_demand& demand, blocking& plan);

/// Operands of steps lie one after the other: `count` parts of the first one, each for that much of C, then those of
/// the next. Where the parts of operand `number` begin; behind the last: the size of all.
[[nodiscard]] bytes step_operands_before(const element_sizes& e, std::size_t number, std::uint64_t rows,
                                         std::uint64_t columns, std::uint64_t count);
/// In a slot for the results of a strip's column: a part for every cell.
[[nodiscard]] bytes step_operands_in_l1(const element_sizes& e, std::size_t number, const blocking& plan);
/// In a slot of L2 or L3: one part, for a whole block, whose cells have their full size.
[[nodiscard]] bytes step_operands_in_block(const element_sizes& e, std::size_t number, const blocking& plan);

} // namespace kpu::fw
