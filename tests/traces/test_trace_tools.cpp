#include "platforms/common/files.h"
#include "tests/support/process.h"
#include "tests/traces/run_example.h"
#include "traces/chrome_writer.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using kpu::test::process_result;
using kpu::test::run_process;

namespace {

const std::string k_analyzer = KPU_BIN_DIR "/kpu-trace-analyzer";
const std::string k_profiler = KPU_BIN_DIR "/kpu-profiler";

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct bench {
    kpu::test::temp_directory dir;
    std::string stats(const std::string& name, const trace::run_statistics& run) const {
        write_file(dir.file(name), to_json(run));
        return dir.file(name);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(tools, bench)

BOOST_AUTO_TEST_CASE(analyzer_prints_tracks) {
    trace::chrome_writer out(dir.file("t.json"), {"kpu-loader", "", "matmul", ""});
    const trace::track_id t = out.add_track("engines", "dma0", 0);
    out.add(trace::span{t, "copy", "execute", picoseconds(0), picoseconds(500), {}});
    out.add(trace::span{t, "copy", "execute", picoseconds(1500), picoseconds(2000), {}});
    out.finish();
    const process_result r = run_process({k_analyzer, dir.file("t.json")});
    BOOST_TEST(r.exit_code == 0);
    BOOST_TEST(r.err == "");
    BOOST_TEST(contains(r.out, "dma0"), r.out);
    BOOST_TEST(contains(r.out, "50.0%"), r.out);
    BOOST_TEST(contains(r.out, "gap [0.000500, 0.001500)"), r.out);
    BOOST_TEST(!contains(run_process({k_analyzer, "--gaps", "0", dir.file("t.json")}).out, "gap ["));
}

BOOST_AUTO_TEST_CASE(analyzer_refuses_bad_input) {
    write_file(dir.file("bad.json"), "{\"traceEvents\":[3]}");
    const process_result r = run_process({k_analyzer, dir.file("bad.json")});
    BOOST_TEST(r.exit_code == 2);
    BOOST_TEST(r.out == "");
    BOOST_TEST(contains(r.err, "bad.json"), r.err);
    BOOST_TEST(run_process({k_analyzer, dir.file("missing.json")}).exit_code == 2);
    BOOST_TEST(run_process({k_analyzer}).exit_code == 2);
    BOOST_TEST(run_process({k_analyzer, "--nonsense", "x"}).exit_code == 2);
    BOOST_TEST(run_process({k_analyzer, "--help"}).exit_code == 0);
    BOOST_TEST(run_process({k_analyzer, "--version"}).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(profiler_prints_and_compares) {
    const std::string first = stats("a.json", trace::test::example());
    trace::run_statistics changed = trace::test::example();
    changed.dram.read_bytes = 9000;
    const std::string second = stats("b.json", changed);
    const process_result profile = run_process({k_profiler, first});
    BOOST_TEST(profile.exit_code == 0);
    BOOST_TEST(profile.out == to_profile(trace::test::example()));
    BOOST_TEST(run_process({k_profiler, "--summary", first}).out == to_table(trace::test::example()));
    const process_result compared = run_process({k_profiler, first, second});
    BOOST_TEST(compared.exit_code == 0);
    BOOST_TEST(contains(compared.out, "+50.0%"), compared.out);
}

BOOST_AUTO_TEST_CASE(profiler_refuses_bad_input) {
    trace::run_statistics odd = trace::test::example();
    odd.engines[0].idle += 1;
    const process_result r = run_process({k_profiler, stats("odd.json", odd)});
    BOOST_TEST(r.exit_code == 2);
    BOOST_TEST(contains(r.err, "dma0: busy"), r.err);
    write_file(dir.file("bad.json"), "{}");
    BOOST_TEST(run_process({k_profiler, dir.file("bad.json")}).exit_code == 2);
    BOOST_TEST(run_process({k_profiler, dir.file("missing.json")}).exit_code == 2);
    BOOST_TEST(run_process({k_profiler}).exit_code == 2);
    BOOST_TEST(run_process({k_profiler, "a", "b", "c"}).exit_code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
