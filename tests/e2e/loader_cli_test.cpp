// kpu-loader from the command line: what it reads, writes, prints and refuses.

#include "compiler/tensor/npz.h"
#include "platforms/common/files.h"
#include "tests/fw/weighed_line.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

using namespace kpu;

namespace {

const std::string k_platforms = std::string(KPU_SOURCE_DIR) + "/platforms/";

test::process_result tool(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(KPU_BIN_DIR) + "/" + name);
    return test::run_process(arguments);
}

/// A directory with a compiled 24x20x36 matmul (inputs A, B, output Cout).
struct workplace {
    test::temp_directory directory;
    std::string graph = directory.file("g.dfg"), program = directory.file("g.kpu");
    std::string platform = k_platforms + "edge_ai.yaml";

    workplace() {
        BOOST_REQUIRE(tool("kpu-dfg", {"matmul", "--m", "24", "--n", "20", "--k", "36", "-o", graph}).exit_code == 0);
        BOOST_REQUIRE(tool("kpu-kernel-compiler", {graph, "-o", program}).exit_code == 0);
    }
    [[nodiscard]] test::process_result load(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {program, "--config", platform});
        return tool("kpu-loader", arguments);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return directory.file(name); }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void check_refused(const test::process_result& r, const std::string& message) {
    BOOST_TEST(r.exit_code == 2, r.out << r.err);
    BOOST_TEST(contains(r.err, message), "'" << message << "' is not in: " << r.err);
    BOOST_TEST(!contains(r.err, "Assertion"));
}

} // namespace

BOOST_AUTO_TEST_CASE(random_inputs_give_the_references_file) {
    const workplace w;
    const auto run = w.load({"--random", "5", "--verify", "--check", "--outputs", w.file("chip.npz")});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(contains(run.out, "cycles"));
    BOOST_REQUIRE(tool("kpu-reference", {w.graph, "--random", "5", "--outputs", w.file("reference.npz")}).exit_code ==
                  0);
    BOOST_TEST((read_file(w.file("chip.npz")) == read_file(w.file("reference.npz"))));
}

BOOST_AUTO_TEST_CASE(inputs_and_outputs_as_single_files) {
    const workplace w;
    const tensor a = random_tensor(dtype::f32, {24, 36}, 5);
    const tensor b = random_tensor(dtype::f32, {36, 20}, 6);
    write_npy(w.file("a.npy"), a);
    write_raw(w.file("b.bin"), b);
    BOOST_TEST(w.load({"--random", "5", "--outputs", w.file("random.npz")}).exit_code == 0);
    const auto as_npy =
        w.load({"--input-a", w.file("a.npy"), "--input-b", w.file("b.bin"), "--output-c", w.file("c.npy")});
    BOOST_TEST(as_npy.exit_code == 0, as_npy.err);
    const auto as_raw =
        w.load({"--input-a", w.file("a.npy"), "--input-b", w.file("b.bin"), "--output-c", w.file("c.bin")});
    BOOST_TEST(as_raw.exit_code == 0, as_raw.err);
    const tensor expected = read_npz_tensors(w.file("random.npz")).at("Cout");
    BOOST_TEST((as_tensor(read_npy(w.file("c.npy")), {}) == expected));
    BOOST_TEST((read_raw(w.file("c.bin"), dtype::f32, {24, 20}) == expected));
}

BOOST_AUTO_TEST_CASE(tensors_are_found_by_label_and_by_node_id) {
    const workplace w;
    const tensor a = random_tensor(dtype::f32, {24, 36}, 1);
    const tensor b = random_tensor(dtype::f32, {36, 20}, 2);
    write_npz(w.file("labels.npz"), {{"A", a}, {"B", b}});
    write_npz(w.file("ids.npz"), {{"n0", a}, {"n1", b}});
    for (const char* name : {"labels", "ids"}) {
        const auto run =
            w.load({"--tensors", w.file(std::string(name) + ".npz"), "--outputs", w.file(std::string(name) + ".out")});
        BOOST_TEST(run.exit_code == 0, run.err);
    }
    BOOST_TEST((read_file(w.file("labels.out")) == read_file(w.file("ids.out"))));
}

