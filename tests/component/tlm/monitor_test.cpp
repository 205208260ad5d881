// The protocol monitor: every rule broken once and kept once.

#include "tests/component/tlm/monitor_bench.h"

using namespace kpu;
using kpu::test::sim_fixture;
using kpu::test::test_initiator;
using kpu::test::test_target;
using sc_core::SC_NS;
using sc_core::sc_time;
using tlm::tlm_generic_payload;

BOOST_FIXTURE_TEST_SUITE(monitor, kpu::test::monitor_bench)

BOOST_AUTO_TEST_CASE(good_traffic_breaks_no_rule) {
    target.transport = [](tlm_generic_payload& p, sc_time& delay) {
        if (p.is_read())
            p.get_data_ptr()[0] = 1;
        p.set_response_status(p.get_address() == 1 ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_OK_RESPONSE);
        delay += sc_time(1, SC_NS);
    };
    run([&] {
        send();
        well_formed();
        payload.set_command(tlm::TLM_READ_COMMAND);
        payload.set_address(1);
        send(sc_time(3, SC_NS));
        well_formed();
        payload.set_byte_enable_ptr(enables.data());
        payload.set_byte_enable_length(k_enables);
        send();
        well_formed();
        payload.set_command(tlm::TLM_IGNORE_COMMAND);
        payload.set_data_ptr(nullptr);
        payload.set_data_length(0);
        send();
        well_formed();
        send_debug();
        std::vector<unsigned char> more(100);
        source.read(2, more);
        source.write(2, more);
    });
    expect_none();
    BOOST_TEST(monitor.passed().reads == 2u);
    BOOST_TEST(monitor.passed().writes == 3u);
    BOOST_TEST(monitor.passed().ignores == 1u);
    BOOST_TEST(monitor.passed().errors == 1u);
    BOOST_TEST(monitor.passed().debugs == 1u);
    BOOST_TEST(monitor.passed().read_bytes == 100u);
    BOOST_TEST(monitor.passed().write_bytes == 132u);
    BOOST_TEST(monitor.in_flight() == 0u);
}

BOOST_AUTO_TEST_CASE(R01_null_data_pointer) {
    payload.set_data_ptr(nullptr);
    run([&] { send(); });
    expect_only("/kpu/tlm/R01");
}
BOOST_AUTO_TEST_CASE(R02_zero_length) {
    payload.set_data_length(0);
    run([&] { send(); });
    expect_only("/kpu/tlm/R02");
}
BOOST_AUTO_TEST_CASE(R03_byte_enables_without_length) {
    payload.set_byte_enable_ptr(enables.data());
    run([&] { send(); });
    expect_only("/kpu/tlm/R03");
}
BOOST_AUTO_TEST_CASE(R04_zero_streaming_width) {
    payload.set_streaming_width(0);
    run([&] { send(); });
    expect_only("/kpu/tlm/R04");
}
BOOST_AUTO_TEST_CASE(R05_dmi_hint_left_over) {
    payload.set_dmi_allowed(true);
    run([&] { send(); });
    expect_only("/kpu/tlm/R05");
}
BOOST_AUTO_TEST_CASE(R06_status_left_over) {
    run([&] {
        send();
        send();
    });
    expect_only("/kpu/tlm/R06");
}
BOOST_AUTO_TEST_CASE(R07_full_payload_in_transport) {
    payload.set_gp_option(tlm::TLM_FULL_PAYLOAD);
    run([&] { send(); });
    expect_only("/kpu/tlm/R07");
}

namespace {
struct idle_manager : tlm::tlm_mm_interface {
    void free(tlm_generic_payload*) override {}
};
} // namespace

