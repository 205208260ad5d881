#pragma once
// What the operators mean whose elements only go elsewhere (`only_moves`), on host memory.

#include "compiler/dfx/program.h"

#include <vector>

namespace kpu::dfx {

/// The result of a verified REARRANGE_TILE, SPREAD_TILE or GATHER_TILE, before its steps; arguments as of `evaluate`.
/// Throws input_error for an index of a GATHER_TILE that is no row.
[[nodiscard]] tensor moved(const compute_op& op, const std::vector<const tensor*>& inputs,
                           const tensor_descriptor& result);

} // namespace kpu::dfx
