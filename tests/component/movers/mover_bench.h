#pragma once
// One mover between two memories, on monitored links. Addresses below 1 MiB are
// near, those from 1 MiB on are far.

#include "hw/memory/memory_bank.h"
#include "hw/movers/mover.h"
#include "tests/component/control/engine_bench.h"

#include <functional>
#include <optional>

namespace kpu::test {

inline constexpr std::uint64_t k_far = 1u << 20;

class plain_mover final : public mover {
  public:
    plain_mover(sc_core::sc_module_name name, const mover_config& config) : mover(name, config) {}
};

struct mover_setup {
    platform::mover_params mover;
    platform::memory_params far, near;
    mover_setup() {
        far.capacity = bytes(2 * k_far);
        near.capacity = bytes(k_far);
    }
};

struct mover_bench {
    semaphore_unit semaphores{"semaphores", {iface::engine_kind::dma}};
    plain_mover mover;
    memory_bank far, near;
    protocol_monitor far_monitor{"far_monitor"}, near_monitor{"near_monitor"};
    engine_port port{"port"};
    sc_core::sc_signal<bool> irq{"irq"};

    static mover_config config_of(const mover_setup& setup) {
        mover_config config;
        config.params = setup.mover;
        config.far_side = {address(k_far), bytes(k_far)};
        return config;
    }
    explicit mover_bench(const mover_setup& setup)
        : mover("mover", config_of(setup)), far("far", setup.far, picoseconds(1000)),
          near("near", setup.near, picoseconds(1000)) {
        mover.far_i.bind(far_monitor.up_t);
        far_monitor.down_i.bind(far.data_t);
        mover.near_i.bind(near_monitor.up_t);
        near_monitor.down_i.bind(near.data_t);
        mover.semaphores.bind(semaphores.port);
        mover.irq.bind(irq);
        port.bus_i.bind(mover.control_t);
    }
    ~mover_bench() {
        for (const protocol_monitor* m : {&far_monitor, &near_monitor})
            for (const protocol_violation& v : m->violations())
                BOOST_ERROR(v.rule << ": " << v.message);
    }

    static iface::copy_operands contiguous(std::uint64_t from, std::uint64_t to, std::uint32_t length) {
        iface::copy_operands c;
        c.run = length;
        c.source.base = address(from);
        c.destination.base = address(to);
        return c;
    }
    void push(const iface::copy_operands& copy, std::uint32_t tag = 0) { push(iface::opcode::copy, copy, tag); }
    void push(const iface::fill_operands& fill, std::uint32_t tag = 0) { push(iface::opcode::fill, fill, tag); }
    std::uint32_t completed() { return semaphores.value(engine_id(0)); }
    /// Simulated cycles until `count` commands have completed; fails after 10 ms.
    std::uint64_t cycles_until(std::uint32_t count) {
        const std::uint64_t begun = cycle();
        sc_core::sc_event done("done");
        if (completed() < count) {
            semaphores.wake_at(engine_id(0), count, done);
            sc_core::wait(sc_core::sc_time(10, sc_core::SC_MS), done);
        }
        BOOST_TEST(completed() >= count);
        return cycle() - begun;
    }
    void fill(memory_bank& memory, std::uint64_t offset, const std::vector<unsigned char>& data) {
        access(memory, tlm::TLM_WRITE_COMMAND, offset, const_cast<unsigned char*>(data.data()), data.size());
    }
    std::vector<unsigned char> content(memory_bank& memory, std::uint64_t offset, std::size_t length) {
        std::vector<unsigned char> data(length);
        access(memory, tlm::TLM_READ_COMMAND, offset, data.data(), length);
        return data;
    }

  private:
    template <class Operands>
    void push(iface::opcode op, const Operands& operands, std::uint32_t tag) {
        iface::command_header header;
        header.op = op;
        header.tag = tag;
        port.push(iface::encode(header, operands));
    }
    void access(memory_bank& memory, tlm::tlm_command command, std::uint64_t offset, unsigned char* data,
                std::size_t length) {
        tlm::tlm_generic_payload payload;
        payload.set_command(command);
        payload.set_address(offset);
        payload.set_data_ptr(data);
        payload.set_data_length(static_cast<unsigned>(length));
        payload.set_streaming_width(static_cast<unsigned>(length));
        auto& link = &memory == &far ? far_monitor.down_i : near_monitor.down_i;
        BOOST_TEST(link->transport_dbg(payload) == length);
    }
};

} // namespace kpu::test
