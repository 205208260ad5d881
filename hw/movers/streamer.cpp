#include "hw/movers/streamer.h"

#include "hw/interface/capabilities.h"

namespace kpu::hw {

namespace {

mover_config configure(const platform::platform& p, const platform::address_map& map, std::uint32_t array,
                       std::uint32_t n) {
    mover_config config;
    config.engine.kind = iface::engine_kind::streamer;
    config.engine.unit = static_cast<std::uint8_t>(array * p.streamer.per_array + n);
    config.engine.engine = platform::number_engines(p).streamer(array, n);
    config.engine.queue_depth = p.streamer.mover.queue_depth;
    config.engine.period = p.clock.period();
    config.engine.capabilities[iface::mover_cap::array] = array;
    config.params = p.streamer.mover;
    config.far_side = map.l2;
    config.alignment = p.l2.bank.port_width;
    return config;
}

} // namespace

streamer::streamer(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
                   std::uint32_t array, std::uint32_t n)
    : mover(name, configure(p, map, array, n)) {}

} // namespace kpu::hw
