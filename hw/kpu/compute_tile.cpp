#include "hw/kpu/compute_tile.h"

#include "hw/interface/capabilities.h"

#include <algorithm>
#include <string>

namespace kpu::hw {

namespace {

engine_config array_config(const platform::platform& p, const platform::address_map& map, std::uint32_t index) {
    namespace cap = iface::array_cap;
    const platform::l1_ranges& l1 = map.l1.at(index);
    engine_config config;
    config.kind = iface::engine_kind::array;
    config.unit = static_cast<std::uint8_t>(index);
    config.engine = platform::number_engines(p).array(index);
    config.queue_depth = p.array.queue_depth;
    config.period = p.clock.period();
    auto& words = config.capabilities;
    words[cap::unit] = index;
    words[cap::rows] = p.array.rows;
    words[cap::columns] = p.array.columns;
    for (const iface::array_dataflow flow :
         {iface::array_dataflow::output_stationary, iface::array_dataflow::weight_stationary,
          iface::array_dataflow::input_stationary})
        words[cap::dataflows] |= 1u << static_cast<unsigned>(flow);
    for (std::uint32_t t = 0; t < platform::k_array_types; ++t)
        words[cap::macs_word(t)] |= p.array.macs_per_pe[t] << cap::macs_shift(t);
    const platform::address_range* const buffers[] = {&l1.row, &l1.column, &l1.result};
    for (std::uint32_t b = 0; b < 3; ++b) {
        words[cap::row_base + b] = static_cast<std::uint32_t>(buffers[b]->base.value());
        words[cap::row_size + b] = static_cast<std::uint32_t>(buffers[b]->size.value());
    }
    return config;
}

engine_config vector_config(const platform::platform& p, std::uint32_t index) {
    engine_config config;
    config.kind = iface::engine_kind::vector;
    config.unit = static_cast<std::uint8_t>(index);
    config.engine = platform::number_engines(p).vector_unit(index);
    config.queue_depth = p.vector.queue_depth;
    config.period = p.clock.period();
    config.capabilities[iface::vector_cap::array] = index;
    config.capabilities[iface::vector_cap::lanes] = p.vector.lanes;
    return config;
}

/// As wide as all ports of the widest buffer together, without hops: the buffers are next to the array.
platform::crossbar_params router_params(const platform::l1_params& l1) {
    platform::crossbar_params params;
    params.hop_latency = cycles(0);
    params.port_width = bytes(1);
    for (const platform::memory_params* m : {&l1.row, &l1.column, &l1.result})
        params.port_width =
            std::max(params.port_width, m->port_width * std::uint64_t{std::max(m->read_ports, m->write_ports)});
    return params;
}

route_table routes_of(const platform::l1_ranges& l1) {
    route_table routes;
    routes.add_consecutive("L1 row buffer", l1.row);
    routes.add_consecutive("L1 column buffer", l1.column);
    routes.add_consecutive("L1 result buffer", l1.result);
    return routes;
}

array_buffers bases_of(const platform::l1_ranges& l1) {
    return {l1.row.base, l1.column.base, l1.result.base};
}

placement place_of(const platform::address_range& range) {
    return {range.base, interleave(), 0};
}

constexpr std::uint32_t k_back_doors = 3; // one per buffer

} // namespace

compute_tile::compute_tile(sc_core::sc_module_name name, const platform::platform& p, const platform::address_map& map,
                           std::uint32_t index, links& wires)
    : sc_core::sc_module(name), m_array("array", array_config(p, map, index), p.array, bases_of(map.l1.at(index))),
      m_vector("vector", vector_config(p, index), p.vector, bases_of(map.l1.at(index))),
      m_row("row", p.l1.row, p.clock.period(), place_of(map.l1.at(index).row)),
      m_column("column", p.l1.column, p.clock.period(), place_of(map.l1.at(index).column)),
      m_result("result", p.l1.result, p.clock.period(), place_of(map.l1.at(index).result)),
      m_router("l1", router_params(p.l1), p.clock.period(), p.streamer.per_array + k_back_doors,
               routes_of(map.l1.at(index))) {
    std::uint32_t port = 0;
    for (std::uint32_t s = 0; s < p.streamer.per_array; ++s) {
        const std::string streamer_name = "streamer" + std::to_string(s);
        m_streamers.push_back(std::make_unique<streamer>(streamer_name.c_str(), p, map, index, s));
        wires.connect(m_streamers.back()->near_i, m_router.from_t[port++], streamer_name + "_near");
    }
    wires.connect(m_array.row_i, m_row.data_t, "array_row");
    wires.connect(m_array.column_i, m_column.data_t, "array_column");
    wires.connect(m_array.result_i, m_result.data_t, "array_result");
    wires.connect(m_vector.row_i, m_row.data_t, "vector_row");
    wires.connect(m_vector.column_i, m_column.data_t, "vector_column");
    wires.connect(m_vector.result_i, m_result.data_t, "vector_result");
    wires.connect(m_router.to_i[0], m_row.data_t, "row");
    wires.connect(m_router.to_i[1], m_column.data_t, "column");
    wires.connect(m_router.to_i[2], m_result.data_t, "result");
}

} // namespace kpu::hw
