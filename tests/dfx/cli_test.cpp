// kpu-kernel-compiler as a user runs it.

#include "compiler/dfg/workloads.h"
#include "compiler/dfg/writer.h"
#include "compiler/object/object.h"
#include "compiler/tensor/npz.h"
#include "platforms/common/files.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/programs.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

using namespace kpu;

namespace {

const std::string k_tool = std::string(KPU_BIN_DIR) + "/kpu-kernel-compiler";

test::process_result run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), k_tool);
    return test::run_process(arguments);
}

/// A directory with one graph in it.
struct workspace {
    workspace() { write_file(graph(), test::small_graph()); }
    [[nodiscard]] std::string graph() const { return m_directory.file("g.dfg"); }
    [[nodiscard]] std::string output() const { return m_directory.file("g.kpu"); }
    [[nodiscard]] bool has_output() const { return std::filesystem::exists(output()); }
    test::temp_directory m_directory;
};

void check_bad(const test::process_result& r, const std::string& part) {
    BOOST_TEST(r.exit_code == 2);
    BOOST_TEST(r.err.find(part) != std::string::npos, r.err);
}

} // namespace

BOOST_AUTO_TEST_CASE(compiles_in_both_formats) {
    const workspace w;
    for (const std::string format : {"json", "binary"}) {
        const auto r = run({w.graph(), "-o", w.output(), "--format", format, "--verbose"});
        BOOST_TEST(r.exit_code == 0, r.err);
        BOOST_TEST(r.out == "");
        BOOST_TEST(r.err.find("kernel C: tiles 4x4x16 (analytical") != std::string::npos, r.err);
        BOOST_TEST(r.err.find("kernel C: output_stationary; array cycles") != std::string::npos, r.err);
        const std::string bytes = read_file(w.output());
        BOOST_TEST((bytes.substr(0, 3) == "KPU") == (format == "binary"));
        const dfx::program p = object::read_program(w.output());
        BOOST_TEST(p.kernels.size() == 1U);
        BOOST_TEST(p.compiler.find("kpu-kernel-compiler ") == 0U);
    }
}

BOOST_AUTO_TEST_CASE(options_reach_the_program) {
    const workspace w;
    const auto r =
        run({w.graph(), "--output", w.output(), "--dataflow", "weight-stationary", "--tile-strategy", "fixed:2,3,5"});
    BOOST_TEST(r.exit_code == 0, r.err);
    const dfx::program p = object::read_program(w.output());
    BOOST_TEST((p.kernels[0].flow == dfx::dataflow::weight_stationary));
    BOOST_TEST((p.kernels[0].tiles == dfx::tile_policy::required));
    BOOST_TEST(run({w.graph(), "-o", w.output(), "--tile-strategy", "search"}).exit_code == 0);
    BOOST_TEST(run({w.graph(), "-o", w.output(), "--dataflow", "weight-stationary"}).exit_code == 0);
    BOOST_TEST(object::read_program(w.output()).version == "2.2"); // it has `required_dataflow`
}

BOOST_AUTO_TEST_CASE(warns_of_kernels_that_fixed_tiles_do_not_apply_to) {
    const workspace w;
    dfg::mlp_spec spec;
    spec.widths = {33, 17, 9};
    write_file(w.graph(), dfg::to_dfg(dfg::mlp_graph(spec)));
    const auto r = run({w.graph(), "-o", w.output(), "--tile-strategy", "fixed:4,4,4"});
    BOOST_TEST(r.exit_code == 0);
    for (const dfx::kernel& k : object::read_program(w.output()).kernels)
        BOOST_TEST(r.err.find("warning: fixed tiles are not applied to kernel " + k.name) != std::string::npos, r.err);
    BOOST_TEST(run({w.graph(), "-o", w.output()}).err == "");
}

BOOST_AUTO_TEST_CASE(tunes_for_a_platform) {
    const workspace w;
    const std::string platform = KPU_SOURCE_DIR "/platforms/edge_ai.yaml";
    for (const std::string format : {"json", "binary"}) {
        const auto r =
            run({w.graph(), "-o", w.output(), "--tune-for", platform, "--format", format, "--dump", "--verbose"});
        BOOST_TEST(r.exit_code == 0, r.err);
        BOOST_TEST(object::read_program(w.output()).tuned_for == "edge_ai");
        BOOST_TEST(r.out.find("tuned for edge_ai") != std::string::npos, r.out);
        BOOST_TEST(r.err.find("(analytical, for edge_ai, 1 evaluated)") != std::string::npos, r.err);
        BOOST_TEST(r.err.find("control on 16x16: ") != std::string::npos, r.err);
    }
    check_bad(run({w.graph(), "-o", w.output(), "--tune-for", "no such.yaml"}), "no such.yaml");
    check_bad(run({w.graph(), "-o", w.output(), "--tune-for", w.graph()}), w.graph());
}

BOOST_AUTO_TEST_CASE(prints_without_writing) {
    const workspace w;
    const auto r = run({w.graph(), "--emit-dfx", "--dump"});
    BOOST_TEST(r.exit_code == 0, r.err);
    BOOST_TEST(r.out.find("dfx 2.0\ngraph \"small\"") == 0U, r.out);
    BOOST_TEST(r.out.find("MATMUL_TILE C[ti, tj]") != std::string::npos);
    BOOST_TEST(r.out.find("graph small: 4 nodes, 3 edges") != std::string::npos);
    BOOST_TEST(!w.has_output());
}

