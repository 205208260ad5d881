#include "compiler/object/json_fields.h"

#include <algorithm>

namespace kpu::object {

void json_errors::add(const std::string& pointer, std::string message, std::string text, std::string expected,
                      std::string hint) {
    location where;
    where.file = file;
    where.path = pointer.empty() ? "/" : pointer;
    problems.error(std::move(where), std::move(message), std::move(text), std::move(expected), std::move(hint));
}

std::string excerpt(const json_value& value) {
    constexpr std::size_t k_longest = 40;
    if (value.is_structured())
        return value.is_array() ? "a list" : "an object";
    std::string text = value.dump(-1, ' ', false, json_value::error_handler_t::replace);
    return text.size() <= k_longest ? text : text.substr(0, k_longest) + "...";
}

std::string join(const std::string& pointer, const std::string& key) {
    std::string out = pointer + "/";
    for (const char c : key)
        out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return out;
}

std::string join(const std::string& pointer, std::size_t index) {
    return pointer + "/" + std::to_string(index);
}

std::uint64_t to_unsigned(const json_value& value, const std::string& pointer, json_errors& errors) {
    if (value.is_number_unsigned())
        return value.get<std::uint64_t>();
    errors.add(pointer, "not a whole number from 0", excerpt(value));
    return 0;
}

std::int64_t to_signed(const json_value& value, const std::string& pointer, json_errors& errors) {
    const bool too_large =
        value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    if (value.is_number_integer() && !too_large)
        return value.get<std::int64_t>();
    errors.add(pointer, "not a whole number of 64 bits", excerpt(value));
    return 0;
}

std::string to_text(const json_value& value, const std::string& pointer, json_errors& errors) {
    if (value.is_string())
        return value.get<std::string>();
    errors.add(pointer, "not a string", excerpt(value));
    return {};
}

const json_value::array_t& to_list(const json_value& value, const std::string& pointer, json_errors& errors) {
    static const json_value::array_t k_none;
    if (value.is_array())
        return value.get_ref<const json_value::array_t&>();
    errors.add(pointer, "not a list", excerpt(value));
    return k_none;
}

std::vector<std::uint64_t> to_unsigned_list(const json_value& value, const std::string& pointer, json_errors& errors) {
    std::vector<std::uint64_t> out;
    const json_value::array_t& items = to_list(value, pointer, errors);
    for (std::size_t i = 0; i < items.size(); ++i)
        out.push_back(to_unsigned(items[i], join(pointer, i), errors));
    return out;
}

json_object::json_object(const json_value& value, std::string pointer, json_errors& errors,
                         const std::vector<std::string>& known)
    : m_value(value), m_pointer(std::move(pointer)), m_errors(errors) {
    if (!value.is_object()) {
        errors.add(m_pointer, "not an object", excerpt(value));
        return;
    }
    if (errors.lenient)
        return;
    for (const auto& item : value.items()) {
        if (std::find(known.begin(), known.end(), item.key()) != known.end())
            continue;
        errors.add(join(m_pointer, item.key()), "unknown field", item.key(), "", suggestion(item.key(), known));
    }
}

const json_value* json_object::find(const char* key) const {
    if (!m_value.is_object())
        return nullptr;
    const auto found = m_value.find(key);
    return found == m_value.end() ? nullptr : &*found;
}

const json_value* json_object::get(const char* key, bool required) const {
    const json_value* found = find(key);
    if (found == nullptr && required && m_value.is_object())
        m_errors.add(m_pointer, "field is missing", key);
    return found;
}

std::uint64_t json_object::number(const char* key, std::optional<std::uint64_t> otherwise) const {
    const json_value* value = get(key, !otherwise);
    return value == nullptr ? otherwise.value_or(0) : to_unsigned(*value, at(key), m_errors);
}

std::string json_object::text(const char* key, const std::optional<std::string>& otherwise) const {
    const json_value* value = get(key, !otherwise);
    return value == nullptr ? otherwise.value_or("") : to_text(*value, at(key), m_errors);
}

bool json_object::flag(const char* key, bool otherwise) const {
    const json_value* value = get(key, false);
    if (value == nullptr)
        return otherwise;
    if (!value->is_boolean())
        m_errors.add(at(key), "neither true nor false", excerpt(*value));
    return value->is_boolean() && value->get<bool>();
}

std::vector<std::uint64_t> json_object::numbers(const char* key, bool required) const {
    const json_value* value = get(key, required);
    return value == nullptr ? std::vector<std::uint64_t>{} : to_unsigned_list(*value, at(key), m_errors);
}

const json_value::array_t& json_object::list(const char* key, bool required) const {
    static const json_value::array_t k_none;
    const json_value* value = get(key, required);
    return value == nullptr ? k_none : to_list(*value, at(key), m_errors);
}

void json_object::report_choice(const char* key, const json_value& value, const std::vector<std::string>& names) const {
    std::string all;
    for (const std::string& name : names)
        all += (all.empty() ? "" : ", ") + name;
    const std::string text = value.is_string() ? value.get<std::string>() : excerpt(value);
    m_errors.add(at(key), "unknown " + std::string(key), text, "one of " + all, suggestion(text, names));
}

} // namespace kpu::object
