#pragma once
// Chooses the dataflow of a matmul by comparing what each would move.

#include "compiler/dfx/contraction.h"
#include "compiler/passes/chip_model.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace kpu::passes {

/// Keeping A or B in the array must take this much less time than keeping C: sums that leave the array and come back
/// cost traffic on the chip.
inline constexpr double k_margin = 0.9;

struct dataflow_choice {
    dfx::dataflow flow = dfx::dataflow::output_stationary;
    bool overridden = false;        ///< by the user
    std::array<double, 3> cycles{}; ///< of output, weight and input stationary folds, see choose_dataflow()
    /// "output_stationary; array cycles: output_stationary 1000, …": the numbers that decided.
    [[nodiscard]] std::string reason() const;
};

/// Cycles of a pipelined array of r rows, c columns and d multiply-accumulates per PE that does nothing but folds, per
/// batch element, s being the larger of r and c:
///   output stationary   ceil(M/r) ceil(N/c) max(K/d, s)
///   weight stationary   ceil(K/rd) ceil(N/c) max(M, s)
///   input stationary    ceil(K/rd) ceil(M/c) max(N, s)
/// and of those the geometric mean over the target's chips. Where extents are multiples of r and c, or large, all three
/// are equal; they differ by the padding of the two dimensions that are spread over the array. Weight or input
/// stationary is chosen where it takes less than k_margin times output stationary's cycles, the smaller of the two
/// (weight stationary if equal). DRAM traffic does not enter: the loader decides what stays on the chip whatever stays
/// in the array.
[[nodiscard]] dataflow_choice choose_dataflow(const dfx::contraction& c, std::optional<dfx::dataflow> wanted,
                                              const target& on);

/// What the compiler expects of the target's typical chip. DRAM bytes: the best blocking for its capacity
/// (dfx::best_blocking). Compute cycles: batch * ceil(M/r) * ceil(N/c) output stationary folds of max(K/d, s) cycles,
/// in turns on its arrays, plus r + c + s - 2 to fill and drain once. Parallelism: output tiles, which depend on none
/// of each other.
[[nodiscard]] dfx::kernel_hints hints_for(const dfx::contraction& c, const chip_model& on);

/// Of a kernel on whole tensors: as above for products and convolutions, in analytical tiles.
[[nodiscard]] dfx::kernel_hints hints_for(const dfx::program& p, const dfx::kernel& k, const target& on);
/// Of an operator that is neither: all operands and the result once, no array, one tile.
[[nodiscard]] dfx::kernel_hints hints_for(const dfx::compute_op& op);

} // namespace kpu::passes
