#include "fw/loader/contraction_stream.h"

#include "fw/loader/element_code.h"

#include <algorithm>
#include <cmath>

namespace kpu::fw {

namespace {

/// Drains lag behind the folds, so that on a shared streamer the next folds' seeds go first.
constexpr std::size_t k_drain_lag = 2;
constexpr std::size_t k_drain_lag_of_strips = 1;

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
      m_l3(chip, plan, out.latest(chip, {iface::engine_kind::dma, iface::engine_kind::block_mover})),
      m_storers(storers_among(chip.dma.size(), work, plan)) {
    using iface::engine_kind;
    const point_set l2 = out.latest(chip, {engine_kind::block_mover, engine_kind::streamer});
    const point_set l1 = out.latest(chip, {engine_kind::streamer, engine_kind::array, engine_kind::vector});
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

cell_place contraction_stream::place_of(address block, std::uint64_t strip, std::uint64_t column,
                                        std::uint64_t full) const {
    const std::uint64_t cell = fold_cells() * full;
    // a short block's columns begin where a full one's do: use is kept by column
    const std::uint64_t down = piece(ceil_div(m_plan.mb, m_plan.fold_rows), m_plan.strip, strip).count;
    const std::uint64_t before = strip * m_plan.strip * cells_per_row() + column * down;
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
        following->first_slice_of_visit && following->slice > 0 && !m_l3.has_sums(c_key(*following));
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

/// Room for a column of a strip, and its seeds.
void contraction_stream::begin_column(lane& l, const prepared_step& current, const fold_place& place) {
    const step& s = current.at;
    m_column = {};
    m_column.slot = &next_result(l);
    m_column.cells = strip_of(s, place.strip, m_sizes.accumulator);
    m_column.cells.columns = place.n.count;
    m_column.closing = current.at.last_slice_of_visit && is_last_strip(s, place) && is_closing(s);
    if (s.slice > 0)
        seed_from_sums(l, current, place);
    else if (current.seed != nullptr)
        seed_column(l, current, place);
    m_column.slot->use.require_for_read(m_column.before);
    m_column.slot->use.require_for_write(m_column.before);
}

cell_place contraction_stream::in_l1(address first) const {
    const std::uint64_t cell = fold_cells() * m_sizes.accumulator;
    return {first, cell, 0};
}

void contraction_stream::seed_from_sums(lane& l, const prepared_step& p, const fold_place& place) {
    const std::size_t column = column_index(place.strip, place.column);
    drain_column_if_pending(l, *p.sums, column);
    result_slot& slot = *m_column.slot;
    usage& source = p.sums->columns[column];
    dependences after;
    slot.use.require_for_write(after);
    source.require_for_read(after);
    bool first = true;
    for (const iface::copy_operands& move :
         move_cells(m_column.cells, place_of(p.sums->base, place.strip, place.column, m_sizes.accumulator),
                    in_l1(slot.cells))) {
        const point read =
            m_out.copy(l.streamer(stream_role::seed), static_cast<std::uint32_t>(ids_of(p.at).compute), move, after);
        source.note_read(read);
        slot.use.note_written(read, first);
        first = false;
    }
}

void contraction_stream::seed_column(lane& l, const prepared_step& p, const fold_place& place) {
    const std::uint32_t tag = static_cast<std::uint32_t>(ids_of(p.at).load_seed);
    result_slot& slot = *m_column.slot;
    dependences after;
    slot.use.require_for_write(after);
    p.seed->use.require_for_read(after);
    const bool widen = m_work.seed_type != m_work.accumulator;
    cell_strip seeds = m_column.cells;
    seeds.element = m_sizes.seed;
    const cell_place into = widen ? cell_place{slot.staging, fold_cells() * m_sizes.seed, 0} : in_l1(slot.cells);
    bool first = true;
    const copies moves =
        m_work.bias ? spread_row(p.seed->base + bytes(place.column * m_plan.fold_columns * m_sizes.seed), seeds, into)
                    : move_cells(seeds, place_of(p.seed->base, place.strip, place.column, m_sizes.seed), into);
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
    slot.use.note_overwrite(apply(l, m_column.cells, into, in_l1(slot.cells),
                                  {iface::vector_function::identity, m_work.seed_type, m_work.accumulator}, tag,
                                  after_copy));
}

/// A function of a column's cells, in one command where they touch each other in both places. Returns the last command.
point contraction_stream::apply(lane& l, const cell_strip& cells, const cell_place& from, const cell_place& to,
                                const cell_function& what, std::uint32_t tag, const dependences& after) {
    const std::uint64_t full = m_plan.fold_rows * cells.columns;
    const bool touching = from.down == full * size_of(what.from) && to.down == full * size_of(what.to);
    const std::uint64_t rows = touching ? cells.rows : m_plan.fold_rows;
    iface::vector_operands vector;
    vector.function = what.function;
    vector.from = code_of(what.from);
    vector.to = code_of(what.to);
    vector.low = static_cast<float>(what.low);
    vector.high = static_cast<float>(what.high);
    vector.source.stride = {0, 0, static_cast<std::uint32_t>(size_of(what.from))};
    vector.destination.stride = {0, 0, static_cast<std::uint32_t>(size_of(what.to))};
    point last;
    for (std::uint64_t row = 0; row * rows < cells.rows; ++row) {
        vector.count[2] = static_cast<std::uint32_t>(piece(cells.rows, rows, row).count * cells.columns);
        vector.source.base = from.first + bytes(row * from.down);
        vector.destination.base = to.first + bytes(row * to.down);
        last = m_out.vector(l.tile->vector_unit, tag, vector, after);
    }
    return last;
}

contraction_stream::fold_place contraction_stream::place_of_fold(const step& s) const {
    const std::uint64_t block_columns = columns_of(s).count;
    const std::uint64_t folds_across = ceil_div(block_columns, m_plan.fold_columns);
    const std::uint64_t folds_per_strip = folds_across * m_plan.strip;
    fold_place place;
    place.strip = m_fold / folds_per_strip;
    const std::uint64_t down = cells_down(s, place.strip);
    place.turn = m_fold % folds_per_strip / down;
    place.row_in_strip = m_fold % folds_per_strip % down;
    place.row = place.strip * m_plan.strip + place.row_in_strip;
    // every other strip runs backwards and begins with the B panel that the one before ended with
    place.column = place.strip % 2 == 0 ? place.turn : folds_across - 1 - place.turn;
    place.m = piece(rows_of(s).count, m_plan.fold_rows, place.row);
    place.n = piece(block_columns, m_plan.fold_columns, place.column);
    place.ends_column = place.row_in_strip + 1 == down;
    place.ends_strip = place.ends_column && place.turn + 1 == folds_across;
    place.ends_step = place.ends_strip && is_last_strip(s, place);
    return place;
}

void contraction_stream::emit_fold() {
    const prepared_step current = *m_current;
    lane& l = m_lanes[current.at.lane];
    const fold_place place = place_of_fold(current.at);
    round_and_drain(l, current, place, run_fold(l, current, place));
    if (current.at.last_slice_of_visit && place.ends_column)
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
    a.panel = place.row + 1;
    tile_slot& row_panel = panel(l, l.rows, *current.a, a, place.m.first * line, place.m.count * line, stream_role::row,
                                 static_cast<std::uint32_t>(ids.load_a));
    tile_key b = b_key(s);
    b.panel = place.column + 1;
    tile_slot& column_panel = panel(l, l.columns, *current.b, b, place.n.first * line, place.n.count * line,
                                    stream_role::column, static_cast<std::uint32_t>(ids.load_b));
    if (place.row_in_strip == 0)
        begin_column(l, current, place);
    result_slot& result = *m_column.slot;

    iface::fold_operands fold;
    fold.a = row_panel.base;
    fold.b = column_panel.base;
    fold.c = fold.seed = result.cells + bytes(place.row_in_strip * fold_cells() * m_sizes.accumulator);
    fold.m = static_cast<std::uint32_t>(place.m.count);
    fold.n = static_cast<std::uint32_t>(place.n.count);
    fold.k = static_cast<std::uint32_t>(depth);
    fold.type = code_of(m_work.operand);
    fold.flow = code_of(m_plan.flow);
    fold.seeded = s.slice > 0 || current.seed != nullptr;
    dependences after = m_column.before;
    row_panel.use.require_for_read(after);
    column_panel.use.require_for_read(after);
    const point done = m_out.fold(l.tile->array, static_cast<std::uint32_t>(ids.compute), fold, after);
    row_panel.use.note_read(done);
    column_panel.use.note_read(done);
    result.use.note_written(done, !m_column.begun);
    m_column.begun = true;
    return done;
}

/// The steps that follow the sum, and its rounding: in place, each behind the one before.
void contraction_stream::finish_results(lane& l, pending_drain& drain, bool full_width) {
    dtype type = m_work.accumulator;
    const auto pass = [&](const cell_function& what) {
        dependences after;
        after.read_after_write.add(drain.after);
        cell_place to = drain.from;
        if (full_width && what.to != what.from)
            to.down = fold_cells() * size_of(what.to); // packed: one command does the next step
        drain.after = apply(l, drain.cells, drain.from, to, what, drain.tag, after);
        drain.from = to;
        type = what.to;
        l.results[drain.slot].use.note_more_written(drain.after);
    };
    for (const dfx::element_step& step : m_work.steps) {
        if (step.result != type)
            pass({iface::vector_function::identity, type, step.result});
        if (step.function != dfx::element_function::identity)
            pass({code_of(step.function), type, type, step.low, step.high});
    }
    if (type != m_work.result)
        pass({iface::vector_function::identity, type, m_work.result});
}

/// Once the column's last fold is on its way, or where its cells leave one by one: rounds its results and has them
/// drained.
void contraction_stream::round_and_drain(lane& l, const prepared_step& current, const fold_place& place, point done) {
    if (!place.ends_column && !m_column.closing)
        return;
    const bool final = complete_after(current.at);
    const std::uint64_t row = m_column.closing ? place.row_in_strip : 0;
    const std::uint32_t tag = static_cast<std::uint32_t>(ids_of(current.at).store);
    result_slot& result = *m_column.slot;
    pending_drain drain;
    drain.slot = static_cast<std::size_t>(&result - l.results.data());
    drain.to = current.sums;
    drain.column = column_index(place.strip, place.column);
    drain.cells = m_column.cells;
    if (m_column.closing)
        drain.cells.rows = place.m.count;
    drain.cells.element = final ? m_sizes.result : m_sizes.accumulator;
    const std::uint64_t cell = fold_cells() * m_sizes.accumulator;
    drain.from = in_l1(result.cells + bytes(row * cell));
    drain.into = place_of(current.sums->base, place.strip, place.column, m_sizes.accumulator);
    drain.into.first = drain.into.first + bytes(row * cell);
    drain.more = row > 0;
    drain.after = done;
    drain.tag = tag;
    if (final)
        finish_results(l, drain, place.n.count == m_plan.fold_columns);
    l.drains.push(drain);
    drain_down_to(l, m_plan.strip > 1 ? k_drain_lag_of_strips : k_drain_lag);
}

} // namespace kpu::fw
