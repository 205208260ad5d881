#pragma once
// L3 while a contraction runs: tiles of A and B brought from DRAM and kept by what the walk will need, blocks of C on
// their way out or waiting for more sums.

#include "fw/loader/emitter.h"
#include "fw/loader/layout.h"
#include "fw/loader/step_walk.h"
#include "fw/loader/tile_cache.h"

#include <deque>
#include <limits>
#include <unordered_map>
#include <vector>

namespace kpu::fw {

/// When each tile is needed next, as far as the window of upcoming steps reaches.
class upcoming_uses {
  public:
    void add(const tile_key& key, std::uint64_t step_number) { m_uses[key].push_back(step_number); }
    /// The step is over: forget its uses.
    void drop(const tile_key& key) {
        const auto found = m_uses.find(key);
        found->second.pop_front();
        if (found->second.empty())
            m_uses.erase(found);
    }
    /// Beyond the window: never, as far as anyone knows.
    [[nodiscard]] std::uint64_t next(const tile_key& key) const {
        const auto found = m_uses.find(key);
        return found == m_uses.end() ? std::numeric_limits<std::uint64_t>::max() : found->second.front();
    }

  private:
    std::unordered_map<tile_key, std::deque<std::uint64_t>, tile_key_hash> m_uses;
};

/// Room for a block of C. `live`: holds sums that will be needed again.
struct l3_block {
    address base;
    usage use;
    bool live = false;
    std::size_t pending = 0; ///< groups of cells that have yet to be told to come in, or to leave for DRAM
    bool filling = false;    ///< since it was taken some cells have been told to come in
};

class l3_store {
  public:
    l3_store(const machine& chip, const blocking& plan, const point_set& earlier);

    tile_cache tiles; ///< of A and B
    tile_cache seeds;
    std::vector<l3_block> blocks;

    [[nodiscard]] bool has_sums(const tile_key& c) const { return m_sums.count(c) != 0; }
    /// The block that holds a C block's sums; must be there.
    [[nodiscard]] l3_block& sums_of(const tile_key& c) { return blocks[m_sums.at(c)]; }
    /// Picks the next block that holds no live sums, in turn; it may have rows pending, which the caller must settle.
    [[nodiscard]] l3_block& take_block();
    void keep_sums(const tile_key& c, const l3_block& block);
    /// The sums have been fetched (the command that does so is emitted).
    void release_sums(const tile_key& c);

  private:
    std::unordered_map<tile_key, std::size_t, tile_key_hash> m_sums;
    std::size_t m_next_block = 0;
};

} // namespace kpu::fw
