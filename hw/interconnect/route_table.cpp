#include "hw/interconnect/route_table.h"

#include "platforms/common/diagnostic.h"

namespace kpu::hw {

namespace {

std::string to_string(const std::string& name, const platform::address_range& range) {
    return name + " [" + std::to_string(range.base.value()) + ", +" + std::to_string(range.size.value()) + ")";
}

[[noreturn]] void refuse(const std::string& message, const std::string& expected) {
    diagnostic problem;
    problem.message = message;
    problem.expected = expected;
    throw input_error(std::move(problem));
}

} // namespace

std::uint32_t route_table::add(const std::string& name, platform::address_range range, const interleave& map) {
    if (range.size == bytes(0) || range.base.value() + (range.size.value() - 1) < range.base.value())
        refuse("address range " + to_string(name, range) + " is empty or wraps", "a range below 2^64");
    for (const route& other : m_routes) {
        const bool apart = range.base >= other.range.base
                               ? range.base.value() - other.range.base.value() >= other.range.size.value()
                               : other.range.base.value() - range.base.value() >= range.size.value();
        if (!apart)
            refuse("address ranges " + to_string(name, range) + " and " + to_string(other.name, other.range) +
                       " overlap",
                   "ranges that are apart");
    }
    const std::uint32_t first = m_targets;
    m_routes.push_back({range, map, first, name});
    m_targets += map.units();
    return first;
}

std::uint32_t route_table::add_consecutive(const std::string& name, platform::address_range range,
                                           std::uint32_t units) {
    if (units == 0 || range.size.value() % units != 0 || range.size < bytes(units))
        refuse(to_string(name, range) + " cannot be divided into " + std::to_string(units) + " units",
               "a multiple of the number of units");
    return add(name, range, interleave(range.size / units, units));
}

std::uint32_t route_table::add_interleaved(const std::string& name, platform::address_range range, bytes granule,
                                           std::uint32_t units) {
    if (units == 1)
        return add_consecutive(name, range);
    if (units == 0 || granule == bytes(0) || range.size.value() / units % granule.value() != 0 ||
        range.size.value() % units != 0)
        refuse(to_string(name, range) + " cannot be interleaved over " + std::to_string(units) + " units by " +
                   std::to_string(granule.value()) + " bytes",
               "a multiple of units times granule");
    return add(name, range, interleave(granule, units));
}

} // namespace kpu::hw
