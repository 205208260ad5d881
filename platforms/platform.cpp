#include "platforms/platform.h"

#include "platforms/common/diagnostic.h"

namespace kpu::platform {

namespace {

constexpr std::uint64_t k_on_chip_base = 0x0100'0000; ///< below it: the control bus
constexpr std::uint64_t k_dram_base = 0x1'0000'0000;  ///< on-chip memories lie below 4 GiB
constexpr std::uint64_t k_alignment = 0x1'0000;

/// Hands out consecutive ranges, each starting on its own 64 KiB boundary so that an overrun never lands in a
/// neighbour.
class range_allocator {
  public:
    address_range take(bytes size) {
        const address_range range{address(m_next), size};
        m_next = round_up(m_next + size.value(), k_alignment);
        return range;
    }
    [[nodiscard]] std::uint64_t end() const { return m_next; }

  private:
    std::uint64_t m_next = k_on_chip_base;
};

} // namespace

address_map map_addresses(const platform& p) {
    address_map map;
    map.registers = {address(0), bytes(k_on_chip_base)};
    range_allocator next;
    for (std::uint32_t a = 0; a < p.array.count; ++a) {
        l1_ranges l1;
        l1.row = next.take(p.l1.row.capacity);
        l1.column = next.take(p.l1.column.capacity);
        l1.result = next.take(p.l1.result.capacity);
        map.l1.push_back(l1);
    }
    map.l2 = next.take(p.l2.bank.capacity * p.l2.banks);
    map.l3 = next.take(p.l3.tile.capacity * p.l3.tiles);
    if (next.end() > k_dram_base) {
        diagnostic problem;
        problem.message = "on-chip memories end at " + std::to_string(next.end()) + " in the address map";
        problem.expected = "at most 4 GiB of L1, L2 and L3 together";
        throw input_error(std::move(problem));
    }
    map.dram = {address(k_dram_base), p.dram.capacity};
    return map;
}

picoseconds dram_params::burst_time() const {
    // At most 4 KiB on 256 sub-channels, or that was reported: the product does not wrap.
    constexpr std::uint64_t k_ps_per_second = 1'000'000'000'000ULL;
    return picoseconds(ceil_div(burst.value() * sub_channels * k_ps_per_second, bandwidth.value()));
}

const char* name_of(dram_timing timing) {
    return timing == dram_timing::banked ? "banked" : "fixed";
}

engine_ids number_engines(const platform& p) {
    return {p.dma.engines, p.block_mover.engines, p.streamer.per_array, p.array.count};
}

std::uint64_t peak_macs(const platform& p, std::size_t type) {
    return std::uint64_t{p.array.count} * p.array.rows * p.array.columns * p.array.macs_per_pe.at(type);
}

} // namespace kpu::platform
