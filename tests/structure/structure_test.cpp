// The tree keeps the architecture's dependency direction; and the checks of it find what they should.

#include "platforms/common/files.h"
#include "tests/structure/rules.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

using namespace kpu::test;
namespace fs = std::filesystem;

namespace {

std::vector<source_file> whole_tree() {
    const fs::path root = KPU_SOURCE_DIR;
    std::vector<source_file> files;
    for (const char* folder : {"compiler", "fw", "hw", "platforms", "tests", "traces"})
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const std::string suffix = entry.path().extension().string();
            if (suffix == ".h" || suffix == ".cpp" || suffix == ".hpp" || suffix == ".inc")
                files.push_back(
                    {fs::relative(entry.path(), root).generic_string(), kpu::read_file(entry.path().string())});
        }
    return files;
}

void none(const std::vector<std::string>& problems) {
    for (const std::string& problem : problems)
        BOOST_ERROR(problem);
}

/// Problems of one file in a tree that has one header of each folder.
std::vector<std::string> problems_of(const std::string& path, const std::string& text) {
    std::vector<source_file> files;
    for (const char* header :
         {"compiler/dfg/x.h", "compiler/dfx/x.h", "compiler/object/x.h", "compiler/passes/x.h", "compiler/tensor/x.h",
          "fw/driver/x.h", "fw/loader/x.h", "fw/tools/x.h", "hw/interface/x.h", "hw/memory/x.h", "platforms/x.h",
          "platforms/common/x.h", "traces/x.h", "tests/support/x.h"})
        files.push_back({header, ""});
    files.push_back({path, text});
    return forbidden_includes(files);
}

void allows(const std::string& path, const std::string& header) {
    none(problems_of(path, "#include " + header + "\n"));
}

void refuses(const std::string& path, const std::string& header, const std::string& why) {
    const std::vector<std::string> found = problems_of(path, "// first line\n#include " + header + "\n");
    BOOST_REQUIRE_MESSAGE(found.size() == 1u, path << " may include " << header);
    BOOST_TEST(found[0] == path + ":2: " + why);
}

} // namespace

BOOST_AUTO_TEST_CASE(no_include_is_forbidden) {
    const std::vector<source_file> files = whole_tree();
    BOOST_TEST(files.size() > 100u);
    none(forbidden_includes(files));
}

BOOST_AUTO_TEST_CASE(no_link_is_forbidden) {
    const link_table targets = parse_link_table(kpu::read_file(KPU_LINK_TABLE));
    for (const char* name : {"kpu_platform", "kpu_dfx", "kpu_hw", "kpu_loading", "kpu_traces", "kpu-loader",
                             "kpu-kernel-compiler", "kpu-config"})
        BOOST_TEST(targets.count(name) == 1u, name << " is not in the table");
    none(forbidden_links(targets));
}

BOOST_AUTO_TEST_CASE(the_top_level_has_nothing_foreign) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(KPU_SOURCE_DIR))
        names.push_back(entry.path().filename().string());
    BOOST_TEST(std::count(names.begin(), names.end(), "CMakeLists.txt") == 1);
    none(foreign_entries(names, kpu::read_file(std::string(KPU_SOURCE_DIR) + "/.gitignore")));
}

BOOST_AUTO_TEST_CASE(allowed_includes_pass) {
    allows("compiler/passes/a.cpp", "\"compiler/dfg/x.h\"");
    allows("compiler/object/a.cpp", "\"compiler/dfx/x.h\"");
    allows("fw/loader/a.cpp", "\"hw/interface/x.h\"");
    allows("fw/loader/a.cpp", "\"compiler/object/x.h\"");
    allows("fw/tools/a.cpp", "\"hw/memory/x.h\"");
    allows("fw/tools/a.cpp", "<systemc>");
    allows("hw/memory/a.cpp", "\"platforms/x.h\"");
    allows("hw/memory/a.cpp", "<tlm_utils/simple_target_socket.h>");
    allows("traces/a.cpp", "\"hw/interface/x.h\"");
    allows("traces/a.cpp", "\"platforms/x.h\"");
    allows("platforms/a.cpp", "<yaml-cpp/yaml.h>");
    none(problems_of("compiler/dfx/a.cpp", "// #include <systemc>\nconst char* text = \"#include <systemc>\";\n"));
    none(problems_of("tests/support/a.cpp", "#include <systemc>\n#include \"whatever.h\"\n"));
}

