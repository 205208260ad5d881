#pragma once
// An on-chip memory: L3 tile, L2 bank, L1 buffer. Its read ports and its write ports are two sets of rate servers.

#include "hw/memory/memory_module.h"
#include "hw/memory/port_schedule.h"
#include "platforms/platform.h"

namespace kpu::hw {

/// An access of n bytes requested at t starts on the port of its kind that is free first, start = max(t, port free),
/// occupies it for ceil(n / port_width) periods and completes `latency` cycles after that; its first beat one period
/// after start + latency.
class memory_bank final : public memory_module {
  public:
    memory_bank(sc_core::sc_module_name name, const platform::memory_params& params, picoseconds period,
                const placement& where = {});

    [[nodiscard]] const std::vector<rate_server>& read_ports() const { return m_read.ports(); }
    [[nodiscard]] const std::vector<rate_server>& write_ports() const { return m_write.ports(); }

  private:
    grant reserve(bool is_write, std::uint64_t local, bytes length, picoseconds request) override;

    picoseconds m_latency;
    port_schedule m_read;
    port_schedule m_write;
};

} // namespace kpu::hw
