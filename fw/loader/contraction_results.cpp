// Results on their way out: L1 → L2 → L3 → DRAM.

#include "fw/loader/contraction_stream.h"

#include <algorithm>

namespace kpu::fw {

void contraction_stream::drain_down_to(lane& l, std::size_t left) {
    while (l.drains.size() > left) {
        const pending_drain d = l.drains.front();
        l.drains.pop_front();
        result_slot& source = l.results[d.slot];
        usage& cell = d.to->cells[d.cell];
        dependences after;
        source.use.require_for_read(after);
        cell.require_for_write(after);
        const address to = d.to->base + bytes(d.cell * fold_cells() * m_sizes.accumulator);
        const point p = m_out.copy(l.streamer(stream_role::drain), d.tag, contiguous(source.cell, to, d.size), after);
        source.use.note_read(p);
        cell.note_overwrite(p);
    }
}

void contraction_stream::drain_cell_if_pending(lane& l, const c_block& block, std::size_t cell) {
    const auto newest = std::find_if(l.drains.rbegin(), l.drains.rend(),
                                     [&](const pending_drain& d) { return d.to == &block && d.cell == cell; });
    drain_down_to(l, static_cast<std::size_t>(newest - l.drains.rbegin()));
}

/// True for the last visit of a lane: nothing is left that its results could get in the way of.
bool contraction_stream::is_closing(const step& s) const {
    return m_all_seen &&
           std::none_of(m_window.begin() + 1, m_window.end(), [&](const step& later) { return later.lane == s.lane; });
}

/// How many neighbouring cells of a row leave together: all of them, or at the very end, when nothing else is left that
/// the next ones could be waited for with, as few as make a run in DRAM that costs no more than its bytes.
std::uint64_t contraction_stream::cells_together(const step& s, const fold_place& place) const {
    constexpr std::uint64_t k_efficient_run = 256;
    const bool last_row = place.row + 1 == ceil_div(rows_of(s).count, m_plan.fold_rows);
    if (!last_row || !is_closing(s))
        return cells_per_row();
    return std::max<std::uint64_t>(1, k_efficient_run / (m_plan.fold_columns * m_sizes.result));
}

void contraction_stream::plan_to_leave(lane& l, const fold_place& place) {
    const step& s = m_current->at;
    const std::uint64_t together = cells_together(s, place);
    if ((place.turn + 1) % together != 0 && !place.ends_row)
        return;
    if (l.destination == nullptr) {
        l.destination = &m_l3.take_block();
        if (l.destination->pending > 0)
            settle_all();
        l.destination->filling = false;
        if (!complete_after(s))
            m_l3.keep_sums(c_key(s), *l.destination);
    }
    ++l.destination->pending;
    // every other row of folds runs backwards
    const std::uint64_t others = place.turn % together;
    const std::uint64_t first = place.row % 2 == 0 ? place.column - others : place.column;
    const std::uint64_t end = std::min(columns_of(s).count, (first + others + 1) * m_plan.fold_columns);
    l.leaving.push_back(
        {s, m_current->sums, l.destination, place.row, first, end - first * m_plan.fold_columns, is_closing(s)});
    if (place.ends_step)
        l.destination = nullptr;
}

bool contraction_stream::drained(const lane& l, const pending_cells& some) const {
    const std::size_t first = first_cell_of(some);
    const std::size_t end = first + static_cast<std::size_t>(ceil_div(some.columns, m_plan.fold_columns));
    return std::none_of(l.drains.begin(), l.drains.end(),
                        [&](const pending_drain& d) { return d.to == some.from && d.cell >= first && d.cell < end; });
}

void contraction_stream::leave_if_drained(lane& l) {
    while (!l.leaving.empty() && drained(l, l.leaving.front())) {
        leave(l.leaving.front());
        l.leaving.pop_front();
    }
}

cell_row contraction_stream::cells_of(const pending_cells& some) const {
    const std::uint64_t element = complete_after(some.at) ? m_sizes.result : m_sizes.accumulator;
    cell_row row = cells_of(some.at, some.fold_row, element, m_sizes.accumulator);
    row.columns = some.columns;
    return row;
}

void contraction_stream::leave(const pending_cells& some) {
    const step& s = some.at;
    std::size_t cell = first_cell_of(some);
    const bytes offset(cell * fold_cells() * m_sizes.accumulator);
    pending_store store{some, {}};
    for (const iface::copy_operands& move :
         move_cells(cells_of(some), some.from->base + offset, some.to->base + offset)) {
        dependences after;
        const std::size_t covered = move.count[3];
        for (std::size_t i = cell; i < cell + covered; ++i)
            some.from->cells[i].require_for_read(after);
        // later cells follow the first ones on the same mover, which has waited for the block to be free
        if (!some.to->filling)
            some.to->use.require_for_write(after);
        const point p = m_out.copy(mover_of(s.lane, 2), static_cast<std::uint32_t>(ids_of(s).store), move, after);
        for (std::size_t i = cell; i < cell + covered; ++i)
            some.from->cells[i].note_read(p);
        if (some.to->filling)
            some.to->use.note_more_written(p);
        else
            some.to->use.note_overwrite(p);
        some.to->filling = true;
        store.written.add(p);
        cell += covered;
    }
    if (complete_after(s))
        m_stores.push_back(store);
    else
        --some.to->pending;
}

void contraction_stream::flush_stores() {
    for (; !m_stores.empty(); m_stores.pop_front()) {
        const pending_store& store = m_stores.front();
        const pending_cells& some = store.cells;
        const extent rows = piece(rows_of(some.at).count, m_plan.fold_rows, some.fold_row);
        const address matrix = m_operands.c.place.at(some.at.batch, rows_of(some.at).first + rows.first,
                                                     columns_of(some.at).first + some.first_cell * m_plan.fold_columns);
        const address cells = some.to->base + bytes(first_cell_of(some) * fold_cells() * m_sizes.accumulator);
        dependences after;
        after.read_after_write.merge(store.written);
        after.write_after.merge(m_operands.c.before);
        // those of the last visits are shared among all DMA engines, which have nothing else to do
        const std::size_t parts = some.last ? static_cast<std::size_t>(ceil_div(m_chip.dma.size(), m_plan.lanes)) : 1;
        for (const iface::copy_operands& move : store_cells(m_operands.c.place, matrix, cells_of(some), cells)) {
            for (const iface::copy_operands& part : split_rows(move, parts)) {
                const point p =
                    m_out.copy(next_storer(), static_cast<std::uint32_t>(ids_of(some.at).store), part, after);
                some.to->use.note_read(p);
                m_operands.c.use->note_more_written(p);
            }
        }
        --some.to->pending;
    }
}

void contraction_stream::settle(lane& l) {
    drain_down_to(l, 0);
    leave_if_drained(l);
}

void contraction_stream::settle_all() {
    for (lane& l : m_lanes)
        settle(l);
    flush_stores();
}

} // namespace kpu::fw
