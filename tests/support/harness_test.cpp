// The harness itself: a case that did not reach its checks, or whose simulation reported something, must not pass.

#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

using kpu::test::process_result;
using kpu::test::run_process;

namespace {

process_result run_case(const std::string& name) {
    return run_process({KPU_HARNESS_CASES, "--run_test=" + name, "--log_level=test_suite"});
}

void must_fail(const std::string& name, const std::string& saying) {
    const process_result result = run_case(name);
    BOOST_TEST(result.exit_code == 201, name << " ended with " << result.exit_code << '\n' << result.out << result.err);
    BOOST_TEST((result.out + result.err).find(saying) != std::string::npos, name << " said\n"
                                                                                 << result.out << result.err);
}

void must_pass(const std::string& name) {
    const process_result result = run_case(name);
    BOOST_TEST(result.exit_code == 0, name << " ended with " << result.exit_code << '\n' << result.out << result.err);
}

} // namespace

BOOST_AUTO_TEST_SUITE(harness)

BOOST_AUTO_TEST_CASE(good_cases_pass) {
    must_pass("passes");
    must_pass("expected_warning");
    must_pass("expected_error");
}

BOOST_AUTO_TEST_CASE(two_simulations_in_one_process) {
    must_pass("passes,passes_again_in_the_same_process");
}

BOOST_AUTO_TEST_CASE(body_that_was_not_finished_fails) {
    must_fail("body_not_run", "without run()");
    must_fail("body_cut_off", "did not finish");
    must_fail("body_starved", "did not finish");
}

BOOST_AUTO_TEST_CASE(failures_inside_processes_fail) {
    must_fail("check_after_wait", "check false has failed");
    must_fail("requirement_after_wait", "check false has failed");
    must_fail("exception_in_process", "thrown by the body");
}

BOOST_AUTO_TEST_CASE(reports_fail) {
    must_fail("warning", "/kpu/test/warning: suspicious");
    must_fail("expected_warning_missing", "expected 1 reports");
    must_fail("error", "/kpu/test/error: wrong");
    must_fail("fatal", "/kpu/test/fatal: very wrong");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(both_streams_and_the_exit_code_are_kept) {
    const process_result result = run_process({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
    BOOST_TEST(result.exit_code == 3);
    BOOST_TEST(result.out == "out\n");
    BOOST_TEST(result.err == "err\n");
}

BOOST_AUTO_TEST_CASE(arguments_are_not_interpreted) {
    BOOST_TEST(run_process({"/bin/echo", "a b", "$HOME", "*"}).out == "a b $HOME *\n");
}

BOOST_AUTO_TEST_CASE(output_larger_than_a_pipe_holds) {
    const process_result result =
        run_process({"/bin/sh", "-c", "head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero"});
    BOOST_TEST(result.out.size() == 200000u);
    BOOST_TEST(result.err.size() == 300000u);
}

BOOST_AUTO_TEST_CASE(signals_and_missing_programs_are_told_apart) {
    BOOST_TEST(run_process({"/bin/sh", "-c", "kill -9 $$"}).exit_code == 128 + 9);
    BOOST_CHECK_THROW((void)run_process({"/no/such/program"}), std::runtime_error);
    BOOST_CHECK_THROW((void)run_process({}), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(temp_directories_come_and_go) {
    std::string path;
    {
        const kpu::test::temp_directory directory;
        path = directory.path();
        std::ofstream(directory.file("x")) << "content";
        BOOST_TEST(run_process({"/bin/cat", "x"}, path).out == "content");
    }
    BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_AUTO_TEST_SUITE_END()
