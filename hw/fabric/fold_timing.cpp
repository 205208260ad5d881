#include "hw/fabric/fold_timing.h"

#include <algorithm>

namespace kpu::hw {

using iface::array_dataflow;

array_geometry geometry_of(const platform::array_params& params, picoseconds period) {
    array_geometry array;
    array.rows = params.rows;
    array.columns = params.columns;
    array.pipelined = params.pipelined;
    array.macs_per_pe = params.macs_per_pe;
    array.period = period;
    return array;
}

bool is_loaded(const array_fold& fold) {
    return fold.flow != array_dataflow::output_stationary || fold.seeded;
}

std::uint64_t fold_steps(const array_geometry& array, const array_fold& fold) {
    switch (fold.flow) {
    case array_dataflow::weight_stationary:
        return fold.extents.m;
    case array_dataflow::input_stationary:
        return fold.extents.n;
    case array_dataflow::output_stationary:
        break;
    }
    return ceil_div(fold.extents.k, array.macs_per_pe[static_cast<std::size_t>(fold.type)]);
}

std::uint32_t fold_columns(const array_fold& fold) {
    return fold.flow == array_dataflow::input_stationary ? fold.extents.m : fold.extents.n;
}

namespace {

/// Cycles from the end of PE(0,0)'s last step until everything has left.
std::uint64_t way_out(const array_geometry& array, const array_fold& fold) {
    const std::uint64_t across = std::uint64_t{fold_columns(fold)} - 1;
    if (fold.flow == array_dataflow::output_stationary)
        return std::uint64_t{fold.extents.m} - 1 + across + array.rows;
    return std::uint64_t{array.rows} - 1 + across;
}

picoseconds or_zero(picoseconds from, picoseconds taken) {
    return from > taken ? from - taken : picoseconds(0);
}

} // namespace

picoseconds fold_period(const array_geometry& array, const array_fold& fold) {
    const std::uint64_t steps = fold_steps(array, fold);
    if (array.pipelined)
        return array.period * std::max<std::uint64_t>(steps, array.rows);
    return array.period * ((is_loaded(fold) ? array.rows : 0) + steps + way_out(array, fold));
}

bool fold_timing::drains_first(array_dataflow flow) const {
    return !m_array.pipelined || (m_entered > 0 && flow != m_flow);
}

bool fold_timing::may_begin(array_dataflow flow) const {
    return !drains_first(flow) || m_drained == m_entered;
}

picoseconds fold_timing::free_for(const array_fold& fold) const {
    const picoseconds next = is_loaded(fold) ? m_next_load : m_next_enter;
    return drains_first(fold.flow) ? std::max(next, m_array_free) : next;
}

fold_load fold_timing::load(picoseconds arrival, picoseconds streaming, const array_fold& fold) {
    fold_load load;
    load.begin = std::max(arrival, free_for(fold));
    const picoseconds shortest = cycles_of(m_array.rows);
    load.end = load.begin + std::max(streaming, shortest);
    load.late = std::max(load.end, m_next_enter) - std::max(load.begin + shortest, m_next_enter);
    m_load_end = load.end;
    return load;
}

picoseconds fold_timing::enters_after(const array_fold& fold) const {
    return is_loaded(fold) ? std::max(m_load_end, m_next_enter) : free_for(fold);
}

bool fold_timing::takes_both(const array_fold& fold) const {
    return fold.flow != array_dataflow::output_stationary && fold_steps(m_array, fold) > m_array.rows;
}

/// How many folds' results must be written before those of a weight or input stationary one find an empty buffer.
std::uint64_t fold_timing::folds_to_write(const array_fold& fold) const {
    const bool in_turn = !takes_both(fold) && !m_takes_both;
    return m_entered - std::min<std::uint64_t>(m_entered, in_turn ? 1 : 0);
}

bool fold_timing::may_enter(const array_fold& fold) const {
    if (!may_begin(fold.flow))
        return false;
    if (fold.flow == array_dataflow::output_stationary)
        return m_entered - m_drained < (m_array.pipelined ? 2U : 1U);
    return m_written >= folds_to_write(fold);
}

/// Until a PE's accumulator is free; weight and input stationary, whose results leave as they come, until these find
/// room.
picoseconds fold_timing::held_until(const array_fold& fold) const {
    if (fold.flow == array_dataflow::output_stationary)
        return m_array.pipelined ? m_accumulator_free[m_entered % 2] : picoseconds(0);
    const std::uint64_t filling = std::min<std::uint64_t>(fold_steps(m_array, fold), m_array.rows);
    const std::uint64_t before = folds_to_write(fold);
    return before == 0 ? picoseconds(0) : or_zero(write_end(before - 1), cycles_of(filling + m_array.rows - 1));
}

fold_entry fold_timing::enter(picoseconds arrival, picoseconds streaming, const array_fold& fold) {
    // a PE's last step cannot come before its last operands: operands that arrive slowly stretch the fold
    const picoseconds stretched = std::max(cycles_of(fold_steps(m_array, fold)), streaming);
    const picoseconds wanted = std::max(arrival, enters_after(fold));
    fold_entry entry;
    entry.enter = std::max(wanted, held_until(fold));
    entry.held = entry.enter - wanted;
    entry.last_step = entry.enter + stretched;
    const picoseconds gone = entry.last_step + cycles_of(way_out(m_array, fold));
    // an output stationary fold's drain takes `rows` cycles of every column
    const bool shifts_out = fold.flow == array_dataflow::output_stationary;
    const picoseconds shortest = shifts_out ? cycles_of(m_array.rows) : picoseconds(0);
    entry.next_enter = m_array.pipelined ? entry.enter + std::max(stretched, shortest) : gone;
    m_next_enter = entry.next_enter;
    m_next_load = m_array.pipelined ? entry.enter : gone;
    m_flow = fold.flow;
    m_takes_both = takes_both(fold);
    ++m_entered;
    return entry;
}

/// Down the column and through the rows below: row i's value leaves `rows` - 1 - i cycles after the column began to
/// shift.
fold_drain fold_timing::shifted_out(const fold_entry& entry, const array_fold& fold) {
    const std::uint64_t rows = m_array.rows;
    const picoseconds drainable = entry.last_step + cycles_of(std::uint64_t{fold.extents.m} - 1);
    fold_drain drain;
    const picoseconds written = m_written == 0 ? picoseconds(0) : write_end(m_written - 1);
    drain.start = std::max({drainable, m_next_drain, or_zero(written, cycles_of(rows))});
    drain.first = drain.start + cycles_of(rows - fold.extents.m);
    drain.last = drain.start + cycles_of(rows - 1);
    // PE(i,j)'s accumulator is read for the last time in cycle start + i + j; the fold after next takes it in enter + i
    // + j.
    m_accumulator_free[m_drained % 2] = drain.start;
    m_next_drain = drain.start + cycles_of(rows);
    return drain;
}

/// As the last row finishes them.
fold_drain fold_timing::streamed_out(const fold_entry& entry) const {
    const picoseconds down = cycles_of(std::uint64_t{m_array.rows} - 1);
    fold_drain drain;
    drain.start = drain.first = entry.enter + down;
    drain.last = entry.last_step + down - m_array.period;
    return drain;
}

fold_drain fold_timing::drain(const fold_entry& entry, const array_fold& fold) {
    const bool shifts_out = fold.flow == array_dataflow::output_stationary;
    fold_drain drain = shifts_out ? shifted_out(entry, fold) : streamed_out(entry);
    drain.period = m_array.period;
    drain.end = drain.last + cycles_of(fold_columns(fold));
    m_array_free = std::max(m_array_free, drain.end);
    ++m_drained;
    return drain;
}

void fold_timing::written(picoseconds end) {
    m_write_end[m_written % 2] = end;
    ++m_written;
}

} // namespace kpu::hw
