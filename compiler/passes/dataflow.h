#pragma once
// Chooses the dataflow of a matmul by comparing what each would move.

#include "compiler/dfx/contraction.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace kpu::passes {

/// On-chip bytes for which the hints are made.
inline constexpr std::uint64_t k_nominal_capacity = 1ULL << 20U;
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

/// Cycles of a pipelined s × s array that does nothing but folds, per batch element:
///   output stationary   ceil(M/s) ceil(N/s) max(K, s)
///   weight stationary   ceil(K/s) ceil(N/s) max(M, s)
///   input stationary    ceil(K/s) ceil(M/s) max(N, s)
/// and of those the geometric mean over s = 8, 16, 32, 64. Where extents are multiples of s, or large, all three are
/// equal; they differ by the padding of the two dimensions that are spread over the array. Weight or input stationary
/// is chosen where it takes less than k_margin times output stationary's cycles, the smaller of the two (weight
/// stationary if equal). DRAM traffic does not enter: the loader decides what stays on the chip whatever stays in the
/// array.
[[nodiscard]] dataflow_choice choose_dataflow(const dfx::contraction& c, std::optional<dfx::dataflow> wanted);

/// What the compiler expects. DRAM bytes: the best blocking for the nominal capacity (dfx::best_blocking). Compute
/// cycles: on one pipelined 16 x 16 output-stationary array, batch * ceil(M/16) * ceil(N/16) folds of max(K, 16)
/// cycles, plus 46 to fill and drain once. Parallelism: output tiles, which depend on none of each other.
[[nodiscard]] dfx::kernel_hints hints_for(const dfx::contraction& c);

/// Of a kernel on whole tensors: as above for products and convolutions, in analytical tiles. All others need all
/// operands and the result once, no array, and count as one tile.
[[nodiscard]] dfx::kernel_hints hints_for(const dfx::program& p, const dfx::kernel& k);

} // namespace kpu::passes
