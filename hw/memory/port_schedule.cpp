#include "hw/memory/port_schedule.h"

#include <stdexcept>

namespace kpu::hw {

namespace {

__extension__ using wide = unsigned __int128;

constexpr std::uint64_t k_ps_per_second = 1'000'000'000'000ULL;

} // namespace

transfer_rate transfer_rate::clocked(bytes width, picoseconds period) {
    if (width == bytes(0) || period == picoseconds(0))
        throw std::logic_error("transfer_rate: zero width or period");
    transfer_rate rate;
    rate.m_width = width.value();
    rate.m_round = rate.m_width - 1;
    rate.m_beat_time = period.value();
    if ((rate.m_width & rate.m_round) == 0)
        for (rate.m_shift = 0; (std::uint64_t{1} << rate.m_shift) < rate.m_width;)
            ++rate.m_shift;
    return rate;
}

transfer_rate transfer_rate::continuous(bytes_per_second bandwidth, bytes beat) {
    if (bandwidth == bytes_per_second(0) || beat == bytes(0))
        throw std::logic_error("transfer_rate: zero bandwidth or beat");
    transfer_rate rate;
    rate.m_bandwidth = bandwidth.value();
    rate.m_beat_time = rate.slow_duration(beat).value();
    return rate;
}

picoseconds transfer_rate::slow_duration(bytes length) const {
    if (m_bandwidth == 0)
        return picoseconds(ceil_div(length.value(), m_width) * m_beat_time);
    constexpr std::uint64_t k_narrow = ~std::uint64_t{0} / k_ps_per_second;
    if (length.value() <= k_narrow)
        return picoseconds(ceil_div(length.value() * k_ps_per_second, m_bandwidth));
    const wide total = static_cast<wide>(length.value()) * k_ps_per_second;
    return picoseconds(static_cast<std::uint64_t>((total + m_bandwidth - 1) / m_bandwidth));
}

} // namespace kpu::hw
