#include "compiler/dfg/attributes.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace kpu::dfg {

namespace {

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string::npos)
        return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// What stands before " : type", if there is such a type.
std::string without_type(const std::string& text) {
    return trimmed(text.substr(0, text.find(':')));
}

std::optional<std::int64_t> to_integer(const std::string& text) {
    char* end = nullptr;
    errno = 0;
    const long long value = std::strtoll(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0' || errno != 0)
        return std::nullopt;
    return value;
}

/// MLIR prints floats that are not finite as their bits: 0x7F800000.
std::optional<double> to_number(const std::string& text) {
    char* end = nullptr;
    if (text.rfind("0x", 0) == 0 && text.size() == 10) {
        const auto bits = static_cast<std::uint32_t>(std::strtoul(text.c_str(), &end, 16));
        float value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return *end == '\0' ? std::optional<double>(value) : std::nullopt;
    }
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0')
        return std::nullopt;
    return value;
}

} // namespace

const std::string* attribute_reader::find(const std::string& key) const {
    const auto found = m_node.attributes.find(key);
    return found == m_node.attributes.end() ? nullptr : &found->second;
}

void attribute_reader::refuse(const std::string& key, const std::string& text, const std::string& expected) const {
    diagnostic problem;
    problem.where = place_of(m_graph, m_node);
    problem.message = "attribute " + key + " of " + describe(m_node) + " is malformed";
    problem.text = text;
    problem.expected = expected;
    throw input_error(std::move(problem));
}

std::optional<std::vector<std::int64_t>> attribute_reader::integers(const std::string& key) const {
    const std::string* text = find(key);
    if (text == nullptr)
        return std::nullopt;
    const auto open = text->find('<');
    const auto close = text->rfind('>');
    if (text->rfind("array<", 0) != 0 || close == std::string::npos)
        refuse(key, *text, "array<i64: 1, 2>");
    std::vector<std::int64_t> values;
    const auto colon = text->find(':', open);
    if (colon == std::string::npos)
        return values;
    std::string rest = text->substr(colon + 1, close - colon - 1);
    for (std::size_t at = 0; at <= rest.size();) {
        const std::size_t comma = std::min(rest.find(',', at), rest.size());
        const auto value = to_integer(trimmed(rest.substr(at, comma - at)));
        if (!value)
            refuse(key, *text, "array<i64: 1, 2>");
        values.push_back(*value);
        at = comma + 1;
    }
    return values;
}

std::optional<std::int64_t> attribute_reader::integer(const std::string& key) const {
    const std::string* text = find(key);
    if (text == nullptr)
        return std::nullopt;
    const auto value = to_integer(without_type(*text));
    if (!value)
        refuse(key, *text, "an integer such as 1 : i32");
    return value;
}

std::optional<double> attribute_reader::number(const std::string& key) const {
    const std::string* text = find(key);
    if (text == nullptr)
        return std::nullopt;
    const auto value = to_number(without_type(*text));
    if (!value)
        refuse(key, *text, "a number such as 6.0e+00 : f32");
    return value;
}

std::optional<std::string> attribute_reader::word(const std::string& key) const {
    const std::string* text = find(key);
    return text == nullptr ? std::nullopt : std::optional<std::string>(trimmed(*text));
}

} // namespace kpu::dfg
