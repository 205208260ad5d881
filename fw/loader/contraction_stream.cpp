#include "fw/loader/contraction_stream.h"

#include "fw/loader/element_code.h"

#include <algorithm>
#include <cmath>

namespace kpu::fw {

namespace {

/// Drains lag this many folds behind, so that on a shared streamer the next folds' seeds go first.
constexpr std::size_t k_drain_lag = 2;

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
        m_window.push_back(*s);
        m_uses.add(a_key(*s), s->number);
        m_uses.add(b_key(*s), s->number);
    }
}

const dfx::contraction_ops& contraction_stream::ids_of(const step& s) const {
    return m_work.ids_of_k_tile(depth_of(s).first / std::max<std::uint64_t>(1, m_work.tile[2]));
}

cell_row contraction_stream::cells_of(const step& s, std::uint64_t fold_row, std::uint64_t element,
                                      std::uint64_t full) const {
    return {piece(rows_of(s).count, m_plan.fold_rows, fold_row).count, columns_of(s).count, m_plan.fold_columns,
            fold_cells() * full, element};
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

void contraction_stream::prepare_ahead(const step& current) {
    if (m_plan.l2_a < 2) // L2 has no second set of slots
        return;
    const auto same_lane = [&](const step& s) { return s.lane == current.lane; };
    const auto following = std::find_if(m_window.begin() + 1, m_window.end(), same_lane);
    if (following == m_window.end())
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
    m_window.pop_front();
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
    const auto waiting =
        std::find_if(l.drains.rbegin(), l.drains.rend(), [&](const pending_drain& d) { return d.slot == position; });
    drain_down_to(l, static_cast<std::size_t>(waiting - l.drains.rbegin()));
    return l.results[position];
}

void contraction_stream::seed_fold(lane& l, const prepared_step& p, std::size_t cell, result_slot& slot,
                                   elements count) {
    const std::uint32_t tag = static_cast<std::uint32_t>(ids_of(p.at).load_seed);
    dependences after;
    slot.use.require_for_write(after);
    if (p.at.slice > 0) {
        drain_cell_if_pending(l, *p.sums, cell);
        usage& source = p.sums->cells[cell];
        source.require_for_read(after);
        const address from = p.sums->base + bytes(cell * fold_cells() * m_sizes.accumulator);
        const point read = m_out.copy(l.streamer(stream_role::seed), static_cast<std::uint32_t>(ids_of(p.at).compute),
                                      contiguous(from, slot.cell, count.value() * m_sizes.accumulator), after);
        source.note_read(read);
        slot.use.note_overwrite(read);
        return;
    }
    p.seed->use.require_for_read(after);
    const bool widen = m_work.seed_type != m_work.accumulator;
    const address into = widen ? slot.staging : slot.cell;
    const address from = p.seed->base + bytes(cell * fold_cells() * m_sizes.seed);
    const point read =
        m_out.copy(l.streamer(stream_role::seed), tag, contiguous(from, into, count.value() * m_sizes.seed), after);
    p.seed->use.note_read(read);
    slot.use.note_overwrite(read);
    if (!widen)
        return;
    dependences after_copy;
    slot.use.require_for_read(after_copy);
    const iface::vector_operands convert{slot.staging,
                                         {},
                                         slot.cell,
                                         static_cast<std::uint32_t>(count.value()),
                                         code_of(m_work.seed_type),
                                         code_of(m_work.accumulator)};
    slot.use.note_overwrite(m_out.convert(l.tile->vector_unit, tag, convert, after_copy));
}

contraction_stream::fold_place contraction_stream::place_of_fold(const step& s) const {
    const std::uint64_t block_rows = rows_of(s).count;
    const std::uint64_t block_columns = columns_of(s).count;
    const std::uint64_t folds_across = ceil_div(block_columns, m_plan.fold_columns);
    const std::uint64_t across = m_fold % folds_across;
    fold_place place;
    place.row = m_fold / folds_across;
    // every other row of folds runs backwards and begins with the B panel that the row before ended with
    place.column = place.row % 2 == 0 ? across : folds_across - 1 - across;
    place.m = piece(block_rows, m_plan.fold_rows, place.row);
    place.n = piece(block_columns, m_plan.fold_columns, place.column);
    place.cell = static_cast<std::size_t>(place.row * cells_per_row() + place.column);
    place.turn = across;
    place.ends_row = across + 1 == folds_across;
    place.ends_step = place.ends_row && place.row + 1 == ceil_div(block_rows, m_plan.fold_rows);
    return place;
}

void contraction_stream::emit_fold() {
    const prepared_step current = *m_current;
    lane& l = m_lanes[current.at.lane];
    const fold_place place = place_of_fold(current.at);
    result_slot& result = run_fold(l, current, place);
    round_and_drain(l, current, place, result);
    if (current.at.last_slice_of_visit)
        plan_to_leave(l, place);
    leave_if_drained(l);
    ++m_fold;
    if (place.ends_step)
        end_step();
}

result_slot& contraction_stream::run_fold(lane& l, const prepared_step& current, const fold_place& place) {
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
    result_slot& result = next_result(l);
    const bool seeded = s.slice > 0 || current.seed != nullptr;
    if (seeded)
        seed_fold(l, current, place.cell, result, elements(place.m.count * place.n.count));

    iface::fold_operands fold;
    fold.a = row_panel.base;
    fold.b = column_panel.base;
    fold.c = fold.seed = result.cell;
    fold.m = static_cast<std::uint32_t>(place.m.count);
    fold.n = static_cast<std::uint32_t>(place.n.count);
    fold.k = static_cast<std::uint32_t>(depth);
    fold.type = code_of(m_work.operand);
    fold.flow = code_of(m_plan.flow);
    fold.seeded = seeded;
    dependences after;
    row_panel.use.require_for_read(after);
    column_panel.use.require_for_read(after);
    if (seeded)
        result.use.require_for_read(after);
    result.use.require_for_write(after);
    const point done = m_out.fold(l.tile->array, static_cast<std::uint32_t>(ids.compute), fold, after);
    row_panel.use.note_read(done);
    column_panel.use.note_read(done);
    result.use.note_overwrite(done);
    return result;
}

void contraction_stream::round_and_drain(lane& l, const prepared_step& current, const fold_place& place,
                                         result_slot& result) {
    const bool final = complete_after(current.at);
    const std::uint64_t count = place.m.count * place.n.count;
    const std::uint32_t tag = static_cast<std::uint32_t>(ids_of(current.at).store);
    if (final && m_work.result != m_work.accumulator) {
        dependences after;
        result.use.require_for_read(after);
        const iface::vector_operands round{
            result.cell,           {}, result.cell, static_cast<std::uint32_t>(count), code_of(m_work.accumulator),
            code_of(m_work.result)};
        result.use.note_overwrite(m_out.convert(l.tile->vector_unit, tag, round, after));
    }
    const std::uint64_t element = final ? m_sizes.result : m_sizes.accumulator;
    l.drains.push_back(
        {static_cast<std::size_t>(&result - l.results.data()), current.sums, place.cell, count * element, tag});
    drain_down_to(l, k_drain_lag);
}

} // namespace kpu::fw
