#include "fw/loader/contraction_stream.h"

#include "fw/loader/element_code.h"

#include <algorithm>
#include <cmath>

namespace kpu::fw {

namespace {

/// Drains lag behind the folds, so that on a shared streamer the next folds' seeds go first.
constexpr std::size_t k_drain_lag = 2;
constexpr std::size_t k_drain_lag_of_strips = 1;

/// The last command of every engine of the given kinds.
point_set latest(const machine& chip, const emitter& out, std::initializer_list<iface::engine_kind> kinds) {
    point_set all;
    for (const engine_info& engine : chip.engines) {
        const point last = out.last(engine.id);
        if (last.number > 0 && std::find(kinds.begin(), kinds.end(), engine.kind) != kinds.end())
            all.add(last);
    }
    return all;
}

/// How many of the DMA engines to keep for stores.
std::size_t storers_among(std::size_t engines, const dfx::contraction& work, const blocking& plan) {
    if (engines < 2)
        return 0;
    const double share = static_cast<double>(work.c_bytes()) / static_cast<double>(plan.estimated_dram_bytes);
    const long wanted = std::lround(static_cast<double>(engines) * share);
    return std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, engines - 1);
}

} // namespace

contraction_stream::contraction_stream(const machine& chip, const dfx::contraction& work, const blocking& plan,
                                       const contraction_operands& operands, emitter& out)
    : m_chip(chip), m_work(work), m_plan(plan), m_sizes(sizes_of(work)), m_operands(operands), m_out(out),
      m_walk(plan, work.batch),
      m_l3(chip, plan, work.batch, latest(chip, out, {iface::engine_kind::dma, iface::engine_kind::block_mover})),
      m_storers(storers_among(chip.dma.size(), work, plan)) {
    using iface::engine_kind;
    const point_set l2 = latest(chip, out, {engine_kind::block_mover, engine_kind::streamer});
    const point_set l1 = latest(chip, out, {engine_kind::streamer, engine_kind::array, engine_kind::vector});
    for (std::size_t i = 0; i < plan.lanes; ++i)
        m_lanes.emplace_back(chip, plan, m_sizes, i, l1, l2);
}

bool contraction_stream::advance() {
    if (m_done)
        return false;
    if (!m_current) {
        fill_window();
        if (m_window.empty()) {
            settle_all();
            m_done = true;
            return true;
        }
        begin_step();
    }
    emit_fold();
    return true;
}

void contraction_stream::fill_window() {
    const std::size_t reach = std::clamp<std::size_t>(4 * m_plan.l3_tiles, 64, 4096);
    while (m_window.size() < reach) {
        const std::optional<step> s = m_walk.next();
        if (!s) {
            m_all_seen = true;
            return;
        }
        m_window.push(*s);
        m_uses.add(a_key(*s), s->number);
        m_uses.add(b_key(*s), s->number);
    }
}

const dfx::contraction_ops& contraction_stream::ids_of(const step& s) const {
    return m_work.ids_of_k_tile(depth_of(s).first / std::max<std::uint64_t>(1, m_work.tile[2]));
}

cell_place contraction_stream::place_of(address block, std::uint64_t strip, std::uint64_t row, std::uint64_t column,
                                        std::uint64_t full) const {
    const std::uint64_t cell = fold_cells() * full;
    // a short block's columns begin where a full one's do: use is kept by column
    const std::uint64_t down = piece(ceil_div(m_plan.mb, m_plan.fold_rows), m_plan.strip, strip).count;
    const std::uint64_t before = strip * m_plan.strip * cells_per_row() + column * down + row;
    return {block + bytes(before * cell), cell, down * cell};
}

cell_row contraction_stream::row_of(const cell_strip& cells, const cell_place& place, std::uint64_t row) const {
    return {piece(cells.rows, m_plan.fold_rows, row).count, cells.columns, m_plan.fold_columns, place.across,
            cells.element};
}

extent contraction_stream::panel_of(const step& s, operand_role role, std::uint64_t panel) const {
    const extent tile = across_of(s, role);
    const extent part = piece(tile.count, panel_width(role), panel);
    return {tile.first + part.first, part.count};
}

void contraction_stream::begin_step() {
    if (m_window.front().number == 0)
        open();
    prefetch();
    const step s = m_window.front();
    lane& l = m_lanes[s.lane];
    m_current = l.ahead && l.ahead->at.number == s.number ? *l.ahead : prepare(s);
    l.ahead.reset();
    m_fold = 0;
    prepare_ahead(s);
    flush_stores();
}

/// After the current one; null where the window holds none.
const step* contraction_stream::next_step_of(std::size_t lane_number) const {
    for (std::size_t i = 1; i < m_window.size(); ++i)
        if (m_window[i].lane == lane_number)
            return &m_window[i];
    return nullptr;
}

void contraction_stream::prepare_ahead(const step& current) {
    if (m_plan.l2_a < 2) // L2 has no second set of slots
        return;
    const step* const following = next_step_of(current.lane);
    if (following == nullptr)
        return;
    const bool sums_still_growing =
        following->first_slice_of_visit && following->slice > 0 && m_l3.sums_of(c_key(*following)) == nullptr;
    if (!sums_still_growing)
        m_lanes[current.lane].ahead = prepare(*following);
}

