#include "platforms/common/files.h"

#include "platforms/common/diagnostic.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kpu {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
    const std::string reason = std::strerror(errno);
    diagnostic problem;
    problem.where.file = path;
    problem.message = what + ": " + reason;
    throw input_error(std::move(problem));
}

class descriptor {
  public:
    explicit descriptor(int fd) : m_fd(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() { close(); }
    [[nodiscard]] int get() const { return m_fd; }
    bool close() {
        const int fd = m_fd;
        m_fd = -1;
        return fd < 0 || ::close(fd) == 0;
    }

  private:
    int m_fd;
};

bool write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

} // namespace

std::string read_file(const std::string& path) {
    const descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (in.get() < 0)
        fail(path, "cannot read");
    struct stat status {};
    if (::fstat(in.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        fail(path, "cannot read");
    }
    std::string content;
    char block[1 << 16];
    for (;;) {
        const ssize_t n = ::read(in.get(), block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail(path, "cannot read");
        if (n == 0)
            return content;
        content.append(block, static_cast<std::size_t>(n));
    }
}

void write_file(const std::string& path, std::string_view content) {
    const std::string temporary = path + ".tmp" + std::to_string(::getpid());
    descriptor out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (out.get() < 0)
        fail(path, "cannot write");
    const bool written = write_all(out.get(), content);
    if (!written || !out.close() || std::rename(temporary.c_str(), path.c_str()) != 0) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        errno = reason;
        fail(path, "cannot write");
    }
}

} // namespace kpu
