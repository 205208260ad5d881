#pragma once
// Chooses the tiles of a matmul without knowing the platform.

#include "compiler/dfx/contraction.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace kpu::passes {

/// What every choice but a fixed one keeps to, as far as the matmul is large enough for it.
struct tiling_constraints {
    std::uint64_t min_tile_elements = 64; ///< Ti * Tj
    std::uint64_t max_tiles_per_dim = 4096;
    double target_reuse_ratio = 4; ///< Ti * Tj / (Ti + Tj): multiply-accumulates per operand element that enters a tile
    bool prefer_square_tiles = true; ///< each factor of 2 between Ti and Tj costs 1%
};

enum class tile_strategy { analytical, search, fixed };
[[nodiscard]] std::string_view name_of(tile_strategy strategy);

struct tile_request {
    tile_strategy strategy = tile_strategy::analytical;
    std::array<std::uint64_t, 3> fixed = {0, 0, 0}; ///< Ti, Tj, Tk for strategy fixed
    tiling_constraints constraints;
};

/// "analytical", "search" or "fixed:Ti,Tj,Tk". Throws input_error for other text and for extents of 0.
[[nodiscard]] tile_request parse_tile_request(const std::string& text);

/// A chip of the cost model. The four nominal ones span two orders of magnitude in compute and memory; none is a
/// shipped platform.
struct nominal_machine {
    std::uint64_t side;            ///< of the array, in PEs
    std::uint64_t capacity;        ///< bytes on chip for tiles
    std::uint64_t bytes_per_cycle; ///< to DRAM
};
[[nodiscard]] const std::vector<nominal_machine>& nominal_machines();

/// Cycles for a matmul (extents, batch and types of `c`; its own tiles are ignored) in tiles `t` on one machine:
///   max(array, dram / bytes_per_cycle) + 16 * tiles
/// - array: ceil-padded rows and columns of every tile on the array, each fold taking max(k, side) cycles per k tile;
/// - dram: nn |A| + nm |B| + |C| + |seed| for blocks of tiles that fit the capacity, where a tile that does not fit
/// with double-buffered
///   operands (2 (Ti Tk + Tk Tj) operand + Ti Tj accumulator bytes) is halved along its largest extent until it does,
///   and tiles that fit are grouped by doubling the block's smaller extent while they do;
/// - tiles: batch * tiles over all three dimensions, each costing the control 16 cycles.
[[nodiscard]] double tile_cycles(const dfx::contraction& c, const std::array<std::uint64_t, 3>& t,
                                 const nominal_machine& on);

/// The objective: geometric mean over the nominal machines of cycles over the machine's bound max(MACs / side^2,
/// compulsory bytes / bytes_per_cycle), times 1.01 per factor of 2 between Ti and Tj if square tiles are preferred. At
/// least about 1; lower is better.
[[nodiscard]] double tile_cost(const dfx::contraction& c, const std::array<std::uint64_t, 3>& t,
                               const tiling_constraints& by);

struct tile_choice {
    std::array<std::uint64_t, 3> tile = {1, 1, 1};
    dfx::tile_policy policy = dfx::tile_policy::suggested;
    tile_strategy strategy = tile_strategy::analytical;
    double cost = 0;              ///< tile_cost of the choice
    std::uint64_t candidates = 1; ///< evaluated
};

/// Analytical: Ti = Tj = Tk = t, t the largest power of two with (4 operand + accumulator bytes) t^2 <= 128 KiB, evened
/// out over each extent in multiples of 16, then raised where the constraints ask for it. Search: the least tile_cost
/// among powers of two, three times powers of two, and the extents themselves. Fixed: as given, clipped to the extents,
/// policy `required`.
[[nodiscard]] tile_choice choose_tiles(const dfx::contraction& c, const tile_request& request);

} // namespace kpu::passes
