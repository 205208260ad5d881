#pragma once
// Initiator, monitor, target on one link, for the tests of this folder.

#include "hw/tlm/protocol_monitor.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <array>
#include <boost/test/unit_test.hpp>

namespace kpu::test {

/// A well-formed payload that a test spoils.
struct monitor_bench : sim_fixture {
    test_initiator source{"source"};
    hw::protocol_monitor monitor{"monitor"};
    test_target target{"target"};
    tlm::tlm_generic_payload payload;
    static constexpr unsigned int k_length = 16;
    static constexpr unsigned int k_enables = 2;
    std::array<unsigned char, k_length> data{};
    std::array<unsigned char, k_enables> enables{0xff, 0x00};

    monitor_bench() {
        source.socket_i.bind(monitor.up_t);
        monitor.down_i.bind(target.socket_t);
        well_formed();
    }
    void well_formed() {
        payload.set_command(tlm::TLM_WRITE_COMMAND);
        payload.set_address(0x100);
        payload.set_data_ptr(data.data());
        payload.set_data_length(k_length);
        payload.set_streaming_width(k_length);
        payload.set_byte_enable_ptr(nullptr);
        payload.set_byte_enable_length(0);
        payload.set_dmi_allowed(false);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    }
    sc_core::sc_time send(sc_core::sc_time delay = sc_core::SC_ZERO_TIME) {
        source.socket_i->b_transport(payload, delay);
        return delay;
    }
    unsigned int send_debug() { return source.socket_i->transport_dbg(payload); }

    /// The transaction breaks exactly this rule; the same without the fault breaks none.
    void expect_only(const char* rule) {
        BOOST_TEST_REQUIRE(monitor.violations().size() == 1u);
        BOOST_TEST(monitor.violations()[0].rule == rule);
        BOOST_TEST(monitor.violations()[0].message.find("monitor") == 0u);
    }
    void expect_none() { BOOST_TEST(monitor.violations().empty()); }
};

} // namespace kpu::test
