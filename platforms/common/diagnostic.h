#pragma once
// The project's one diagnostic type: where, what, the offending text, what was expected, and a hint.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace kpu {

enum class severity { note, warning, error };

/// A place in an input: a file with line and column (1-based, 0 = unknown), a byte offset for binary files, or a key
/// path.
struct location {
    std::string file;
    unsigned line = 0;
    unsigned column = 0;
    std::optional<std::uint64_t> byte_offset;
    std::string path; ///< YAML key path or JSON pointer, empty where there is none
};

struct diagnostic {
    severity level = severity::error;
    location where;
    std::string message;  ///< what is wrong
    std::string text;     ///< the offending text, empty where there is none
    std::string expected; ///< what would have been right, empty where the message says it
    std::string hint;     ///< what to do about it, may be empty
};

[[nodiscard]] std::string to_string(const location& where);
/// One line: `file:line:column: error: message: 'text' (expected …) [hint: …]`. Whatever a file holds, it can be shown
/// on a terminal: control characters and bytes that are no UTF-8 stand as `\n` and `\xHH`.
[[nodiscard]] std::string to_string(const diagnostic& problem);

/// The problems of one input in the order in which they were found.
class diagnostics {
  public:
    void add(diagnostic problem) { m_items.push_back(std::move(problem)); }
    void error(location where, std::string message, std::string text = {}, std::string expected = {},
               std::string hint = {});
    void warning(location where, std::string message, std::string text = {}, std::string expected = {},
                 std::string hint = {});
    void append(const diagnostics& other);

    [[nodiscard]] const std::vector<diagnostic>& items() const { return m_items; }
    [[nodiscard]] bool has_errors() const;
    [[nodiscard]] bool empty() const { return m_items.empty(); }
    /// Throws input_error with everything collected so far if any of it is an error.
    void throw_if_errors() const;

  private:
    std::vector<diagnostic> m_items;
};

[[nodiscard]] std::string to_string(const diagnostics& problems);

/// Bad usage or bad input: carries every problem found. A tool that catches it prints them and exits with code 2.
class input_error : public std::runtime_error {
  public:
    explicit input_error(diagnostics problems);
    explicit input_error(diagnostic problem);
    [[nodiscard]] const diagnostics& problems() const { return m_problems; }

  private:
    diagnostics m_problems;
};

/// The run itself failed (a check, a hazard, a deadlock, a modelled fault): a tool that catches it exits with code 1.
class run_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The candidate nearest to `word` in edit distance, if it is near enough to be a likely misspelling.
[[nodiscard]] std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates);
/// The only candidate that one letter added, missing or exchanged makes of `word`, of four letters at least: what was
/// meant beyond doubt.
[[nodiscard]] std::optional<std::string> misspelled(const std::string& word,
                                                    const std::vector<std::string>& candidates);
/// "did you mean …?", or empty: the hint at a word that is none of the candidates.
[[nodiscard]] std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

} // namespace kpu
