#include "fw/loader/blocking_fit.h"

#include <algorithm>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_slot_alignment = 64;
constexpr std::size_t k_most_l3_tiles = 1024;

bytes slot_bytes(std::uint64_t size) {
    return bytes(round_up(size, k_slot_alignment));
}

std::size_t slots_within(bytes capacity, bytes slot, std::size_t at_most) {
    return std::min<std::size_t>(at_most, static_cast<std::size_t>(capacity / slot));
}

/// L1: panels of A and B and result cells. False where one of each does not fit.
bool fit_l1(const compute_tile& tile, const element_sizes& e, blocking& plan) {
    plan.row_slot = slot_bytes(plan.fold_rows * plan.kb * e.operand);
    plan.column_slot = slot_bytes(plan.fold_columns * plan.kb * e.operand);
    const std::uint64_t cells = plan.strip * plan.fold_rows * plan.fold_columns;
    plan.result_slot = slot_bytes(cells * e.accumulator) + slot_bytes(cells * e.staged_seed()) +
                       step_operands_in_l1(e, e.steps.size(), plan);
    // a row panel serves a whole row of folds, a column panel one column of a strip
    plan.row_slots = slots_within(tile.row.size, plan.row_slot, static_cast<std::size_t>(plan.strip) + 3);
    plan.column_slots = slots_within(tile.column.size, plan.column_slot, 8);
    plan.result_slots = slots_within(tile.result.size, plan.result_slot, 8);
    return plan.row_slots >= plan.strip && plan.column_slots > 0 && plan.result_slots > 0;
}

/// L2: two tiles of each operand where they fit, one where not; and two blocks of sums. False where one of each does
/// not fit.
bool fit_l2(bytes share, const element_sizes& e, blocking& plan) {
    plan.l2_a_slot = slot_bytes(plan.mb * plan.kb * e.operand);
    plan.l2_b_slot = slot_bytes(plan.nb * plan.kb * e.operand);
    // cells keep the array's full size, so that a ragged block's cells stay where a full one's would be
    const std::uint64_t cells = ceil_div(plan.mb, plan.fold_rows) * ceil_div(plan.nb, plan.fold_columns);
    plan.l2_c_slot = slot_bytes(cells * plan.fold_rows * plan.fold_columns * e.accumulator);
    const std::uint64_t seed_rows = e.bias ? 1 : ceil_div(plan.mb, plan.fold_rows) * plan.fold_rows;
    plan.l2_seed_slot = slot_bytes(seed_rows * round_up(plan.nb, plan.fold_columns) * e.seed);
    plan.steps_slot = step_operands_in_block(e, e.steps.size(), plan);
    struct slots {
        std::size_t tiles, blocks;
    };
    for (const slots count : {slots{2, 2}, slots{2, 1}, slots{1, 1}}) {
        const bytes need = (plan.l2_a_slot + plan.l2_b_slot + plan.l2_seed_slot + plan.steps_slot) * count.tiles +
                           plan.l2_c_slot * count.blocks;
        if (need <= share) {
            plan.l2_a = plan.l2_b = count.tiles;
            plan.l2_c = count.blocks;
            plan.l2_seed = e.seed == 0 ? 0 : count.tiles;
            plan.l2_steps = e.steps.empty() ? 0 : count.tiles;
            return true;
        }
    }
    return false;
}

} // namespace

bytes step_operands_before(const element_sizes& e, std::size_t number, std::uint64_t rows, std::uint64_t columns,
                           std::uint64_t count) {
    bytes before;
    for (std::size_t i = 0; i < number; ++i)
        before = before + slot_bytes(count * e.steps[i].part(rows, columns));
    return before;
}

bytes step_operands_in_l1(const element_sizes& e, std::size_t number, const blocking& plan) {
    return step_operands_before(e, number, plan.fold_rows, plan.fold_columns, plan.strip);
}

bytes step_operands_in_block(const element_sizes& e, std::size_t number, const blocking& plan) {
    return step_operands_before(e, number, round_up(plan.mb, plan.fold_rows), round_up(plan.nb, plan.fold_columns), 1);
}

bool fit_tile(const machine& chip, const element_sizes& e, blocking& plan) {
    return fit_l1(chip.tiles.front(), e, plan) && fit_l2(share_of_l2(chip.l2, plan.lanes, 0).size, e, plan);
}

void add_blocks_in_l2(const machine& chip, blocking& plan) {
    constexpr std::size_t k_most_blocks = 4;
    const bytes others = (plan.l2_a_slot + plan.l2_b_slot) * plan.l2_a + plan.l2_seed_slot * plan.l2_seed +
                         plan.steps_slot * plan.l2_steps;
    const bytes left = share_of_l2(chip.l2, plan.lanes, 0).size - others;
    plan.l2_c = std::max(plan.l2_c, slots_within(left, plan.l2_c_slot, k_most_blocks));
}

bytes strip_slot(const element_sizes& e, const blocking& plan) {
    const std::uint64_t rows = std::min(plan.strip, ceil_div(plan.mb, plan.fold_rows)) * plan.fold_rows;
    return slot_bytes(rows * round_up(plan.nb, plan.fold_columns) * e.accumulator);
}

bool fit_l3(const machine& chip, const element_sizes& e, const l3_demand& demand, blocking& plan) {
    const bool has_ring = plan.ring.slabs > 0;
    plan.l3_tile_slot = has_ring ? plan.l2_b_slot : std::max(plan.l2_a_slot, plan.l2_b_slot);
    plan.l3_c_slot = plan.partial_sums_in_l3() ? plan.l2_c_slot : strip_slot(e, plan);
    plan.l3_seed_slot = plan.l2_seed_slot;
    const std::uint64_t strips = ceil_div(ceil_div(plan.mb, plan.fold_rows), plan.strip);
    const std::size_t per_block = plan.partial_sums_in_l3() ? 1 : static_cast<std::size_t>(strips);
    for (const std::size_t spare :
         {2 * plan.lanes * per_block, plan.lanes * per_block, plan.lanes, std::size_t{1}, std::size_t{0}}) {
        // of waiting blocks one at least is in L2 when another's sums, or results, arrive
        const std::size_t slots = static_cast<std::size_t>(demand.partial_blocks) + spare;
        const std::size_t others = std::max<std::size_t>(1, spare / per_block);
        const bytes taken = plan.l3_c_slot * slots + plan.ring.size +
                            (plan.l3_seed_slot + plan.steps_slot) * others; // both 0 where there are none
        if (slots == 0 || taken > chip.l3.size)
            continue;
        plan.l3_c = slots;
        plan.l3_seed = e.seed == 0 ? 0 : others;
        plan.l3_steps = e.steps.empty() ? 0 : others;
        plan.l3_tiles = slots_within(chip.l3.size - taken, plan.l3_tile_slot, k_most_l3_tiles);
        if (plan.l3_tiles >= demand.tiles)
            return true;
    }
    return false;
}

} // namespace kpu::fw
