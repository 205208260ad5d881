#pragma once
// Runs a program and collects what it says: for tests of command-line tools.

#include <string>
#include <vector>

namespace kpu::test {

struct process_result {
    int exit_code = -1; ///< 128 + signal number if a signal ended it
    std::string out;    ///< everything on standard output
    std::string err;    ///< everything on standard error
};

/// Runs command[0] (looked up in PATH) with the remaining strings as its arguments, standard input empty, in
/// `directory` if given. Throws std::runtime_error if it cannot be started.
[[nodiscard]] process_result run_process(const std::vector<std::string>& command, const std::string& directory = {});

/// A fresh directory, removed with its contents at the end.
class temp_directory {
  public:
    temp_directory();
    ~temp_directory();
    temp_directory(const temp_directory&) = delete;
    temp_directory& operator=(const temp_directory&) = delete;
    [[nodiscard]] const std::string& path() const { return m_path; }
    /// Path of a file in it.
    [[nodiscard]] std::string file(const std::string& name) const { return m_path + "/" + name; }

  private:
    std::string m_path;
};

} // namespace kpu::test
