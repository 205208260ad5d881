#include "compiler/dfx/text_line.h"

#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace kpu::dfx {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_word(char c) {
    return is_letter(c) || is_digit(c);
}

struct escape {
    char meaning = '\0';
    std::size_t length = 2;
};

/// What an escape at the beginning of the text stands for; nothing where there is no such escape.
std::optional<escape> escape_at(std::string_view text) {
    const char c = text.size() > 1 ? text[1] : '\0';
    unsigned value = 0;
    if (c == 'x' && text.size() >= 4 &&
        std::from_chars(text.data() + 2, text.data() + 4, value, 16).ptr == text.data() + 4)
        return escape{static_cast<char>(value), 4};
    if (c == 'n')
        return escape{'\n'};
    return c == '"' || c == '\\' ? std::optional(escape{c}) : std::nullopt;
}

/// What the text of a quoted token means. Its escapes are known ones.
std::string unescaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const escape next = text.front() == '\\' ? *escape_at(text) : escape{text.front(), 1};
        out += next.meaning;
        text.remove_prefix(next.length);
    }
    return out;
}

class tokenizer {
  public:
    explicit tokenizer(std::string_view line) : m_line(line) {}

    std::vector<text_token> run() {
        std::vector<text_token> all;
        all.reserve(m_line.size() / 4 + 4); // most tokens are short
        do
            all.push_back(next());
        while (all.back().what != text_token::kind::end);
        return all;
    }

  private:
    [[nodiscard]] unsigned column() const { return static_cast<unsigned>(m_at + 1); }

    text_token next() {
        while (m_at < m_line.size() && (m_line[m_at] == ' ' || m_line[m_at] == '\t' || m_line[m_at] == '\r'))
            ++m_at;
        const unsigned from = column();
        if (m_at == m_line.size() || m_line[m_at] == '#')
            return {text_token::kind::end, "", from};
        if (m_line[m_at] == '"')
            return {text_token::kind::quoted, quoted(), from};
        const std::size_t first = m_at;
        while (m_at < m_line.size() && is_word(m_line[m_at]))
            ++m_at;
        if (m_at > first)
            return {text_token::kind::word, m_line.substr(first, m_at - first), from};
        const char c = m_line[m_at];
        const char behind = m_at + 1 < m_line.size() ? m_line[m_at + 1] : '\0';
        const bool pair = (c == '.' && behind == '.') || (c == '-' && behind == '>') || (c == '<' && behind == '-');
        m_at += pair ? 2 : 1;
        return {text_token::kind::symbol, m_line.substr(first, m_at - first), from};
    }

    std::string_view quoted() {
        const unsigned from = column();
        const std::size_t first = ++m_at;
        while (m_at < m_line.size()) {
            if (m_line[m_at] == '"')
                return m_line.substr(first, m_at++ - first);
            if (m_line[m_at] != '\\')
                ++m_at;
            else if (const std::optional<escape> found = escape_at(m_line.substr(m_at)))
                m_at += found->length;
            else
                throw line_error{column(), "unknown escape", std::string(m_line.substr(m_at, 2)),
                                 R"(\", \\, \n or \xHH)"};
        }
        throw line_error{from, "the text in quotes does not end on this line", "", ""};
    }

    std::string_view m_line;
    std::size_t m_at = 0;
};

} // namespace

std::string as_quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto code = static_cast<unsigned char>(c);
        if (c == '\n')
            out += "\\n";
        else if (code < 0x20 || code == 0x7f)
            out += fmt::format("\\x{:02x}", code);
        else
            out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "\"";
}

std::string as_name(const std::string& text) {
    const bool bare = !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), is_word);
    return bare ? text : as_quoted(text);
}

text_line::text_line(std::string_view line) : m_tokens(tokenizer(line).run()) {}

const text_token& text_line::peek(std::size_t ahead) const {
    return m_tokens[std::min(m_at + ahead, m_tokens.size() - 1)];
}

const text_token& text_line::take() {
    const text_token& token = peek();
    if (m_at + 1 < m_tokens.size())
        ++m_at;
    return token;
}

void text_line::refuse(const std::string& message, const std::string& expected) const {
    throw line_error{column(), message, at_end() ? "end of line" : std::string(peek().text), expected};
}

bool text_line::sees(std::string_view text, std::size_t ahead) const {
    const text_token& token = peek(ahead);
    return (token.what == text_token::kind::word || token.what == text_token::kind::symbol) && token.text == text;
}

bool text_line::sees_number() const {
    return peek().what == text_token::kind::word && is_digit(peek().text.front());
}

bool text_line::accept(std::string_view text) {
    const bool here = sees(text);
    if (here)
        take();
    return here;
}

void text_line::require(std::string_view text) {
    if (!accept(text))
        refuse("unexpected text", "'" + std::string(text) + "'");
}

std::size_t text_line::choose(const std::vector<std::string>& names, const std::string& what) {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (accept(names[i]))
            return i;
    const bool is_word = peek().what == text_token::kind::word;
    const std::string text = at_end() ? "end of line" : std::string(peek().text);
    line_error problem{column(), "unknown " + what, text, fmt::format("{}", fmt::join(names, ", ")),
                       is_word ? suggestion(text, names) : ""};
    const std::optional<std::string> meant = is_word ? misspelled(text, names) : std::nullopt;
    if (!meant)
        throw problem;
    forgive(std::move(problem));
    take();
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), *meant) - names.begin());
}

void text_line::finish() const {
    if (!at_end())
        refuse("unexpected text", "end of line");
}

bool text_line::ends_with_brace() const {
    return m_tokens.size() >= 2 && m_tokens[m_tokens.size() - 2].what == text_token::kind::symbol &&
           m_tokens[m_tokens.size() - 2].text == "{";
}

std::string text_line::word(const char* what) {
    if (peek().what != text_token::kind::word)
        refuse("unexpected text", what);
    return std::string(take().text);
}

std::string text_line::quoted(const char* what) {
    if (!sees_quoted())
        refuse("unexpected text", std::string(what) + " in quotes");
    return unescaped(take().text);
}

std::string text_line::name(const char* what) {
    if (sees_quoted())
        return quoted(what);
    if (peek().what != text_token::kind::word || is_digit(peek().text.front()))
        refuse("unexpected text", what);
    return word(what);
}

namespace {

std::uint64_t parsed(std::string_view text, unsigned column, const char* what) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size())
        throw line_error{column, "not a number from 0 to 2^64 - 1", std::string(text), what};
    return value;
}

} // namespace

std::uint64_t text_line::number(const char* what) {
    const unsigned from = column();
    return parsed(word(what), from, what);
}

std::int64_t text_line::integer(const char* what) {
    const bool negative = accept("-");
    const unsigned from = column();
    return signed_value(negative, number(what), from);
}

std::vector<std::uint64_t> text_line::extents() {
    const unsigned from = column();
    const std::string all = word("extents such as 4x16");
    std::vector<std::uint64_t> out;
    for (std::size_t at = 0; at <= all.size();) {
        const std::size_t end = std::min(all.find('x', at), all.size());
        out.push_back(parsed(std::string_view(all).substr(at, end - at), from, "extents such as 4x16"));
        at = end + 1;
    }
    return out;
}

std::int64_t signed_value(bool negative, std::uint64_t magnitude, unsigned column) {
    const std::uint64_t limit = (1ULL << 63) - (negative ? 0 : 1);
    if (magnitude > limit)
        throw line_error{column, "number does not fit 64 bits with a sign", std::to_string(magnitude), ""};
    // Through unsigned, so that the smallest value has a way too.
    return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

} // namespace kpu::dfx
