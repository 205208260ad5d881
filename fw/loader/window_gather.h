#pragma once
// Implicit im2col: rows of A that are windows of a tensor, as strided copies straight from the tensor.

#include "compiler/dfx/contraction.h"
#include "fw/loader/layout.h"

#include <vector>

namespace kpu::fw {

/// Copies that bring some rows × some depth of A, packed row by row, from a tensor at `tensor` to `to`. What they leave
/// out lies outside of the tensor and is zero: `complete` says whether there is nothing of that.
struct gathered_rows {
    std::vector<iface::copy_operands> moves;
    bool complete = true;
};
[[nodiscard]] gathered_rows gather_windows(const dfx::window_rows& windows, address tensor, std::uint64_t element,
                                           extent rows, extent depth, address to);

} // namespace kpu::fw
