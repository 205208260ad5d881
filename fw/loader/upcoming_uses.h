#pragma once
// When each tile is needed next, as far as the window of upcoming steps reaches.

#include "fw/loader/tile_cache.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace kpu::fw {

/// A hash table with open addressing, and lists of uses in a pool: its memory is that of the largest window so far, and
/// steps come and go without allocation.
class upcoming_uses {
  public:
    upcoming_uses();

    /// Steps are added in ascending order.
    void add(const tile_key& key, std::uint64_t step_number);
    /// The step is over: forget the tile's earliest use. There must be one.
    void drop(const tile_key& key);
    /// As far as anyone knows: of a tile that is not needed within the window.
    static constexpr std::uint64_t k_never = std::numeric_limits<std::uint64_t>::max();
    [[nodiscard]] std::uint64_t next(const tile_key& key) const;

  private:
    static constexpr std::uint32_t k_none = 0xffffffff;
    struct entry {
        tile_key key;
        std::uint32_t first = k_none, last = k_none; ///< uses; none: the entry is free
    };
    struct use {
        std::uint64_t step = 0;
        std::uint32_t next = k_none;
    };
    [[nodiscard]] std::size_t home_of(const tile_key& key) const {
        return tile_key_hash()(key) & (m_entries.size() - 1);
    }
    /// Where the key is, or the free entry where it would be.
    [[nodiscard]] std::size_t place_of(const tile_key& key) const;
    [[nodiscard]] std::uint32_t new_use(std::uint64_t step_number);
    void remove(std::size_t place);
    void grow();

    std::vector<entry> m_entries; ///< a power of two of them, at most half of them taken
    std::size_t m_taken = 0;
    std::vector<use> m_pool;
    std::uint32_t m_unused = k_none; ///< a list of the pool's free places
};

} // namespace kpu::fw
