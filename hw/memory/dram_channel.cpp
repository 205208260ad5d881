#include "hw/memory/dram_channel.h"

namespace kpu::hw {

dram_channel::dram_channel(sc_core::sc_module_name name, const platform::dram_params& params, const placement& where)
    : memory_module(name, params.capacity / params.channels, where), m_burst(params.burst.value()),
      m_latency(params.latency), m_bus(transfer_rate::continuous(params.bandwidth, params.burst), 1) {}

memory_module::grant dram_channel::reserve(bool /*is_write*/, std::uint64_t local, bytes length, picoseconds request) {
    const std::uint64_t end = round_up(local + length.value(), m_burst);
    const bytes bus(end - local / m_burst * m_burst);
    const port_schedule::slot slot = m_bus.reserve(request, bus);
    return {slot.start, slot.end, m_latency, m_bus.rate().beat(), bus};
}

} // namespace kpu::hw
