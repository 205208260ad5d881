#include "tests/support/sim_fixture.h"

#include <boost/test/execution_monitor.hpp>
#include <boost/test/unit_test.hpp>

// The SystemC library refers to sc_main; simulations in tests are started by the fixture.
int sc_main(int, char**) {
    return 0;
}

namespace kpu::test {

namespace {

// SystemC's report handler is a plain function: this is how it finds the fixture of the running case.
sim_fixture* g_active = nullptr;

} // namespace

sim_fixture::sim_fixture() {
    sc_core::sc_report_handler::set_actions(sc_core::SC_FATAL, sc_core::SC_DISPLAY | sc_core::SC_THROW);
    sc_core::sc_report_handler::set_handler(&sim_fixture::handle);
    g_active = this;
}

sim_fixture::~sim_fixture() {
    if (!m_started)
        BOOST_ERROR("the case ended without run()");
    for (const auto& [type, count] : m_expected)
        if (count.seen != count.expected)
            BOOST_ERROR("expected " << count.expected << " reports of " << type << ", saw " << count.seen);
    g_active = nullptr;
    sc_core::sc_report_handler::set_handler(nullptr);
}

void sim_fixture::expect_report(const std::string& type, std::size_t times) {
    m_expected[type].expected += times;
}

void sim_fixture::handle(const sc_core::sc_report& report, const sc_core::sc_actions& actions) {
    const auto expected = g_active->m_expected.find(report.get_msg_type());
    const bool known = expected != g_active->m_expected.end();
    if (known)
        ++expected->second.seen;
    else if (report.get_severity() == sc_core::SC_INFO)
        BOOST_TEST_MESSAGE(report.get_msg_type() << ": " << report.get_msg());
    else
        BOOST_ERROR("SystemC report " << report.get_msg_type() << ": " << report.get_msg() << " (process "
                                      << (report.get_process_name() ? report.get_process_name() : "none") << " at "
                                      << report.get_time() << ')');
    if ((actions & sc_core::SC_THROW) != 0)
        throw report;
}

void sim_fixture::guard(const std::function<void()>& body) {
    // Exceptions end here, on the process's own stack: AddressSanitizer cannot follow them out of sc_start.
    try {
        body();
        m_finished = true;
        return;
    } catch (const sc_core::sc_unwind_exception&) {
        throw;
    } catch (const std::exception& e) {
        BOOST_ERROR("exception in the test body: " << e.what());
    } catch (const boost::execution_aborted&) {
        BOOST_TEST_MESSAGE("a required check failed in the test body");
    } catch (...) {
        BOOST_ERROR("unknown exception in the test body");
    }
    sc_core::sc_stop();
}

void sim_fixture::run(std::function<void()> body, const sc_core::sc_time& limit) {
    if (m_started) {
        BOOST_ERROR("run() called twice");
        return;
    }
    m_started = true;
    sc_core::sc_spawn([this, body = std::move(body)] { guard(body); }, "test_body");
    sc_core::sc_start(limit, sc_core::SC_EXIT_ON_STARVATION);
    if (!m_finished)
        BOOST_ERROR("the test body did not finish: simulation ended at " << sc_core::sc_time_stamp());
}

} // namespace kpu::test