BOOST_AUTO_TEST_CASE(forbidden_includes_are_found) {
    refuses("compiler/passes/a.cpp", "\"hw/interface/x.h\"", "compiler must not include hw/interface/x.h");
    refuses("compiler/passes/a.cpp", "\"fw/loader/x.h\"", "compiler must not include fw/loader/x.h");
    refuses("compiler/passes/a.cpp", "\"platforms/x.h\"", "compiler must not include platforms/x.h");
    refuses("compiler/dfx/a.cpp", "\"compiler/dfg/x.h\"", "compiler/dfx must not include compiler/dfg/x.h");
    refuses("compiler/tensor/a.cpp", "<systemc>", "compiler/tensor must not need SystemC, but includes <systemc>");
    refuses("hw/memory/a.h", "\"compiler/dfx/x.h\"", "hw must not include compiler/dfx/x.h");
    refuses("hw/memory/a.h", "\"fw/driver/x.h\"", "hw must not include fw/driver/x.h");
    refuses("hw/interface/a.h", "<tlm>", "hw/interface must not need SystemC, but includes <tlm>");
    refuses("hw/interface/a.h", "\"hw/memory/x.h\"", "hw/interface must not include hw/memory/x.h");
    refuses("fw/loader/a.cpp", "\"hw/memory/x.h\"", "fw must not include hw/memory/x.h");
    refuses("fw/loader/a.cpp", "\"platforms/x.h\"", "fw must not include platforms/x.h");
    refuses("fw/loader/a.cpp", "\"compiler/passes/x.h\"", "fw must not include compiler/passes/x.h");
    refuses("fw/firmware/a.cpp", "\"fw/tools/x.h\"", "fw must not include fw/tools/x.h");
    refuses("fw/driver/a.cpp", "<tlm_utils/simple_initiator_socket.h>",
            "fw must not need SystemC, but includes <tlm_utils/simple_initiator_socket.h>");
    refuses("fw/tools/a.cpp", "\"compiler/passes/x.h\"", "fw/tools must not include compiler/passes/x.h");
    refuses("platforms/a.cpp", "\"hw/interface/x.h\"", "platforms must not include hw/interface/x.h");
    refuses("platforms/common/a.cpp", "\"platforms/x.h\"", "platforms/common must not include platforms/x.h");
    refuses("traces/a.cpp", "\"hw/memory/x.h\"", "traces must not include hw/memory/x.h");
    refuses("traces/a.cpp", "<sysc/kernel/sc_time.h>",
            "traces must not need SystemC, but includes <sysc/kernel/sc_time.h>");
    refuses("hw/memory/a.cpp", "\"tests/support/x.h\"", "hw must not include tests/support/x.h");
    refuses("hw/memory/a.cpp", "<compiler/dfx/x.h>", "hw must not include compiler/dfx/x.h");
    refuses("hw/memory/a.cpp", "\"x.h\"", "'x.h' is no path from the root of the repository");
    refuses("hw/memory/a.cpp", "\"../interface/x.h\"", "'../interface/x.h' is no path from the root of the repository");
    refuses("hw/memory/a.cpp", "<systemc.h>", "<systemc.h> fills the global namespace; include <systemc> or <tlm>");
    BOOST_TEST(problems_of("traces/a.cpp", "#  include  <systemc>\n").size() == 1u);
}

BOOST_AUTO_TEST_CASE(forbidden_links_are_found) {
    link_table targets =
        parse_link_table("folder|dfx|compiler/dfx\nlink|dfx|fmt::fmt\nfolder|chip|hw/kpu\nlink|chip|kpu_systemc\n"
                         "folder|loading|fw/loader\nlink|loading|dfx\nfolder|tool|fw/tools\nlink|tool|chip\n"
                         "link|tool|loading\nfolder|reports|traces\n");
    BOOST_REQUIRE(targets.size() == 5u);
    none(forbidden_links(targets));
    targets["loading"].links.push_back("chip");
    targets["reports"].links.push_back("loading");
    const std::vector<std::string> expected = {"loading: fw/loader must not need SystemC",
                                               "loading: fw/loader must not link chip of hw/kpu",
                                               "reports: traces must not need SystemC", // through loading and chip
                                               "reports: traces must not link loading of fw/loader"};
    BOOST_TEST(forbidden_links(targets) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(foreign_entries_are_found) {
    const std::string gitignore = "/.build/\n/build*/\n# a comment\n*.o\n";
    const std::vector<std::string> expected = {"docs", "notes.txt", ".builds"};
    BOOST_TEST(foreign_entries({"hw", "docs", ".build", "build-x", "notes.txt", "README.md", ".builds"}, gitignore) ==
                   expected,
               boost::test_tools::per_element());
}
