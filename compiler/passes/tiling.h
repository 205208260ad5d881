#pragma once
// Chooses the tiles of a matmul: for a range of chips unless the user names one.

#include "compiler/dfx/contraction.h"
#include "compiler/passes/chip_model.h"

#include <algorithm>
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

/// Cycles, of which array and DRAM overlap.
struct tile_terms {
    double ends = 0, array = 0, dram = 0, control = 0;
    [[nodiscard]] double cycles() const { return ends + std::max(array, dram) + control; }
};

/// A matmul (extents, batch and types of `c`; its own tiles are ignored) in tiles `t` on one chip:
/// - ends: every array's first tile of A and of B comes from DRAM, and its last one of C goes there;
/// - array: ceil-padded rows and columns of every tile on an array, each fold taking max(k / MACs per PE, side) cycles
///   per k tile; tiles of C go to the arrays in turns, no sooner than the largest one is done;
/// - dram: nn |A| + nm |B| + |C| + |seed| bytes for blocks of tiles, over the chip's bytes per cycle. A tile that does
///   not fit the room for tiles with double-buffered operands (2 (Ti Tk + Tk Tj) operand + Ti Tj accumulator bytes) is
///   halved along its largest extent until it does; tiles that fit are grouped by doubling the block's smaller extent
///   while the block fits the capacity;
/// - control: 16 cycles for each of batch * tiles over all three dimensions.
[[nodiscard]] tile_terms tile_cycles(const dfx::contraction& c, const std::array<std::uint64_t, 3>& t,
                                     const chip_model& on);

/// The objective: geometric mean over chips of cycles over the chip's bound max(MACs / peak, compulsory bytes / DRAM
/// bytes per cycle), times 1 + 0.01 |log2(Ti / Tj)| if square tiles are preferred. At least about 1;
/// lower is better.
[[nodiscard]] double tile_cost(const dfx::contraction& c, const std::array<std::uint64_t, 3>& t,
                               const tiling_constraints& by, const std::vector<chip_model>& chips);

struct tile_choice {
    std::array<std::uint64_t, 3> tile = {1, 1, 1};
    dfx::tile_policy policy = dfx::tile_policy::suggested;
    tile_strategy strategy = tile_strategy::analytical;
    double cost = 0;              ///< tile_cost of the choice
    std::uint64_t candidates = 1; ///< evaluated
};

/// Analytical: Ti = Tj = Tk = t, t the largest power of two with (4 operand + accumulator bytes) t^2 <= the room for
/// tiles of the typical chip, evened out over each extent in multiples of its array's extents (k: of the longer one),
/// no deeper than its lines, then raised where the constraints ask for it. Search: the least tile_cost among powers of
/// two, three times powers of two, and the extents themselves, as far as some chip has room for such a tile. Fixed: as
/// given, clipped to the extents, policy `required`.
[[nodiscard]] tile_choice choose_tiles(const dfx::contraction& c, const tile_request& request, const target& on);

/// A tile and what it costs; terms per chip of the target.
struct weighed_tile {
    std::array<std::uint64_t, 3> tile = {1, 1, 1};
    double cost = 0;
    std::vector<tile_terms> terms;
};
/// The choice, then the `others` that cost least of all that the search would look at.
[[nodiscard]] std::vector<weighed_tile> weigh_alternatives(const dfx::contraction& c, const tile_choice& choice,
                                                           const tiling_constraints& by, const target& on,
                                                           std::size_t others);

} // namespace kpu::passes
