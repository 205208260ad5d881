#pragma once
// The loop nest of one matmul.

#include "compiler/dfx/contraction.h"
#include "compiler/dfx/program.h"

#include <cstdint>

namespace kpu::passes {

/// The kernel that computes `c` (whole tensors of `p`: origins are not looked at) in its tiles and dataflow. Operation
/// ids are taken from `next_id` on, which is advanced. Name, graph nodes and hints are left to the caller.
///
/// Loops around the tiles: output stationary ti tj in Morton order, so that traffic is good whatever fits on chip;
/// weight stationary tj ti, input stationary ti tj, the inner one in snake order.
[[nodiscard]] dfx::kernel matmul_nest(const dfx::program& p, const dfx::contraction& c, std::uint64_t& next_id);

} // namespace kpu::passes
