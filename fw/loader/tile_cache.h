#pragma once
// Residency: equal slots of a memory that hold tiles, and the choice of which tile to give up.

#include "fw/loader/ordering.h"
#include "platforms/common/units.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace kpu::fw {

enum class operand_role : std::uint8_t { a, b, c, seed, steps };

/// Names a tile (or a panel of one) within a kernel.
struct tile_key {
    operand_role role = operand_role::a;
    std::uint64_t batch = 0;
    std::uint64_t row = 0;
    std::uint64_t column = 0;
    std::uint64_t panel = 0; ///< within the tile; 0 for the whole
    friend bool operator==(const tile_key& x, const tile_key& y) {
        return x.role == y.role && x.batch == y.batch && x.row == y.row && x.column == y.column && x.panel == y.panel;
    }
    friend bool operator!=(const tile_key& x, const tile_key& y) { return !(x == y); }
};

struct tile_key_hash {
    std::size_t operator()(const tile_key& k) const noexcept {
        std::uint64_t h = static_cast<std::uint64_t>(k.role);
        for (const std::uint64_t part : {k.batch, k.row, k.column, k.panel})
            h = (h ^ part) * 0x9e3779b97f4a7c15ULL + (h >> 29);
        return static_cast<std::size_t>(h);
    }
};

struct tile_slot {
    address base;
    bool valid = false; ///< `key` is resident, or on its way
    tile_key key;
    std::uint64_t last_use = 0;
    usage use;
    /// A tile that came panel by panel: what brought each. Empty where it came as a whole.
    std::vector<point_set> panels;

    /// For a reader of one panel of the tile.
    void require_panel(dependences& d, std::size_t panel) const {
        if (panels.empty())
            use.require_for_read(d);
        else
            d.read_after_write.merge(panels[panel]);
    }
    /// The command that fills a panel; the first one overwrites what the slot held.
    void note_panel(std::size_t panel, point p) {
        if (panels.empty())
            use.note_overwrite(p);
        else
            use.note_more_written(p);
        panels.resize(std::max(panels.size(), panel + 1));
        panels[panel].add(p);
    }
};

class tile_cache {
  public:
    tile_cache() = default;
    /// `count` slots of `slot_size` from `base` on; `earlier`: everything that used that memory before.
    tile_cache(address base, bytes slot_size, std::size_t count, const point_set& earlier)
        : m_base(base), m_slot_size(slot_size), m_count(count), m_earlier(earlier) {
        m_slots.reserve(count); // slots stay where they are
    }

    /// The slot where the tile is resident, or null.
    [[nodiscard]] tile_slot* find(const tile_key& key) {
        for (tile_slot& slot : m_slots) {
            if (slot.valid && slot.key == key) {
                slot.last_use = ++m_uses;
                return &slot;
            }
        }
        return nullptr;
    }

    /// The slot to give up next: an empty one, else the one whose tile is needed last according to `next_use(key)`
    /// (larger is later; ties: least recently used). The cache must have slots.
    template <class NextUse>
    [[nodiscard]] tile_slot& victim(NextUse next_use) {
        if (has_empty())
            return empty_slot();
        tile_slot* chosen = &m_slots.front();
        std::uint64_t chosen_next = 0;
        for (tile_slot& slot : m_slots) {
            const std::uint64_t next = next_use(slot.key);
            const bool better = next > chosen_next || (next == chosen_next && slot.last_use < chosen->last_use);
            if (better) {
                chosen = &slot;
                chosen_next = next;
            }
        }
        return *chosen;
    }
    /// The least recently used slot.
    [[nodiscard]] tile_slot& oldest() {
        return victim([](const tile_key&) { return std::numeric_limits<std::uint64_t>::max(); });
    }
    /// A slot that has never held a tile.
    [[nodiscard]] bool has_empty() const { return m_slots.size() < m_count || (m_count > 0 && !m_slots.back().valid); }
    void assign(tile_slot& slot, const tile_key& key) {
        slot.valid = true;
        slot.key = key;
        slot.panels.clear();
        slot.last_use = ++m_uses;
    }

    [[nodiscard]] std::size_t size() const { return m_count; }

  private:
    /// Slots are made when they are first needed: many caches are larger than the work at hand.
    [[nodiscard]] tile_slot& empty_slot() {
        if (m_slots.empty() || m_slots.back().valid) {
            tile_slot slot;
            slot.base = m_base + m_slot_size * m_slots.size();
            slot.use = usage(m_earlier);
            m_slots.push_back(std::move(slot));
        }
        return m_slots.back();
    }

    address m_base;
    bytes m_slot_size;
    std::size_t m_count = 0;
    point_set m_earlier;
    std::vector<tile_slot> m_slots;
    std::uint64_t m_uses = 0;
};

} // namespace kpu::fw
