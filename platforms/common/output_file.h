#pragma once
// How every output comes under its name, in one piece or as it is made, in bounded memory.

#include <cstddef>
#include <string>
#include <string_view>

namespace kpu {

/// The name at the end of `path`'s symbolic links; it need not exist. Throws input_error where they go round in
/// circles.
[[nodiscard]] std::string without_links(const std::string& path);

/// A regular file, or a name that is free, is written as `.tmp<pid>` beside it, and commit() renames that over it: the
/// output appears complete, or the older file stays. Symbolic links stay, what they lead to is replaced. What exists
/// and is no regular file (a device, a pipe), and what is this process's own standard output or error, is written
/// through as the text comes.
class output_file {
  public:
    /// Throws input_error with the system's reason if the file cannot be opened. A named pipe waits for its reader.
    explicit output_file(std::string path);
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    /// Without commit() the temporary file is removed.
    ~output_file();

    /// Appends. An error (disk full) is kept and thrown by commit(): the caller may be in the middle of a simulation.
    void write(std::string_view text) {
        if (m_buffer.size() + text.size() >= k_flush_at)
            flush_with(text);
        else
            m_buffer.append(text);
    }
    /// The buffer, for those who format in place; call write({}) from time to time.
    [[nodiscard]] std::string& buffer() { return m_buffer; }
    /// True where there is no file that others could open by this name afterwards.
    [[nodiscard]] bool writes_through() const { return m_temporary.empty(); }

    /// Throws input_error if anything could not be written; the older file under that name stays then.
    void commit();

  private:
    static constexpr std::size_t k_flush_at = std::size_t{1} << 18;
    void flush_with(std::string_view text);
    void put(std::string_view text);
    void discard();

    std::string m_path;      ///< as the user named it
    std::string m_target;    ///< what is replaced
    std::string m_temporary; ///< empty where the text is written through
    std::string m_buffer;
    int m_fd = -1;
    int m_error = 0; ///< errno of the first failure
};

} // namespace kpu
