#include "platforms/common/output_file.h"

#include "platforms/common/diagnostic.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace kpu {

namespace {

namespace fs = std::filesystem;

constexpr int k_most_links = 40; // as Linux

[[noreturn]] void fail(const std::string& path, int reason) {
    diagnostic problem;
    problem.where.file = path;
    problem.message = std::string("cannot write: ") + std::strerror(reason);
    throw input_error(std::move(problem));
}

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Another descriptor of standard output or error if `target` is that, else -1. Opened anew by name (/dev/stdout), a
/// regular file would be written from its start, over what the process prints.
int own_output(const struct stat& target) {
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat own {};
        if (::fstat(fd, &own) == 0 && same_file(own, target))
            return std::fflush(stdout) == 0 ? ::fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    }
    return -1;
}

/// Whether a rename over `target` replaces the file `present`: not where it was opened by a name in /proc.
bool leads_to(const std::string& target, const struct stat& present) {
    struct stat found {};
    return ::lstat(target.c_str(), &found) == 0 && same_file(found, present);
}

} // namespace

std::string without_links(const std::string& path) {
    fs::path at = path;
    for (int links = 0; links < k_most_links; ++links) {
        std::error_code failed;
        const fs::path next = fs::read_symlink(at, failed);
        if (failed)
            return at;
        at = at.parent_path() / next;
    }
    fail(path, ELOOP);
}

output_file::output_file(std::string path) : m_path(std::move(path)) {
    struct stat present {};
    const bool exists = ::stat(m_path.c_str(), &present) == 0;
    if (exists)
        m_fd = own_output(present);
    if (m_fd < 0) {
        m_target = without_links(m_path);
        if (!exists || (S_ISREG(present.st_mode) && leads_to(m_target, present))) {
            m_temporary = m_target + ".tmp" + std::to_string(::getpid());
            m_fd = ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        } else {
            m_fd = ::open(m_path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
        }
    }
    if (m_fd < 0)
        fail(m_path, errno);
    m_buffer.reserve(k_flush_at + 4096);
}

output_file::~output_file() {
    discard();
}

void output_file::put(std::string_view text) {
    while (m_error == 0 && !text.empty()) {
        const ssize_t n = ::write(m_fd, text.data(), text.size());
        if (n == 0 || (n < 0 && errno != EINTR))
            m_error = n == 0 ? EIO : errno;
        if (n > 0)
            text.remove_prefix(static_cast<std::size_t>(n));
    }
}

void output_file::flush_with(std::string_view text) {
    put(m_buffer);
    m_buffer.clear();
    put(text);
}

void output_file::discard() {
    if (m_fd < 0)
        return;
    ::close(m_fd);
    m_fd = -1;
    if (!writes_through())
        ::unlink(m_temporary.c_str());
}

void output_file::commit() {
    if (m_fd < 0)
        return;
    flush_with({});
    if (m_error == 0) {
        const int fd = std::exchange(m_fd, -1);
        if (::close(fd) == 0 && (writes_through() || std::rename(m_temporary.c_str(), m_target.c_str()) == 0))
            return;
        m_error = errno;
        if (!writes_through())
            ::unlink(m_temporary.c_str());
    }
    discard();
    fail(m_path, m_error);
}

} // namespace kpu