BOOST_AUTO_TEST_CASE(R09_managed_payload_that_nobody_holds) {
    idle_manager manager;
    payload.set_mm(&manager);
    run([&] {
        send();
        well_formed();
        payload.acquire();
        send();
        payload.release();
    });
    expect_only("/kpu/tlm/R09");
    payload.set_mm(nullptr);
}
BOOST_AUTO_TEST_CASE(R13_target_edits_the_length) {
    target.transport = [](tlm_generic_payload& p, sc_time&) {
        p.set_data_length(8);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] { send(); });
    expect_only("/kpu/tlm/R13");
}
BOOST_AUTO_TEST_CASE(R13_target_edits_the_command) {
    target.transport = [](tlm_generic_payload& p, sc_time&) {
        p.set_command(tlm::TLM_READ_COMMAND);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] { send(); });
    expect_only("/kpu/tlm/R13");
}
BOOST_AUTO_TEST_CASE(R13_target_moves_the_data_pointer) {
    target.transport = [](tlm_generic_payload& p, sc_time&) {
        p.set_data_ptr(p.get_data_ptr() + 1);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] { send(); });
    expect_only("/kpu/tlm/R13");
}
BOOST_AUTO_TEST_CASE(R14_target_writes_into_write_data) {
    target.transport = [](tlm_generic_payload& p, sc_time&) {
        p.get_data_ptr()[15] ^= 1;
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] {
        send();
        well_formed();
        payload.set_command(tlm::TLM_READ_COMMAND); // where it may
        send();
    });
    expect_only("/kpu/tlm/R14");
}
BOOST_AUTO_TEST_CASE(R14_target_writes_into_byte_enables) {
    target.transport = [this](tlm_generic_payload& p, sc_time&) {
        enables[1] = 0xff;
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    payload.set_byte_enable_ptr(enables.data());
    payload.set_byte_enable_length(k_enables);
    run([&] { send(); });
    expect_only("/kpu/tlm/R14");
}
BOOST_AUTO_TEST_CASE(R25_debug_without_a_pointer) {
    payload.set_data_ptr(nullptr);
    payload.set_command(tlm::TLM_READ_COMMAND);
    run([&] { send_debug(); });
    expect_only("/kpu/tlm/R25");
}
BOOST_AUTO_TEST_CASE(R26_debug_moves_too_much) {
    target.debug = [](tlm_generic_payload& p) { return p.get_data_length() + 1; };
    run([&] { send_debug(); });
    expect_only("/kpu/tlm/R26");
}
BOOST_AUTO_TEST_CASE(R27_full_payload_debug_not_initialised) {
    payload.set_gp_option(tlm::TLM_FULL_PAYLOAD);
    run([&] {
        send_debug();
        payload.set_dmi_allowed(true);
        send_debug();
    });
    expect_only("/kpu/tlm/R27");
}
BOOST_AUTO_TEST_CASE(R28_debug_arrives_accepted) {
    payload.set_gp_option(tlm::TLM_FULL_PAYLOAD_ACCEPTED);
    run([&] { send_debug(); });
    expect_only("/kpu/tlm/R28");
}
BOOST_AUTO_TEST_CASE(R31_target_forgets_the_response) {
    target.transport = [](tlm_generic_payload&, sc_time&) {};
    run([&] { send(); });
    expect_only("/kpu/tlm/R31");
}
BOOST_AUTO_TEST_CASE(R35_half_a_byte_enable) {
    enables[0] = 0x0f;
    payload.set_byte_enable_ptr(enables.data());
    payload.set_byte_enable_length(k_enables);
    run([&] { send(); });
    expect_only("/kpu/tlm/R35");
}
BOOST_AUTO_TEST_CASE(R37_debug_takes_time) {
    target.debug = [](tlm_generic_payload& p) {
        sc_core::wait(1, SC_NS);
        return p.get_data_length();
    };
    run([&] { send_debug(); });
    expect_only("/kpu/tlm/R37");
}
BOOST_AUTO_TEST_CASE(R41_target_shrinks_the_delay) {
    target.transport = [](tlm_generic_payload& p, sc_time& delay) {
        delay -= sc_time(1, sc_core::SC_PS);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] { send(sc_time(5, SC_NS)); });
    expect_only("/kpu/tlm/R41");
}
BOOST_AUTO_TEST_CASE(R41_waiting_targets_may_use_the_delay_up) {
    target.transport = [](tlm_generic_payload& p, sc_time& delay) {
        sc_core::wait(delay);
        delay = sc_core::SC_ZERO_TIME;
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] { send(sc_time(5, SC_NS)); });
    expect_none();
}

