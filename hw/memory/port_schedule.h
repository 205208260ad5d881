#pragma once
// Time as a resource: how long a transfer occupies a port, and when a port is free. SystemC-free; all times are
// absolute picoseconds of simulated time.

#include "platforms/common/units.h"

#include <cstdint>
#include <vector>

namespace kpu::hw {

/// How fast a port carries data.
class transfer_rate {
  public:
    /// `width` bytes per clock period; a partial beat takes a whole period.
    [[nodiscard]] static transfer_rate clocked(bytes width, picoseconds period);
    /// A bandwidth, rounded up to whole picoseconds per transfer. `beat` bytes are its smallest step.
    [[nodiscard]] static transfer_rate continuous(bytes_per_second bandwidth, bytes beat);

    /// Of `length` bytes: ceil(length / width) · period, or ceil(length · 10^12 / bandwidth).
    [[nodiscard]] picoseconds duration(bytes length) const {
        if (m_shift != k_no_shift)
            return picoseconds(((length.value() + m_round) >> m_shift) * m_beat_time);
        return slow_duration(length);
    }
    /// Duration of one beat.
    [[nodiscard]] picoseconds beat() const { return picoseconds(m_beat_time); }

  private:
    static constexpr std::uint32_t k_no_shift = 64;
    [[nodiscard]] picoseconds slow_duration(bytes length) const;

    std::uint64_t m_width = 1;     ///< clocked: bytes per beat
    std::uint64_t m_bandwidth = 0; ///< continuous: bytes per second; 0 = clocked
    std::uint64_t m_beat_time = 0;
    std::uint32_t m_shift = k_no_shift; ///< clocked with a power of two: log2 of the width
    std::uint64_t m_round = 0;          ///< width - 1
};

/// One port: transfers occupy it one after the other, in the order in which they are reserved.
class rate_server {
  public:
    /// Earliest start of a transfer that is requested at `request`.
    [[nodiscard]] picoseconds earliest(picoseconds request) const { return request < m_free ? m_free : request; }
    /// Occupies the port for `duration` from earliest(request) on, which it returns.
    picoseconds reserve(picoseconds request, picoseconds duration) {
        const picoseconds start = earliest(request);
        m_free = start + duration;
        m_busy += duration;
        return start;
    }
    [[nodiscard]] picoseconds free_at() const { return m_free; }
    /// Sum of all durations.
    [[nodiscard]] picoseconds busy() const { return m_busy; }

  private:
    picoseconds m_free;
    picoseconds m_busy;
};

/// Equal ports of which any can carry a transfer: first come, first served, on the port that is free first (lowest
/// number if several are).
class port_schedule {
  public:
    port_schedule(transfer_rate rate, std::uint32_t ports) : m_rate(rate), m_ports(ports == 0 ? 1 : ports) {}

    /// The port's time: data flows in [start, end).
    struct slot {
        std::uint32_t port = 0;
        picoseconds start;
        picoseconds end;
    };
    [[nodiscard]] picoseconds earliest(picoseconds request) const { return m_ports[next()].earliest(request); }
    slot reserve(picoseconds request, bytes length) {
        const std::uint32_t port = next();
        const picoseconds duration = m_rate.duration(length);
        const picoseconds start = m_ports[port].reserve(request, duration);
        return {port, start, start + duration};
    }

    [[nodiscard]] const transfer_rate& rate() const { return m_rate; }
    [[nodiscard]] const std::vector<rate_server>& ports() const { return m_ports; }

  private:
    [[nodiscard]] std::uint32_t next() const {
        std::uint32_t best = 0;
        for (std::uint32_t p = 1; p < m_ports.size(); ++p)
            if (m_ports[p].free_at() < m_ports[best].free_at())
                best = p;
        return best;
    }

    transfer_rate m_rate;
    std::vector<rate_server> m_ports;
};

} // namespace kpu::hw