void contraction_stream::end_step() {
    const step s = m_window.front();
    m_uses.drop(a_key(s));
    m_uses.drop(b_key(s));
    m_window.pop();
    m_prefetched -= m_prefetched > 0 ? 1 : 0;
    m_current.reset();
}

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
    for (const iface::copy_operands& move :
         move_cells(seeds, place_of(p.seed->base, place.strip, place.first_row, place.column, m_sizes.seed), into)) {
        const point read = m_out.copy(l.streamer(stream_role::seed), tag, move, after);
        p.seed->use.note_read(read);
        slot.use.note_written(read, first);
        first = false;
    }
    if (!widen)
        return;
    dependences after_copy;
    slot.use.require_for_read(after_copy);
    slot.use.note_overwrite(convert_cells(l, m_group.cells, into, in_l1(slot.cells),
                                          {m_work.seed_type, m_work.accumulator}, tag, after_copy));
}

/// Converts a group's cells, in one command where they touch each other in both places. Returns the last command.
point contraction_stream::convert_cells(lane& l, const cell_strip& cells, const cell_place& from, const cell_place& to,
                                        std::pair<dtype, dtype> types, std::uint32_t tag, const dependences& after) {
    const std::uint64_t full = m_plan.fold_rows * cells.columns;
    const bool touching = from.down == full * size_of(types.first) && to.down == full * size_of(types.second);
    const std::uint64_t rows = touching ? cells.rows : m_plan.fold_rows;
    point last;
    for (std::uint64_t row = 0; row * rows < cells.rows; ++row) {
        const std::uint64_t count = piece(cells.rows, rows, row).count * cells.columns;
        const iface::vector_operands convert{from.first + bytes(row * from.down),
                                             {},
                                             to.first + bytes(row * to.down),
                                             static_cast<std::uint32_t>(count),
                                             code_of(types.first),
                                             code_of(types.second)};
        last = m_out.convert(l.tile->vector_unit, tag, convert, after);
    }
    return last;
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
    place.m = piece(rows_of(s).count, m_plan.fold_rows, place.strip * m_plan.strip + place.row);
    place.n = piece(block_columns, m_plan.fold_columns, place.column);
    place.ends_group = place.row + 1 == place.first_row + place.rows;
    place.ends_row = place.ends_group && place.turn + 1 == folds_across;
    place.ends_step = place.ends_row && ends_block && place.row + 1 == down;
    return place;
}

void contraction_stream::emit_fold() {
    const prepared_step current = *m_current;
    lane& l = m_lanes[current.at.lane];
    const fold_place place = place_of_fold(current.at);
    round_and_drain(l, current, place, run_fold(l, current, place));
    if (current.at.last_slice_of_visit && place.ends_group)
        plan_to_leave(l, place);
    leave_if_drained(l);
    ++m_fold;
    if (place.ends_step)
        end_step();
}

point contraction_stream::run_fold(lane& l, const prepared_step& current, const fold_place& place) {
    const step& s = current.at;
    const std::uint64_t depth = depth_of(s).count;
    const std::uint64_t line = depth * m_sizes.operand; // bytes of one row of A or one column of B
    const dfx::contraction_ops& ids = ids_of(s);
    tile_key a = a_key(s);
    a.panel = place.strip * m_plan.strip + place.row + 1;
    tile_slot& row_panel = panel(l, l.rows, *current.a, a, place.m.first * line, place.m.count * line, stream_role::row,
                                 static_cast<std::uint32_t>(ids.load_a));
    tile_key b = b_key(s);
    b.panel = place.column + 1;
    tile_slot& column_panel = panel(l, l.columns, *current.b, b, place.n.first * line, place.n.count * line,
                                    stream_role::column, static_cast<std::uint32_t>(ids.load_b));
    if (place.row == place.first_row)
        begin_group(l, current, place);
    result_slot& result = *m_group.slot;

    iface::fold_operands fold;
    fold.a = row_panel.base;
    fold.b = column_panel.base;
    fold.c = fold.seed = result.cells + bytes((place.row - place.first_row) * fold_cells() * m_sizes.accumulator);
    fold.m = static_cast<std::uint32_t>(place.m.count);
    fold.n = static_cast<std::uint32_t>(place.n.count);
    fold.k = static_cast<std::uint32_t>(depth);
    fold.type = code_of(m_work.operand);
    fold.flow = code_of(m_plan.flow);
    fold.seeded = s.slice > 0 || current.seed != nullptr;
    dependences after = m_group.before;
    row_panel.use.require_for_read(after);
    column_panel.use.require_for_read(after);
    const point done = m_out.fold(l.tile->array, static_cast<std::uint32_t>(ids.compute), fold, after);
    row_panel.use.note_read(done);
    column_panel.use.note_read(done);
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
    if (final && m_work.result != m_work.accumulator) {
        dependences after;
        after.read_after_write.add(done);
        cell_place rounded = drain.from;
        if (place.n.count == m_plan.fold_columns)
            rounded.down = fold_cells() * m_sizes.result; // packed: one command rounds them
        drain.after =
            convert_cells(l, drain.cells, drain.from, rounded, {m_work.accumulator, m_work.result}, tag, after);
        drain.from = rounded;
        result.use.note_more_written(drain.after);
    }
    l.drains.push(drain);
    drain_down_to(l, m_plan.strip > 1 ? k_drain_lag_of_strips : k_drain_lag);
}

} // namespace kpu::fw
