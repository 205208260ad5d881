#pragma once
// The cost model by which blockings are compared: closed forms over what the chip's capability registers say.

#include "fw/loader/blocking.h"

namespace kpu::fw {

/// The busiest lane's cycles of folds when nothing but L1 and L2 holds them up: per fold the longest of the array's
/// period, its streams, and the turn-around of L1 slots. Depends on the folds, the blocks and the slots of the plan
/// only.
[[nodiscard]] double compute_cycles(const machine& chip, const dfx::contraction& work, const element_sizes& e,
                                    const blocking& plan);

/// Commands that the plan will take, about.
[[nodiscard]] double commands_of(const dfx::contraction& work, const blocking& plan);

/// Fills estimated_cycles, estimated_dram_bytes and cost of a plan whose extents, groups and slots are set:
/// cycles = max(compute, block movers, DRAM, firmware) + time to the first fold + time after the last.
void estimate(const machine& chip, const dfx::contraction& work, const element_sizes& e, double compute,
              blocking& plan);

} // namespace kpu::fw
