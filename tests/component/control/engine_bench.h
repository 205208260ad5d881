#pragma once
// A bench of a few engines that do nothing but take time, with their semaphores, and a driver of their register
// windows.

#include "hw/control/command_engine.h"
#include "hw/control/interrupt_controller.h"
#include "hw/tlm/initiator.h"
#include "hw/tlm/protocol_monitor.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::test {

using namespace kpu::hw;
namespace reg = kpu::iface::engine_reg;

/// Works for run·cycles (the descriptor's first operand word), of which the second word counts as stall_read, and lets
/// the next command start after a third of the time if `overlapping`.
class timed_engine : public command_engine {
  public:
    timed_engine(sc_core::sc_module_name name, const engine_config& config, bool overlapping)
        : command_engine(name, config), m_overlapping(overlapping), m_done(4) {
        SC_HAS_PROCESS(timed_engine);
        SC_METHOD(complete);
        sensitive << m_next;
        dont_initialize();
    }
    /// Makes the n-th execution refuse its command.
    iface::fault refuse = iface::fault::none;
    unsigned resets = 0;

    void fail_in_flight(const command_ref& c, iface::fault cause) { raise_fault(c, cause); }

  private:
    struct end {
        command_ref ref;
        sc_core::sc_time when;
    };
    iface::fault execute(const command& c) override {
        if (refuse != iface::fault::none)
            return refuse;
        const sc_core::sc_time length = in_cycles(c.words[10]);
        m_done.push({c.ref, sc_core::sc_time_stamp() + length});
        if (m_done.size() == 1)
            m_next.notify(length);
        const sc_core::sc_time stalled = in_cycles(c.words[11]);
        wait(m_overlapping ? length / 3 : length);
        account(iface::perf_counter::stall_read, stalled);
        return iface::fault::none;
    }
    [[nodiscard]] bool supports(iface::opcode op) const override { return op == iface::opcode::copy; }
    void on_reset() override {
        ++resets;
        m_done.clear();
        m_next.cancel();
    }
    void complete() {
        const command_ref ref = m_done.front().ref;
        m_done.pop();
        if (!m_done.empty())
            m_next.notify(m_done.front().when - sc_core::sc_time_stamp());
        finish(ref);
    }

    bool m_overlapping;
    ring<end> m_done;
    sc_core::sc_event m_next{"next"};
};

/// Commands and registers of one engine, as firmware would use them.
class engine_port : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<engine_port> bus_i;
    explicit engine_port(sc_core::sc_module_name name) : sc_core::sc_module(name), bus_i("bus_i"), m_bus(bus_i) {}

    std::uint32_t read(std::uint32_t offset) {
        std::uint32_t value = 0;
        sc_core::sc_time delay;
        const auto status = m_bus.read(address(offset), bytes(4), reinterpret_cast<unsigned char*>(&value), delay);
        BOOST_TEST((status == tlm::TLM_OK_RESPONSE), "read of " << offset);
        return value;
    }
    void write(std::uint32_t offset, std::uint32_t value) {
        sc_core::sc_time delay;
        const auto status = m_bus.write(address(offset), bytes(4), reinterpret_cast<unsigned char*>(&value), delay);
        BOOST_TEST((status == tlm::TLM_OK_RESPONSE), "write of " << offset);
    }
    void push(const iface::descriptor_words& words) {
        std::array<std::uint32_t, iface::k_descriptor_words + 1> burst{};
        std::copy(words.begin(), words.end(), burst.begin());
        burst.back() = 1;
        sc_core::sc_time delay;
        const auto status = m_bus.write(address(reg::descriptor), bytes(sizeof burst),
                                        reinterpret_cast<const unsigned char*>(burst.data()), delay);
        BOOST_TEST((status == tlm::TLM_OK_RESPONSE));
    }
    /// A copy command that takes `cycles`.
    void push(std::uint32_t cycles, std::vector<iface::wait_for> waits = {}, bool interrupt = false,
              std::uint32_t tag = 0, std::uint32_t stalled = 0) {
        iface::command_header header;
        header.op = iface::opcode::copy;
        header.interrupt = interrupt;
        header.tag = tag;
        std::copy(waits.begin(), waits.end(), header.waits.begin());
        iface::descriptor_words words = iface::encode(header);
        words[10] = cycles;
        words[11] = stalled;
        push(words);
    }
    void push_join(std::vector<iface::wait_for> waits) {
        iface::command_header header;
        std::copy(waits.begin(), waits.end(), header.waits.begin());
        push(iface::encode(header));
    }
    std::uint32_t free() { return read(reg::status) & 0xffff; }
    bool busy() { return (read(reg::status) >> 16 & 1) != 0; }
    bool halted() { return (read(reg::status) >> 17 & 1) != 0; }
    bool rejected() { return (read(reg::status) >> 18 & 1) != 0; }
    std::uint64_t perf(iface::perf_counter which) {
        const std::uint32_t at = reg::perf + 8 * static_cast<std::uint32_t>(which);
        return read(at) | std::uint64_t{read(at + 4)} << 32;
    }

  private:
    initiator m_bus;
};

/// Engines 0, 1, 2: a dma, an array and a streamer, with queues of 4; the array overlaps its commands.
struct engine_bench {
    semaphore_unit semaphores{"semaphores",
                              {iface::engine_kind::dma, iface::engine_kind::array, iface::engine_kind::streamer}};
    std::vector<std::unique_ptr<timed_engine>> engines;
    std::vector<std::unique_ptr<engine_port>> ports;
    std::vector<std::unique_ptr<protocol_monitor>> monitors;
    sc_core::sc_vector<sc_core::sc_signal<bool>> irq{"irq", 3};
    sc_core::sc_signal<bool> core_irq{"core_irq"};
    interrupt_controller interrupts{"interrupts", 3};

    engine_bench() {
        const iface::engine_kind kinds[] = {iface::engine_kind::dma, iface::engine_kind::array,
                                            iface::engine_kind::streamer};
        for (std::uint16_t e = 0; e < 3; ++e) {
            engine_config config;
            config.kind = kinds[e];
            config.unit = static_cast<std::uint8_t>(e + 4);
            config.engine = engine_id(e);
            config.queue_depth = 4;
            config.capabilities[3] = 77;
            const std::string n = std::to_string(e);
            engines.push_back(std::make_unique<timed_engine>(("engine" + n).c_str(), config, e == 1));
            ports.push_back(std::make_unique<engine_port>(("port" + n).c_str()));
            monitors.push_back(std::make_unique<protocol_monitor>(("monitor" + n).c_str()));
            ports[e]->bus_i.bind(monitors[e]->up_t);
            monitors[e]->down_i.bind(engines[e]->control_t);
            engines[e]->semaphores.bind(semaphores.port);
            engines[e]->irq.bind(irq[e]);
            interrupts.lines[e].bind(irq[e]);
        }
        interrupts.core.bind(core_irq);
    }
    ~engine_bench() {
        for (const auto& m : monitors)
            for (const protocol_violation& v : m->violations())
                BOOST_ERROR(v.rule << ": " << v.message);
    }
    std::uint32_t completed(std::uint16_t e) { return semaphores.value(engine_id(e)); }
};

inline void cycles_pass(std::uint64_t n) {
    sc_core::wait(sc_core::sc_time::from_value(1000 * n));
}
inline std::uint64_t cycle() {
    return sc_core::sc_time_stamp().value() / 1000;
}
inline iface::wait_for until(std::uint16_t engine, std::uint32_t count) {
    return {engine_id(engine), count};
}

} // namespace kpu::test
