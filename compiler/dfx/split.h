#pragma once
// A kernel as several smaller ones that give the same bits together, for chips that have no room for it.

#include "compiler/dfx/program.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace kpu::dfx {

/// Kernels in the order in which they run, and the tensors between them. Names and operations' ids are new to the
/// program, but for the first kernel's id, which is the split kernel's. The parts have its nodes and no hints.
struct kernel_parts {
    std::vector<kernel> kernels;
    std::vector<tensor_descriptor> tensors;
};

/// The least number of steps that a whole-tensor operator has to keep: 1 of an ELEMENTWISE, else none.
[[nodiscard]] std::size_t least_steps(const compute_op& op);

/// A whole-tensor operator with its first `kept` steps, and the others as an ELEMENTWISE on what these yield; between
/// them a tensor of the type to which the last kept step, or the sum, is rounded anyway. Expects a kernel of a verified
/// program with more than `kept` steps, of which it keeps at least least_steps().
[[nodiscard]] kernel_parts steps_apart(const program& p, const kernel& k, std::size_t kept);

/// A SOFTMAX_TILE or LAYERNORM_TILE of a verified program as the reductions and element-wise operations that it stands
/// for, its steps behind the last one. Nothing for other kernels.
[[nodiscard]] std::optional<kernel_parts> rows_apart(const program& p, const kernel& k);

/// A product or convolution of a verified program whose bias is a row of elements narrower than the sums, with the bias
/// widened in front of it. Nothing for other kernels.
[[nodiscard]] std::optional<kernel_parts> bias_apart(const program& p, const kernel& k);

} // namespace kpu::dfx
