#pragma once
// Which unit of an interleaved memory holds an address: the rule that memories follow and that firmware may plan with.

#include <cstdint>

namespace kpu::iface {

/// By how many of `units` the granules of row `row` are rotated: the digits of the row's number in base `units`, summed
/// modulo `units`. Row 0 is not rotated; addresses that lie any power of `units` granules apart are in different units.
[[nodiscard]] constexpr std::uint64_t skew_of(std::uint64_t row, std::uint64_t units) {
    std::uint64_t sum = 0;
    for (; row > 0; row /= units)
        sum += row % units;
    return sum % units;
}

/// The unit of a byte `offset` bytes into a memory of `units` units, `granule` consecutive bytes in each.
[[nodiscard]] constexpr std::uint64_t unit_of(std::uint64_t offset, std::uint64_t granule, std::uint64_t units) {
    if (units == 1)
        return 0;
    const std::uint64_t row = offset / granule / units;
    return (offset / granule + skew_of(row, units)) % units;
}

} // namespace kpu::iface
