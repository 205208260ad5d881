#pragma once
// How blocks are grouped so that what is used again stays in L3.

#include "fw/loader/block_cost.h"

#include <optional>

namespace kpu::fw {

/// The groups and slots of L3 with which blocks cut as `base` cost least: sums complete in L2, or wait in L3 between
/// slices of k. Nothing where none fit, or where none costs less than `bar`.
[[nodiscard]] std::optional<blocking> best_superblocks(const task& t, const blocking& base, cost_model& model,
                                                       double bar);

} // namespace kpu::fw
