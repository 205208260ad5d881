// Every command in a README works: the blocks marked sh are run as they stand, in order, with the built tools in PATH.

#include "platforms/common/files.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sstream>

using namespace kpu;
namespace fs = std::filesystem;

namespace {

const std::string k_root = KPU_SOURCE_DIR;

/// The lines between ```sh and ``` of a page.
std::string commands_of(const std::string& page) {
    std::istringstream lines(page);
    std::string commands;
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("```", 0) == 0)
            inside = line == "```sh";
        else if (inside)
            commands += line + "\n";
    }
    return commands;
}

/// Runs a script in a directory that has the repository's folders beside what the commands write.
test::process_result run_script(const test::temp_directory& directory, const std::string& commands) {
    for (const char* folder : {"platforms", "compiler", "fw", "hw", "traces", "tests"})
        if (!fs::exists(directory.file(folder)))
            fs::create_directory_symlink(k_root + "/" + folder, directory.file(folder));
    write_file(directory.file("script"), "set -e\nexport PATH=\"" KPU_BIN_DIR ":$PATH\"\n" + commands);
    return test::run_process({"bash", directory.file("script")}, directory.path());
}

std::vector<std::string> pages() {
    std::vector<std::string> all = {k_root + "/README.md"};
    for (const char* folder : {"compiler", "fw", "hw", "platforms", "traces", "tests"})
        for (const auto& entry : fs::recursive_directory_iterator(k_root + "/" + folder))
            if (entry.path().filename() == "README.md")
                all.push_back(entry.path());
    return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(commands_of_every_page_succeed) {
    for (const std::string& page : pages()) {
        const std::string commands = commands_of(read_file(page));
        if (commands.empty())
            continue;
        const test::temp_directory directory;
        const auto run = run_script(directory, commands);
        BOOST_TEST(run.exit_code == 0, page << ":\n" << run.out << run.err);
    }
    BOOST_TEST(!commands_of(read_file(k_root + "/README.md")).empty());
}

BOOST_AUTO_TEST_CASE(the_set_up_free_commands_are_two_and_work) {
    std::istringstream lines(read_file(k_root + "/README.md"));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);)
        if (line.rfind("    bash ", 0) == 0)
            found.push_back(line.substr(4));
    BOOST_TEST(found == (std::vector<std::string>{"bash tests/run.sh example", "bash tests/run.sh tests"}),
               boost::test_tools::per_element());
    // the second is what the gate runs
    BOOST_TEST(read_file(k_root + "/.ci/run").find("bash tests/run.sh tests") != std::string::npos);
    const test::temp_directory out;
    const auto example = test::run_process(
        {"bash", "-c", "KPU_BIN=" KPU_BIN_DIR " KPU_OUT=" + out.path() + " bash tests/run.sh example"}, k_root);
    BOOST_TEST(example.exit_code == 0, example.err);
    for (const char* part : {"efficiency", "waves: ", "trace: "})
        BOOST_TEST(example.out.find(part) != std::string::npos, part);
    for (const char* file : {"waves.vcd", "waves.gtkw", "trace.json", "stats.json"})
        BOOST_TEST(fs::exists(out.file(file)), file);
}

BOOST_AUTO_TEST_CASE(a_failing_command_is_noticed) {
    const test::temp_directory directory;
    BOOST_TEST(
        run_script(directory, commands_of("text\n```sh\nkpu-config check no-such-file.yaml\ntrue\n```\n")).exit_code !=
        0);
}

BOOST_AUTO_TEST_CASE(links_lead_somewhere) {
    for (const std::string& page : pages()) {
        const std::string text = read_file(page);
        for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
            const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
            if (target.find("://") == std::string::npos &&
                target.find(' ') == std::string::npos) // else no link to a file
                BOOST_TEST(fs::exists(fs::path(page).parent_path() / target), page << ": " << target);
        }
    }
}
