#include "hw/interconnect/control_bus.h"
#include "hw/registers/register_file.h"
#include "hw/tlm/protocol_monitor.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <boost/test/unit_test.hpp>
#include <cstring>

using namespace kpu;
using kpu::test::sim_fixture;
using kpu::test::test_initiator;
using kpu::test::test_target;
using sc_core::sc_time;

namespace {

/// System window and three engines behind the bus, each a target that answers with a register file.
struct bench : sim_fixture {
    test_initiator core{"core"};
    test_initiator host{"host"};
    hw::protocol_monitor monitor{"monitor"};
    hw::control_bus bus{"bus", 3};
    hw::register_file system_file{iface::k_system_registers, iface::system_reg::window};
    std::vector<std::unique_ptr<hw::register_file>> engine_files;
    std::vector<std::unique_ptr<test_target>> targets;

    bench() {
        core.socket_i.bind(monitor.up_t);
        monitor.down_i.bind(bus.from_t);
        host.socket_i.bind(bus.from_t);
        bus.system_i.bind(attach(system_file).socket_t);
        for (std::uint32_t e = 0; e < 3; ++e) {
            engine_files.push_back(
                std::make_unique<hw::register_file>(iface::k_engine_registers, iface::k_engine_window));
            engine_files.back()->set_field(iface::engine_reg::id, "engine", e);
            bus.engine_i[e].bind(attach(*engine_files.back()).socket_t);
        }
    }
    ~bench() { BOOST_TEST(monitor.violations().empty()); }
    test_target& attach(hw::register_file& file) {
        targets.push_back(std::make_unique<test_target>(("target" + std::to_string(targets.size())).c_str()));
        targets.back()->transport = [&file](tlm::tlm_generic_payload& p, sc_time& d) { file.b_transport(p, d); };
        targets.back()->debug = [&file](tlm::tlm_generic_payload& p) { return file.transport_dbg(p); };
        return *targets.back();
    }
    static std::uint32_t word(const std::vector<unsigned char>& raw) {
        std::uint32_t value = 0;
        std::memcpy(&value, raw.data(), 4);
        return value;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(control_bus, bench)

BOOST_AUTO_TEST_CASE(each_window_is_reached_at_its_address) {
    run([&] {
        std::vector<unsigned char> raw(4);
        BOOST_TEST(core.read(iface::system_reg::magic, raw) == 0u);
        BOOST_TEST(word(raw) == iface::k_system_magic);
        for (std::uint32_t e = 0; e < 3; ++e) {
            core.read(iface::engine_base(e) + iface::engine_reg::id, raw);
            BOOST_TEST(word(raw) >> 16 == e);
        }
        host.write(iface::engine_base(1) + iface::engine_reg::irq_watermark, {5, 0, 0, 0});
    });
    BOOST_TEST(engine_files[1]->get(iface::engine_reg::irq_watermark) == 5u);
    BOOST_TEST(engine_files[0]->get(iface::engine_reg::irq_watermark) == 0u);
    BOOST_TEST(bus.accesses() == 5u);
}

BOOST_AUTO_TEST_CASE(a_descriptor_and_its_doorbell_are_one_burst) {
    std::uint32_t pushes = 0;
    engine_files[2]->on_write(iface::engine_reg::doorbell, [&](const hw::register_write& w) { pushes += w.pulses; });
    run([&] {
        std::vector<unsigned char> burst(4 * (iface::k_descriptor_words + 1), 1);
        core.write(iface::engine_base(2) + iface::engine_reg::descriptor, burst);
        BOOST_TEST((core.status == tlm::TLM_OK_RESPONSE));
    });
    BOOST_TEST(pushes == 1u);
    BOOST_TEST(engine_files[2]->get(iface::engine_reg::descriptor, 31) == 0x01010101u);
}

BOOST_AUTO_TEST_CASE(addresses_without_a_window_are_refused) {
    run([&] {
        std::vector<unsigned char> raw(4);
        std::vector<unsigned char> two(8);
        core.read(iface::engine_base(3), raw);
        BOOST_TEST((core.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        core.read(~std::uint64_t{3}, raw);
        BOOST_TEST((core.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        core.write(iface::engine_base(0) - 4, two); // from the system window into an engine's
        BOOST_TEST((core.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        core.write(iface::engine_base(1) - 4, two);
        BOOST_TEST((core.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        BOOST_TEST(core.access.debug_read(address(iface::engine_base(3)), bytes(4), raw.data()).value() == 0u);
    });
    BOOST_TEST(bus.refused() == 4u);
    BOOST_TEST(bus.accesses() == 0u);
    for (const auto& t : targets)
        BOOST_TEST(t->calls == 0u);
}

BOOST_AUTO_TEST_CASE(refusals_by_the_block_come_back) {
    run([&] {
        std::vector<unsigned char> raw(4);
        std::vector<unsigned char> half(2);
        core.read(iface::engine_base(0) + 0x00c, raw);
        BOOST_TEST((core.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        core.read(iface::engine_base(0), half);
        BOOST_TEST((core.status == tlm::TLM_BURST_ERROR_RESPONSE));
    });
}

BOOST_AUTO_TEST_CASE(debug_reads_pass) {
    run([&] {
        std::vector<unsigned char> raw(4);
        BOOST_TEST(core.access.debug_read(address(iface::system_reg::magic), bytes(4), raw.data()).value() == 4u);
        BOOST_TEST(word(raw) == iface::k_system_magic);
    });
}

BOOST_AUTO_TEST_SUITE_END()
