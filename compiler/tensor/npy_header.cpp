#include "compiler/tensor/npy.h"

#include <limits>
#include <optional>

namespace kpu {

namespace {

constexpr std::size_t k_most_dimensions = 32;

/// Reads the header's Python dictionary: string keys, and as values strings, True, False and tuples of integers.
class dictionary_reader {
  public:
    dictionary_reader(std::string_view text, const location& where) : m_text(text), m_where(where) {}

    npy_header read() {
        npy_header out;
        bool has_order = false;
        bool has_shape = false;
        expect('{');
        while (!accept('}')) {
            const std::string key = quoted();
            expect(':');
            if (key == "descr")
                out.descr = type_text();
            else if (key == "fortran_order")
                has_order = true, fortran_order();
            else if (key == "shape")
                has_shape = true, out.dims = extents();
            else
                fail("unknown key in the .npy header", key);
            if (!accept(',') && peek() != '}')
                fail("malformed .npy header", rest(), "',' or '}'");
        }
        skip_blanks();
        if (m_at != m_text.size())
            fail("malformed .npy header", rest(), "nothing after '}'");
        if (out.descr.empty() || !has_order || !has_shape)
            fail("incomplete .npy header", {}, "the keys descr, fortran_order and shape");
        out.item_size = item_size(out.descr);
        return out;
    }

  private:
    [[noreturn]] void fail(std::string message, std::string text = {}, std::string expected = {},
                           std::string hint = {}) const {
        throw input_error(diagnostic{severity::error, m_where, std::move(message), std::move(text), std::move(expected),
                                     std::move(hint)});
    }

    void skip_blanks() {
        while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\n' || m_text[m_at] == '\t'))
            ++m_at;
    }
    char peek() {
        skip_blanks();
        return m_at < m_text.size() ? m_text[m_at] : '\0';
    }
    bool accept(char c) {
        if (peek() != c)
            return false;
        ++m_at;
        return true;
    }
    void expect(char c) {
        if (!accept(c))
            fail("malformed .npy header", rest(), "'" + std::string(1, c) + "'");
    }
    [[nodiscard]] std::string rest() const { return std::string(m_text.substr(m_at, 40)); }

    std::string quoted() {
        const char quote = peek();
        if (quote != '\'' && quote != '"')
            fail("malformed .npy header", rest(), "a quoted string");
        const std::size_t end = m_text.find(quote, m_at + 1);
        if (end == std::string_view::npos)
            fail("malformed .npy header", rest(), "a closing quote");
        std::string out(m_text.substr(m_at + 1, end - m_at - 1));
        m_at = end + 1;
        return out;
    }

    std::string type_text() {
        if (peek() == '[')
            fail("structured arrays are not supported", rest());
        return quoted();
    }

    void fortran_order() {
        skip_blanks();
        if (m_text.substr(m_at, 5) == "False") {
            m_at += 5;
            return;
        }
        if (m_text.substr(m_at, 4) == "True")
            fail("arrays in Fortran order are not supported", {}, {}, "save numpy.ascontiguousarray(x)");
        fail("malformed .npy header", rest(), "True or False");
    }

    std::uint64_t integer() {
        constexpr std::uint64_t k_max = std::numeric_limits<std::uint64_t>::max();
        if (peek() < '0' || peek() > '9')
            fail("malformed .npy header", rest(), "an extent");
        std::uint64_t value = 0;
        for (; m_at < m_text.size() && m_text[m_at] >= '0' && m_text[m_at] <= '9'; ++m_at) {
            const auto digit = static_cast<std::uint64_t>(m_text[m_at] - '0');
            if (value > (k_max - digit) / 10)
                fail("extent too large in the .npy header", rest());
            value = value * 10 + digit;
        }
        if (m_at < m_text.size() && m_text[m_at] == 'L') // Python 2 wrote long integers so
            ++m_at;
        return value;
    }

    shape extents() {
        shape out;
        expect('(');
        while (!accept(')')) {
            out.push_back(integer());
            if (out.size() > k_most_dimensions)
                fail("too many dimensions in the .npy header", {}, "at most " + std::to_string(k_most_dimensions));
            if (!accept(',') && peek() != ')')
                fail("malformed .npy header", rest(), "',' or ')'");
        }
        return out;
    }

    [[nodiscard]] std::uint64_t item_size(const std::string& descr) const {
        if (descr.size() < 2)
            fail("malformed element type", descr);
        if (descr[0] == '>')
            fail("big-endian arrays are not supported", descr, {}, "save x.astype(x.dtype.newbyteorder('<'))");
        if (descr.find('O') != std::string::npos)
            fail("object arrays are not supported", descr);
        const std::string digits = descr.substr(2);
        const bool simple = std::string_view("fiuVbc").find(descr[1]) != std::string_view::npos &&
                            (descr[0] == '<' || descr[0] == '|') && !digits.empty() && digits.size() <= 2 &&
                            digits.find_first_not_of("0123456789") == std::string::npos;
        if (!simple)
            fail("element type not supported", descr, "such as '<f4'");
        return std::stoul(digits);
    }

    std::string_view m_text;
    const location& m_where;
    std::size_t m_at = 0;
};

} // namespace

npy_header parse_npy_header(std::string_view bytes, const location& where) {
    const auto fail = [&](std::string message, std::string text = {}, std::string expected = {}) {
        throw input_error(
            diagnostic{severity::error, where, std::move(message), std::move(text), std::move(expected), {}});
    };
    constexpr std::string_view k_magic = "\x93NUMPY";
    if (bytes.substr(0, k_magic.size()) != k_magic)
        fail("not an .npy array: wrong magic", {}, "\\x93NUMPY");
    const auto byte_at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    if (bytes.size() < 12)
        fail("truncated .npy header");
    const std::size_t major = byte_at(6);
    if (major < 1 || major > 3 || byte_at(7) != 0)
        fail("unknown .npy format", std::to_string(major) + "." + std::to_string(byte_at(7)), "1.0, 2.0 or 3.0");
    std::size_t length = byte_at(8) | byte_at(9) << 8U;
    if (major > 1)
        length |= byte_at(10) << 16U | byte_at(11) << 24U;
    const std::size_t before = major == 1 ? 10 : 12;
    if (length > k_longest_npy_header)
        fail(".npy header too long", std::to_string(length) + " bytes",
             "at most " + std::to_string(k_longest_npy_header));
    if (bytes.size() - before < length)
        fail("truncated .npy header");
    npy_header out = dictionary_reader(bytes.substr(before, length), where).read();
    out.length = before + length;
    (void)element_count(out.dims); // throws where the extents multiply to too much
    return out;
}

} // namespace kpu
