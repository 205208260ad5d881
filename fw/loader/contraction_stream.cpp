#include "fw/loader/contraction_stream.h"

#include <algorithm>

namespace kpu::fw {

contraction_stream::contraction_stream(const machine& chip, const dfx::contraction& work, const blocking& plan,
                                       const contraction_operands& operands, emitter& out)
    : m_chip(chip), m_work(work), m_plan(plan), m_sizes(sizes_of(work)), m_operands(operands), m_out(out),
      m_walk(plan, work.batch),
      m_l3(chip, plan, work.batch, out.latest(chip, {iface::engine_kind::dma, iface::engine_kind::block_mover})) {
    using iface::engine_kind;
    const point_set l2 = out.latest(chip, {engine_kind::block_mover, engine_kind::streamer});
    const point_set l1 = out.latest(chip, {engine_kind::streamer, engine_kind::array, engine_kind::vector});
    if (plan.ring.slabs > 0)
        m_ring.emplace(padded_input(*work.windows, m_sizes.operand), plan.ring, m_l3.ring,
                       out.latest(chip, {engine_kind::dma, engine_kind::block_mover}), chip.dma);
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
    emit_folds();
    return true;
}

void contraction_stream::fill_window() {
    const std::size_t reach = std::clamp<std::size_t>(4 * m_plan.l3_tiles, k_least_window, 4096);
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
    m_current = is_prepared(s) ? *l.ahead : prepare(s);
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
    const bool begins = following->first_slice_of_visit;
    const bool no_block = begins && m_plan.l2_c < 2;
    const bool sums_still_growing = begins && following->slice > 0 && m_l3.sums_of(c_key(*following)) == nullptr;
    if (!no_block && !sums_still_growing)
        m_lanes[current.lane].ahead = prepare(*following);
}

void contraction_stream::end_step() {
    m_window.pop();
    m_prefetched -= m_prefetched > 0 ? 1 : 0;
    m_current.reset();
}

} // namespace kpu::fw
