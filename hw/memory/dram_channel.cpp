#include "hw/memory/dram_channel.h"

#include "hw/tlm/time.h"

#include <algorithm>

namespace kpu::hw {

dram_channel::dram_channel(sc_core::sc_module_name name, const platform::dram_params& params, const placement& where)
    : memory_module(name, params.capacity / params.channels, where), m_burst(params.burst.value()),
      m_latency(params.timing == platform::dram_timing::banked ? params.controller_latency : params.latency),
      m_bus(transfer_rate::continuous(params.bandwidth, params.burst), 1),
      m_pieces(params.interleave, params.sub_channels), m_refresh_interval(params.device.t_refi) {
    if (params.timing == platform::dram_timing::banked)
        m_units.assign(params.sub_channels, dram_scheduler(params));
}

memory_module::grant dram_channel::reserve(bool is_write, std::uint64_t local, bytes length, picoseconds request) {
    if (!m_units.empty())
        return reserve_banked(is_write, local, length, request);
    const std::uint64_t end = round_up(local + length.value(), m_burst);
    const bytes bus(end - local / m_burst * m_burst);
    const port_schedule::slot slot = m_bus.reserve(request, bus);
    return {slot.start, slot.end, m_latency, m_bus.rate().beat(), bus, slot.end - slot.start};
}

memory_module::grant dram_channel::reserve_banked(bool is_write, std::uint64_t local, bytes length,
                                                  picoseconds request) {
    grant all;
    all.latency = m_latency;
    all.beat = m_units.front().burst_time();
    std::uint64_t bursts = 0;
    for (std::uint64_t done = 0; done < length.value();) {
        const std::uint64_t run = std::min(m_pieces.run(local + done), length.value() - done);
        const interleave::place at = m_pieces.locate(local + done);
        const dram_scheduler::window part = m_units[at.unit].access(is_write, at.local, bytes(run), request);
        if (done == 0)
            all.start = part.start;
        all.end = std::max(all.end, part.end);
        bursts += part.bursts;
        done += run;
    }
    all.bus = bytes(bursts * m_burst);
    all.busy = all.beat * bursts / m_units.size(); // of the whole channel's bus
    return all;
}

memory_stats dram_channel::stats() const {
    memory_stats all = memory_module::stats();
    for (const dram_scheduler& unit : m_units) {
        all.row_hits += unit.counts().row_hits;
        all.row_misses += unit.counts().row_misses;
        all.row_conflicts += unit.counts().row_conflicts;
    }
    all.activations = all.row_misses + all.row_conflicts;
    if (m_refresh_interval != picoseconds())
        all.refreshes = now_ps() / m_refresh_interval * m_units.size();
    return all;
}

} // namespace kpu::hw
