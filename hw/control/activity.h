#pragma once
// Where an engine's time goes: exactly one counter runs at any moment, so that they add up to the elapsed time.

#include "hw/interface/registers.h"
#include "platforms/common/units.h"

#include <array>
#include <cstdint>

namespace kpu::hw {

/// True for the counters that measure time; the others count events.
[[nodiscard]] constexpr bool measures_time(iface::perf_counter which) {
    return which >= iface::perf_counter::busy && which <= iface::perf_counter::idle;
}

class activity {
  public:
    explicit activity(picoseconds period) : m_period(period) {}

    /// From `now` on time counts as `state` (a counter that measures time).
    void enter(iface::perf_counter state, picoseconds now) {
        slot(m_state) += (now - m_since).value();
        m_state = state;
        m_since = now;
    }
    /// Takes `spent` out of the running segment, from its beginning, and gives it to `what`.
    void credit(iface::perf_counter what, picoseconds spent) {
        slot(what) += spent.value();
        m_since += spent;
    }
    void count(iface::perf_counter what, std::uint64_t n) { slot(what) += n; }
    /// Everything returns to zero at `now`, in state idle.
    void reset(picoseconds now) {
        m_slots.fill(0);
        m_state = iface::perf_counter::idle;
        m_origin = m_since = now;
    }
    [[nodiscard]] iface::perf_counter state() const { return m_state; }

    /// Events, or whole cycles. Every time counter rounds down and `idle` takes the remainder: their sum is the elapsed
    /// cycles.
    [[nodiscard]] std::uint64_t read(iface::perf_counter which, picoseconds now) const {
        if (!measures_time(which))
            return m_slots[static_cast<std::size_t>(which)];
        if (which != iface::perf_counter::idle)
            return whole_cycles(which, now);
        std::uint64_t rest = (now - m_origin) / m_period;
        for (std::uint32_t c = 0; c < iface::k_perf_counters; ++c) {
            const auto other = static_cast<iface::perf_counter>(c);
            if (measures_time(other) && other != iface::perf_counter::idle)
                rest -= whole_cycles(other, now);
        }
        return rest;
    }

  private:
    std::uint64_t& slot(iface::perf_counter which) { return m_slots[static_cast<std::size_t>(which)]; }
    [[nodiscard]] std::uint64_t whole_cycles(iface::perf_counter which, picoseconds now) const {
        const std::uint64_t running = which == m_state ? (now - m_since).value() : 0;
        return (m_slots[static_cast<std::size_t>(which)] + running) / m_period.value();
    }

    picoseconds m_period;
    std::array<std::uint64_t, iface::k_perf_counters> m_slots{}; ///< picoseconds or events
    iface::perf_counter m_state = iface::perf_counter::idle;
    picoseconds m_origin, m_since;
};

} // namespace kpu::hw
