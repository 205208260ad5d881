#include "hw/kpu/chip.h"

#include "hw/kpu/main_stack.h"

#include "hw/tlm/time.h"

#include <cstring>
#include <fmt/format.h>

namespace kpu::hw {

namespace {

/// Before anything is built from it: engines are numbered in the registers' width.
const platform::platform& checked(const platform::platform& p) {
    const std::uint32_t count = platform::number_engines(p).count();
    if (count > iface::k_max_engines) {
        diagnostic problem;
        problem.message = "platform " + p.name + " has " + std::to_string(count) + " engines";
        problem.expected = "at most " + std::to_string(iface::k_max_engines);
        throw input_error(std::move(problem));
    }
    return p;
}

std::vector<iface::engine_kind> kinds_of(const platform::platform& p) {
    std::vector<iface::engine_kind> kinds(p.dma.engines, iface::engine_kind::dma);
    kinds.insert(kinds.end(), p.block_mover.engines, iface::engine_kind::block_mover);
    for (std::uint32_t a = 0; a < p.array.count; ++a) {
        kinds.insert(kinds.end(), p.streamer.per_array, iface::engine_kind::streamer);
        kinds.push_back(iface::engine_kind::array);
        kinds.push_back(iface::engine_kind::vector);
    }
    return kinds;
}

/// Peak bytes that `units` memories of this kind deliver in 256 cycles.
bytes peak_of(const platform::memory_params& unit, std::uint32_t units) {
    return unit.port_width * (std::uint64_t{unit.read_ports} * units * 256);
}

system_config describe_system(const platform::platform& p, const platform::address_map& map) {
    system_config config;
    config.arrays = p.array.count;
    config.clock = p.clock.frequency;
    config.descriptor_cost =
        access_cycles(p.management, iface::k_descriptor_words + 1); // the doorbell lies behind the window
    const bytes dram_peak((p.dram.bandwidth * p.dram.channels).value() / (p.clock.frequency.value() / 256));
    const cycles dram_latency(ceil_div(p.dram.latency.value(), p.clock.period().value()));
    const auto memory = [&](iface::memory_kind kind) -> system_config::memory& {
        return config.memories[static_cast<std::size_t>(kind)];
    };
    memory(iface::memory_kind::dram) = {map.dram.base,   map.dram.size,
                                        p.dram.channels, p.dram.interleave,
                                        dram_peak,       dram_latency + p.dram_crossbar.hop_latency * 2,
                                        p.dram.burst};
    memory(iface::memory_kind::l3) = {map.l3.base,
                                      map.l3.size,
                                      p.l3.tiles,
                                      p.l3.interleave,
                                      peak_of(p.l3.tile, p.l3.tiles),
                                      p.l3.tile.latency + p.l3_crossbar.hop_latency * 2,
                                      p.l3.tile.port_width};
    memory(iface::memory_kind::l2) = {map.l2.base,
                                      map.l2.size,
                                      p.l2.banks,
                                      p.l2.bank.capacity,
                                      peak_of(p.l2.bank, p.l2.banks),
                                      p.l2.bank.latency + p.l2_crossbar.hop_latency * 2,
                                      p.l2.bank.port_width};
    return config;
}

/// In the order in which connect_memories binds them.
std::vector<platform::address_range> host_ranges(const platform::address_map& map) {
    std::vector<platform::address_range> ranges{map.dram, map.l3, map.l2};
    for (const platform::l1_ranges& l1 : map.l1)
        for (const platform::address_range& r : {l1.row, l1.column, l1.result})
            ranges.push_back(r);
    return ranges;
}

} // namespace

chip::chip(sc_core::sc_module_name name, const platform::platform& p, const chip_options& options)
    : sc_core::sc_module(name), m_platform(checked(p)), m_map(platform::map_addresses(p)),
      m_ids(platform::number_engines(p)), m_has_data(options.data), m_links(options.monitors, options.stalls),
      m_dram("dram", p, m_map), m_l3("l3", p, m_map), m_l2("l2", p, m_map),
      m_dram_xbar("dram_xbar", p.dram_crossbar, p.clock.period(), p.dma.engines + 1, m_dram.routes()),
      m_l3_xbar("l3_xbar", p.l3_crossbar, p.clock.period(), p.dma.engines + p.block_mover.engines + 1, m_l3.routes()),
      m_l2_xbar("l2_xbar", p.l2_crossbar, p.clock.period(),
                p.block_mover.engines + p.array.count * p.streamer.per_array + 1, m_l2.routes()),
      m_semaphores("semaphores", kinds_of(p)), m_interrupts("interrupts", m_ids.count()),
      m_system("system", describe_system(p, m_map)), m_bus("bus", m_ids.count()),
      m_core("core", p.management, p.clock.period()), m_host("host", host_ranges(m_map)), m_irq("irq", m_ids.count()),
      m_core_irq("core_irq") {
    build_engines();
    list_parts();
    if (!m_has_data)
        drop_data();
    connect_memories();
    connect_engines();
    connect_control();
    m_core.on_end([] { sc_core::sc_pause(); });
    if (options.stalls)
        SC_REPORT_INFO("/kpu/stalls", fmt::format("random stalls on {} links of {}, seed {}", m_links.injectors(),
                                                  this->name(), options.stalls->seed)
                                          .c_str());
    for (observer* who : options.observers)
        attach(*who);
}

chip::~chip() = default;

void chip::build_engines() {
    for (std::uint32_t d = 0; d < m_platform.dma.engines; ++d)
        m_dmas.push_back(std::make_unique<dma_engine>(("dma" + std::to_string(d)).c_str(), m_platform, m_map, d));
    for (std::uint32_t b = 0; b < m_platform.block_mover.engines; ++b)
        m_block_movers.push_back(
            std::make_unique<block_mover>(("block_mover" + std::to_string(b)).c_str(), m_platform, m_map, b));
    for (std::uint32_t a = 0; a < m_platform.array.count; ++a)
        m_tiles.push_back(
            std::make_unique<compute_tile>(("array" + std::to_string(a)).c_str(), m_platform, m_map, a, m_links));
}

void chip::list_parts() {
    for (const auto& dma : m_dmas)
        m_engines.push_back(dma.get());
    for (const auto& mover : m_block_movers)
        m_engines.push_back(mover.get());
    for (const auto& tile : m_tiles) {
        for (const auto& s : tile->streamers())
            m_engines.push_back(s.get());
        m_engines.push_back(&tile->array());
        m_engines.push_back(&tile->vector());
    }
    for (const memory_level* level : {static_cast<const memory_level*>(&m_dram),
                                      static_cast<const memory_level*>(&m_l3), static_cast<const memory_level*>(&m_l2)})
        for (const auto& unit : level->units())
            m_memories.push_back(unit.get());
    m_crossbars = {&m_dram_xbar, &m_l3_xbar, &m_l2_xbar};
    for (const auto& tile : m_tiles) {
        for (memory_module* buffer : tile->buffers())
            m_memories.push_back(buffer);
        m_crossbars.push_back(&tile->router());
    }
}

void chip::drop_data() {
    for (memory_module* memory : m_memories)
        memory->keep_no_data();
    for (const auto& dma : m_dmas)
        dma->skip_indices();
    for (const auto& mover : m_block_movers)
        mover->skip_indices();
    for (const auto& tile : m_tiles) {
        for (const auto& s : tile->streamers())
            s->skip_indices();
        tile->array().skip_arithmetic();
        tile->vector().skip_arithmetic();
    }
}

void chip::connect_memories() {
    struct level {
        crossbar& xbar;
        const memory_level& memory;
    };
    std::uint32_t range = 0;
    for (const level& l : {level{m_dram_xbar, m_dram}, level{m_l3_xbar, m_l3}, level{m_l2_xbar, m_l2}}) {
        for (std::size_t u = 0; u < l.memory.units().size(); ++u)
            m_links.connect(l.xbar.to_i[u], l.memory.units()[u]->data_t,
                            std::string(l.memory.basename()) + std::to_string(u));
        m_links.connect(m_host.memory_i[range++], l.xbar.from_t[l.xbar.from_t.size() - 1],
                        std::string("host_") + l.memory.basename());
    }
    for (const auto& tile : m_tiles)
        for (std::uint32_t b = 0; b < 3; ++b)
            m_links.connect(m_host.memory_i[range++], tile->host_t(b),
                            std::string("host_") + tile->basename() + "_" + std::to_string(b));
}

void chip::connect_engines() {
    std::uint32_t l3_port = 0;
    std::uint32_t l2_port = 0;
    for (std::size_t d = 0; d < m_dmas.size(); ++d) {
        const std::string n = m_dmas[d]->basename();
        m_links.connect(m_dmas[d]->far_i, m_dram_xbar.from_t[d], n + "_far");
        m_links.connect(m_dmas[d]->near_i, m_l3_xbar.from_t[l3_port++], n + "_near");
    }
    for (const auto& mover : m_block_movers) {
        const std::string n = mover->basename();
        m_links.connect(mover->far_i, m_l3_xbar.from_t[l3_port++], n + "_far");
        m_links.connect(mover->near_i, m_l2_xbar.from_t[l2_port++], n + "_near");
    }
    for (const auto& tile : m_tiles)
        for (const auto& s : tile->streamers())
            m_links.connect(s->far_i, m_l2_xbar.from_t[l2_port++],
                            std::string(tile->basename()) + "_" + s->basename() + "_far");
}

void chip::connect_control() {
    for (std::size_t e = 0; e < m_engines.size(); ++e) {
        m_links.connect(m_bus.engine_i[e], m_engines[e]->control_t, "engine" + std::to_string(e));
        m_engines[e]->semaphores.bind(m_semaphores.port);
        m_engines[e]->irq.bind(m_irq[e]);
        m_interrupts.lines[e].bind(m_irq[e]);
    }
    m_links.connect(m_bus.system_i, m_system.control_t, "system");
    m_system.semaphores.bind(m_semaphores.port);
    m_system.interrupts.bind(m_interrupts.port);
    m_interrupts.core.bind(m_core_irq);
    m_core.irq.bind(m_core_irq);
    m_links.connect(m_core.bus_i, m_bus.from_t, "core");
}

// ---- running ------------------------------------------------------------------------------------------------------

void chip::run() {
    while (!finished()) {
        if (sc_core::sc_get_status() == sc_core::SC_STOPPED)
            throw run_error(std::string(name()) + ": the simulation was stopped before the firmware had ended");
        sc_core::sc_start();
        restore_main_stack_bounds();
        if (!finished() && !sc_core::sc_pending_activity()) {
            const deadlock report = describe_deadlock();
            m_core.abandon(); // its stack is unwound, so that what the program owns is freed
            while (!finished() && sc_core::sc_pending_activity_at_current_time())
                sc_core::sc_start(sc_core::SC_ZERO_TIME);
            restore_main_stack_bounds();
            throw report;
        }
    }
    rethrow_failure();
}

void chip::rethrow_failure() const {
    if (m_core.failure() != nullptr)
        std::rethrow_exception(m_core.failure());
}

picoseconds chip::elapsed() const {
    return (finished() ? m_core.ended() : now_ps()) - m_core.started();
}

void chip::elaborate() {
    if (sc_core::sc_get_status() < sc_core::SC_START_OF_SIMULATION)
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    restore_main_stack_bounds();
}

void chip::poke(address where, const void* from, bytes length) {
    elaborate();
    m_host.poke(where, from, length);
}

void chip::peek(address where, void* into, bytes length) {
    elaborate();
    m_host.peek(where, into, length);
}

// ---- watching -----------------------------------------------------------------------------------------------------

void chip::attach(observer& who) {
    m_observers.attach(who);
    for (command_engine* e : m_engines)
        e->watch(&m_observers);
    for (memory_module* m : m_memories)
        m->watch(&m_observers);
}

std::string chip::local_name(const sc_core::sc_object& child) const {
    return child.name() + std::strlen(name()) + 1;
}

} // namespace kpu::hw