BOOST_AUTO_TEST_CASE(a_program_carries_its_weights) {
    const workplace w;
    const tensor a = random_tensor(dtype::f32, {24, 36}, 3);
    const tensor b = random_tensor(dtype::f32, {36, 20}, 4);
    write_npz(w.file("both.npz"), {{"A", a}, {"n1", b}});
    write_npz(w.file("a.npz"), {{"A", a}});
    write_npz(w.file("b.npz"), {{"B", b}});
    const std::string carrying = w.file("carrying.kpu");
    const auto load = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {carrying, "--config", w.platform, "--outputs", w.file("found.npz")});
        return tool("kpu-loader", arguments);
    };
    BOOST_REQUIRE(w.load({"--random", "3", "--outputs", w.file("expected.npz")}).exit_code == 0);
    const auto runs = [&](const std::string& weights, const std::vector<std::string>& arguments) {
        for (const char* format : {"json", "binary"}) {
            const auto compile = tool("kpu-kernel-compiler",
                                      {w.graph, "-o", carrying, "--format", format, "--weights", w.file(weights)});
            BOOST_REQUIRE(compile.exit_code == 0);
            const auto run = load(arguments);
            BOOST_TEST(run.exit_code == 0, run.err);
            BOOST_TEST((read_file(w.file("found.npz")) == read_file(w.file("expected.npz"))));
        }
    };
    runs("both.npz", {});
    runs("both.npz", {"--verify"});
    runs("b.npz", {"--tensors", w.file("a.npz"), "--verify"});
    runs("b.npz", {"--random", "3"}); // A is still number 0
    runs("a.npz", {"--random", "3"}); // and B number 1
    check_refused(load({"--tensors", w.file("a.npz"), "--random", "1"}),
                  "a.npz: A: error: constant A has its value in the program already");
    check_refused(load({"--tensors", w.file("both.npz")}), "constant A has its value in the program already");
    check_refused(load({}), "missing tensor: 'B or n1'");
}

BOOST_AUTO_TEST_CASE(both_encodings_run_alike) {
    const workplace w;
    BOOST_REQUIRE(tool("kpu-kernel-compiler", {w.graph, "-o", w.file("binary.kpu"), "--format", "binary"}).exit_code ==
                  0);
    const auto run = tool(
        "kpu-loader", {w.file("binary.kpu"), "--config", w.platform, "--random", "3", "--outputs", w.file("b.npz")});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(w.load({"--random", "3", "--outputs", w.file("j.npz")}).exit_code == 0);
    BOOST_TEST((read_file(w.file("b.npz")) == read_file(w.file("j.npz"))));
}

BOOST_AUTO_TEST_CASE(a_platform_may_be_json) {
    const workplace w;
    write_file(w.file("p.json"), R"({"name": "tiny", "array": {"rows": 8, "columns": 4}, "dma": {"engines": 3}})");
    const auto run = tool("kpu-loader", {w.program, "--config", w.file("p.json"), "--random", "3", "--verify"});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(contains(run.out, "tiny"));
    BOOST_TEST(contains(run.out, "no energy table"));
}

BOOST_AUTO_TEST_CASE(statistics_have_their_keys) {
    const workplace w;
    BOOST_REQUIRE(w.load({"--random", "1", "--stats", w.file("s.json")}).exit_code == 0);
    const auto s = nlohmann::json::parse(read_file(w.file("s.json")));
    for (const char* key : {"/cycles",
                            "/time_ps",
                            "/macs",
                            "/bounds/compute_cycles",
                            "/bounds/dram_cycles",
                            "/bounds/cycles",
                            "/efficiency",
                            "/dram/read_bytes",
                            "/dram/write_bytes",
                            "/dram/lower_bound_bytes",
                            "/dram/best_blocking_bytes",
                            "/engines/0/busy",
                            "/engines/0/idle",
                            "/engines/0/stalled",
                            "/wall/elaborate_s",
                            "/wall/simulate_s",
                            "/peak_rss_bytes",
                            "/energy/total_j",
                            "/energy/static_j",
                            "/energy/components/dram",
                            "/energy/edp_js",
                            "/energy/pj_per_mac",
                            "/energy/average_w"})
        BOOST_TEST(s.contains(nlohmann::json::json_pointer(key)), key);
    BOOST_TEST(s.at("macs") == 24 * 20 * 36);
    for (const auto& engine : s.at("engines")) {
        std::uint64_t sum = engine.at("busy").get<std::uint64_t>() + engine.at("idle").get<std::uint64_t>();
        for (const auto& cause : engine.at("stalled"))
            sum += cause.get<std::uint64_t>();
        BOOST_TEST(sum == s.at("cycles").get<std::uint64_t>(), engine.at("name"));
    }
}

