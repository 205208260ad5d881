#pragma once
// One channel of external memory: a data bus of fixed bandwidth that reads and writes share, a fixed latency, whole
// bursts.

#include "hw/memory/memory_module.h"
#include "hw/memory/port_schedule.h"
#include "platforms/platform.h"

namespace kpu::hw {

/// An access to [a, a + n) occupies the bus for the bursts that it touches: b = round_up(a + n, burst) - round_down(a,
/// burst) bytes, for ceil(b / bandwidth) from start = max(request, bus free) on, and completes `latency` after that;
/// its first beat is one burst. Holds capacity / channels bytes.
class dram_channel final : public memory_module {
  public:
    dram_channel(sc_core::sc_module_name name, const platform::dram_params& params, const placement& where = {});

    [[nodiscard]] const rate_server& bus() const { return m_bus.ports().front(); }

  private:
    grant reserve(bool is_write, std::uint64_t local, bytes length, picoseconds request) override;

    std::uint64_t m_burst;
    picoseconds m_latency;
    port_schedule m_bus;
};

} // namespace kpu::hw
