#include "compiler/dfg/text.h"

#include <algorithm>
#include <limits>

namespace kpu::dfg {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Follows brackets and quoted strings through an MLIR attribute list.
class nesting {
  public:
    void take(char c, char previous) {
        if (m_quoted) {
            m_quoted = c != '"' || previous == '\\';
            return;
        }
        constexpr std::string_view k_open = "<[({";
        constexpr std::string_view k_close = ">])}";
        if (c == '"') {
            m_quoted = true;
        } else if (k_open.find(c) != std::string_view::npos) {
            m_closing.push_back(k_close[k_open.find(c)]);
        } else if (k_close.find(c) != std::string_view::npos && !(c == '>' && previous == '-')) {
            m_broken = m_broken || m_closing.empty() || m_closing.back() != c;
            if (!m_closing.empty())
                m_closing.pop_back();
        }
    }
    [[nodiscard]] bool at_top() const { return m_closing.empty() && !m_quoted; }
    [[nodiscard]] bool balanced() const { return at_top() && !m_broken; }

  private:
    std::string m_closing;
    bool m_quoted = false;
    bool m_broken = false;
};

parsed_type failed(std::string problem) {
    return {std::nullopt, std::move(problem), {}};
}

bool is_identifier(std::string_view text) {
    return !text.empty() && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

/// What stands between the brackets: dimensions, then the element type.
parsed_type parse_type_body(std::string_view body) {
    tensor_type out;
    for (;;) {
        const std::size_t x = body.find('x');
        const std::string_view token = body.substr(0, x);
        const bool dynamic = token == "?";
        if (!dynamic && (token.empty() || !std::all_of(token.begin(), token.end(), is_digit)))
            break;
        const auto extent = dynamic ? std::nullopt : parse_unsigned(token, k_largest_extent);
        if (!dynamic && (!extent || *extent == 0))
            return failed("extent out of range");
        out.dims.push_back(extent);
        if (out.dims.size() > k_largest_rank)
            return failed("more than " + std::to_string(k_largest_rank) + " dimensions");
        if (x == std::string_view::npos)
            return failed("tensor type without an element type");
        body.remove_prefix(x + 1);
    }
    if (!is_identifier(body))
        return failed("malformed tensor type");
    out.element = std::string(body);
    return {out, {}, {}};
}

} // namespace

std::optional<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t largest) {
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit))
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (digit > largest || value > (largest - digit) / 10)
            return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    constexpr auto k_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto magnitude = parse_unsigned(text.substr(negative ? 1 : 0), k_max);
    if (!magnitude)
        return std::nullopt;
    const auto value = static_cast<std::int64_t>(*magnitude);
    return negative ? -value : value;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (std::size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
        out.push_back(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
    out.push_back(text);
    return out;
}

list_pieces split_list(std::string_view text) {
    if (text.empty())
        return {};
    list_pieces out;
    nesting level;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ',' && level.at_top()) {
            out.items.push_back(text.substr(start, i - start));
            start = i + 1;
            continue;
        }
        level.take(text[i], i > 0 ? text[i - 1] : '\0');
    }
    if (!level.balanced())
        return {split(text, ','), false};
    out.items.push_back(text.substr(start));
    return out;
}

std::optional<std::string> joined_list(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items)
        out += (out.empty() ? "" : ",") + item;
    const std::vector<std::string_view> read = split_list(out).items;
    return std::equal(read.begin(), read.end(), items.begin(), items.end()) ? std::optional(out) : std::nullopt;
}

parsed_type parse_type(std::string_view text) {
    constexpr std::string_view k_open = "tensor<";
    std::string_view body = trimmed(text);
    if (body.substr(0, k_open.size()) != k_open)
        return failed("not a tensor type");
    body.remove_prefix(k_open.size());
    std::string repair;
    while (body.substr(0, k_open.size()) == k_open) {
        body.remove_prefix(k_open.size());
        repair = "nested tensor type read as its inner type";
    }
    const std::size_t end = body.find_last_not_of('>');
    const std::size_t closing = body.size() - (end == std::string_view::npos ? 0 : end + 1);
    body.remove_suffix(closing);
    if (closing == 0)
        repair = "missing '>' of a tensor type supplied";
    else if (closing > 1 && repair.empty())
        repair = "superfluous '>' of a tensor type ignored";
    parsed_type out = parse_type_body(body);
    out.repair = std::move(repair);
    return out;
}

} // namespace kpu::dfg
