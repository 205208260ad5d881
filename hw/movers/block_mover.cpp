#include "hw/movers/block_mover.h"

namespace kpu::hw {

namespace {

mover_config configure(const platform::platform& p, const platform::address_map& map, std::uint32_t unit) {
    mover_config config;
    config.engine.kind = iface::engine_kind::block_mover;
    config.engine.unit = static_cast<std::uint8_t>(unit);
    config.engine.engine = platform::number_engines(p).block_mover(unit);
    config.engine.queue_depth = p.block_mover.mover.queue_depth;
    config.engine.period = p.clock.period();
    config.params = p.block_mover.mover;
    config.far_side = map.l3;
    config.alignment = p.l3.tile.port_width;
    return config;
}

} // namespace

block_mover::block_mover(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
                         std::uint32_t unit)
    : mover(name, configure(p, map, unit)) {}

} // namespace kpu::hw
