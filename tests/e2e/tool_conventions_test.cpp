// What all command-line tools have in common.

#include "compiler/tensor/npz.h"
#include "platforms/common/files.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sys/stat.h>

using namespace kpu;

namespace {

using words = std::vector<std::string>;

const std::string k_platform = std::string(KPU_SOURCE_DIR) + "/platforms/minimal.yaml";

const words k_tools = {"kpu-dfg",          "kpu-reference", "kpu-kernel-compiler", "kpu-assembler",     "kpu-loader",
                       "kpu-disassembler", "kpu-config",    "kpu-profiler",        "kpu-trace-analyzer"};

std::string binary(const std::string& name) {
    return std::string(KPU_BIN_DIR) + "/" + name;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

words operator+(words left, const words& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// A directory with a graph, its program, a statistics file, a trace, and tools that run there.
struct workplace {
    test::temp_directory directory;

    workplace() {
        for (const words& command :
             {words{"kpu-dfg", "matmul", "--m", "4", "--n", "5", "--k", "6", "-o", "g.dfg"},
              words{"kpu-kernel-compiler", "g.dfg", "-o", "g.kpu"}, words{"kpu-disassembler", "g.kpu", "-o", "g.dfx"},
              words{"kpu-loader", "g.kpu", "--config", k_platform, "--no-data", "--stats", "s.json", "--trace-output",
                    "t.json"}})
            BOOST_REQUIRE_MESSAGE(tool(command).exit_code == 0, command[0] << ": " << tool(command).err);
        // As /dev/stdout is; were a tool to replace it, the system's would be there still.
        std::filesystem::create_symlink("/proc/self/fd/1", file("stdout"));
    }
    /// The first word is the tool's name.
    [[nodiscard]] test::process_result tool(words command) const {
        command[0] = binary(command[0]);
        return test::run_process(command, directory.path());
    }
    /// The same with the shell's redirections.
    [[nodiscard]] test::process_result redirected(const words& command, const std::string& where) const {
        std::string line = "exec " + binary(command[0]);
        for (std::size_t i = 1; i < command.size(); ++i)
            line += " '" + command[i] + "'";
        return test::run_process({"sh", "-c", line + " " + where}, directory.path());
    }
    void refuses(const words& command, const words& parts) const {
        const auto run = tool(command);
        BOOST_TEST(run.exit_code == 2, command[0] << ": " << run.out << run.err);
        for (const std::string& part : parts)
            BOOST_TEST(contains(run.err, part), "'" << part << "' is not in: " << run.err);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return directory.file(name); }
};

/// A command of each tool that prints, whatever else it does.
const std::vector<words> k_printing = {
    {"kpu-dfg", "matmul", "--m", "1", "--n", "1", "--k", "1", "-o", "o.dfg"},
    {"kpu-reference", "g.dfg", "--random", "1", "--outputs", "o.npz"},
    {"kpu-kernel-compiler", "g.dfg", "--emit-dfx"},
    {"kpu-kernel-compiler", "g.dfg", "--dump"},
    {"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1"},
    {"kpu-loader", "g.kpu", "--config", k_platform, "--dry-run"},
    {"kpu-disassembler", "g.kpu"},
    {"kpu-disassembler", "g.kpu", "--config", k_platform},
    {"kpu-config", "show", k_platform},
    {"kpu-profiler", "s.json"},
    {"kpu-trace-analyzer", "t.json"},
};

} // namespace

BOOST_AUTO_TEST_CASE(versions_have_one_format) {
    const workplace w;
    for (const std::string& name : k_tools) {
        const auto run = w.tool({name, "--version"});
        BOOST_TEST(run.exit_code == 0);
        BOOST_TEST(run.out == name + " " KPU_VERSION "\n");
        BOOST_TEST(contains(w.tool({name, "--help"}).out, "--version"), name);
    }
}

BOOST_AUTO_TEST_CASE(lost_output_is_no_success) {
    const workplace w;
    const auto loses = [&](const words& command, const std::string& where) {
        const auto run = w.redirected(command, where);
        BOOST_TEST(run.exit_code == 1, command[0]);
        BOOST_TEST(contains(run.err, "error: cannot write to standard output"), command[0] << ": " << run.err);
        BOOST_TEST(!contains(run.err, "internal"), run.err);
    };
    for (const words& command : k_printing) {
        BOOST_TEST(w.tool(command).exit_code == 0, command[0]);
        loses(command, "> /dev/full");
    }
    for (const std::string& name : k_tools) {
        loses({name, "--version"}, "> /dev/full");
        loses({name, "--help"}, "> /dev/full");
    }
    // A file that is opened must not become standard output.
    loses({"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1", "--vcd", "w.vcd"}, ">&-");
    BOOST_TEST(!contains(read_file(w.file("w.vcd")), "cycles"));
    // more than any buffer holds
    BOOST_REQUIRE(
        w.tool({"kpu-dfg", "mlp", "--widths", "8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8", "-o", "g.dfg"}).exit_code == 0);
    loses({"kpu-kernel-compiler", "g.dfg", "--emit-dfx"}, "> /dev/full");
}

BOOST_AUTO_TEST_CASE(standard_output_can_be_named) {
    const workplace w;
    const auto piped = w.tool({"kpu-disassembler", "g.kpu", "-o", "stdout"});
    BOOST_TEST(piped.exit_code == 0, piped.err);
    BOOST_TEST(piped.out == read_file(w.file("g.dfx")));
    // into a file, with what the tool prints after it
    const auto run = w.redirected({"kpu-dfg", "matmul", "--m", "4", "--n", "5", "--k", "6", "-o", "stdout"}, "> all");
    BOOST_TEST(run.exit_code == 0, run.err);
    BOOST_TEST(read_file(w.file("all")) == read_file(w.file("g.dfg")) + "stdout: 4 nodes, 3 edges\n");
}

BOOST_AUTO_TEST_CASE(a_pipe_gets_every_kind_of_output) {
    const workplace w;
    const words run = {"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1"};
    BOOST_REQUIRE(::mkfifo(w.file("pipe").c_str(), 0600) == 0);
    for (const words& command :
         {words{"kpu-dfg", "matmul", "--m", "4", "--n", "5", "--k", "6", "-o"},
          words{"kpu-kernel-compiler", "g.dfg", "-o"}, words{"kpu-assembler", "g.dfx", "-o"},
          words{"kpu-disassembler", "g.kpu", "-o"}, words{"kpu-reference", "g.dfg", "--random", "1", "--outputs"},
          run + words{"--outputs"}, run + words{"--output-c"}, run + words{"--trace-output"}, run + words{"--vcd"}}) {
        BOOST_REQUIRE(w.tool(command + words{"file"}).exit_code == 0);
        const auto through = w.redirected(command + words{"pipe"}, ">/dev/null & cat pipe; wait $!");
        BOOST_TEST(through.exit_code == 0, command[0] << ": " << through.err);
        BOOST_TEST((through.out == read_file(w.file("file"))), command[0] << ' ' << command.back());
        BOOST_TEST(std::filesystem::is_fifo(w.file("pipe")));
        BOOST_TEST(!std::filesystem::exists(w.file("pipe.gtkw")));
    }
}

BOOST_AUTO_TEST_CASE(numbers_do_not_wrap) {
    const workplace w;
    const std::vector<std::pair<words, words>> options = {
        {{"kpu-reference", "g.dfg", "--outputs", "o.npz"}, {"--random", "--batch"}},
        {{"kpu-kernel-compiler", "g.dfg", "-o", "o.kpu"}, {"--batch"}},
        {{"kpu-loader", "g.kpu", "--config", k_platform}, {"--random", "--stalls"}},
        {{"kpu-disassembler", "g.kpu", "--config", k_platform}, {"--limit"}},
        {{"kpu-trace-analyzer", "t.json"}, {"--gaps"}},
        {{"kpu-dfg", "matmul", "-o", "o.dfg"}, {"--m", "--n", "--k", "--batch", "--chain"}},
        {{"kpu-dfg", "mlp", "-o", "o.dfg"}, {"--batch", "--widths"}},
        {{"kpu-dfg", "conv", "-o", "o.dfg"}, {"--batch", "--height", "--width", "--channels", "--kernel", "--stride"}},
        {{"kpu-dfg", "classifier", "-o", "o.dfg"}, {"--batch", "--side", "--channels", "--widths"}},
        {{"kpu-dfg", "encoder", "-o", "o.dfg"}, {"--tokens", "--model", "--heads", "--hidden"}},
    };
    for (const auto& [command, names] : options)
        for (const std::string& name : names)
            for (const std::string value : {"-1", "18446744073709551616", "010", "0x10", "1e3", "x", ""})
                w.refuses(command + words{name + "=" + value}, {name, value});
    w.refuses({"kpu-loader", "g.kpu", "--config", k_platform, "--random", "-1"}, {"--random", "'-1'", "from 0 to 184"});
    w.refuses({"kpu-dfg", "matmul", "--m", "0", "--n", "1", "--k", "1", "-o", "o.dfg"}, {"--m", "'0'", "from 1"});
    BOOST_TEST(w.tool({"kpu-loader", "g.kpu", "--config", k_platform, "--random", "18446744073709551615"}).exit_code ==
               0);
}

BOOST_AUTO_TEST_CASE(unknown_options_are_named) {
    const workplace w;
    for (const std::string& name : k_tools)
        w.refuses({name, "--hlep"}, {"unknown option: '--hlep'", "'--help'"});
    w.refuses({"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1", "--stat", "o.json"},
              {"unknown option: '--stat'", "'--stats'"});
    w.refuses({"kpu-dfg", "matmul", "--chian=3"}, {"unknown option: '--chian'", "'--chain'"});
    w.refuses({"kpu-config", "chekc", k_platform}, {"unknown command: 'chekc'", "'check'"});
    w.refuses({"kpu-loader"}, {"program is required"});
}

BOOST_AUTO_TEST_CASE(no_output_overwrites_an_input_or_another_output) {
    const workplace w;
    std::filesystem::create_symlink("g.kpu", w.file("link.kpu"));
    std::filesystem::create_directory(w.file("d"));
    const words run = {"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1"};
    const std::string graph = read_file(w.file("g.dfg")), program = read_file(w.file("g.kpu")),
                      text = read_file(w.file("g.dfx"));
    w.refuses({"kpu-kernel-compiler", "g.dfg", "-o", "g.dfg"}, {"--output", "the graph", "'g.dfg'"});
    w.refuses({"kpu-reference", "g.dfg", "--random", "1", "--outputs", "./g.dfg"}, {"--outputs", "the graph"});
    w.refuses({"kpu-assembler", "g.dfx", "-o", "d/../g.dfx"}, {"--output", "the text"});
    w.refuses({"kpu-disassembler", "g.kpu", "-o", "link.kpu"}, {"--output", "the program"});
    w.refuses({"kpu-disassembler", "g.kpu", "-o", "o", "--values", "o"}, {"--values", "--output"});
    w.refuses(run + words{"--stats", "g.kpu"}, {"--stats", "the program"});
    w.refuses(run + words{"--tensors", "t", "--outputs", w.file("t")}, {"--outputs", "--tensors"});
    w.refuses(run + words{"--outputs", "x", "--output-c", "x", "--stats", "./x"},
              {"--output-c would overwrite what --outputs", "--stats would overwrite what --outputs"});
    w.refuses(run + words{"--vcd", "x.vcd", "--trace-output", "x.gtkw"}, {"--vcd's save file", "--trace-output"});
    BOOST_TEST(!std::filesystem::exists(w.file("x")));
    BOOST_TEST(read_file(w.file("g.dfg")) == graph);
    BOOST_TEST(read_file(w.file("g.kpu")) == program);
    BOOST_TEST(read_file(w.file("g.dfx")) == text);
    // Devices are nobody's content.
    const auto nothing = w.redirected(run + words{"--outputs", "stdout", "--stats", "stdout"}, "| cat >/dev/null");
    BOOST_TEST(nothing.exit_code == 0, nothing.err);
    BOOST_TEST(std::filesystem::is_symlink(w.file("stdout")));
}

BOOST_AUTO_TEST_CASE(the_values_that_a_text_names_are_not_overwritten) {
    const workplace w;
    write_npz(w.file("b.npz"), {{"B", random_tensor(dtype::f32, {6, 5}, 1)}});
    BOOST_REQUIRE(w.tool({"kpu-kernel-compiler", "g.dfg", "-o", "c.kpu", "--weights", "b.npz"}).exit_code == 0);
    BOOST_REQUIRE(w.tool({"kpu-disassembler", "c.kpu", "-o", "c.dfx", "--values", "v.npz"}).exit_code == 0);
    w.refuses({"kpu-assembler", "c.dfx", "-o", "v.npz"}, {"--output", "the text's values"});
    w.refuses({"kpu-kernel-compiler", "g.dfg", "-o", "b.npz", "--weights", "b.npz"}, {"--output", "--weights"});
    BOOST_TEST(w.tool({"kpu-assembler", "c.dfx", "-o", "again.kpu"}).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(contradictions_are_refused) {
    const workplace w;
    const words dry = {"kpu-loader", "g.kpu", "--config", k_platform, "--dry-run"};
    for (const std::string option : {"--verify", "--check", "--profile"})
        w.refuses(dry + words{option}, {"--dry-run", option});
    for (const std::string option : {"--outputs", "--output-c", "--stats", "--vcd", "--trace-output", "--tensors",
                                     "--input-a", "--input-b", "--stalls"})
        w.refuses(dry + words{option, "1"}, {"--dry-run", option});
    w.refuses({"kpu-profiler", "--summary", "s.json", "s.json"}, {"--summary"});
    const tensor a = random_tensor(dtype::f32, {4, 6}, 1);
    write_npy(w.file("a.npy"), a);
    for (const std::string key : {"A", "n0"}) {
        write_npz(w.file("a.npz"), {{key, a}});
        w.refuses({"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1", "--tensors", "a.npz", "--input-a",
                   "a.npy"},
                  {"--tensors", "--input-a", "'" + key + "'"});
    }
    const auto apart = w.tool(
        {"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1", "--tensors", "a.npz", "--input-b", "a.npy"});
    BOOST_TEST(contains(apart.err, "shape disagrees"), apart.err); // another input than those of --tensors
}

BOOST_AUTO_TEST_CASE(the_chips_room_is_checked_before_data_is_made) {
    const workplace w;
    // 4 TiB of A alone: more than a test's machine has
    BOOST_REQUIRE(
        w.tool({"kpu-dfg", "matmul", "--m", "1099511627776", "--n", "1", "--k", "1", "-o", "g.dfg"}).exit_code == 0);
    BOOST_REQUIRE(w.tool({"kpu-kernel-compiler", "g.dfg", "-o", "g.kpu"}).exit_code == 0);
    w.refuses({"kpu-loader", "g.kpu", "--config", k_platform, "--random", "1"}, {"tensors take", "bytes of DRAM"});
    // One that the chip has room for, and no host.
    write_file(w.file("huge.yaml"), "dram: {capacity: 64TiB}\n");
    w.refuses({"kpu-loader", "g.kpu", "--config", "huge.yaml", "--random", "1"}, {"this machine's memory"});
}

BOOST_AUTO_TEST_CASE(a_problem_is_told_once) {
    const workplace w;
    const std::string extent = "2147483648";
    BOOST_REQUIRE(w.tool({"kpu-dfg", "matmul", "--m", extent, "--n", extent, "--k", extent, "-o", "g.dfg"}).exit_code ==
                  0);
    const auto run = w.tool({"kpu-kernel-compiler", "g.dfg", "-o", "o.kpu"});
    BOOST_TEST(run.exit_code == 2);
    for (const std::string node : {"'matmul'", "'const.A'", "'const.B'"}) {
        const std::size_t first = run.err.find(node);
        BOOST_TEST(first != std::string::npos, run.err);
        BOOST_TEST(first == run.err.rfind(node), run.err);
    }
}
