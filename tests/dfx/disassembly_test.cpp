// kpu-disassembler and kpu-assembler as a user runs them.

#include "compiler/dfx/text.h"
#include "compiler/object/object.h"
#include "compiler/tensor/npz.h"
#include "platforms/common/files.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/programs.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sstream>

using namespace kpu;

namespace {

const std::string k_platform = std::string(KPU_SOURCE_DIR) + "/platforms/edge_ai.yaml";

test::process_result tool(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(KPU_BIN_DIR) + "/" + name);
    return test::run_process(arguments);
}

/// Runs a tool that must succeed.
std::string output_of(const std::string& name, const std::vector<std::string>& arguments) {
    const auto r = tool(name, arguments);
    BOOST_TEST(r.exit_code == 0, r.err);
    return r.out;
}

void check_bad(const test::process_result& r, const std::string& part) {
    BOOST_TEST(r.exit_code == 2, r.err);
    BOOST_TEST(r.err.find(part) != std::string::npos, r.err);
}

/// A program that carries one of its constants, in `p.kpu`.
struct workspace {
    workspace() {
        dfg::matmul_graph_spec spec;
        spec.m = 24;
        spec.n = 20;
        spec.k = 36;
        program = test::compiled(spec, "fixed:16,16,16");
        program.constants["B"] = random_tensor(dtype::f32, {36, 20}, 1);
        object::write_program(program, file("p.kpu"), object::format::binary);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return directory.file(name); }
    test::temp_directory directory;
    dfx::program program;
};

/// The object, through text, is the same file again.
void check_identity(const std::string& object, const test::temp_directory& directory, const std::string& format) {
    const std::string text = directory.file("again.dfx");
    const std::string again = directory.file("again.kpu");
    (void)output_of("kpu-disassembler", {object, "-o", text});
    (void)output_of("kpu-assembler", {text, "-o", again, "--format", format});
    BOOST_TEST((read_file(again) == read_file(object)), object);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);)
        all.push_back(line);
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(text_and_object_are_two_forms_of_one_program) {
    const workspace w;
    check_identity(w.file("p.kpu"), w.directory, "binary");
    object::write_program(w.program, w.file("p.kpu.json"), object::format::json);
    check_identity(w.file("p.kpu.json"), w.directory, "json");
    BOOST_TEST(output_of("kpu-disassembler", {w.file("p.kpu")}) == dfx::to_text(w.program));
    object::write_program(test::flat_matmul(9, 8, 7, {4, 4, 4}), w.file("flat.kpu"), object::format::binary);
    check_identity(w.file("flat.kpu"), w.directory, "binary");
}

BOOST_AUTO_TEST_CASE(every_sample, *boost::unit_test::precondition(test::samples_present)) {
    const test::temp_directory directory;
    std::size_t compiled = 0;
    for (const std::string& path : test::all_samples()) {
        const std::string object = directory.file("sample.kpu");
        if (tool("kpu-kernel-compiler", {path, "-o", object, "--format", "binary"}).exit_code != 0)
            continue; // refused: see cli_test.cpp
        check_identity(object, directory, "binary");
        ++compiled;
    }
    BOOST_TEST(compiled > 5U);
    object::write_program(object::read_program(test::sample("appendix-a.kpu.json")), directory.file("a.kpu"),
                          object::format::json);
    check_identity(directory.file("a.kpu"), directory, "json");
}

BOOST_AUTO_TEST_CASE(values_in_a_file_of_their_own) {
    const workspace w;
    std::filesystem::create_directory(w.file("text"));
    (void)output_of("kpu-disassembler", {w.file("p.kpu"), "-o", w.file("text/p.dfx"), "--values", w.file("w.npz")});
    BOOST_TEST(read_file(w.file("text/p.dfx")).find("value B from \"../w.npz\" key \"B\"\n") != std::string::npos);
    BOOST_TEST((read_npz_tensors(w.file("w.npz")) == w.program.constants));
    (void)output_of("kpu-assembler", {w.file("text/p.dfx"), "-o", w.file("q.kpu"), "--format", "binary"});
    BOOST_TEST((read_file(w.file("q.kpu")) == read_file(w.file("p.kpu"))));
    std::filesystem::remove(w.file("w.npz"));
    check_bad(tool("kpu-assembler", {w.file("text/p.dfx"), "-o", w.file("q.kpu")}), "w.npz");
}