BOOST_AUTO_TEST_CASE(traces_and_waves_are_written_and_read_back) {
    const workplace w;
    const auto run = w.load({"--random", "1", "--trace-output", w.file("t.json"), "--vcd", w.file("w.vcd")});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(tool("kpu-trace-analyzer", {w.file("t.json")}).exit_code == 0);
    BOOST_TEST(contains(read_file(w.file("w.vcd")), "$enddefinitions"));
    BOOST_TEST(contains(read_file(w.file("w.gtkw")), "w.vcd"));
    const auto trace = nlohmann::json::parse(read_file(w.file("t.json")));
    BOOST_TEST(contains(trace.dump(), "edge_ai"));
}

BOOST_AUTO_TEST_CASE(a_run_without_data_needs_no_tensors_and_gives_none) {
    const workplace w;
    BOOST_REQUIRE(w.load({"--random", "1", "--stats", w.file("with.json")}).exit_code == 0);
    const auto run = w.load({"--no-data", "--check", "--stats", w.file("without.json")});
    BOOST_TEST(run.exit_code == 0, run.err);
    const auto cycles = [&](const std::string& file) {
        return nlohmann::json::parse(read_file(w.file(file))).at("cycles").get<std::uint64_t>();
    };
    BOOST_TEST(cycles("without.json") == cycles("with.json"));
    check_refused(w.load({"--no-data", "--verify"}), "--verify");
    for (const char* option : {"--outputs", "--output-c", "--tensors", "--input-a", "--input-b"})
        check_refused(w.load({"--no-data", option, w.file("x.npz")}), option);
    BOOST_TEST(!std::filesystem::exists(w.file("x.npz")));
}

BOOST_AUTO_TEST_CASE(a_dry_run_executes_nothing) {
    const workplace w;
    const auto run = w.load({"--dry-run"});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(contains(run.out, "fold"));
    BOOST_TEST(contains(run.out, "wait"));
}

BOOST_AUTO_TEST_CASE(profile_and_plan_are_printed) {
    const workplace w;
    const auto run = w.load({"--random", "1", "--profile", "--verbose"});
    BOOST_TEST(contains(run.out, "array0.array"));
    BOOST_TEST(contains(run.out, "dram_standby"));
    for (const char* column : {"effic.", "DRAM bytes", "at least", "ratio", "est.", "limited by"})
        BOOST_TEST(contains(run.out, column), column);
    BOOST_TEST(contains(run.err, "blocks"));
    BOOST_TEST(contains(run.err, " evaluated, "), run.err);
    BOOST_TEST(test::weighed_lines(run.err).size() > 1U, run.err);
}

BOOST_AUTO_TEST_CASE(candidates_are_comparable_and_listed_once) {
    const workplace w;
    const std::string graph = w.file("v.dfg"), program = w.file("v.kpu");
    const std::vector<std::pair<std::vector<std::string>, std::string>> runs = {
        {{"matmul", "--m", "33", "--n", "257", "--k", "65", "--type", "i8"}, "datacenter"},
        {{"matmul", "--m", "17", "--n", "65", "--k", "200", "--type", "i8"}, "edge_ai"},
        {{"encoder", "--tokens", "16", "--model", "16", "--heads", "2", "--hidden", "32"}, "workstation"}};
    for (const auto& [make, platform] : runs) {
        std::vector<std::string> arguments = make;
        arguments.insert(arguments.end(), {"-o", graph});
        BOOST_REQUIRE(tool("kpu-dfg", arguments).exit_code == 0);
        BOOST_REQUIRE(tool("kpu-kernel-compiler", {graph, "-o", program}).exit_code == 0);
        const auto run =
            tool("kpu-loader", {program, "--config", k_platforms + platform + ".yaml", "--dry-run", "--verbose"});
        const std::vector<test::weighed_line> lines = test::weighed_lines(run.err);
        BOOST_TEST(lines.size() > 2U, run.err);
        std::set<std::string> shapes;
        for (const test::weighed_line& line : lines) {
            BOOST_TEST(line.agrees(), line.shape << " in " << run.err);
            BOOST_TEST(shapes.insert(line.shape).second, line.shape << " is there twice: " << run.err);
            BOOST_TEST(line.lost.empty() == line.taken, run.err);
            BOOST_TEST(!contains(line.lost, "-"), line.lost);
        }
    }
}

