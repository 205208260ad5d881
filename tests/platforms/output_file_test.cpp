#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "platforms/common/output_file.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

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

/// A named pipe, and what was written into it.
class named_pipe {
  public:
    explicit named_pipe(const std::string& path) {
        BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        m_fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        BOOST_REQUIRE(m_fd >= 0);
    }
    named_pipe(const named_pipe&) = delete;
    named_pipe& operator=(const named_pipe&) = delete;
    ~named_pipe() { ::close(m_fd); }
    [[nodiscard]] std::string content() const {
        char text[256];
        const ssize_t n = ::read(m_fd, text, sizeof text);
        return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : std::string();
    }

  private:
    int m_fd = -1;
};

} // namespace

BOOST_AUTO_TEST_CASE(appears_complete_or_not_at_all) {
    const test::temp_directory dir;
    const std::string path = dir.file("out");
    write_file(path, "old");
    {
        output_file out(path);
        out.write("half");
    }
    BOOST_TEST(read_file(path) == "old");
    output_file out(path);
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
    BOOST_CHECK_THROW(output_file("/nonexistent/out"), input_error);
    const test::temp_directory dir;
    output_file onto_directory(dir.file("sub"));
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
    output_file out(path);
    out.write(std::string(1 << 20, 'x')); // does not throw in the middle of a simulation
    BOOST_CHECK_THROW(out.commit(), input_error);
    BOOST_TEST(!std::filesystem::exists(path));
    BOOST_TEST(files_in(dir.path()) == 0u);
}

BOOST_AUTO_TEST_CASE(a_pipe_is_written_through) {
    const test::temp_directory dir;
    const std::string path = dir.file("pipe");
    const named_pipe pipe(path);
    output_file out(path);
    BOOST_TEST(out.writes_through());
    out.write("text");
    out.commit();
    BOOST_TEST(pipe.content() == "text");
    write_file(path, "whole");
    BOOST_TEST(pipe.content() == "whole");
    BOOST_TEST(std::filesystem::is_fifo(path));
    { output_file dropped(path); }
    BOOST_TEST(std::filesystem::is_fifo(path));
    BOOST_TEST(files_in(dir.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_device_is_written_through) {
    const test::temp_directory dir;
    const std::string null = dir.file("null"), full = dir.file("full");
    // Nodes of its own: were this broken, it would replace the system's.
    if (::mknod(null.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0 ||
        ::mknod(full.c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) {
        BOOST_TEST_MESSAGE("no permission to make device nodes");
        return;
    }
    write_file(null, "text");
    output_file out(full);
    out.write("text"); // what does not fit is told at the end
    BOOST_CHECK_EXCEPTION(out.commit(), input_error, [](const input_error& e) {
        return std::string(e.what()).find("No space") != std::string::npos;
    });
    for (const std::string& path : {null, full})
        BOOST_TEST(std::filesystem::is_character_file(path), path);
    BOOST_TEST(files_in(dir.path()) == 2U);
}

BOOST_AUTO_TEST_CASE(links_stay_and_what_they_lead_to_is_replaced) {
    namespace fs = std::filesystem;
    const test::temp_directory dir;
    fs::create_directory(dir.file("deep"));
    fs::create_symlink("deep/second", dir.file("first"));
    fs::create_symlink("file", dir.file("deep/second"));
    for (const std::string content : {"a new file", "replaced"}) { // the links lead nowhere the first time
        write_file(dir.file("first"), content);
        BOOST_TEST(read_file(dir.file("deep/file")) == content);
        BOOST_TEST(fs::is_symlink(dir.file("first")));
        BOOST_TEST(fs::is_symlink(dir.file("deep/second")));
        BOOST_TEST(files_in(dir.path()) == 2U);
        BOOST_TEST(files_in(dir.file("deep")) == 2U);
    }
    const named_pipe pipe(dir.file("pipe"));
    fs::create_symlink(dir.file("pipe"), dir.file("to_pipe"));
    write_file(dir.file("to_pipe"), "text");
    BOOST_TEST(pipe.content() == "text");
    BOOST_TEST(fs::is_symlink(dir.file("to_pipe")));
    fs::create_symlink("round", dir.file("round"));
    BOOST_CHECK_THROW(write_file(dir.file("round"), ""), input_error);
}

BOOST_AUTO_TEST_CASE(a_directory_is_refused_at_once) {
    const test::temp_directory dir;
    BOOST_CHECK_THROW(output_file(dir.path()), input_error);
}

BOOST_AUTO_TEST_CASE(open_files_are_reached_by_their_names_in_proc) {
    const test::temp_directory dir;
    const std::string path = dir.file("out");
    write_file(path, "older and longer");
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    BOOST_REQUIRE(fd >= 0);
    std::filesystem::remove(path);
    write_file("/proc/self/fd/" + std::to_string(fd), "text"); // there is no name that could be given to another
    char text[32];
    BOOST_TEST(::pread(fd, text, sizeof text, 0) == 4);
    BOOST_TEST(files_in(dir.path()) == 0U);
    ::close(fd);
}
