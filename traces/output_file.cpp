#include "traces/output_file.h"

#include "platforms/common/diagnostic.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace kpu::trace {

namespace {

[[noreturn]] void fail(const std::string& path, int reason) {
    diagnostic problem;
    problem.where.file = path;
    problem.message = std::string("cannot write: ") + std::strerror(reason);
    throw input_error(std::move(problem));
}

} // namespace

output_file::output_file(std::string path) : m_path(std::move(path)) {
    m_temporary = m_path + ".tmp" + std::to_string(::getpid());
    m_fd = ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (m_fd < 0)
        fail(m_path, errno);
    m_buffer.reserve(k_flush_at + 4096);
}

output_file::~output_file() {
    discard();
}

void output_file::flush() {
    std::string_view rest = m_buffer;
    while (m_error == 0 && !rest.empty()) {
        const ssize_t n = ::write(m_fd, rest.data(), rest.size());
        if (n < 0 && errno != EINTR)
            m_error = errno;
        if (n > 0)
            rest.remove_prefix(static_cast<std::size_t>(n));
    }
    m_buffer.clear();
}

void output_file::discard() {
    if (m_fd < 0)
        return;
    ::close(m_fd);
    m_fd = -1;
    ::unlink(m_temporary.c_str());
}

void output_file::commit() {
    if (m_fd < 0)
        return;
    flush();
    if (m_error == 0) {
        const int fd = std::exchange(m_fd, -1);
        if (::close(fd) == 0 && std::rename(m_temporary.c_str(), m_path.c_str()) == 0)
            return;
        m_error = errno;
        ::unlink(m_temporary.c_str());
    }
    discard();
    fail(m_path, m_error);
}

} // namespace kpu::trace