BOOST_AUTO_TEST_CASE(an_object_tuned_for_another_platform_says_so) {
    const workplace w;
    BOOST_REQUIRE(tool("kpu-kernel-compiler", {w.graph, "-o", w.program, "--tune-for", k_platforms + "datacenter.yaml"})
                      .exit_code == 0);
    const std::string note = "tuned for datacenter, runs on edge_ai\n";
    BOOST_TEST(contains(w.load({"--no-data", "--verbose"}).err, note));
    BOOST_TEST(contains(w.load({"--dry-run", "--verbose"}).err, note));
    BOOST_TEST(!contains(w.load({"--no-data"}).err, "tuned"));
    const auto home =
        tool("kpu-loader", {w.program, "--config", k_platforms + "datacenter.yaml", "--no-data", "--verbose"});
    BOOST_TEST(!contains(home.err, "tuned"), home.err);
}

BOOST_AUTO_TEST_CASE(what_fusion_saves_is_printed) {
    const workplace w;
    const std::string graph = w.file("r.dfg"), fused = w.file("r.kpu"), apart = w.file("a.kpu");
    BOOST_REQUIRE(
        tool("kpu-dfg", {"residual", "--height", "8", "--width", "6", "--channels", "4,6,4", "-o", graph}).exit_code ==
        0);
    BOOST_REQUIRE(tool("kpu-kernel-compiler", {graph, "-o", fused}).exit_code == 0);
    BOOST_REQUIRE(tool("kpu-kernel-compiler", {graph, "-o", apart, "--no-fusion"}).exit_code == 0);
    const auto run = tool("kpu-loader", {fused, "--config", w.platform, "--random", "1", "--verify", "--profile",
                                         "--stats", w.file("s.json")});
    BOOST_TEST(run.exit_code == 0, run.err);
    // a clamp on 8 x 6 x 6, a sum and a clamp on 8 x 6 x 4
    const std::uint64_t between = 48 * (6 + 4 + 4) * 4;
    BOOST_TEST(contains(run.out, "fused: 3 kernels are not launched; of tensors between them 2.62 KiB are not written, "
                                 "2.62 KiB not read"),
               run.out);
    const auto s = nlohmann::json::parse(read_file(w.file("s.json")));
    BOOST_TEST(s.at("fusion").at("kernels_not_launched") == 3);
    BOOST_TEST(s.at("fusion").at("bytes_not_written") == between);
    BOOST_TEST(s.at("fusion").at("bytes_not_read") == between);
    const auto plain = tool("kpu-loader", {apart, "--config", w.platform, "--random", "1", "--profile"});
    BOOST_TEST(!contains(plain.out, "fused:"));
}

BOOST_AUTO_TEST_CASE(bad_programs_are_refused) {
    const workplace w;
    const std::string good = read_file(w.program);
    const auto with = [&](const std::string& bytes) {
        write_file(w.file("bad.kpu"), bytes);
        return tool("kpu-loader",
                    {w.file("bad.kpu"), "--config", w.platform, "--random", "1", "--outputs", w.file("o.npz")});
    };
    check_refused(with(good.substr(0, good.size() / 2)), "bad.kpu");
    check_refused(with(""), "bad.kpu");
    check_refused(with("KPX no object file"), "bad.kpu");
    check_refused(tool("kpu-loader", {w.file("none.kpu"), "--config", w.platform}), "No such file");
    std::string absurd = good;
    absurd.replace(absurd.find("36"), 2, "360000000000000000");
    check_refused(with(absurd), "bad.kpu");
    BOOST_TEST(!std::filesystem::exists(w.file("o.npz")));
}

