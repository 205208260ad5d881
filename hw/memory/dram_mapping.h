#pragma once
// Where the bursts of a DRAM (sub-)channel lie in its banks. SystemC-free.

#include "platforms/platform.h"

#include <cstdint>

namespace kpu::hw {

/// log2 of a power of two.
[[nodiscard]] constexpr std::uint32_t log2_of(std::uint64_t power) {
    std::uint32_t bits = 0;
    while ((std::uint64_t{1} << bits) < power)
        ++bits;
    return bits;
}

/// What is added to a number of `bits` bits so that it also depends on `above`, the address bits above it: with d0, d1,
/// … the digits of `above` to the base 2^bits, d0 + d1 - d2 + d3 - d4 … modulo 2^bits. Addresses at power-of-two
/// distances then get different numbers; and while consecutive addresses run through all numbers in turn, the last one
/// below a step of `above` is not the first one after it (the sum never changes by -1, from two bits on).
[[nodiscard]] constexpr std::uint32_t digit_hash(std::uint64_t above, std::uint32_t bits) {
    if (bits == 0)
        return 0;
    std::uint64_t sum = above;
    bool add = true;
    for (above >>= bits; above != 0; above >>= bits, add = !add)
        sum += add ? above : ~above + 1;
    return static_cast<std::uint32_t>(sum & ((std::uint64_t{1} << bits) - 1));
}

/// An address is, from its highest bits to its lowest: row, bank, column, bank group, byte of the burst. So consecutive
/// bursts go to the groups in turn, and a stripe of one row in each group is consecutive. To the bank is added the
/// row's digit_hash.
class dram_mapping {
  public:
    dram_mapping(const platform::dram_device& device, bytes burst)
        : m_group_bits(log2_of(device.bank_groups)), m_bank_bits(log2_of(device.banks)),
          m_column_bits(log2_of(device.row / burst)), m_burst_bits(log2_of(burst.value())) {}

    /// Consecutive bursts in one row of every bank group.
    struct stripe {
        std::uint64_t row = 0;
        std::uint32_t bank = 0;  ///< in each group
        std::uint32_t group = 0; ///< of the first burst
        std::uint64_t left = 0;  ///< bursts from the first one to the stripe's end
    };
    [[nodiscard]] stripe locate(std::uint64_t burst) const {
        const std::uint32_t stripe_bits = m_group_bits + m_column_bits;
        const std::uint64_t within = burst & ((std::uint64_t{1} << stripe_bits) - 1);
        const std::uint64_t row = burst >> (stripe_bits + m_bank_bits);
        const std::uint32_t bank = static_cast<std::uint32_t>(burst >> stripe_bits) + digit_hash(row, m_bank_bits);
        return {row, bank & ((1U << m_bank_bits) - 1), static_cast<std::uint32_t>(within) & (groups() - 1),
                (std::uint64_t{1} << stripe_bits) - within};
    }
    /// The bank, of all groups' banks, of the stripe's burst number `nth`. Its low bits are its group.
    [[nodiscard]] std::uint32_t bank_of(const stripe& in, std::uint64_t nth) const {
        return in.bank << m_group_bits | (static_cast<std::uint32_t>(in.group + nth) & (groups() - 1));
    }

    [[nodiscard]] std::uint64_t burst_of(std::uint64_t offset) const { return offset >> m_burst_bits; }
    [[nodiscard]] std::uint32_t groups() const { return 1U << m_group_bits; }

  private:
    std::uint32_t m_group_bits, m_bank_bits, m_column_bits, m_burst_bits;
};

} // namespace kpu::hw
