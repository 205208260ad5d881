#pragma once
// A compute tile without streamers: one engine under test with its L1 buffers and semaphores, and who completed when.

#include "hw/fabric/l1_buffers.h"
#include "hw/memory/memory_bank.h"
#include "hw/tlm/protocol_monitor.h"
#include "tests/component/control/engine_bench.h"
#include "tests/support/sim_fixture.h"

#include <array>
#include <map>
#include <vector>

namespace kpu::test {

constexpr std::uint64_t k_l1_size = 64 * 1024;
constexpr std::uint32_t k_l1_latency = 2;

/// A bank with one read and one write port of these widths in bytes per cycle.
inline platform::memory_params l1_params(std::uint64_t width) {
    platform::memory_params params;
    params.capacity = bytes(k_l1_size);
    params.port_width = bytes(width);
    params.latency = cycles(k_l1_latency);
    return params;
}

/// Cycles in which commands completed or failed, by number.
class recorder : public observer {
  public:
    std::map<std::uint32_t, std::uint64_t> completed;
    std::map<std::uint32_t, iface::fault> faults;
    std::vector<memory_access> accesses;
    void on_complete(const command_ref& c) override { completed[c.number] = cycle(); }
    void on_fault(const command_ref& c, iface::fault cause) override { faults[c.number] = cause; }
    void on_access(const std::string& /*memory*/, const memory_access& access) override { accesses.push_back(access); }
};

inline engine_config config_of(iface::engine_kind kind) {
    engine_config config;
    config.kind = kind;
    config.engine = engine_id(0);
    config.queue_depth = 64;
    return config;
}

/// Engine 0 is the one under test; engine 1 exists for its semaphore only, which the test signals.
template <class Engine, class Params>
struct engine_under_test {
    semaphore_unit semaphores;
    sc_core::sc_signal<bool> irq{"irq"};
    Engine engine;
    engine_port port{"port"};
    recorder seen;

    engine_under_test(iface::engine_kind kind, const Params& params, const array_buffers& buffers = {})
        : semaphores("semaphores", {kind, iface::engine_kind::streamer}),
          engine("engine", config_of(kind), params, buffers) {
        port.bus_i.bind(engine.control_t);
        engine.semaphores.bind(semaphores.port);
        engine.irq.bind(irq);
        engine.watch(&seen);
    }
    /// Lets time pass until `count` commands are complete; fails after `limit` cycles.
    void await(std::uint32_t count, std::uint64_t limit = 100000) {
        for (std::uint64_t c = 0; semaphores.value(engine_id(0)) < count; ++c) {
            BOOST_REQUIRE_MESSAGE(c < limit, "only " << semaphores.value(engine_id(0)) << " commands completed");
            cycles_pass(1);
        }
    }
    [[nodiscard]] std::uint64_t perf(iface::perf_counter which) const { return engine.counter(which); }
    /// All time counters add up to the time that has passed.
    void check_time() const {
        std::uint64_t sum = 0;
        for (std::uint32_t c = 0; c < iface::k_perf_counters; ++c)
            if (measures_time(static_cast<iface::perf_counter>(c)))
                sum += perf(static_cast<iface::perf_counter>(c));
        BOOST_TEST(sum == cycle());
    }
};

/// Contents of a memory, without time.
class memory_probe : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<memory_probe> bus_i;
    memory_probe(sc_core::sc_module_name name, memory_bank& bank)
        : sc_core::sc_module(name), bus_i("bus_i"), m_bus(bus_i) {
        bus_i.bind(bank.data_t);
    }
    template <class T>
    void put(std::uint64_t where, const std::vector<T>& values) {
        (void)m_bus.debug_write(address(where), bytes(values.size() * sizeof(T)),
                                reinterpret_cast<const unsigned char*>(values.data()));
    }
    template <class T>
    [[nodiscard]] std::vector<T> get(std::uint64_t where, std::size_t count) {
        std::vector<T> values(count);
        (void)m_bus.debug_read(address(where), bytes(count * sizeof(T)),
                               reinterpret_cast<unsigned char*>(values.data()));
        return values;
    }

  private:
    initiator m_bus;
};

inline void check_protocol(const protocol_monitor& monitor) {
    for (const protocol_violation& v : monitor.violations())
        BOOST_ERROR(v.rule << ": " << v.message);
}

/// An engine with a port to each L1 buffer of a tile: three banks, each link watched by a protocol monitor.
template <class Engine, class Params>
struct engine_on_buffers : engine_under_test<Engine, Params> {
    engine_on_buffers(iface::engine_kind kind, const Params& params, const std::array<std::uint64_t, 3>& widths,
                      const array_buffers& bases = {})
        : engine_under_test<Engine, Params>(kind, params, bases), row("row", l1_params(widths[0]), picoseconds(1000)),
          column("column", l1_params(widths[1]), picoseconds(1000)),
          result("result", l1_params(widths[2]), picoseconds(1000)) {
        this->engine.row_i.bind(row_monitor.up_t);
        row_monitor.down_i.bind(row.data_t);
        this->engine.column_i.bind(column_monitor.up_t);
        column_monitor.down_i.bind(column.data_t);
        this->engine.result_i.bind(result_monitor.up_t);
        result_monitor.down_i.bind(result.data_t);
    }
    ~engine_on_buffers() {
        check_protocol(row_monitor);
        check_protocol(column_monitor);
        check_protocol(result_monitor);
    }

    memory_bank row, column, result;
    protocol_monitor row_monitor{"row_monitor"}, column_monitor{"column_monitor"}, result_monitor{"result_monitor"};
};

} // namespace kpu::test
