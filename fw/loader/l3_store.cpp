#include "fw/loader/l3_store.h"

namespace kpu::fw {

l3_store::l3_store(const machine& chip, const blocking& plan, const point_set& earlier) {
    address next = chip.l3.base;
    const auto take = [&](bytes slot, std::size_t count) {
        const address base = next;
        next = next + slot * count;
        return base;
    };
    for (std::size_t i = 0; i < plan.l3_c; ++i)
        blocks.push_back({take(plan.l3_c_slot, 1), usage(earlier)});
    seeds = tile_cache(take(plan.l3_seed_slot, plan.l3_seed), plan.l3_seed_slot, plan.l3_seed, earlier);
    tiles = tile_cache(take(plan.l3_tile_slot, plan.l3_tiles), plan.l3_tile_slot, plan.l3_tiles, earlier);
}

l3_block& l3_store::take_block() {
    // the plan leaves at least one block beside those with live sums
    while (blocks[m_next_block].live)
        m_next_block = (m_next_block + 1) % blocks.size();
    l3_block& block = blocks[m_next_block];
    m_next_block = (m_next_block + 1) % blocks.size();
    return block;
}

void l3_store::keep_sums(const tile_key& c, const l3_block& block) {
    const std::size_t position = static_cast<std::size_t>(&block - blocks.data());
    blocks[position].live = true;
    m_sums[c] = position;
}

void l3_store::release_sums(const tile_key& c) {
    const auto found = m_sums.find(c);
    blocks[found->second].live = false;
    m_sums.erase(found);
}

} // namespace kpu::fw
