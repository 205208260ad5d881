#include "platforms/common/files.h"

#include "platforms/common/diagnostic.h"
#include "platforms/common/output_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kpu {

namespace {

[[noreturn]] void fail(const std::string& path) {
    const std::string reason = std::strerror(errno);
    diagnostic problem;
    problem.where.file = path;
    problem.message = "cannot read: " + reason;
    throw input_error(std::move(problem));
}

class descriptor {
  public:
    explicit descriptor(int fd) : m_fd(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (m_fd >= 0)
            ::close(m_fd);
    }
    [[nodiscard]] int get() const { return m_fd; }

  private:
    int m_fd;
};

} // namespace

std::string read_file(const std::string& path) {
    const descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (in.get() < 0)
        fail(path);
    struct stat status {};
    if (::fstat(in.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        fail(path);
    }
    std::string content;
    char block[1 << 16];
    for (;;) {
        const ssize_t n = ::read(in.get(), block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail(path);
        if (n == 0)
            return content;
        content.append(block, static_cast<std::size_t>(n));
    }
}

void write_file(const std::string& path, std::string_view content) {
    output_file out(path);
    out.write(content);
    out.commit();
}

} // namespace kpu
