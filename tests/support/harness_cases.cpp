// Cases that mostly must fail: harness_test.cpp runs each in a process of its own and looks at the exit code.

#include "tests/support/sim_fixture.h"

#include <boost/test/unit_test.hpp>
#include <stdexcept>

using kpu::test::sim_fixture;
using sc_core::SC_NS;
using sc_core::sc_time;
using sc_core::wait;

BOOST_FIXTURE_TEST_CASE(passes, sim_fixture) {
    run([] { wait(10, SC_NS); });
    BOOST_TEST(sc_core::sc_time_stamp() == sc_time(10, SC_NS));
}

BOOST_FIXTURE_TEST_CASE(passes_again_in_the_same_process, sim_fixture) {
    run([] { wait(5, SC_NS); });
    BOOST_TEST(sc_core::sc_time_stamp() == sc_time(5, SC_NS));
}

BOOST_FIXTURE_TEST_CASE(body_not_run, sim_fixture) {}

BOOST_FIXTURE_TEST_CASE(body_cut_off, sim_fixture) {
    run([] { wait(10, SC_NS); }, sc_time(1, SC_NS));
}

BOOST_FIXTURE_TEST_CASE(body_starved, sim_fixture) {
    sc_core::sc_event never("never");
    run([&] { wait(never); });
}

BOOST_FIXTURE_TEST_CASE(check_after_wait, sim_fixture) {
    run([] {
        wait(10, SC_NS);
        BOOST_TEST(false);
    });
}

BOOST_FIXTURE_TEST_CASE(requirement_after_wait, sim_fixture) {
    run([] {
        wait(10, SC_NS);
        BOOST_TEST_REQUIRE(false);
    });
}

BOOST_FIXTURE_TEST_CASE(exception_in_process, sim_fixture) {
    run([] {
        wait(1, SC_NS);
        throw std::runtime_error("thrown by the body");
    });
}

BOOST_FIXTURE_TEST_CASE(warning, sim_fixture) {
    run([] { SC_REPORT_WARNING("/kpu/test/warning", "suspicious"); });
}

BOOST_FIXTURE_TEST_CASE(expected_warning, sim_fixture) {
    expect_report("/kpu/test/warning", 2);
    run([] {
        SC_REPORT_WARNING("/kpu/test/warning", "suspicious");
        SC_REPORT_WARNING("/kpu/test/warning", "suspicious");
    });
}

BOOST_FIXTURE_TEST_CASE(expected_warning_missing, sim_fixture) {
    expect_report("/kpu/test/warning");
    run([] {});
}

BOOST_FIXTURE_TEST_CASE(error, sim_fixture) {
    run([] { SC_REPORT_ERROR("/kpu/test/error", "wrong"); });
}

BOOST_FIXTURE_TEST_CASE(expected_error, sim_fixture) {
    expect_report("/kpu/test/error");
    run([] {
        try {
            SC_REPORT_ERROR("/kpu/test/error", "wrong");
        } catch (const sc_core::sc_report&) {
            wait(1, SC_NS);
        }
    });
}

BOOST_FIXTURE_TEST_CASE(fatal, sim_fixture) {
    run([] { SC_REPORT_FATAL("/kpu/test/fatal", "very wrong"); });
}
