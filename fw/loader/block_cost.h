#pragma once
// The cost model by which blockings are compared.

#include "fw/loader/blocking.h"

namespace kpu::fw {

/// The busiest lane's cycles of folds when nothing but L1 holds them up: per fold the longest of its depth, the array's
/// rows (the drain), its streams, and the turn-around of L1 slots. Depends on the blocks and the L1 slots of the plan
/// only.
[[nodiscard]] double compute_cycles(const machine& chip, const dfx::contraction& work, const element_sizes& e,
                                    const blocking& plan);

/// Fills estimated_cycles and estimated_dram_bytes of a plan whose extents, groups and slots are set:
/// cycles = max(compute, block movers, DRAM, firmware) + time to the first fold + time after the last.
void estimate(const machine& chip, const dfx::contraction& work, const element_sizes& e, double compute,
              blocking& plan);

} // namespace kpu::fw
