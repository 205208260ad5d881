#pragma once
// Boost.Test fixture for cases that simulate: a fresh simulation context, a body that runs in an SC_THREAD, and failure
// whenever that body was not reached or did not finish. SystemC warnings and errors fail the case unless it expects
// them.

#include "tests/support/fresh_context.h"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <systemc>

namespace kpu::test {

/// Use as `BOOST_FIXTURE_TEST_CASE(name, kpu::test::sim_fixture) { modules…; run([&] { …; wait(t); … }); }`. Modules
/// are locals of the case: they are built in the fixture's context and destroyed before it.
class sim_fixture {
  public:
    sim_fixture();
    ~sim_fixture();
    sim_fixture(const sim_fixture&) = delete;
    sim_fixture& operator=(const sim_fixture&) = delete;

    /// Elaborates, runs `body` as the SC_THREAD "test_body" and simulates until nothing is left to do or `limit` has
    /// passed. At most once per case. Fails the case if the body did not return by then.
    void run(std::function<void()> body, const sc_core::sc_time& limit = sc_core::sc_max_time());

    /// A report of this message type is part of the test: `times` of them, no more and no fewer. Warnings and infos are
    /// swallowed, errors still unwind the process that reports them.
    void expect_report(const std::string& type, std::size_t times = 1);

  private:
    void guard(const std::function<void()>& body);
    struct expectation {
        std::size_t expected = 0;
        std::size_t seen = 0;
    };
    static void handle(const sc_core::sc_report& report, const sc_core::sc_actions& actions);

    fresh_context m_context;
    std::map<std::string, expectation> m_expected;
    bool m_started = false;
    bool m_finished = false;
};

} // namespace kpu::test
