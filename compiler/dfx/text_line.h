#pragma once
// One line of DFX text: its tokens, and what can be read from them.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpu::dfx {

struct text_token {
    enum class kind { word, quoted, symbol, end } what = kind::end;
    std::string_view text; ///< of a quoted token what stands between the quotes, escapes as they stand
    unsigned column = 0;
};

/// What is wrong with a line, at a column of it.
struct line_error {
    unsigned column;
    std::string message, text, expected, hint = {};
};

/// A name as it stands in the text: bare where it is a word that begins with a letter or underscore, else quoted.
[[nodiscard]] std::string as_name(const std::string& text);
/// In quotes: `\"`, `\\`, `\n`, other control characters as `\xHH`.
[[nodiscard]] std::string as_quoted(const std::string& text);

/// Reads a line from left to right. Words are letters, digits and underscores; symbols are `..`, `->`, `<-` and single
/// characters; `#` begins a comment. Everything throws line_error where the line is not what is asked for. The line's
/// bytes have to outlive this.
class text_line {
  public:
    explicit text_line(std::string_view line);

    [[nodiscard]] bool at_end() const { return peek().what == text_token::kind::end; }
    [[nodiscard]] unsigned column() const { return peek().column; }
    /// The next token is this word or symbol.
    [[nodiscard]] bool sees(std::string_view text, std::size_t ahead = 0) const;
    [[nodiscard]] bool sees_number() const;
    [[nodiscard]] bool sees_quoted() const { return peek().what == text_token::kind::quoted; }
    /// Takes it if it comes next.
    bool accept(std::string_view text);
    void require(std::string_view text);
    /// One of these words, by its number. A word that can be nothing but a misspelling of one is put down among the
    /// slips, and taken for that.
    std::size_t choose(const std::vector<std::string>& names, const std::string& what);
    /// An error that leaves no doubt about what the line means: reading goes on.
    void forgive(line_error slip) { m_slips.push_back(std::move(slip)); }
    [[nodiscard]] const std::vector<line_error>& slips() const { return m_slips; }
    /// Refuses anything that is left.
    void finish() const;
    /// The line opens a block.
    [[nodiscard]] bool ends_with_brace() const;

    [[nodiscard]] std::string word(const char* what);
    [[nodiscard]] std::string quoted(const char* what);
    /// A word or quoted.
    [[nodiscard]] std::string name(const char* what);
    [[nodiscard]] std::uint64_t number(const char* what);
    /// With a sign.
    [[nodiscard]] std::int64_t integer(const char* what);
    /// "4x16".
    [[nodiscard]] std::vector<std::uint64_t> extents();

    /// `( item, item )`, perhaps empty.
    template <class Read>
    void list(Read read) {
        require("(");
        if (accept(")"))
            return;
        do
            read();
        while (accept(","));
        require(")");
    }

    [[noreturn]] void refuse(const std::string& message, const std::string& expected = {}) const;

  private:
    [[nodiscard]] const text_token& peek(std::size_t ahead = 0) const;
    const text_token& take();

    std::vector<text_token> m_tokens; ///< the last is `end`
    std::size_t m_at = 0;
    std::vector<line_error> m_slips;
};

/// A sign and a magnitude as a number; throws line_error at `column` where it has no 64 bits.
[[nodiscard]] std::int64_t signed_value(bool negative, std::uint64_t magnitude, unsigned column);

} // namespace kpu::dfx
