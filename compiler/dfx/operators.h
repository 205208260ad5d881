#pragma once
// What whole-tensor operators mean, on host memory.

#include "compiler/dfx/program.h"

#include <vector>

namespace kpu::dfx {

/// The result of a verified operator; `inputs` in its order, each with the dimensions of its tensor. Throws input_error
/// for an index of a GATHER_TILE that is no row.
[[nodiscard]] tensor evaluate(const compute_op& op, const std::vector<const tensor*>& inputs,
                              const tensor_descriptor& result);

} // namespace kpu::dfx