BOOST_AUTO_TEST_CASE(cyclic_dependences_are_refused) {
    const workplace w;
    auto program = nlohmann::json::parse(read_file(std::string(KPU_SOURCE_DIR) + "/../shared/dfg/appendix-a.kpu.json"));
    program["operations"][0]["depends_on"] = {8};
    write_file(w.file("cyclic.kpu"), program.dump());
    check_refused(tool("kpu-loader", {w.file("cyclic.kpu"), "--config", w.platform, "--random", "1"}), "depends");
}

BOOST_AUTO_TEST_CASE(missing_and_disagreeing_tensors_are_all_named) {
    const workplace w;
    const auto missing = w.load({"--outputs", w.file("o.npz")});
    check_refused(missing, "A");
    check_refused(missing, "B");
    write_npz(w.file("wrong.npz"), {{"A", tensor(dtype::f32, {36, 24})}, {"B", tensor(dtype::f64, {36, 20})}});
    const auto wrong = w.load({"--tensors", w.file("wrong.npz")});
    check_refused(wrong, "24x36");
    check_refused(wrong, "f32");
    BOOST_TEST(!std::filesystem::exists(w.file("o.npz")));
}

BOOST_AUTO_TEST_CASE(bad_platforms_are_refused) {
    const workplace w;
    const auto with = [&](const std::string& yaml) {
        write_file(w.file("bad.yaml"), yaml);
        return tool("kpu-loader", {w.program, "--config", w.file("bad.yaml"), "--random", "1"});
    };
    check_refused(with("dram: {bandwidth: .nan}\n"), "bad.yaml:1:");
    check_refused(with("dramm: {}\n"), "dram");
    check_refused(with("array: {rows: 64}\nl1: {row: {capacity: 64B}}\n"), "too small for one fold");
    check_refused(with("array: {rows: 16, macs_per_pe: {f32: 0}}\n"), "f32");
}

BOOST_AUTO_TEST_CASE(a_kernel_without_room_for_its_steps_is_shown_in_parts) {
    const workplace w;
    const std::string graph = w.file("r.dfg"), program = w.file("r.kpu"), platform = w.file("small.yaml");
    BOOST_REQUIRE(
        tool("kpu-dfg", {"residual", "--height", "8", "--width", "8", "--channels", "8,8,8", "-o", graph}).exit_code ==
        0);
    BOOST_REQUIRE(tool("kpu-kernel-compiler", {graph, "-o", program}).exit_code == 0);
    write_file(platform, "array: {rows: 8, columns: 8}\nl1: {result: {capacity: 256B}}\n");
    const auto run = tool("kpu-loader", {program, "--config", platform, "--random", "1", "--verify", "--verbose",
                                         "--profile", "--stats", w.file("s.json")});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(contains(run.err, "is split into CONV2D"), run.err);
    BOOST_TEST(contains(run.err, "through y/1 (2048 bytes)"), run.err);
    BOOST_TEST(contains(run.out, "/2  "), run.out);
    const auto stats = nlohmann::json::parse(read_file(w.file("s.json")));
    BOOST_TEST(stats.at("kernels").size() == 3U);
    for (const auto& kernel : stats.at("kernels"))
        BOOST_TEST(kernel.at("cycles") > 0U, kernel.dump());
}

BOOST_AUTO_TEST_CASE(an_unwritable_output_keeps_the_older_file) {
    const workplace w;
    check_refused(w.load({"--random", "1", "--outputs", w.file("no/such/directory/o.npz")}), "o.npz");
    check_refused(w.load({"--random", "1", "--vcd", w.file("no/such/directory/w.vcd")}), "w.vcd");
    write_file(w.file("o.npz"), "older");
    check_refused(w.load({"--outputs", w.file("o.npz")}), "A"); // fails before it writes
    BOOST_TEST(read_file(w.file("o.npz")) == "older");
}

BOOST_AUTO_TEST_CASE(an_own_simulation_runs_the_program) {
    const workplace w;
    const auto run = tool("own_simulation", {w.platform, w.program});
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(contains(run.out, "Cout: 24x20 after"));
}
