#include "tests/bench/apart.h"

#include "platforms/common/diagnostic.h"

#include <cstdio>
#include <exception>
#include <sys/wait.h>
#include <unistd.h>

namespace kpu::bench {

namespace {

[[noreturn]] void be_the_child(const std::function<void()>& body, const void* result, std::size_t size, int into) {
    int status = 1;
    try {
        body();
        status = write(into, result, size) == static_cast<ssize_t>(size) ? 0 : 1;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "error: %s\n", problem.what());
    }
    _exit(status);
}

} // namespace

void run_in_child(const std::function<void()>& body, void* result, std::size_t size) {
    int ends[2] = {-1, -1};
    if (pipe(ends) != 0)
        throw run_error("no pipe for a measurement");
    std::fflush(nullptr); // or the child would print it again
    const pid_t child = fork();
    if (child == 0)
        be_the_child(body, result, size, ends[1]);
    close(ends[1]);
    const bool whole = child > 0 && read(ends[0], result, size) == static_cast<ssize_t>(size);
    close(ends[0]);
    int status = 0;
    if (child > 0)
        waitpid(child, &status, 0);
    if (!whole || status != 0)
        throw run_error("a measurement's process failed");
}

} // namespace kpu::bench