BOOST_AUTO_TEST_CASE(batch_binds_dynamic_dimensions) {
    const workspace w;
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 4;
    spec.batch = 3;
    std::string text = dfg::to_dfg(dfg::matmul_graph(spec));
    for (std::size_t at = 0; (at = text.find("tensor<3x", at)) != std::string::npos;)
        text.replace(at, 9, "tensor<?x");
    write_file(w.graph(), text);
    BOOST_TEST(run({w.graph(), "-o", w.output(), "--batch", "7"}).exit_code == 0);
    BOOST_TEST((object::read_program(w.output()).find("A")->dims == shape{7, 4, 4}));
    check_bad(run({w.graph(), "-o", w.output(), "--batch", "0"}), "batch");
}

BOOST_AUTO_TEST_CASE(weights_go_into_the_object) {
    const workspace w;
    const tensor b = random_tensor(dtype::f32, {16, 4}, 1);
    write_npz(w.m_directory.file("w.npz"), {{"B", b}});
    const auto compile = [&] { return run({w.graph(), "-o", w.output(), "--weights", w.m_directory.file("w.npz")}); };
    auto r = compile();
    BOOST_TEST(r.exit_code == 0, r.err);
    BOOST_TEST((object::read_program(w.output()).constants == tensor_map{{"B", b}}));
    write_npz(w.m_directory.file("w.npz"), {{"n1", b}, {"Z", b}});
    r = compile();
    BOOST_TEST(r.exit_code == 0, r.err);
    BOOST_TEST(r.err.find("w.npz: Z: warning: no tensor of this name") != std::string::npos, r.err);
    BOOST_TEST((object::read_program(w.output()).constants == tensor_map{{"B", b}}));
    write_npz(w.m_directory.file("w.npz"), {{"n1", b}, {"B", b}});
    check_bad(compile(), "two arrays for one tensor");
    write_npz(w.m_directory.file("w.npz"), {{"B", random_tensor(dtype::f32, {4, 4}, 1)}});
    check_bad(compile(), "w.npz: B: error");
    check_bad(run({w.graph(), "-o", w.output(), "--weights", w.m_directory.file("no.npz")}), "cannot read");
}

BOOST_AUTO_TEST_CASE(bad_usage_and_bad_input_end_with_2_and_no_file) {
    const workspace w;
    check_bad(run({}), "graph");
    check_bad(run({w.graph()}), "no output is asked for");
    check_bad(run({w.graph(), "-o", w.output(), "--dataflow", "sideways"}), "unknown dataflow: 'sideways'");
    check_bad(run({w.graph(), "-o", w.output(), "--format", "xml"}), "unknown format");
    check_bad(run({w.graph(), "-o", w.output(), "--tile-strategy", "fixed:0,1,1"}), "not a tile strategy");
    check_bad(run({w.graph() + "x", "-o", w.output()}), "cannot read");
    write_file(w.graph(), test::with(test::small_graph(), "|matmul|MATMUL|", "|matmul|SUB|"));
    check_bad(run({w.graph(), "-o", w.output()}), "g.dfg:7");
    BOOST_TEST(!w.has_output());
    write_file(w.graph(), test::small_graph());
    check_bad(run({w.graph(), "-o", w.m_directory.file("no/such/directory/g.kpu")}), "cannot write");
}

BOOST_AUTO_TEST_CASE(an_older_output_survives_an_error) {
    const workspace w;
    write_file(w.output(), "older");
    write_file(w.graph(), "nonsense");
    check_bad(run({w.graph(), "-o", w.output()}), "g.dfg:1");
    BOOST_TEST(read_file(w.output()) == "older");
    BOOST_TEST(std::distance(std::filesystem::directory_iterator(w.m_directory.path()), {}) == 2);
}

BOOST_AUTO_TEST_CASE(samples, *boost::unit_test::precondition(test::samples_present)) {
    const workspace w;
    const std::vector<std::string> refused = {"kalman_filter", "test1"};
    for (const std::string& path : test::all_samples()) {
        const std::string name = std::filesystem::path(path).stem().string();
        std::filesystem::remove(w.output());
        const auto r = run({path, "-o", w.output()});
        const bool bad = std::find(refused.begin(), refused.end(), name) != refused.end();
        BOOST_TEST_CONTEXT(name << ": " << r.err) {
            BOOST_TEST(r.exit_code == (bad ? 2 : 0));
            BOOST_TEST(w.has_output() == !bad);
            // file:line: error
            if (bad)
                BOOST_TEST(r.err.find(path + ":") != std::string::npos);
        }
    }
    check_bad(run({test::sample("kalman_filter.dfg"), "-o", w.output()}), "kalman_filter.dfg:8: error");
    check_bad(run({test::sample("test1.dfg"), "-o", w.output()}), "test1.dfg:");
    check_bad(run({test::sample("test1.dfg"), "-o", w.output(), "--legacy"}), "test1.dfg:");
}
