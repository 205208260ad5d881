#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "tests/support/process.h"
#include "traces/output_file.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

using namespace kpu;

namespace {

std::size_t files_in(const std::string& directory) {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        (void)entry;
        ++n;
    }
    return n;
}

} // namespace

BOOST_AUTO_TEST_SUITE(output_file)

BOOST_AUTO_TEST_CASE(appears_complete_or_not_at_all) {
    const test::temp_directory dir;
    const std::string path = dir.file("out");
    write_file(path, "old");
    {
        trace::output_file out(path);
        out.write("half");
    }
    BOOST_TEST(read_file(path) == "old");
    trace::output_file out(path);
    std::string expected;
    for (int i = 0; i < 100000; ++i) { // several buffers
        out.write("line " + std::to_string(i) + "\n");
        expected += "line " + std::to_string(i) + "\n";
    }
    BOOST_TEST(read_file(path) == "old");
    out.commit();
    BOOST_TEST((read_file(path) == expected));
    BOOST_TEST(files_in(dir.path()) == 1u);
}

BOOST_AUTO_TEST_CASE(unwritable_names_are_refused_at_once) {
    BOOST_CHECK_THROW(trace::output_file("/nonexistent/out"), input_error);
    const test::temp_directory dir;
    trace::output_file onto_directory(dir.file("sub"));
    std::filesystem::create_directory(dir.file("sub"));
    std::filesystem::create_directory(dir.file("sub/full"));
    BOOST_CHECK_THROW(onto_directory.commit(), input_error);
    BOOST_TEST(files_in(dir.path()) == 1u); // no temporary file left
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_reported_at_the_end) {
    BOOST_TEST_REQUIRE(std::filesystem::exists("/dev/full"));
    const test::temp_directory dir;
    const std::string path = dir.file("out");
    std::filesystem::create_symlink("/dev/full", path + ".tmp" + std::to_string(::getpid()));
    trace::output_file out(path);
    out.write(std::string(1 << 20, 'x')); // does not throw in the middle of a simulation
    BOOST_CHECK_THROW(out.commit(), input_error);
    BOOST_TEST(!std::filesystem::exists(path));
    BOOST_TEST(files_in(dir.path()) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
