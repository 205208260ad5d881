#include "hw/movers/dma_engine.h"

namespace kpu::hw {

namespace {

mover_config configure(const platform::platform& p, const platform::address_map& map, std::uint32_t unit) {
    mover_config config;
    config.engine.kind = iface::engine_kind::dma;
    config.engine.unit = static_cast<std::uint8_t>(unit);
    config.engine.engine = platform::number_engines(p).dma_engine(unit);
    config.engine.queue_depth = p.dma.mover.queue_depth;
    config.engine.period = p.clock.period();
    config.params = p.dma.mover;
    config.far_side = map.dram;
    config.alignment = p.dram.burst;
    return config;
}

} // namespace

dma_engine::dma_engine(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
                       std::uint32_t unit)
    : mover(name, configure(p, map, unit)) {}

} // namespace kpu::hw
