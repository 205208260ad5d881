#include "hw/kpu/memory_level.h"

#include <string>
#include <utility>

namespace kpu::hw {

namespace {

route_table interleaved(const std::string& name, const platform::address_range& range, bytes granule,
                        std::uint32_t units) {
    route_table routes;
    routes.add_interleaved(name, range, granule, units);
    return routes;
}

route_table consecutive(const std::string& name, const platform::address_range& range, std::uint32_t units) {
    route_table routes;
    routes.add_consecutive(name, range, units);
    return routes;
}

} // namespace

memory_level::memory_level(sc_core::sc_module_name name, route_table routes)
    : sc_core::sc_module(name), m_routes(std::move(routes)),
      m_storage(std::make_shared<paged_storage>(m_routes.routes().front().range.size)) {}

void memory_level::add(std::unique_ptr<memory_module> unit) {
    unit->share(m_storage);
    m_units.push_back(std::move(unit));
}

placement memory_level::place_of(std::uint32_t unit) const {
    const route& only = m_routes.routes().front();
    return {only.range.base, only.map, unit};
}

memory_stats memory_level::stats() const {
    memory_stats sum;
    for (const auto& unit : m_units) {
        const memory_stats one = unit->stats();
        sum.reads += one.reads;
        sum.writes += one.writes;
        sum.read_bytes += one.read_bytes;
        sum.write_bytes += one.write_bytes;
        sum.read_bus_bytes += one.read_bus_bytes;
        sum.write_bus_bytes += one.write_bus_bytes;
        sum.read_busy += one.read_busy;
        sum.write_busy += one.write_busy;
        sum.row_hits += one.row_hits;
        sum.row_misses += one.row_misses;
        sum.row_conflicts += one.row_conflicts;
        sum.activations += one.activations;
        sum.refreshes += one.refreshes;
    }
    return sum;
}

dram_level::dram_level(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map)
    : memory_level(name, interleaved("DRAM", map.dram, p.dram.interleave, p.dram.channels)) {
    for (std::uint32_t u = 0; u < p.dram.channels; ++u)
        add(std::make_unique<dram_channel>(("channel" + std::to_string(u)).c_str(), p.dram, place_of(u)));
}

l3_level::l3_level(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map)
    : memory_level(name, interleaved("L3", map.l3, p.l3.interleave, p.l3.tiles)) {
    for (std::uint32_t u = 0; u < p.l3.tiles; ++u)
        add(std::make_unique<memory_bank>(("tile" + std::to_string(u)).c_str(), p.l3.tile, p.clock.period(),
                                          place_of(u)));
}

l2_level::l2_level(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map)
    : memory_level(name, consecutive("L2", map.l2, p.l2.banks)) {
    for (std::uint32_t u = 0; u < p.l2.banks; ++u)
        add(std::make_unique<memory_bank>(("bank" + std::to_string(u)).c_str(), p.l2.bank, p.clock.period(),
                                          place_of(u)));
}

} // namespace kpu::hw
