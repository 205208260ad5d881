// Operands on their way in: DRAM → L3 → L2.

#include "fw/loader/contraction_stream.h"

#include <algorithm>

namespace kpu::fw {

void contraction_stream::prefetch() {
    // several rounds of lanes ahead, as far as L3 has room for the tiles of that many steps
    const std::size_t distance = std::clamp<std::size_t>(m_plan.l3_tiles / 4, 1, 8 * m_plan.lanes + 1);
    for (; m_prefetched < std::min(distance, m_window.size()); ++m_prefetched) {
        const step& s = m_window[m_prefetched];
        const bool ahead = m_prefetched > 0;
        if (!fetch_tile(s, operand_role::a, ahead) || !fetch_tile(s, operand_role::b, ahead))
            return;
    }
}

bool contraction_stream::fetch_tile(const step& s, operand_role role, bool ahead_of_need) {
    const bool is_a = role == operand_role::a;
    const tile_key key = is_a ? a_key(s) : b_key(s);
    if (m_l3.tiles.find(key) != nullptr)
        return true;
    tile_slot& slot = m_l3.tiles.victim([&](const tile_key& k) { return m_uses.next(k); });
    if (ahead_of_need && slot.valid && m_uses.next(slot.key) <= s.number)
        return false;
    m_l3.tiles.assign(slot, key);
    const extent depth = depth_of(s);
    if (is_a)
        load(slot, {load_rows(m_operands.a.place, s.batch, rows_of(s), depth, slot.base)}, m_operands.a,
             static_cast<std::uint32_t>(ids_of(s).load_a));
    else
        load(slot, load_panels(m_operands.b.place, s.batch, depth, columns_of(s), m_plan.columns, slot.base),
             m_operands.b, static_cast<std::uint32_t>(ids_of(s).load_b));
    return true;
}

void contraction_stream::load(tile_slot& slot, const copies& moves, const dram_operand& from, std::uint32_t tag) {
    dependences after;
    from.use->require_for_read(after);
    slot.use.require_for_write(after);
    bool first = true;
    for (const iface::copy_operands& move : moves) {
        const point p = m_out.copy(next_loader(), tag, move, after);
        if (first)
            slot.use.note_overwrite(p);
        else
            slot.use.note_more_written(p);
        first = false;
    }
}

tile_slot& contraction_stream::fetch_seed(const step& s) {
    const tile_key key{operand_role::seed, s.batch, s.row, s.column, 0};
    tile_slot& slot = m_l3.seeds.oldest();
    m_l3.seeds.assign(slot, key);
    const extent rows = rows_of(s);
    copies all;
    for (std::uint64_t fold_row = 0; fold_row < ceil_div(rows.count, m_plan.rows); ++fold_row) {
        const address matrix =
            m_operands.seed->place.at(s.batch, rows.first + fold_row * m_plan.rows, columns_of(s).first);
        const address cells = slot.base + bytes(fold_row * cells_per_row() * fold_cells() * m_sizes.seed);
        const copies row =
            load_cells(m_operands.seed->place, matrix, cells_of(s, fold_row, m_sizes.seed, m_sizes.seed), cells);
        all.insert(all.end(), row.begin(), row.end());
    }
    load(slot, all, *m_operands.seed, static_cast<std::uint32_t>(ids_of(s).load_seed));
    return slot;
}

prepared_step contraction_stream::prepare(const step& s) {
    lane& l = m_lanes[s.lane];
    prepared_step p;
    p.at = s;
    p.a = move_tile(l, s, operand_role::a);
    p.b = move_tile(l, s, operand_role::b);
    begin_sums(l, p);
    return p;
}

tile_slot* contraction_stream::move_tile(lane& to, const step& s, operand_role role) {
    const bool is_a = role == operand_role::a;
    const tile_key key = is_a ? a_key(s) : b_key(s);
    tile_cache& cache = is_a ? to.l2_a : to.l2_b;
    if (tile_slot* resident = cache.find(key))
        return resident;
    fetch_tile(s, role, false);
    tile_slot& source = *m_l3.tiles.find(key);
    tile_slot& slot = cache.oldest();
    cache.assign(slot, key);
    dependences after;
    source.use.require_for_read(after);
    slot.use.require_for_write(after);
    const std::uint64_t across = is_a ? rows_of(s).count : columns_of(s).count;
    const std::uint32_t tag = static_cast<std::uint32_t>(is_a ? ids_of(s).load_a : ids_of(s).load_b);
    const point p = m_out.copy(mover_of(s.lane, is_a ? 0 : 1), tag,
                               contiguous(source.base, slot.base, across * depth_of(s).count * m_sizes.operand), after);
    source.use.note_read(p);
    slot.use.note_overwrite(p);
    return &slot;
}

void contraction_stream::begin_sums(lane& to, prepared_step& p) {
    if (p.at.first_slice_of_visit) {
        c_block& block = to.blocks[to.next_block];
        to.next_block = (to.next_block + 1) % to.blocks.size();
        const bool busy = std::any_of(to.leaving.begin(), to.leaving.end(),
                                      [&](const pending_row& row) { return row.from == &block; });
        if (busy)
            settle(to);
        to.last_sums = &block;
        if (p.at.slice > 0)
            fetch_sums(p.at, block);
        else if (m_operands.seed)
            p.seed = move_seed(to, p.at);
    }
    p.sums = to.last_sums;
}

tile_slot* contraction_stream::move_seed(lane& to, const step& s) {
    tile_slot& source = fetch_seed(s);
    tile_slot& slot = to.l2_seed.oldest();
    to.l2_seed.assign(slot, source.key);
    dependences after;
    source.use.require_for_read(after);
    slot.use.require_for_write(after);
    bool first = true;
    for (std::uint64_t fold_row = 0; fold_row < ceil_div(rows_of(s).count, m_plan.rows); ++fold_row) {
        const bytes offset(fold_row * cells_per_row() * fold_cells() * m_sizes.seed);
        for (const iface::copy_operands& move :
             move_cells(cells_of(s, fold_row, m_sizes.seed, m_sizes.seed), source.base + offset, slot.base + offset)) {
            const point p =
                m_out.copy(mover_of(s.lane, 2), static_cast<std::uint32_t>(ids_of(s).load_seed), move, after);
            source.use.note_read(p);
            if (first)
                slot.use.note_overwrite(p);
            else
                slot.use.note_more_written(p);
            first = false;
        }
    }
    return &slot;
}

void contraction_stream::fetch_sums(const step& s, c_block& into) {
    l3_block& source = m_l3.sums_of(c_key(s));
    if (source.pending_rows > 0)
        settle_all();
    for (std::uint64_t fold_row = 0; fold_row < ceil_div(rows_of(s).count, m_plan.rows); ++fold_row) {
        const bytes offset(fold_row * cells_per_row() * fold_cells() * m_sizes.accumulator);
        const cell_row row = cells_of(s, fold_row, m_sizes.accumulator, m_sizes.accumulator);
        std::size_t cell = static_cast<std::size_t>(fold_row * cells_per_row());
        for (const iface::copy_operands& move : move_cells(row, source.base + offset, into.base + offset)) {
            dependences after;
            source.use.require_for_read(after);
            const std::size_t covered = move.count[3];
            for (std::size_t i = cell; i < cell + covered; ++i)
                into.cells[i].require_for_write(after);
            const point p = m_out.copy(mover_of(s.lane, 2), static_cast<std::uint32_t>(ids_of(s).compute), move, after);
            source.use.note_read(p);
            for (std::size_t i = cell; i < cell + covered; ++i)
                into.cells[i].note_overwrite(p);
            cell += covered;
        }
    }
    m_l3.release_sums(c_key(s));
}

engine_id contraction_stream::next_loader() {
    return m_chip.dma[m_loads++ % (m_chip.dma.size() - m_storers)];
}

engine_id contraction_stream::next_storer() {
    const std::size_t storers = std::max<std::size_t>(1, m_storers);
    return m_chip.dma[m_chip.dma.size() - storers + m_stored++ % storers];
}

engine_id contraction_stream::mover_of(std::size_t lane_number, std::size_t role) const {
    const std::size_t movers = m_chip.block_movers.size();
    const std::size_t per_lane = std::max<std::size_t>(1, movers / m_plan.lanes);
    return m_chip.block_movers[(lane_number * per_lane + role % per_lane) % movers];
}

} // namespace kpu::fw
