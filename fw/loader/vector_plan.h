#pragma once
// How an operator for the vector unit is cut for the chip at hand: the tile, and where its buffers lie in each memory.

#include "fw/driver/machine.h"
#include "fw/loader/padded_input.h"
#include "fw/loader/vector_tile.h"
#include "fw/loader/weighing.h"

#include <string>
#include <vector>

namespace kpu::fw {

/// Slots of one buffer at one level: `count` of them, `pitch` bytes apart, from `offset` of the level's share on.
struct slot_range {
    bytes offset, pitch;
    std::size_t count = 0;
};

struct vector_plan {
    vector_work work;
    tile_extents extents;
    std::size_t lanes = 1; ///< compute tiles used
    tile_buffers buffers;
    /// Per input, then the result, then scratch (L1 only). L1: in the buffer named by `l1_home`; L2 and L3: in the
    /// lane's share.
    std::vector<slot_range> l1, l2, l3;
    std::vector<std::size_t> l1_home; ///< 0 row, 1 column, 2 result buffer
    /// Of windows: the first input in L3, for all lanes, in front of their shares. No slabs: its boxes come from DRAM.
    ring_plan ring;

    cost_terms terms; ///< no block movers: they share their time with the streamers
    double estimated_cycles = 0;
    double hidden = 0; ///< a little for DRAM traffic that may be hidden, in cycles
    std::uint64_t estimated_dram_bytes = 0;

    /// What is minimised.
    [[nodiscard]] double cost() const { return estimated_cycles + hidden; }
    [[nodiscard]] std::uint64_t tiles() const; ///< of the result
    [[nodiscard]] std::uint64_t chunks() const;
    /// Tile number `index` (channels outermost, so that what depends on them only stays) and chunk of its axis.
    [[nodiscard]] vector_tile tile(std::uint64_t index, std::uint64_t chunk) const;
};

/// The first input below the windows of a plan with that tile: slices of channels as wide as a tile's.
[[nodiscard]] padded_input padded_input_of(const vector_plan& plan);
/// A tile's lines there, as rows of places.
[[nodiscard]] extent rows_of(const vector_plan& plan, const vector_tile& tile);
/// Memory of L3 that one lane has, beside the ring.
[[nodiscard]] bytes share_of_l3(const machine& chip, const vector_plan& plan);

/// The best tile by estimated cycles among those that fit. Throws input_error with the sizes where not even the
/// smallest fits: windows and the rows of a softmax or layer norm are not cut.
[[nodiscard]] vector_plan choose_tiles(const machine& chip, vector_work work);

/// The same with what it was chosen among.
struct tile_choice {
    vector_plan plan;
    weighing weighed;
};
[[nodiscard]] tile_choice weigh_tiles(const machine& chip, vector_work work);

/// A third of the DMA engines keep to stores, so that no load queues behind one.
[[nodiscard]] std::size_t loaders_among(std::size_t engines);

/// "tile 1x8x112x32, …" for --verbose and --dry-run.
[[nodiscard]] std::string to_string(const vector_plan& plan);

} // namespace kpu::fw
