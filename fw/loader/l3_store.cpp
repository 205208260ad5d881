#include "fw/loader/l3_store.h"

#include <algorithm>

namespace kpu::fw {

l3_store::l3_store(const machine& chip, const blocking& plan, std::uint64_t batches, const point_set& earlier) {
    address next = chip.l3.base;
    const auto take = [&](bytes slot, std::size_t count) {
        const address base = next;
        next = next + slot * count;
        return base;
    };
    for (std::size_t i = 0; i < plan.l3_c; ++i) {
        l3_block block;
        block.base = take(plan.l3_c_slot, 1);
        block.use = usage(earlier);
        blocks.push_back(std::move(block));
    }
    seeds = tile_cache(take(plan.l3_seed_slot, plan.l3_seed), plan.l3_seed_slot, plan.l3_seed, earlier);
    steps = tile_cache(take(plan.steps_slot, plan.l3_steps), plan.steps_slot, plan.l3_steps, earlier);
    const std::uint64_t all = batches * (plan.row_blocks + plan.column_blocks) * plan.k_slices;
    const std::size_t needed = std::min(plan.l3_tiles, static_cast<std::size_t>(all));
    tiles = tile_cache(take(plan.l3_tile_slot, needed), plan.l3_tile_slot, needed, earlier);
}

l3_block& l3_store::take_block() {
    // the plan leaves at least one block beside those with live sums
    while (blocks[m_next_block].live)
        m_next_block = (m_next_block + 1) % blocks.size();
    l3_block& block = blocks[m_next_block];
    m_next_block = (m_next_block + 1) % blocks.size();
    return block;
}

l3_block* l3_store::sums_of(const tile_key& c) {
    const auto found =
        std::find_if(blocks.begin(), blocks.end(), [&](const l3_block& b) { return b.live && b.sums == c; });
    return found == blocks.end() ? nullptr : &*found;
}

} // namespace kpu::fw
