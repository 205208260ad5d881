#pragma once
// Typed access to the fields of a JSON object. Every problem is collected with its JSON pointer, and a harmless value
// stands in.

#include "compiler/dfx/program.h"
#include "platforms/common/diagnostic.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kpu::object {

using json_value = nlohmann::ordered_json;

struct json_errors {
    std::string file;
    bool lenient = false; ///< the file is of a newer minor version: fields that this reader does not know are skipped
    diagnostics problems;

    void add(const std::string& pointer, std::string message, std::string text = {}, std::string expected = {},
             std::string hint = {});
};

/// A value as it appears in messages, shortened.
[[nodiscard]] std::string excerpt(const json_value& value);
/// `pointer` + "/" + key, escaped as RFC 6901 says.
[[nodiscard]] std::string join(const std::string& pointer, const std::string& key);
[[nodiscard]] std::string join(const std::string& pointer, std::size_t index);

[[nodiscard]] std::uint64_t to_unsigned(const json_value& value, const std::string& pointer, json_errors& errors);
[[nodiscard]] std::int64_t to_signed(const json_value& value, const std::string& pointer, json_errors& errors);
[[nodiscard]] std::string to_text(const json_value& value, const std::string& pointer, json_errors& errors);
[[nodiscard]] std::vector<std::uint64_t> to_unsigned_list(const json_value& value, const std::string& pointer,
                                                          json_errors& errors);
/// The elements of a list, none where the value is not one.
[[nodiscard]] const json_value::array_t& to_list(const json_value& value, const std::string& pointer,
                                                 json_errors& errors);

/// One object; outlives neither `value` nor `errors`.
class json_object {
  public:
    /// Reports a value that is no object, and every field that is not in `known`.
    json_object(const json_value& value, std::string pointer, json_errors& errors,
                const std::vector<std::string>& known);

    [[nodiscard]] bool has(const char* key) const { return find(key) != nullptr; }
    /// The field, or nullptr, which is reported if the field is required.
    [[nodiscard]] const json_value* get(const char* key, bool required = true) const;
    [[nodiscard]] std::string at(const char* key) const { return join(m_pointer, key); }

    [[nodiscard]] std::uint64_t number(const char* key, std::optional<std::uint64_t> otherwise = std::nullopt) const;
    [[nodiscard]] std::string text(const char* key, const std::optional<std::string>& otherwise = std::nullopt) const;
    [[nodiscard]] bool flag(const char* key, bool otherwise) const;
    [[nodiscard]] std::vector<std::uint64_t> numbers(const char* key, bool required = true) const;
    [[nodiscard]] const json_value::array_t& list(const char* key, bool required = true) const;

    template <class Enum>
    [[nodiscard]] Enum choice(const char* key, std::optional<Enum> otherwise = std::nullopt) const {
        const json_value* value = get(key, !otherwise);
        if (value == nullptr)
            return otherwise ? *otherwise : Enum{};
        const auto found = value->is_string() ? dfx::named<Enum>(value->get_ref<const std::string&>()) : std::nullopt;
        if (found)
            return *found;
        std::vector<std::string> names;
        for (const Enum one : dfx::all_of<Enum>())
            names.emplace_back(name_of(one));
        report_choice(key, *value, names);
        return Enum{};
    }

    [[nodiscard]] json_errors& errors() const { return m_errors; }
    [[nodiscard]] const std::string& pointer() const { return m_pointer; }

  private:
    [[nodiscard]] const json_value* find(const char* key) const;
    void report_choice(const char* key, const json_value& value, const std::vector<std::string>& names) const;

    const json_value& m_value;
    std::string m_pointer;
    json_errors& m_errors;
};

} // namespace kpu::object