namespace {

template <class Spoil>
auto flow_target(Spoil spoil) {
    return [spoil](tlm_generic_payload& p, sc_time& delay) {
        p.set_response_status(tlm::TLM_OK_RESPONSE);
        delay = sc_time(10, SC_NS);
        spoil(p, *p.get_extension<hw::flow>());
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(flow_loan_that_nobody_asked_for) {
    target.transport = flow_target([this](tlm_generic_payload&, hw::flow& f) { f.loan = data.data(); });
    run([&] {
        std::vector<unsigned char> into(4);
        source.read(0, into);
    });
    expect_only("/kpu/tlm/loan");
}
BOOST_AUTO_TEST_CASE(flow_loan_that_was_asked_for) {
    target.transport = flow_target([this](tlm_generic_payload&, hw::flow& f) { f.loan = data.data(); });
    run([&] {
        std::vector<unsigned char> into(4);
        const unsigned char* got = nullptr;
        sc_time delay;
        BOOST_TEST((source.access.read_loan(address(0), bytes(4), into.data(), got, delay) == tlm::TLM_OK_RESPONSE));
        BOOST_TEST(got == data.data());
    });
    expect_none();
}
BOOST_AUTO_TEST_CASE(flow_first_after_last) {
    target.transport = flow_target([](tlm_generic_payload&, hw::flow& f) { f.first = sc_time(11, SC_NS); });
    run([&] {
        std::vector<unsigned char> into(4);
        source.read(0, into);
    });
    expect_only("/kpu/tlm/first");
}
BOOST_AUTO_TEST_CASE(origin_that_is_changed) {
    target.transport = [](tlm_generic_payload& p, sc_time&) {
        p.get_extension<hw::origin>()->command = 9;
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] {
        source.access.act_for({engine_id(3), 4, 5});
        std::vector<unsigned char> into(4);
        source.read(0, into);
    });
    expect_only("/kpu/tlm/origin");
}
BOOST_AUTO_TEST_CASE(rules_can_be_switched_off_and_violations_are_told_at_once) {
    std::vector<std::string> told;
    monitor.on_violation([&](const hw::protocol_violation& v) { told.push_back(v.rule); });
    monitor.disable("/kpu/tlm/R04");
    payload.set_streaming_width(0);
    payload.set_dmi_allowed(true);
    run([&] { send(); });
    expect_only("/kpu/tlm/R05");
    BOOST_TEST(told == std::vector<std::string>{"/kpu/tlm/R05"});
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

/// Calls b_transport from an SC_METHOD.
SC_MODULE(method_initiator) {
    tlm_utils::simple_initiator_socket<method_initiator> socket_i;
    hw::initiator access;
    std::array<unsigned char, 4> data{};
    SC_CTOR(method_initiator) : socket_i("socket_i"), access(socket_i) {
        SC_METHOD(act);
    }
    void act() {
        sc_time delay;
        (void)access.write(address(0), bytes(4), data.data(), delay);
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(R24_called_from_a_method, sim_fixture) {
    method_initiator source("source");
    hw::protocol_monitor monitor("monitor");
    test_target target("target");
    source.socket_i.bind(monitor.up_t);
    monitor.down_i.bind(target.socket_t);
    run([] {});
    BOOST_TEST_REQUIRE(monitor.violations().size() == 1u);
    BOOST_TEST(monitor.violations()[0].rule == "/kpu/tlm/R24");
}
