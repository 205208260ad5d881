#include "hw/memory/memory_bank.h"

namespace kpu::hw {

memory_bank::memory_bank(sc_core::sc_module_name name, const platform::memory_params& params, picoseconds period,
                         const placement& where)
    : memory_module(name, params.capacity, where), m_latency(period * params.latency.value()),
      m_read(transfer_rate::clocked(params.port_width, period), params.read_ports),
      m_write(transfer_rate::clocked(params.port_width, period), params.write_ports) {}

memory_module::grant memory_bank::reserve(bool is_write, std::uint64_t /*local*/, bytes length, picoseconds request) {
    port_schedule& ports = is_write ? m_write : m_read;
    const port_schedule::slot slot = ports.reserve(request, length);
    return {slot.start, slot.end, m_latency, ports.rate().beat(), length, slot.end - slot.start};
}

} // namespace kpu::hw
