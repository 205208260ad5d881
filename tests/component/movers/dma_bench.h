#pragma once
// DMA engines as in the chip: a crossbar of DRAM channels on one side, a crossbar with one L3 tile on the other, a
// monitor on every link of the engines. A cycle is 1 ns.

#include "hw/interconnect/crossbar.h"
#include "hw/memory/dram_channel.h"
#include "tests/component/movers/mover_bench.h"

#include <memory>
#include <string>
#include <vector>

namespace kpu::test {

/// DRAM is at [k_dram, k_dram + capacity), the tile at [0, 1 MiB).
inline constexpr std::uint64_t k_dram = std::uint64_t{1} << 32;

struct dma_setup {
    std::uint32_t engines = 1;
    platform::mover_params mover;
    platform::dram_params dram;
    platform::crossbar_params bar;
    platform::memory_params tile;
    dma_setup() {
        tile.capacity = bytes(1u << 20);
        dram.capacity = bytes(1u << 26);
        dram.interleave = bytes(256);
    }
};

class dma_bench {
  public:
    std::vector<std::unique_ptr<hw::dram_channel>> channels;
    hw::memory_bank tile;
    std::vector<std::unique_ptr<engine_port>> ports;

    explicit dma_bench(const dma_setup& setup)
        : tile("tile", setup.tile, k_cycle),
          m_semaphores("semaphores", std::vector<iface::engine_kind>(setup.engines, iface::engine_kind::dma)),
          m_far("far_bar", setup.bar, k_cycle, setup.engines, dram_routes(setup.dram)),
          m_near("near_bar", setup.bar, k_cycle, setup.engines, tile_routes(setup.tile)) {
        for (std::uint32_t c = 0; c < setup.dram.channels; ++c) {
            channels.push_back(std::make_unique<hw::dram_channel>(("channel" + std::to_string(c)).c_str(), setup.dram));
            m_far.to_i[c].bind(channels.back()->data_t);
        }
        m_near.to_i[0].bind(tile.data_t);
        for (std::uint32_t e = 0; e < setup.engines; ++e)
            add_engine(setup, e);
    }
    ~dma_bench() {
        for (const auto& m : m_monitors)
            for (const protocol_violation& v : m->violations())
                BOOST_ERROR(v.rule << ": " << v.message);
        BOOST_TEST(m_far.out_of_order() == 0u);
        BOOST_TEST(m_near.out_of_order() == 0u);
    }

    void push(std::uint32_t engine, const iface::copy_operands& copy) {
        iface::command_header header;
        header.op = iface::opcode::copy;
        ports[engine]->push(iface::encode(header, copy));
    }
    /// Waits until the engine has completed that many commands; fails after 10 ms. Returns the cycle.
    std::uint64_t await(std::uint32_t engine, std::uint32_t count) {
        sc_core::sc_event done("done");
        const engine_id id(static_cast<std::uint16_t>(engine));
        if (m_semaphores.value(id) < count) {
            m_semaphores.wake_at(id, count, done);
            sc_core::wait(sc_core::sc_time(10, sc_core::SC_MS), done);
        }
        BOOST_TEST(m_semaphores.value(id) >= count);
        return cycle();
    }
    [[nodiscard]] hw::memory_stats dram_stats() const {
        hw::memory_stats sum;
        for (const auto& c : channels) {
            const hw::memory_stats one = c->stats();
            sum.read_bytes += one.read_bytes;
            sum.read_bus_bytes += one.read_bus_bytes;
            sum.write_bus_bytes += one.write_bus_bytes;
            sum.row_hits += one.row_hits;
            sum.activations += one.activations;
        }
        return sum;
    }

  private:
    static constexpr picoseconds k_cycle{1000};

    static hw::route_table dram_routes(const platform::dram_params& p) {
        hw::route_table routes;
        routes.add_interleaved("DRAM", {address(k_dram), p.capacity}, p.interleave, p.channels);
        return routes;
    }
    static hw::route_table tile_routes(const platform::memory_params& p) {
        hw::route_table routes;
        routes.add_consecutive("tile", {address(0), p.capacity});
        return routes;
    }
    void add_engine(const dma_setup& setup, std::uint32_t e) {
        const std::string n = std::to_string(e);
        mover_config config;
        config.engine.engine = engine_id(static_cast<std::uint16_t>(e));
        config.params = setup.mover;
        config.far_side = {address(k_dram), setup.dram.capacity};
        config.alignment = setup.dram.burst;
        m_movers.push_back(std::make_unique<plain_mover>(("dma" + n).c_str(), config));
        plain_mover& mover = *m_movers.back();
        join(mover.far_i, m_far.from_t[e]);
        join(mover.near_i, m_near.from_t[e]);
        mover.semaphores.bind(m_semaphores.port);
        m_irqs.push_back(std::make_unique<sc_core::sc_signal<bool>>(("irq" + n).c_str()));
        mover.irq.bind(*m_irqs.back());
        ports.push_back(std::make_unique<engine_port>(("port" + n).c_str()));
        ports.back()->bus_i.bind(mover.control_t);
    }
    template <class From, class To>
    void join(From& from, To& to) {
        m_monitors.push_back(
            std::make_unique<protocol_monitor>(("monitor" + std::to_string(m_monitors.size())).c_str()));
        from.bind(m_monitors.back()->up_t);
        m_monitors.back()->down_i.bind(to);
    }

    semaphore_unit m_semaphores;
    hw::crossbar m_far, m_near;
    std::vector<std::unique_ptr<protocol_monitor>> m_monitors;
    std::vector<std::unique_ptr<plain_mover>> m_movers;
    std::vector<std::unique_ptr<sc_core::sc_signal<bool>>> m_irqs;
};

} // namespace kpu::test
