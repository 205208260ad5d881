#pragma once
// How many bytes a matmul must move between DRAM and the chip: lower bounds, and what the best blocking would move.

#include "compiler/dfx/contraction.h"

#include <cstdint>

namespace kpu::dfx {

struct traffic_bounds {
    std::uint64_t compulsory_bytes = 0;    ///< every operand once from DRAM, the result once to DRAM
    std::uint64_t lower_bound_bytes = 0;   ///< no schedule moves less
    std::uint64_t best_blocking_bytes = 0; ///< of the blockings described at best_blocking(); 0 where none fits
};

/// One blocking and its DRAM traffic.
struct blocking {
    std::uint64_t mb = 0, nb = 0, kb = 0; ///< block extents in elements
    enum class resident { a, b, c } stays = resident::c;
    std::uint64_t bytes = 0;
};

/// |A| + |B| + |C| + |seed| bytes, each once, batch included.
[[nodiscard]] std::uint64_t compulsory_bytes(const contraction& c);

/// max(compulsory, batch * (2MNK / sqrt(S) - 2S) * element size), where S = floor(on_chip_bytes / element size)
/// elements and the element size is the operand's (the smallest that any of the moved elements has, so the bound stays
/// a bound). The second term is the red-blue pebble game's bound for a memory of S elements (Hong and Kung 1981,
/// constant by Smith et al. 2019); it is taken per batch element and as 0 where it is negative.
[[nodiscard]] std::uint64_t lower_bound_bytes(const contraction& c, std::uint64_t on_chip_bytes);

/// The blocking with the least traffic among all (mb, nb, kb) with mb*kb*ea + kb*nb*eb + mb*nb*ec <= l3_bytes, where ea
/// = eb is the operand's element size and ec the result's, or the accumulator's where k is split (kb < K). With nm, nn,
/// nk blocks per dimension, per batch element:
///   C resident (k innermost): nn |A| + nm |B| + |C|
///   A resident (j innermost):    |A| + nm |B| + |C| + 2 (nk - 1) |P|
///   B resident (i innermost): nn |A| +    |B| + |C| + 2 (nk - 1) |P|
/// plus |seed|, P being the partial sums in the accumulator's type. Degenerate counts do better and are taken as such:
/// an operand whose block does not change while a loop runs is not moved again (nm = 1 leaves B where it is with B
/// resident, say). Nothing where not even one element of each fits.
[[nodiscard]] std::optional<blocking> best_blocking(const contraction& c, std::uint64_t l3_bytes);

/// All three. `l3_bytes`, `l2_bytes`: capacity of all L3 tiles, of all L2 banks.
[[nodiscard]] traffic_bounds bounds_of(const contraction& c, std::uint64_t l3_bytes, std::uint64_t l2_bytes);

/// Summed over a kernel's contractions, the tiles of a flat kernel joined first.
[[nodiscard]] traffic_bounds bounds_of(const program& p, const kernel& k, std::uint64_t l3_bytes,
                                       std::uint64_t l2_bytes);

} // namespace kpu::dfx
