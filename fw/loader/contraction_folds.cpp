// Panels and sums between L2 and L1, and the folds.

#include "fw/loader/contraction_stream.h"
#include "fw/loader/element_code.h"

#include <algorithm>

namespace kpu::fw {

namespace {

/// Drains lag behind the folds, so that on a shared streamer the next folds' seeds go first.
constexpr std::size_t k_drain_lag = 2;
constexpr std::size_t k_drain_lag_of_strips = 1;

} // namespace

tile_slot& contraction_stream::panel(lane& l, tile_cache& cache, tile_slot& tile, const tile_key& key,
                                     std::uint64_t offset, std::uint64_t size, stream_role role, std::uint32_t tag) {
    if (tile_slot* resident = cache.find(key))
        return *resident;
    tile_slot& slot = cache.oldest();
    cache.assign(slot, key);
    dependences after;
    tile.require_panel(after, static_cast<std::size_t>(key.panel - 1));
    slot.use.require_for_write(after);
    const point p = m_out.copy(l.streamer(role), tag, contiguous(tile.base + bytes(offset), slot.base, size), after);
    tile.use.note_read(p);
    slot.use.note_overwrite(p);
    return slot;
}

result_slot& contraction_stream::next_result(lane& l) {
    const std::size_t position = l.next_result;
    l.next_result = (position + 1) % l.results.size();
    for (std::size_t i = l.drains.size(); i-- > 0;) {
        if (l.drains[i].slot == position) {
            drain_down_to(l, l.drains.size() - 1 - i);
            break;
        }
    }
    return l.results[position];
}

/// Room for a group's results, and their seeds.
void contraction_stream::begin_group(lane& l, const prepared_step& current, const fold_place& place) {
    const step& s = current.at;
    if (place.last_strip && place.row == 0 && place.turn == 0) {
        drain_down_to(l, 0);
        const std::uint64_t cell = fold_cells();
        l.split_results(m_plan.strip, bytes(cell * m_sizes.accumulator), bytes(cell * m_sizes.seed));
    }
    m_group = {};
    m_group.slot = &next_result(l);
    m_group.cells = strip_of(s, place.strip, m_sizes.accumulator);
    m_group.cells.columns = place.n.count;
    if (place.rows == 1)
        m_group.cells.rows = place.m.count;
    if (s.slice > 0)
        seed_from_sums(l, current, place);
    else if (current.seed != nullptr)
        seed_group(l, current, place);
    if (current.steps != nullptr)
        bring_step_operands(l, current, place);
    m_group.slot->use.require_for_read(m_group.before);
    m_group.slot->use.require_for_write(m_group.before);
}

cell_place contraction_stream::in_l1(address first) const {
    const std::uint64_t cell = fold_cells() * m_sizes.accumulator;
    return {first, cell, 0};
}

void contraction_stream::seed_from_sums(lane& l, const prepared_step& p, const fold_place& place) {
    const std::size_t column = column_index(place.strip, place.column);
    drain_column_if_pending(l, *p.sums, column);
    result_slot& slot = *m_group.slot;
    usage& source = p.sums->columns[column];
    dependences after;
    slot.use.require_for_write(after);
    source.require_for_read(after);
    bool first = true;
    for (const iface::copy_operands& move : move_cells(
             m_group.cells, place_of(p.sums->base, place.strip, place.first_row, place.column, m_sizes.accumulator),
             in_l1(slot.cells))) {
        const point read =
            m_out.copy(l.streamer(stream_role::seed), static_cast<std::uint32_t>(ids_of(p.at).compute), move, after);
        source.note_read(read);
        slot.use.note_written(read, first);
        first = false;
    }
}

void contraction_stream::seed_group(lane& l, const prepared_step& p, const fold_place& place) {
    const std::uint32_t tag = static_cast<std::uint32_t>(ids_of(p.at).load_seed);
    result_slot& slot = *m_group.slot;
    dependences after;
    slot.use.require_for_write(after);
    p.seed->use.require_for_read(after);
    const bool widen = m_work.seed_type != m_work.accumulator;
    cell_strip seeds = m_group.cells;
    seeds.element = m_sizes.seed;
    const cell_place into = widen ? cell_place{slot.staging, fold_cells() * m_sizes.seed, 0} : in_l1(slot.cells);
    bool first = true;
    const copies moves =
        m_work.bias
            ? spread_row(p.seed->base + bytes(place.column * m_plan.fold_columns * m_sizes.seed), seeds, into)
            : move_cells(seeds, place_of(p.seed->base, place.strip, place.first_row, place.column, m_sizes.seed), into);
    for (const iface::copy_operands& move : moves) {
        const point read = m_out.copy(l.streamer(stream_role::seed), tag, move, after);
        p.seed->use.note_read(read);
        slot.use.note_written(read, first);
        first = false;
    }
    if (!widen)
        return;
    dependences after_copy;
    slot.use.require_for_read(after_copy);
    slot.use.note_overwrite(apply(l, m_group.cells, into, in_l1(slot.cells),
                                  {iface::vector_function::identity, m_work.seed_type, m_work.accumulator}, tag,
                                  after_copy));
}

contraction_stream::fold_place contraction_stream::place_of_fold(const step& s) const {
    const std::uint64_t block_columns = columns_of(s).count;
    const std::uint64_t folds_across = ceil_div(block_columns, m_plan.fold_columns);
    const std::uint64_t folds_per_strip = folds_across * m_plan.strip;
    const std::uint64_t within = m_fold % folds_per_strip;
    fold_place place;
    place.strip = m_fold / folds_per_strip;
    const std::uint64_t down = cells_down(s, place.strip);
    const bool ends_block = place.strip + 1 == strips_of(s);
    place.last_strip = ends_block && is_closing(s);
    const bool by_rows = down == 1 || place.last_strip;
    place.turn = by_rows ? within % folds_across : within / down;
    place.row = by_rows ? within / folds_across : within % down;
    place.first_row = by_rows ? place.row : 0;
    place.rows = by_rows ? 1 : down;
    // every other strip, or row, runs backwards and begins with the B panel that the one before ended with
    place.backwards = (place.strip + place.first_row) % 2 == 1;
    place.column = place.backwards ? folds_across - 1 - place.turn : place.turn;
    place.m = extent_of_row(s, place.strip, place.row);
    place.n = piece(block_columns, m_plan.fold_columns, place.column);
    place.ends_group = place.row + 1 == place.first_row + place.rows;
    place.in_last_column = !by_rows && place.turn + 1 == folds_across;
    place.ends_row = place.ends_group && place.turn + 1 == folds_across;
    place.ends_strip = place.ends_row && place.row + 1 == down;
    place.ends_step = place.ends_strip && ends_block;
    return place;
}

void contraction_stream::emit_folds() {
    const prepared_step current = *m_current;
    lane& l = m_lanes[current.at.lane];
    const fold_place first = place_of_fold(current.at);
    const fold_run run = folds_together(l, current.at, first);
    const point done = run_folds(l, current, first, run);
    m_fold += run.count - 1;
    const fold_place last = place_of_fold(current.at);
    round_and_drain(l, current, last, done);
    if (current.at.last_slice_of_visit && last.ends_group)
        plan_to_leave(l, last);
    leave_if_drained(l);
    ++m_fold;
    if (last.ends_step)
        end_step();
}

/// In the inner columns of a strip one command is as many folds as find their panels of A in L1, equally far from each
/// other. In its first column panels are still on their way, and in its last one each makes room as soon as its fold is
/// done.
contraction_stream::fold_run contraction_stream::folds_together(lane& l, const step& s, const fold_place& place) {
    fold_run run;
    if (place.turn == 0 || place.in_last_column || place.rows == 1)
        return run;
    address last = l.rows.find(row_panel_key(s, place, place.row))->base;
    for (const std::uint64_t left = place.rows - place.row; run.count < left; ++run.count) {
        const std::uint64_t row = place.row + run.count;
        const tile_slot* const next = l.rows.find(row_panel_key(s, place, row));
        if (next == nullptr || next->base < last || extent_of_row(s, place.strip, row).count != place.m.count)
            break;
        const std::uint64_t stride = (next->base - last).value();
        if (run.count > 1 && stride != run.a_stride)
            break;
        run.a_stride = stride;
        last = next->base;
    }
    return run;
}

point contraction_stream::run_folds(lane& l, const prepared_step& current, const fold_place& place,
                                    const fold_run& run) {
    const step& s = current.at;
    const std::uint64_t depth = depth_of(s).count;
    const std::uint64_t line = depth * m_sizes.operand; // bytes of one row of A or one column of B
    const dfx::contraction_ops& ids = ids_of(s);
    tile_slot& row_panel = panel(l, l.rows, *current.a, row_panel_key(s, place, place.row), place.m.first * line,
                                 place.m.count * line, stream_role::row, static_cast<std::uint32_t>(ids.load_a));
    tile_key b = b_key(s);
    b.panel = place.column + 1;
    tile_slot& column_panel = panel(l, l.columns, *current.b, b, place.n.first * line, place.n.count * line,
                                    stream_role::column, static_cast<std::uint32_t>(ids.load_b));
    if (place.row == place.first_row)
        begin_group(l, current, place);
    result_slot& result = *m_group.slot;

    const std::uint64_t cell = fold_cells() * m_sizes.accumulator;
    iface::fold_operands fold;
    fold.a = row_panel.base;
    fold.b = column_panel.base;
    fold.c = fold.seed = result.cells + bytes((place.row - place.first_row) * cell);
    fold.count = static_cast<std::uint32_t>(run.count);
    if (run.count > 1) {
        fold.a_stride = static_cast<std::uint32_t>(run.a_stride);
        fold.c_stride = static_cast<std::uint32_t>(cell);
    }
    fold.m = static_cast<std::uint32_t>(place.m.count);
    fold.n = static_cast<std::uint32_t>(place.n.count);
    fold.k = static_cast<std::uint32_t>(depth);
    fold.type = code_of(m_work.operand);
    fold.flow = code_of(m_plan.flow);
    fold.seeded = s.slice > 0 || current.seed != nullptr;
    dependences after = m_group.before;
    column_panel.use.require_for_read(after);
    for (std::uint64_t i = 0; i < run.count; ++i)
        l.rows.find(row_panel_key(s, place, place.row + i))->use.require_for_read(after);
    const point done = m_out.fold(l.tile->array, static_cast<std::uint32_t>(ids.compute), fold, after);
    column_panel.use.note_read(done);
    for (std::uint64_t i = 0; i < run.count; ++i)
        l.rows.find(row_panel_key(s, place, place.row + i))->use.note_read(done);
    result.use.note_written(done, !m_group.begun);
    m_group.begun = true;
    return done;
}

/// Once the group's last fold is on its way: rounds its results and has them drained.
void contraction_stream::round_and_drain(lane& l, const prepared_step& current, const fold_place& place, point done) {
    if (!place.ends_group)
        return;
    const bool final = complete_after(current.at);
    const std::uint32_t tag = static_cast<std::uint32_t>(ids_of(current.at).store);
    result_slot& result = *m_group.slot;
    pending_drain drain;
    drain.slot = static_cast<std::size_t>(&result - l.results.data());
    drain.to = current.sums;
    drain.column = column_index(place.strip, place.column);
    drain.row = place.first_row;
    drain.last_strip = place.last_strip;
    drain.cells = m_group.cells;
    drain.cells.element = final ? m_sizes.result : m_sizes.accumulator;
    drain.from = in_l1(result.cells);
    drain.into = place_of(current.sums->base, place.strip, place.first_row, place.column, m_sizes.accumulator);
    drain.after = done;
    drain.tag = tag;
    if (final)
        finish_results(l, drain, place.n.count == m_plan.fold_columns);
    l.drains.push(drain);
    drain_down_to(l, m_plan.strip > 1 ? k_drain_lag_of_strips : k_drain_lag);
}

} // namespace kpu::fw
