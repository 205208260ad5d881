// Management core, control bus, system window and interrupts together: firmware's side of the chip.

#include "hw/control/management_core.h"
#include "hw/control/system_controller.h"
#include "hw/interconnect/control_bus.h"
#include "tests/component/control/engine_bench.h"
#include "tests/support/sim_fixture.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::test;
namespace sys = kpu::iface::system_reg;

namespace {

/// Two engines behind a control bus, a system window, and a core.
struct core_bench {
    platform::management_params params;
    semaphore_unit semaphores{"semaphores", {iface::engine_kind::dma, iface::engine_kind::array}};
    interrupt_controller interrupts{"interrupts", 2};
    std::vector<std::unique_ptr<timed_engine>> engines;
    sc_core::sc_vector<sc_core::sc_signal<bool>> irq{"irq", 2};
    sc_core::sc_signal<bool> core_irq{"core_irq"};
    control_bus bus{"bus", 2};
    system_controller system{"system", describe()};
    management_core core;

    static system_config describe() {
        system_config config;
        config.arrays = 3;
        config.clock = hertz(500'000'000);
        config.memories[0] = {
            address(0x1'0000'0000), bytes(0x2'0000'0000), 4, bytes(256), bytes(1000), cycles(60), bytes(32)};
        config.memories[2] = {address(0x100'0000), bytes(0x2000), 2, bytes(0x1000), bytes(7), cycles(5), bytes(8)};
        config.descriptor_cost = cycles(6);
        return config;
    }
    core_bench() : core("core", params, picoseconds(2000)) {
        for (std::uint16_t e = 0; e < 2; ++e) {
            engine_config config;
            config.kind = semaphores.kind_of(engine_id(e));
            config.engine = engine_id(e);
            engines.push_back(std::make_unique<timed_engine>(("engine" + std::to_string(e)).c_str(), config, false));
            bus.engine_i[e].bind(engines[e]->control_t);
            engines[e]->semaphores.bind(semaphores.port);
            engines[e]->irq.bind(irq[e]);
            interrupts.lines[e].bind(irq[e]);
        }
        bus.system_i.bind(system.control_t);
        system.semaphores.bind(semaphores.port);
        system.interrupts.bind(interrupts.port);
        interrupts.core.bind(core_irq);
        core.irq.bind(core_irq);
        core.bus_i.bind(bus.from_t);
    }
};

void push(mmio& io, std::uint32_t engine, std::uint32_t cycles, bool interrupt) {
    iface::command_header header;
    header.op = iface::opcode::copy;
    header.interrupt = interrupt;
    iface::descriptor_words words = iface::encode(header);
    words[10] = cycles;
    std::array<std::uint32_t, iface::k_descriptor_words + 1> burst{};
    std::copy(words.begin(), words.end(), burst.begin());
    burst.back() = 1;
    io.write_block(address(iface::engine_base(engine) + reg::descriptor), burst.data(), burst.size());
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(management, sim_fixture)

BOOST_AUTO_TEST_CASE(accesses_cost_what_the_parameters_say) {
    core_bench b;
    std::vector<picoseconds> at;
    b.core.load([&](mmio& io) {
        const auto stamp = [&] { at.push_back(picoseconds(sc_core::sc_time_stamp().value())); };
        BOOST_TEST(io.read32(address(sys::magic)) == iface::k_system_magic);
        stamp(); // 2 cycles of 2 ns
        io.write32(address(iface::engine_base(1) + reg::irq_enable), 0);
        stamp();
        push(io, 0, 5, false);
        stamp(); // 2 + ⌊132 / 32⌋ = 6 cycles
        std::uint32_t words[16];
        io.read_block(address(sys::memory), words, 16);
        stamp(); // 2 + 64 / 32 = 4 cycles
    });
    run([&] { sc_core::wait(1, sc_core::SC_US); });
    const std::vector<std::uint64_t> expected = {4000, 8000, 20000, 28000};
    BOOST_TEST(at.size() == expected.size());
    for (std::size_t i = 0; i < at.size(); ++i)
        BOOST_TEST(at[i].value() == expected[i]);
    BOOST_TEST(b.core.finished());
    BOOST_TEST((b.core.failure() == nullptr));
    BOOST_TEST(b.core.ended().value() == 28000u);
}

BOOST_AUTO_TEST_CASE(system_window_describes_the_chip) {
    core_bench b;
    b.core.load([&](mmio& io) {
        BOOST_TEST(io.read32(address(sys::engines)) == 2u);
        BOOST_TEST(io.read32(address(sys::arrays)) == 3u);
        BOOST_TEST(io.read32(address(sys::clock_khz)) == 500'000u);
        BOOST_TEST(io.read32(address(sys::descriptor_cost)) == 6u);
        std::uint32_t words[iface::k_memory_kinds * sys::memory_words];
        io.read_block(address(sys::memory), words, std::size(words));
        const std::uint32_t expected[] = {0, 1, 0, 2, 4,         256, 1000,   60, 32, 0,      0, 0, 0, 0,
                                          0, 0, 0, 1, 0x1000000, 0,   0x2000, 0,  2,  0x1000, 7, 5, 8};
        BOOST_TEST(words == expected, boost::test_tools::per_element());
        BOOST_TEST(io.read32(address(iface::engine_base(1) + reg::id)) == (4u | 1u << 16));
        push(io, 1, 3, false);
        sc_core::wait(10, sc_core::SC_NS);
        std::uint32_t counts[4];
        io.read_block(address(sys::semaphore), counts, 4);
        const std::uint32_t one[] = {0, 1, 0, 0};
        BOOST_TEST(counts == one, boost::test_tools::per_element());
    });
    run([&] { sc_core::wait(1, sc_core::SC_US); });
}

BOOST_AUTO_TEST_CASE(interrupt_wakes_after_its_cost) {
    core_bench b;
    std::uint64_t woken = 0;
    std::uint64_t again = 0;
    b.core.load([&](mmio& io) {
        io.write32(address(iface::engine_base(1) + reg::irq_enable), reg::irq_command); // 4 ns
        push(io, 1, 100, true);                                                         // 16 ns
        io.wait_irq();
        woken = sc_core::sc_time_stamp().value();
        BOOST_TEST(io.read32(address(sys::irq_pending)) == 2u);
        const std::uint64_t before = sc_core::sc_time_stamp().value();
        io.wait_irq(); // still high: at once
        again = sc_core::sc_time_stamp().value() - before;
        io.write32(address(iface::engine_base(1) + reg::irq_status), reg::irq_command);
    });
    run([&] { sc_core::wait(1, sc_core::SC_US); });
    BOOST_TEST(woken == 16'000u + 100'000u + 20 * 2000u);
    BOOST_TEST(again == 0u);
}

BOOST_AUTO_TEST_CASE(refused_accesses_are_exceptions_in_the_program) {
    core_bench b;
    int caught = 0;
    b.core.load([&](mmio& io) {
        const auto refused = [&](std::uint64_t where) {
            try {
                (void)io.read32(address(where));
            } catch (const bus_error& e) {
                BOOST_TEST(std::string(e.what()).find("0x") != std::string::npos);
                ++caught;
            }
        };
        refused(0x14);                      // a hole in the system window
        refused(sys::magic + 2);            // misaligned
        refused(iface::engine_base(2));     // no such engine
        refused(iface::engine_base(0) + 8); // a hole in an engine's window
        (void)io.read32(address(sys::magic));
    });
    run([&] { sc_core::wait(1, sc_core::SC_US); });
    BOOST_TEST(caught == 4);
    BOOST_TEST((b.core.failure() == nullptr));
}

BOOST_AUTO_TEST_CASE(exception_that_leaves_the_program_is_kept) {
    core_bench b;
    b.core.load([&](mmio& io) {
        (void)io.read32(address(sys::magic));
        throw std::runtime_error("firmware gives up");
    });
    run([&] { sc_core::wait(1, sc_core::SC_US); });
    BOOST_TEST(b.core.finished());
    BOOST_TEST(b.core.ended().value() == 4000u);
    BOOST_REQUIRE((b.core.failure() != nullptr));
    BOOST_CHECK_EXCEPTION(std::rethrow_exception(b.core.failure()), std::runtime_error,
                          [](const std::runtime_error& e) { return std::string(e.what()) == "firmware gives up"; });
}

BOOST_AUTO_TEST_SUITE_END()
