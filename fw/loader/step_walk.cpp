#include "fw/loader/step_walk.h"

#include <algorithm>

namespace kpu::fw {

namespace {

/// Blocks of group `g` when `all` are cut into groups of `size`.
std::uint64_t group_extent(std::uint64_t all, std::uint64_t size, std::uint64_t g) {
    return std::min(size, all - g * size);
}

} // namespace

step_walk::step_walk(const blocking& plan, std::uint64_t batches) : m_plan(plan), m_batches(batches) {
    m_done = batches == 0 || plan.row_blocks == 0 || plan.column_blocks == 0 || plan.k_slices == 0;
    start_round();
}

step_walk::visit step_walk::visit_at_cursor() const {
    const bool rows_outer = m_plan.order == block_order::rows_outer;
    const std::uint64_t inner_extent = rows_outer
                                           ? group_extent(m_plan.column_blocks, m_plan.column_group, m_column_group)
                                           : group_extent(m_plan.row_blocks, m_plan.row_group, m_row_group);
    // every other line runs backwards, so that it begins with the tiles that the one before ended with
    const std::uint64_t inner = m_outer % 2 == 0 ? m_inner : inner_extent - 1 - m_inner;
    visit v;
    v.batch = m_batch;
    v.row = m_row_group * m_plan.row_group + (rows_outer ? m_outer : inner);
    v.column = m_column_group * m_plan.column_group + (rows_outer ? inner : m_outer);
    v.first_slice = m_k_group * m_plan.k_group;
    v.slices = group_extent(m_plan.k_slices, m_plan.k_group, m_k_group);
    return v;
}

void step_walk::advance_cursor() {
    const std::uint64_t rows = group_extent(m_plan.row_blocks, m_plan.row_group, m_row_group);
    const std::uint64_t columns = group_extent(m_plan.column_blocks, m_plan.column_group, m_column_group);
    const bool rows_outer = m_plan.order == block_order::rows_outer;
    struct {
        std::uint64_t& position;
        std::uint64_t extent;
    } const odometer[] = {{m_inner, rows_outer ? columns : rows},
                          {m_outer, rows_outer ? rows : columns},
                          {m_k_group, ceil_div(m_plan.k_slices, m_plan.k_group)},
                          {m_column_group, ceil_div(m_plan.column_blocks, m_plan.column_group)},
                          {m_row_group, ceil_div(m_plan.row_blocks, m_plan.row_group)},
                          {m_batch, m_batches}};
    for (const auto& wheel : odometer) {
        if (++wheel.position < wheel.extent)
            return;
        wheel.position = 0;
    }
    m_done = true;
}

void step_walk::start_round() {
    m_round.clear();
    m_slice = 0;
    m_lane = 0;
    while (m_round.size() < m_plan.lanes && !m_done) {
        const visit v = visit_at_cursor();
        // a later group of slices of a block needs the sums of the earlier one: not in the same round
        const bool waits_for_round = std::any_of(m_round.begin(), m_round.end(), [&](const visit& earlier) {
            return earlier.batch == v.batch && earlier.row == v.row && earlier.column == v.column;
        });
        if (waits_for_round)
            break;
        m_round.push_back(v);
        advance_cursor();
    }
}

std::optional<step> step_walk::next() {
    for (;;) {
        if (m_round.empty())
            return std::nullopt;
        for (; m_lane < m_round.size(); ++m_lane) {
            const visit& v = m_round[m_lane];
            if (m_slice < v.slices) {
                step s{m_number++,   m_lane++,
                       v.batch,      v.row,
                       v.column,     v.first_slice + m_slice,
                       m_slice == 0, m_slice + 1 == v.slices};
                return s;
            }
        }
        m_lane = 0;
        const bool more =
            std::any_of(m_round.begin(), m_round.end(), [&](const visit& v) { return m_slice + 1 < v.slices; });
        if (more)
            ++m_slice;
        else
            start_round();
    }
}

} // namespace kpu::fw
