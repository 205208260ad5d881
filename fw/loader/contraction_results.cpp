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

void contraction_stream::plan_to_leave(lane& l, std::uint64_t fold_row) {
    const step& s = m_current->at;
    if (fold_row == 0) {
        l.destination = &m_l3.take_block();
        if (l.destination->pending_rows > 0)
            settle_all();
        if (!complete_after(s))
            m_l3.keep_sums(c_key(s), *l.destination);
    }
    ++l.destination->pending_rows;
    l.leaving.push_back({s, m_current->sums, fold_row, l.destination});
}

bool contraction_stream::drained(const lane& l, const pending_row& row) const {
    const std::size_t first = static_cast<std::size_t>(row.fold_row * cells_per_row());
    const std::size_t end = first + static_cast<std::size_t>(cells_per_row());
    return std::none_of(l.drains.begin(), l.drains.end(),
                        [&](const pending_drain& d) { return d.to == row.from && d.cell >= first && d.cell < end; });
}

void contraction_stream::leave_if_drained(lane& l) {
    while (!l.leaving.empty() && drained(l, l.leaving.front())) {
        leave(l.leaving.front());
        l.leaving.pop_front();
    }
}

void contraction_stream::leave(const pending_row& row) {
    const step& s = row.at;
    const bool final = complete_after(s);
    const cell_row cells = cells_of(s, row.fold_row, final ? m_sizes.result : m_sizes.accumulator, m_sizes.accumulator);
    const bytes offset(row.fold_row * cells_per_row() * fold_cells() * m_sizes.accumulator);
    row_store store{row, {}};
    std::size_t cell = static_cast<std::size_t>(row.fold_row * cells_per_row());
    bool first = row.fold_row == 0;
    for (const iface::copy_operands& move : move_cells(cells, row.from->base + offset, row.to->base + offset)) {
        dependences after;
        const std::size_t covered = move.count[3];
        for (std::size_t i = cell; i < cell + covered; ++i)
            row.from->cells[i].require_for_read(after);
        // later rows follow the first one on the same mover, which has waited for the block to be free
        if (first)
            row.to->use.require_for_write(after);
        const point p = m_out.copy(mover_of(s.lane, 2), static_cast<std::uint32_t>(ids_of(s).store), move, after);
        for (std::size_t i = cell; i < cell + covered; ++i)
            row.from->cells[i].note_read(p);
        if (first)
            row.to->use.note_overwrite(p);
        else
            row.to->use.note_more_written(p);
        store.written.add(p);
        first = false;
        cell += covered;
    }
    if (final)
        m_stores.push_back(store);
    else
        --row.to->pending_rows;
}

void contraction_stream::flush_stores() {
    for (; !m_stores.empty(); m_stores.pop_front()) {
        const row_store& store = m_stores.front();
        const pending_row& row = store.row;
        const extent rows = piece(rows_of(row.at).count, m_plan.rows, row.fold_row);
        const address matrix =
            m_operands.c.place.at(row.at.batch, rows_of(row.at).first + rows.first, columns_of(row.at).first);
        const address cells = row.to->base + bytes(row.fold_row * cells_per_row() * fold_cells() * m_sizes.accumulator);
        dependences after;
        after.read_after_write.merge(store.written);
        for (const iface::copy_operands& move :
             store_cells(m_operands.c.place, matrix,
                         cells_of(row.at, row.fold_row, m_sizes.result, m_sizes.accumulator), cells)) {
            const point p = m_out.copy(next_storer(), static_cast<std::uint32_t>(ids_of(row.at).store), move, after);
            row.to->use.note_read(p);
            m_operands.c.use->note_more_written(p);
        }
        --row.to->pending_rows;
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
