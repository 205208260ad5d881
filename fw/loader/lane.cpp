#include "fw/loader/lane.h"

#include "fw/loader/blocking_fit.h"

#include <algorithm>

namespace kpu::fw {

lane::lane(const machine& chip, const blocking& plan, const element_sizes& e, std::size_t number,
           const point_set& l1_earlier, const point_set& l2_earlier)
    : tile(&chip.tiles.at(number)), rows(tile->row.base, plan.row_slot, plan.row_slots, l1_earlier),
      columns(tile->column.base, plan.column_slot, plan.column_slots, l1_earlier) {
    const std::uint64_t cells_bytes = round_up(plan.strip * plan.fold_rows * plan.fold_columns * e.accumulator, 64);
    for (std::size_t i = 0; i < plan.result_slots; ++i) {
        const address base = tile->result.base + plan.result_slot * i;
        const address operands = base + (plan.result_slot - step_operands_in_l1(e, e.steps.size(), plan));
        results.push_back({base, base + bytes(cells_bytes), usage(l1_earlier), operands, 0, usage(l1_earlier)});
    }
    const l2_share share = share_of_l2(chip.l2, plan.lanes, number);
    address next = chip.l2.base + share.offset;
    const auto take = [&](bytes slot, std::size_t count) {
        const address base = next;
        next = next + slot * count;
        return base;
    };
    l2_a = tile_cache(take(plan.l2_a_slot, plan.l2_a), plan.l2_a_slot, plan.l2_a, l2_earlier);
    l2_b = tile_cache(take(plan.l2_b_slot, plan.l2_b), plan.l2_b_slot, plan.l2_b, l2_earlier);
    l2_seed = tile_cache(take(plan.l2_seed_slot, plan.l2_seed), plan.l2_seed_slot, plan.l2_seed, l2_earlier);
    l2_steps = tile_cache(take(plan.steps_slot, plan.l2_steps), plan.steps_slot, plan.l2_steps, l2_earlier);
    const std::uint64_t strips = ceil_div(ceil_div(plan.mb, plan.fold_rows), plan.strip);
    const auto strip_columns = static_cast<std::size_t>(strips * ceil_div(plan.nb, plan.fold_columns));
    for (std::size_t i = 0; i < plan.l2_c; ++i)
        blocks.push_back({take(plan.l2_c_slot, 1), std::vector<usage>(strip_columns, usage(l2_earlier)),
                          std::vector<usage>(static_cast<std::size_t>(plan.strip))});
}

void lane::split_results(std::uint64_t strip, bytes cell, bytes staged_cell) {
    std::vector<result_slot> cells;
    for (const result_slot& slot : results)
        for (std::uint64_t i = 0; i < strip; ++i)
            cells.push_back(
                {slot.cells + cell * i, slot.staging + staged_cell * i, slot.use, slot.operands, i, slot.operand_use});
    next_result *= static_cast<std::size_t>(strip);
    results = std::move(cells);
}

engine_id lane::streamer(stream_role role) const {
    return tile->streamers[std::min(static_cast<std::size_t>(role), tile->streamers.size() - 1)];
}

} // namespace kpu::fw