BOOST_AUTO_TEST_CASE(the_stream_is_what_the_loader_would_emit) {
    const workspace w;
    std::vector<std::string> commands;
    std::size_t doorbells = 0;
    std::size_t tensors = 0;
    for (const std::string& line : lines_of(output_of("kpu-disassembler", {w.file("p.kpu"), "--config", k_platform}))) {
        if (line.rfind("tensor ", 0) == 0)
            ++tensors;
        else if (line.rfind("    [", 0) != 0)
            commands.push_back(line);
        else if (line.find("] 00000001") == line.size() - 10)
            ++doorbells;
    }
    const auto expected = lines_of(output_of("kpu-loader", {w.file("p.kpu"), "--config", k_platform, "--dry-run"}));
    BOOST_TEST(commands == expected, boost::test_tools::per_element());
    BOOST_TEST(doorbells == commands.size());
    BOOST_TEST(tensors == 3U);
    BOOST_TEST(std::any_of(commands.begin(), commands.end(),
                           [](const std::string& c) { return c.find(" wait ") != std::string::npos; }));
}

BOOST_AUTO_TEST_CASE(a_limit_ends_the_stream) {
    const workspace w;
    const auto count = [&](const std::string& limit) {
        const auto all =
            lines_of(output_of("kpu-disassembler", {w.file("p.kpu"), "--config", k_platform, "--limit", limit}));
        BOOST_TEST((all.back() == "...") == (limit != "100000"));
        return std::count_if(all.begin(), all.end(), [](const std::string& l) { return l.find('#') < 20; });
    };
    BOOST_TEST(count("0") == 0);
    BOOST_TEST(count("5") == 5);
    BOOST_TEST(count("100000") > 10);
    check_bad(tool("kpu-disassembler", {w.file("p.kpu"), "--limit", "5"}), "--config");
    check_bad(tool("kpu-disassembler", {w.file("p.kpu"), "--config", k_platform, "--values", w.file("w.npz")}),
              "--values");
}

BOOST_AUTO_TEST_CASE(bad_input_ends_with_2_and_no_file) {
    const workspace w;
    std::string text = dfx::to_text(w.program);
    write_file(w.file("p.dfx"), test::with(test::with(text, "L3 after", "L8 after"), "STORE", "STROE"));
    const auto r = tool("kpu-assembler", {w.file("p.dfx"), "-o", w.file("q.kpu")});
    check_bad(r, "unknown memory level: 'L8'");
    check_bad(r, "unknown operation: 'STROE'");
    write_file(w.file("p.dfx"), test::with(text, " after %2\n", "\n"));
    check_bad(tool("kpu-assembler", {w.file("p.dfx"), "-o", w.file("q.kpu")}), "without depending on the operation");
    check_bad(tool("kpu-assembler", {w.file("absent.dfx"), "-o", w.file("q.kpu")}), "cannot read");
    write_file(w.file("p.dfx"), text);
    check_bad(tool("kpu-assembler", {w.file("p.dfx"), "-o", w.file("q.kpu"), "--format", "xml"}), "unknown format");
    BOOST_TEST(!std::filesystem::exists(w.file("q.kpu")));
    write_file(w.file("p.kpu"), "KPU");
    check_bad(tool("kpu-disassembler", {w.file("p.kpu"), "-o", w.file("q.dfx")}), "p.kpu");
    BOOST_TEST(!std::filesystem::exists(w.file("q.dfx")));
}
