// Results on their way out: L1 → L2 → L3 → DRAM.

#include "fw/loader/contraction_stream.h"

#include <algorithm>

namespace kpu::fw {

void contraction_stream::drain_down_to(lane& l, std::size_t left) {
    for (; l.drains.size() > left; l.drains.pop()) {
        const pending_drain& d = l.drains.front();
        usage& column = d.to->columns[d.column];
        dependences after;
        after.read_after_write.add(d.after);
        column.require_for_write(after);
        bool first = true;
        for (const iface::copy_operands& move : move_cells(d.cells, d.from, d.into)) {
            const point p = m_out.copy(l.streamer(stream_role::drain), d.tag, move, after);
            l.results[d.slot].use.note_read(p);
            if (d.last_strip)
                d.to->results[static_cast<std::size_t>(d.row)].note_more_written(p);
            else
                column.note_written(p, first);
            first = false;
        }
    }
}

void contraction_stream::drain_column_if_pending(lane& l, const c_block& block, std::size_t column) {
    for (std::size_t i = l.drains.size(); i-- > 0;)
        if (l.drains[i].to == &block && l.drains[i].column == column)
            return drain_down_to(l, l.drains.size() - 1 - i);
}

/// True for the last visit of a lane: nothing is left that its results could get in the way of.
bool contraction_stream::is_closing(const step& s) const {
    return m_all_seen && next_step_of(s.lane) == nullptr;
}

/// How many neighbouring columns leave together: all of them, or at the very end, when nothing else is left that the
/// next ones could be waited for with, as few as make a run in DRAM that costs no more than its bytes.
std::uint64_t contraction_stream::columns_together(const step& s, const fold_place& place) const {
    constexpr std::uint64_t k_efficient_run = 256;
    if (!place.last_strip || place.row + 1 < cells_down(s, place.strip))
        return cells_per_row();
    return std::max<std::uint64_t>(1, k_efficient_run / (m_plan.fold_columns * m_sizes.result));
}

void contraction_stream::plan_to_leave(lane& l, const fold_place& place) {
    const step& s = m_current->at;
    const std::uint64_t together = columns_together(s, place);
    if ((place.turn + 1) % together != 0 && !place.ends_row)
        return;
    if (l.destination == nullptr) {
        l.destination = &m_l3.take_block();
        if (l.destination->pending > 0)
            settle_all();
        l.destination->filling = false;
        l.destination->live = !complete_after(s);
        l.destination->sums = c_key(s);
    }
    ++l.destination->pending;
    const std::uint64_t others = place.turn % together;
    pending_cells some;
    some.at = s;
    some.from = m_current->sums;
    some.to = l.destination;
    some.strip = place.strip;
    some.first_row = place.first_row;
    some.first_column = place.backwards ? place.column : place.column - others;
    some.rows = m_group.cells.rows;
    some.columns = std::min(columns_of(s).count, (some.first_column + others + 1) * m_plan.fold_columns) -
                   some.first_column * m_plan.fold_columns;
    some.last = is_closing(s);
    some.last_strip = place.last_strip;
    some.after_fold = m_fold;
    l.leaving.push(some);
    if (place.ends_step)
        l.destination = nullptr;
}

bool contraction_stream::drained(const lane& l, const pending_cells& some) const {
    const std::size_t first = column_index(some.strip, some.first_column);
    const std::size_t end = first + static_cast<std::size_t>(ceil_div(some.columns, m_plan.fold_columns));
    for (std::size_t i = 0; i < l.drains.size(); ++i)
        if (l.drains[i].to == some.from && l.drains[i].row == some.first_row && l.drains[i].column >= first &&
            l.drains[i].column < end)
            return false;
    return true;
}

void contraction_stream::leave_if_drained(lane& l) {
    for (; !l.leaving.empty() && drained(l, l.leaving.front()); l.leaving.pop())
        leave(l.leaving.front());
}

cell_strip contraction_stream::strip_of(const pending_cells& some) const {
    const std::uint64_t element = complete_after(some.at) ? m_sizes.result : m_sizes.accumulator;
    cell_strip strip = strip_of(some.at, some.strip, element);
    strip.rows = some.rows;
    strip.columns = some.columns;
    return strip;
}

void contraction_stream::leave(const pending_cells& some) {
    const step& s = some.at;
    pending_store store{some, {}};
    dependences after;
    const std::size_t first = column_index(some.strip, some.first_column);
    const std::size_t end = first + static_cast<std::size_t>(ceil_div(some.columns, m_plan.fold_columns));
    if (some.last_strip)
        some.from->results[static_cast<std::size_t>(some.first_row)].require_for_read(after);
    for (std::size_t column = first; column < end && !some.last_strip; ++column)
        some.from->columns[column].require_for_read(after);
    // later cells follow the first ones on the same mover, which has waited for the block to be free
    if (!some.to->filling)
        some.to->use.require_for_write(after);
    const auto place = [&](address block) {
        return place_of(block, some.strip, some.first_row, some.first_column, m_sizes.accumulator);
    };
    for (const iface::copy_operands& move : move_cells(strip_of(some), place(some.from->base), place(some.to->base))) {
        const point p =
            m_out.copy(mover_of(s.lane, k_mover_of_results), static_cast<std::uint32_t>(ids_of(s).store), move, after);
        for (std::size_t column = first; column < end; ++column)
            some.from->columns[column].note_read(p);
        some.to->use.note_written(p, !some.to->filling);
        some.to->filling = true;
        store.written.add(p);
    }
    if (complete_after(s))
        m_stores.push(store);
    else
        --some.to->pending;
}

void contraction_stream::flush_stores() {
    for (; !m_stores.empty(); m_stores.pop()) {
        if (m_stores.front().cells.last)
            m_last_stores.push_back(m_stores.front());
        else
            store(m_stores.front());
    }
}

/// The lanes' last visits run side by side: their stores share the DMA engines in the order in which they are ready.
void contraction_stream::flush_last_stores() {
    std::stable_sort(m_last_stores.begin(), m_last_stores.end(), [](const pending_store& x, const pending_store& y) {
        return x.cells.after_fold < y.cells.after_fold;
    });
    for (const pending_store& some : m_last_stores)
        store(some);
    m_last_stores.clear();
}

/// Row by row of cells, so that all DMA engines have some.
void contraction_stream::store(const pending_store& some) {
    const step& s = some.cells.at;
    const cell_strip cells = strip_of(some.cells);
    const extent strip = rows_of_strip(s, some.cells.strip);
    cell_place place = place_of(some.cells.to->base, some.cells.strip, some.cells.first_row, some.cells.first_column,
                                m_sizes.accumulator);
    for (std::uint64_t row = 0; row * m_plan.fold_rows < cells.rows; ++row) {
        const address matrix = m_operands.c.place.at(
            s.batch, rows_of(s).first + strip.first + (some.cells.first_row + row) * m_plan.fold_rows,
            columns_of(s).first + some.cells.first_column * m_plan.fold_columns);
        store_row(some, row_of(cells, place, row), matrix, place.first);
        place.first = place.first + bytes(place.down);
    }
    --some.cells.to->pending;
}

void contraction_stream::store_row(const pending_store& store, const cell_row& row, address matrix, address cells) {
    dependences after;
    after.read_after_write.merge(store.written);
    after.write_after.merge(m_operands.c.before);
    // those of the last visits are shared among all DMA engines, which have nothing else to do
    const std::size_t parts =
        store.cells.last ? static_cast<std::size_t>(ceil_div(m_chip.dma.size(), m_plan.lanes)) : 1;
    for (const iface::copy_operands& move : store_cells(m_operands.c.place, matrix, row, cells)) {
        for (const iface::copy_operands& part : split_rows(move, parts)) {
            const point p =
                m_out.copy(next_storer(), static_cast<std::uint32_t>(ids_of(store.cells.at).store), part, after);
            store.cells.to->use.note_read(p);
            m_operands.c.use->note_more_written(p);
        }
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
    flush_last_stores();
}

} // namespace kpu::fw
