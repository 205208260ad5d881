#pragma once
// Which target of a crossbar holds which addresses. SystemC-free.

#include "hw/memory/interleave.h"
#include "platforms/platform.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kpu::hw {

/// A contiguous range of addresses on `units` consecutive targets of equal size.
struct route {
    platform::address_range range;
    interleave map;
    std::uint32_t first_target = 0;
    std::string name; ///< for messages; last, so that what every access reads lies together
};

class route_table {
  public:
    /// Units that are consecutive parts of the range, each range.size / units bytes. Returns the number of the first
    /// target; targets are numbered in the order of the calls. Throws input_error if the range overlaps an earlier one
    /// or cannot be divided evenly.
    std::uint32_t add_consecutive(const std::string& name, platform::address_range range, std::uint32_t units = 1);
    /// Units that take `granule` bytes in turn; range.size must be a multiple of units · granule (any size if there is
    /// one unit).
    std::uint32_t add_interleaved(const std::string& name, platform::address_range range, bytes granule,
                                  std::uint32_t units);

    [[nodiscard]] std::uint32_t targets() const { return m_targets; }
    [[nodiscard]] const std::vector<route>& routes() const { return m_routes; }

    /// The route that contains all of [where, where + length); null if none does.
    [[nodiscard]] const route* find(std::uint64_t where, std::uint64_t length) const {
        for (const route& r : m_routes)
            if (where >= r.range.base.value() && fits(where - r.range.base.value(), length, r.range.size.value()))
                return &r;
        return nullptr;
    }

  private:
    std::uint32_t add(const std::string& name, platform::address_range range, const interleave& map);

    std::vector<route> m_routes;
    std::uint32_t m_targets = 0;
};

} // namespace kpu::hw
