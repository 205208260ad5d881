#pragma once
// How a contiguous range of addresses is spread over equal memory units. SystemC-free.

#include "hw/interface/memory_units.h"
#include "platforms/common/units.h"

#include <cstdint>
#include <stdexcept>

namespace kpu::hw {

/// Granules of consecutive bytes go to the units in turn, and every row of granules is rotated against the one before,
/// so that columns of a matrix spread over the units, too, whatever its pitch: with g = granule, u = units, an offset o
/// from the start of the range lies in row r = o / (g·u), in unit (o / g + skew_of(r, u)) % u, at local offset r·g + o
/// % g. Units that are consecutive ranges are the case g = size of a unit, with a single row.
class interleave {
  public:
    struct place {
        std::uint32_t unit = 0;
        std::uint64_t local = 0;
    };

    /// One unit that holds everything.
    interleave() = default;
    interleave(bytes granule, std::uint32_t units) : m_granule(granule.value()), m_units(units) {
        if (granule == bytes(0) || units == 0)
            throw std::logic_error("interleave: zero granule or units");
        if (units == 1)
            m_granule = k_all;
        else
            m_shift = log2_of(m_granule);
        m_unit_shift = log2_of(units);
    }

    [[nodiscard]] std::uint32_t units() const { return m_units; }

    [[nodiscard]] place locate(std::uint64_t offset) const {
        if (m_units == 1)
            return {0, offset};
        const std::uint64_t granule = granule_of(offset);
        const std::uint64_t row = m_unit_shift < k_no_shift ? granule >> m_unit_shift : granule / m_units;
        const std::uint64_t unit = wrapped(granule - row * m_units + skew_of(row));
        return {static_cast<std::uint32_t>(unit), row * m_granule + (offset - granule * m_granule)};
    }
    /// The inverse: offset from the start of the range.
    [[nodiscard]] std::uint64_t offset_of(place at) const {
        if (m_units == 1)
            return at.local;
        const std::uint64_t row = granule_of(at.local);
        const std::uint64_t column = wrapped(at.unit + m_units - skew_of(row));
        return (row * m_units + column) * m_granule + (at.local - row * m_granule);
    }
    /// Bytes from `offset`, in the range or in a unit, to the end of its granule: so many are consecutive in both.
    [[nodiscard]] std::uint64_t run(std::uint64_t offset) const {
        if (m_units == 1)
            return k_all - offset;
        const std::uint64_t within = m_shift < k_no_shift ? offset & (m_granule - 1) : offset % m_granule;
        return m_granule - within;
    }

  private:
    static constexpr std::uint64_t k_all = ~std::uint64_t{0};
    static constexpr std::uint32_t k_no_shift = 64;

    [[nodiscard]] std::uint64_t granule_of(std::uint64_t offset) const {
        return m_shift < k_no_shift ? offset >> m_shift : offset / m_granule;
    }
    /// `n` below 2 · units.
    [[nodiscard]] std::uint64_t wrapped(std::uint64_t n) const { return n < m_units ? n : n - m_units; }
    /// iface::skew_of, without its divisions where the number of units is a power of two.
    [[nodiscard]] std::uint64_t skew_of(std::uint64_t row) const {
        if (m_unit_shift == k_no_shift)
            return iface::skew_of(row, m_units);
        std::uint64_t sum = 0;
        for (; row != 0; row >>= m_unit_shift)
            sum += row;
        return sum & (m_units - 1);
    }
    /// k_no_shift where it is not a power of two.
    [[nodiscard]] static std::uint32_t log2_of(std::uint64_t n) {
        if ((n & (n - 1)) != 0)
            return k_no_shift;
        std::uint32_t shift = 0;
        while ((std::uint64_t{1} << shift) < n)
            ++shift;
        return shift;
    }

    std::uint64_t m_granule = k_all;
    std::uint32_t m_units = 1;
    std::uint32_t m_shift = k_no_shift;      ///< log2 of the granule
    std::uint32_t m_unit_shift = k_no_shift; ///< log2 of the number of units
};

/// Where one unit's bytes appear in the chip's address map.
struct placement {
    address base; ///< of the range that the units share
    interleave map;
    std::uint32_t unit = 0;
    [[nodiscard]] address global(std::uint64_t local) const { return base + bytes(map.offset_of({unit, local})); }
};

} // namespace kpu::hw
