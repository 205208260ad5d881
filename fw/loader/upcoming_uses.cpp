#include "fw/loader/upcoming_uses.h"

namespace kpu::fw {

namespace {

constexpr std::size_t k_first_entries = 64;

} // namespace

upcoming_uses::upcoming_uses() : m_entries(k_first_entries) {}

std::size_t upcoming_uses::place_of(const tile_key& key) const {
    std::size_t place = home_of(key);
    while (m_entries[place].first != k_none && m_entries[place].key != key)
        place = (place + 1) & (m_entries.size() - 1);
    return place;
}

std::uint32_t upcoming_uses::new_use(std::uint64_t step_number) {
    std::uint32_t place = m_unused;
    if (place == k_none) {
        place = static_cast<std::uint32_t>(m_pool.size());
        m_pool.emplace_back();
    } else {
        m_unused = m_pool[place].next;
    }
    m_pool[place] = {step_number, k_none};
    return place;
}

void upcoming_uses::add(const tile_key& key, std::uint64_t step_number) {
    if (2 * (m_taken + 1) > m_entries.size())
        grow();
    const std::uint32_t added = new_use(step_number);
    entry& e = m_entries[place_of(key)];
    if (e.first == k_none) {
        e = {key, added, added};
        ++m_taken;
    } else {
        m_pool[e.last].next = added;
        e.last = added;
    }
}

void upcoming_uses::drop(const tile_key& key) {
    const std::size_t place = place_of(key);
    entry& e = m_entries[place];
    const std::uint32_t dropped = e.first;
    e.first = m_pool[dropped].next;
    m_pool[dropped].next = m_unused;
    m_unused = dropped;
    if (e.first == k_none)
        remove(place);
}

/// Moves later entries of the same run up, so that no search ends at the gap before it finds its key.
void upcoming_uses::remove(std::size_t place) {
    const std::size_t mask = m_entries.size() - 1;
    --m_taken;
    for (std::size_t later = (place + 1) & mask; m_entries[later].first != k_none; later = (later + 1) & mask) {
        const std::size_t home = home_of(m_entries[later].key);
        if (((later - home) & mask) < ((later - place) & mask))
            continue; // its home lies behind the gap
        m_entries[place] = m_entries[later];
        m_entries[later].first = k_none;
        place = later;
    }
}

void upcoming_uses::grow() {
    std::vector<entry> old(2 * m_entries.size());
    old.swap(m_entries);
    for (const entry& e : old)
        if (e.first != k_none)
            m_entries[place_of(e.key)] = e;
}

std::uint64_t upcoming_uses::next(const tile_key& key) const {
    const entry& e = m_entries[place_of(key)];
    return e.first == k_none ? k_never : m_pool[e.first].step;
}

} // namespace kpu::fw
