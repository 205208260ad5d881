#pragma once
// Chooses the dataflow of a matmul by comparing what each would move.

#include "compiler/dfx/contraction.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace kpu::passes {

/// On-chip bytes for which the comparison and the hints are made.
inline constexpr std::uint64_t k_nominal_capacity = 1ULL << 20U;
/// Keeping A or B must move this much less than keeping C does: the sums then leave the array rounded once and only
/// once.
inline constexpr double k_margin = 0.9;

struct dataflow_choice {
    dfx::dataflow flow = dfx::dataflow::output_stationary;
    bool overridden = false;              ///< by the user
    std::array<std::uint64_t, 3> bytes{}; ///< DRAM bytes of output, weight and input stationary at the nominal capacity
    /// "output_stationary: 24 MiB against ..." the numbers that decided.
    [[nodiscard]] std::string reason() const;
};

/// The least traffic over all blockings (mb, nb, kb) whose three blocks fit the nominal capacity, with nm, nn, nk
/// blocks:
///   output stationary: nn |A| + nm |B| + |C|
///   weight stationary: nn |A| +    |B| + |C| + 2 (nk - 1) |P|
///   input stationary:     |A| + nm |B| + |C| + 2 (nk - 1) |P|        (P: partial sums; |seed| is the same for all)
/// Weight or input stationary is chosen where it moves less than k_margin times output stationary's bytes, the smaller
/// of the two (weight stationary if equal). So large M gives weight, large N input stationary, balanced extents and
/// small K output stationary.
[[nodiscard]] dataflow_choice choose_dataflow(const dfx::contraction& c, std::optional<dfx::dataflow> wanted);

/// What the compiler expects. DRAM bytes: the best blocking for the nominal capacity (dfx::best_blocking). Compute
/// cycles: on one pipelined 16 x 16 output-stationary array, batch * ceil(M/16) * ceil(N/16) folds of max(K, 16)
/// cycles, plus 46 to fill and drain once. Parallelism: output tiles, which depend on none of each other.
[[nodiscard]] dfx::kernel_hints hints_for(const dfx::contraction& c);

} // namespace kpu::passes
