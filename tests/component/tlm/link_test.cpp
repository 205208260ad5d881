// The initiator's end of a link, and the stall injector.

#include "hw/tlm/stall_injector.h"
#include "tests/component/tlm/monitor_bench.h"

using namespace kpu;
using kpu::test::sim_fixture;
using kpu::test::test_initiator;
using kpu::test::test_target;
using sc_core::SC_NS;
using sc_core::sc_time;
using tlm::tlm_generic_payload;

BOOST_AUTO_TEST_SUITE(initiator)

BOOST_FIXTURE_TEST_CASE(payloads_are_complete_and_reused, kpu::test::monitor_bench) {
    std::vector<const tlm_generic_payload*> seen;
    target.transport = [&](tlm_generic_payload& p, sc_time& delay) {
        seen.push_back(&p);
        const hw::origin& by = *p.get_extension<hw::origin>();
        BOOST_TEST(by.engine.value() == 7);
        BOOST_TEST(by.command == 8u);
        BOOST_TEST(by.tag == 9u);
        BOOST_TEST(p.get_address() == 0x40u);
        delay += sc_time(2, SC_NS);
        p.get_extension<hw::flow>()->first = sc_time(1, SC_NS);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    source.access.act_for({engine_id(7), 8, 9});
    run([&] {
        std::vector<unsigned char> buffer(8);
        BOOST_TEST(source.read(0x40, buffer) == 2000u);
        BOOST_TEST(source.first() == 1000u);
        BOOST_TEST(source.write(0x40, buffer, 500) == 2500u);
    });
    BOOST_TEST(seen.size() == 2u);
    BOOST_TEST(seen[0] == seen[1]);
    expect_none();
}

BOOST_FIXTURE_TEST_CASE(targets_without_flow_deliver_at_the_end, kpu::test::monitor_bench) {
    target.transport = [&](tlm_generic_payload& p, sc_time& delay) {
        delay += sc_time(2, SC_NS);
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] {
        std::vector<unsigned char> buffer(8);
        BOOST_TEST(source.read(0, buffer) == 2000u);
        BOOST_TEST(source.first() == 2000u);
    });
}

BOOST_FIXTURE_TEST_CASE(errors_reach_the_caller, kpu::test::monitor_bench) {
    target.transport = [&](tlm_generic_payload& p, sc_time&) { p.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE); };
    run([&] {
        std::vector<unsigned char> buffer(8);
        source.read(0, buffer);
        BOOST_TEST((source.status == tlm::TLM_BURST_ERROR_RESPONSE));
    });
    BOOST_TEST(hw::name_of(tlm::TLM_BURST_ERROR_RESPONSE) == std::string("burst error"));
}

BOOST_FIXTURE_TEST_CASE(debug_accesses_return_the_count, kpu::test::monitor_bench) {
    target.debug = [](tlm_generic_payload& p) { return p.is_read() ? 3u : 2u; };
    run([&] {
        std::array<unsigned char, 8> buffer{};
        BOOST_TEST(source.access.debug_read(address(0), bytes(8), buffer.data()).value() == 3u);
        BOOST_TEST(source.access.debug_write(address(0), bytes(8), buffer.data()).value() == 2u);
    });
    expect_none();
}

BOOST_AUTO_TEST_CASE(extensions_clone_and_copy) {
    hw::origin by;
    by.engine = engine_id(1);
    by.command = 2;
    by.tag = 3;
    tlm::tlm_extension_base* copy = by.clone();
    hw::origin other;
    other.copy_from(*copy);
    copy->free();
    BOOST_TEST((other.engine == by.engine && other.command == 2u && other.tag == 3u));
    hw::flow timing;
    timing.first = sc_time(5, SC_NS);
    timing.accept_loan = true;
    copy = timing.clone();
    hw::flow same;
    same.copy_from(*copy);
    copy->free();
    BOOST_TEST((same.first == timing.first && same.accept_loan && same.loan == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stalls)

namespace {

/// The delays of 200 transactions of 10 ns through an injector.
struct stalled_run : sim_fixture {
    std::vector<std::uint64_t> delays;
    std::uint64_t stalls = 0;
    sc_time stalled;
    void go(const hw::stall_params& params) {
        test_initiator source("source");
        hw::stall_injector injector("injector", params);
        hw::protocol_monitor monitor("monitor");
        test_target target("target");
        source.socket_i.bind(monitor.up_t);
        monitor.down_i.bind(injector.up_t);
        injector.down_i.bind(target.socket_t);
        target.transport = [](tlm_generic_payload& p, sc_time& delay) {
            delay += sc_time(10, SC_NS);
            p.get_extension<hw::flow>()->first = sc_time(4, SC_NS);
            p.set_response_status(tlm::TLM_OK_RESPONSE);
        };
        run([&] {
            std::vector<unsigned char> data(4);
            for (int i = 0; i < 200; ++i) {
                delays.push_back(source.read(0, data));
                BOOST_TEST(source.first() == delays.back() - 6000);
            }
        });
        BOOST_TEST(monitor.violations().empty());
        stalls = injector.stalls();
        stalled = injector.stalled();
    }
};

std::vector<std::uint64_t> delays_with(const hw::stall_params& params) {
    stalled_run once;
    once.go(params);
    return once.delays;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(some_transactions_take_longer, stalled_run) {
    go({42, 250, sc_time(100, SC_NS)});
    std::uint64_t longer = 0;
    std::uint64_t sum = 0;
    for (const std::uint64_t d : delays) {
        BOOST_TEST(d >= 10'000u);
        BOOST_TEST(d <= 110'000u);
        longer += d > 10'000 ? 1 : 0;
        sum += d - 10'000;
    }
    BOOST_TEST(longer == stalls);
    BOOST_TEST(sum == stalled.value());
    BOOST_TEST(longer > 20u);
    BOOST_TEST(longer < 90u);
}

BOOST_AUTO_TEST_CASE(the_seed_decides) {
    const hw::stall_params params{7, 500, sc_time(50, SC_NS)};
    const auto once = delays_with(params);
    BOOST_TEST(once == delays_with(params), boost::test_tools::per_element());
    BOOST_TEST((once != delays_with({8, 500, sc_time(50, SC_NS)})));
}

BOOST_FIXTURE_TEST_CASE(none_where_none_are_asked_for, stalled_run) {
    go({1, 0, sc_time(100, SC_NS)});
    BOOST_TEST(stalls == 0u);
    BOOST_TEST(delays.back() == 10'000u);
}

BOOST_AUTO_TEST_SUITE_END()
