#pragma once
// One channel of external memory: a data bus of fixed bandwidth that reads and writes share, whole bursts, and a fixed
// latency or the state of banks.

#include "hw/memory/dram_scheduler.h"
#include "hw/memory/memory_module.h"
#include "hw/memory/port_schedule.h"
#include "platforms/platform.h"

#include <vector>

namespace kpu::hw {

/// An access to [a, a + n) occupies the bus for the bursts that it touches: b = round_up(a + n, burst) - round_down(a,
/// burst) bytes. Holds capacity / channels bytes.
///
/// timing: fixed. For ceil(b / bandwidth) from start = max(request, bus free) on; completes `latency` after that; its
/// first beat is one burst.
///
/// timing: banked. Pieces of `interleave` bytes go to the sub-channels as `interleave` has it, each to a
/// dram_scheduler; the access starts with its first piece, ends with the last one to end, and completes
/// `controller_latency` after that.
class dram_channel final : public memory_module {
  public:
    dram_channel(sc_core::sc_module_name name, const platform::dram_params& params, const placement& where = {});

    [[nodiscard]] memory_stats stats() const override;

  private:
    grant reserve(bool is_write, std::uint64_t local, bytes length, picoseconds request) override;
    grant reserve_banked(bool is_write, std::uint64_t local, bytes length, picoseconds request);

    std::uint64_t m_burst;
    picoseconds m_latency;
    port_schedule m_bus; ///< fixed

    // banked
    interleave m_pieces; ///< over the sub-channels, before hashing
    picoseconds m_refresh_interval;
    std::vector<dram_scheduler> m_units; ///< one per sub-channel
};

} // namespace kpu::hw
