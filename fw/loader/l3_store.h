#pragma once
// L3 while a contraction runs: tiles of A and B brought from DRAM and kept by what the walk will need, blocks of C on
// their way out or waiting for more sums.

#include "fw/loader/emitter.h"
#include "fw/loader/layout.h"
#include "fw/loader/step_walk.h"
#include "fw/loader/upcoming_uses.h"

#include <vector>

namespace kpu::fw {

/// Room for a block of C, or, where no sums wait in L3, for a strip of it on its way out. `live`: holds sums that will
/// be needed again.
struct l3_block {
    address base;
    usage use;
    bool live = false;
    tile_key sums;           ///< of which block, where it is live
    std::size_t pending = 0; ///< groups of cells that have yet to be told to come in, or to leave for DRAM
    bool filling = false;    ///< since it was taken some cells have been told to come in
};

class l3_store {
  public:
    l3_store(const machine& chip, const blocking& plan, std::uint64_t batches, const point_set& earlier);

    tile_cache tiles; ///< of A and B
    address ring;     ///< the plan's ring
    tile_cache seeds;
    tile_cache steps; ///< operands of steps
    std::vector<l3_block> blocks;

    /// The block that holds a C block's sums, or null.
    [[nodiscard]] l3_block* sums_of(const tile_key& c);
    /// Picks the next block that holds no live sums, in turn; it may have rows pending, which the caller must settle.
    [[nodiscard]] l3_block& take_block();

  private:
    std::size_t m_next_block = 0;
};

} // namespace kpu::fw
