#include "tests/support/process.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace kpu::test {

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// Two ends of a pipe, closed when they go out of scope.
struct pipe_ends {
    std::array<int, 2> fd{-1, -1};
    pipe_ends() {
        if (::pipe2(fd.data(), O_CLOEXEC) != 0)
            fail("pipe");
    }
    ~pipe_ends() {
        close_end(0);
        close_end(1);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    void close_end(std::size_t which) {
        if (fd[which] >= 0)
            ::close(fd[which]);
        fd[which] = -1;
    }
};

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* arguments, const char* directory, int out, int err) {
    const int in = ::open("/dev/null", O_RDONLY);
    if (in < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0)
        ::_exit(127);
    if (directory[0] != '\0' && ::chdir(directory) != 0)
        ::_exit(127);
    ::execvp(arguments[0], arguments);
    ::_exit(127);
}

/// Reads both pipes until both are closed by the other side.
void drain(pipe_ends& out, pipe_ends& err, process_result& result) {
    std::array<pollfd, 2> watch{{{out.fd[0], POLLIN, 0}, {err.fd[0], POLLIN, 0}}};
    std::array<std::string*, 2> into{&result.out, &result.err};
    std::array<char, 65536> buffer{};
    while (watch[0].fd >= 0 || watch[1].fd >= 0) {
        if (::poll(watch.data(), watch.size(), -1) < 0) {
            if (errno == EINTR)
                continue;
            fail("poll");
        }
        for (std::size_t i = 0; i < watch.size(); ++i) {
            if (watch[i].fd < 0 || watch[i].revents == 0)
                continue;
            const ssize_t got = ::read(watch[i].fd, buffer.data(), buffer.size());
            if (got > 0)
                into[i]->append(buffer.data(), static_cast<std::size_t>(got));
            else if (got == 0 || errno != EINTR)
                watch[i].fd = -1;
        }
    }
}

} // namespace

process_result run_process(const std::vector<std::string>& command, const std::string& directory) {
    if (command.empty())
        throw std::runtime_error("run_process: empty command");
    std::vector<std::string> copy = command;
    std::vector<char*> arguments;
    arguments.reserve(copy.size() + 1);
    for (std::string& word : copy)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    pipe_ends out;
    pipe_ends err;
    const pid_t child = ::fork();
    if (child < 0)
        fail("fork");
    if (child == 0)
        become(arguments.data(), directory.c_str(), out.fd[1], err.fd[1]);
    out.close_end(1);
    err.close_end(1);
    process_result result;
    drain(out, err, result);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail("waitpid");
    result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (result.exit_code == 127 && result.out.empty() && result.err.empty())
        throw std::runtime_error("cannot run " + command.front());
    return result;
}

temp_directory::temp_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kpu-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        fail("mkdtemp");
    m_path = pattern;
}

temp_directory::~temp_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
}

} // namespace kpu::test
