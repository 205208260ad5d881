#pragma once
// The units of one shared memory under one name: dram.channel0 …, l3.tile0 …, l2.bank0 ….

#include "hw/interconnect/route_table.h"
#include "hw/memory/dram_channel.h"
#include "hw/memory/memory_bank.h"
#include "platforms/platform.h"

#include <memory>
#include <systemc>
#include <vector>

namespace kpu::hw {

class memory_level : public sc_core::sc_module {
  public:
    [[nodiscard]] const std::vector<std::unique_ptr<memory_module>>& units() const { return m_units; }
    /// Which unit holds which address, for the crossbars in front of it.
    [[nodiscard]] const route_table& routes() const { return m_routes; }
    /// Sum over the units.
    [[nodiscard]] memory_stats stats() const;

  protected:
    memory_level(sc_core::sc_module_name name, route_table routes);
    [[nodiscard]] placement place_of(std::uint32_t unit) const;
    /// The unit's bytes go to the storage of the level.
    void add(std::unique_ptr<memory_module> unit);

  private:
    route_table m_routes;
    std::shared_ptr<paged_storage> m_storage; ///< of all units, in the order of addresses
    std::vector<std::unique_ptr<memory_module>> m_units;
};

class dram_level final : public memory_level {
  public:
    dram_level(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map);
};

class l3_level final : public memory_level {
  public:
    l3_level(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map);
};

class l2_level final : public memory_level {
  public:
    l2_level(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map);
};

} // namespace kpu::hw
