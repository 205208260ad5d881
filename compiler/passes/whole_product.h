#pragma once
// A matmul's loop nest as one operation on whole tensors, behind whose sums steps can follow.

#include "compiler/dfx/program.h"

#include <optional>

namespace kpu::passes {

/// The MATMUL_TILE on whole tensors that computes what a kernel does that `matmul_nest` made. Nothing where its tiles
/// are the user's, where its sums start from a seed, and for all other kernels.
[[nodiscard]] std::optional<dfx::compute_op> whole_product(const dfx::program& p, const dfx::kernel& k);

} // namespace kpu::passes
