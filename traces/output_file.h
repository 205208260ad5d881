#pragma once
// A large output written as it comes, in bounded memory, that appears under its name only when it is complete.

#include <string>
#include <string_view>

namespace kpu::trace {

/// Writes to `path.tmp<pid>` beside the target; commit() renames it. Without commit the temporary file is removed.
class output_file {
  public:
    /// Throws input_error with the system's reason if the file cannot be created.
    explicit output_file(std::string path);
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file();

    /// Appends. An error (disk full) is kept and thrown by commit(): the caller is in the middle of a simulation.
    void write(std::string_view text) {
        m_buffer.append(text);
        if (m_buffer.size() >= k_flush_at)
            flush();
    }
    /// The buffer, for those who format in place; call write({}) from time to time.
    [[nodiscard]] std::string& buffer() { return m_buffer; }
    [[nodiscard]] const std::string& path() const { return m_path; }

    /// Throws input_error if anything could not be written; the older file under that name stays then.
    void commit();

  private:
    static constexpr std::size_t k_flush_at = std::size_t{1} << 18;
    void flush();
    void discard();

    std::string m_path;
    std::string m_temporary;
    std::string m_buffer;
    int m_fd = -1;
    int m_error = 0; ///< errno of the first failure
};

} // namespace kpu::trace
