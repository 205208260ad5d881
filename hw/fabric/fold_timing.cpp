#include "hw/fabric/fold_timing.h"

#include <algorithm>

namespace kpu::hw {

array_geometry geometry_of(const platform::array_params& params, picoseconds period) {
    array_geometry array;
    array.rows = params.rows;
    array.columns = params.columns;
    array.pipelined = params.pipelined;
    array.macs_per_pe = params.macs_per_pe;
    array.period = period;
    return array;
}

std::uint64_t fold_steps(const array_geometry& array, iface::element_type type, std::uint32_t k) {
    return ceil_div(k, array.macs_per_pe[static_cast<std::size_t>(type)]);
}

picoseconds fold_period(const array_geometry& array, iface::element_type type, const fold_extents& fold) {
    const std::uint64_t steps = fold_steps(array, type, fold.k);
    if (array.pipelined)
        return array.period * std::max<std::uint64_t>(steps, array.rows);
    return array.period * (std::uint64_t{fold.m} - 1 + fold.n - 1 + steps + array.rows);
}

fold_entry fold_timing::enter(picoseconds arrival, picoseconds streaming, iface::element_type type,
                              const fold_extents& fold) {
    const picoseconds wanted = std::max(arrival, m_next_enter);
    const picoseconds free = m_array.pipelined ? m_accumulator_free[m_entered % 2] : m_array_free;
    // a PE's last step cannot come before its last operands: operands that arrive slowly stretch the fold
    const picoseconds steps = cycles_of(fold_steps(m_array, type, fold.k));
    const picoseconds stretched = std::max(steps, streaming);
    fold_entry entry;
    entry.enter = std::max(wanted, free);
    entry.held = entry.enter - wanted;
    entry.drainable = entry.enter + stretched + cycles_of(std::uint64_t{fold.m} - 1);
    entry.last_mac = entry.drainable + cycles_of(std::uint64_t{fold.n} - 1);
    const picoseconds period = fold_period(m_array, type, fold);
    entry.next_enter = entry.enter + (m_array.pipelined ? std::max(period, streaming) : period + (stretched - steps));
    m_next_enter = entry.next_enter;
    ++m_entered;
    return entry;
}

fold_drain fold_timing::drain(const fold_entry& entry, const fold_extents& fold) {
    const picoseconds rows = cycles_of(m_array.rows);
    const picoseconds room = m_write_end > rows ? m_write_end - rows : picoseconds(0);
    fold_drain drain;
    drain.start = std::max({entry.drainable, m_next_drain, room});
    drain.end = drain.start + cycles_of(std::uint64_t{fold.n} - 1) + rows;
    drain.period = m_array.period;
    drain.rows = m_array.rows;
    drain.m = fold.m;
    // PE(i,j)'s accumulator is read for the last time in cycle start + i + j; the fold after next takes it in enter + i
    // + j.
    m_accumulator_free[m_drained % 2] = drain.start;
    m_next_drain = drain.start + rows;
    m_array_free = std::max(m_array_free, drain.end);
    ++m_drained;
    return drain;
}

void fold_timing::written(picoseconds end) {
    m_write_end = end;
    ++m_written;
}

} // namespace kpu::hw
