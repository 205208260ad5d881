#pragma once
// Every key of a platform file, once: its path, unit, range, default, documentation and the member of `platform` that
// it sets. The reader, the effective configuration, the documentation and the comparison of platforms all walk this
// table.

#include "platforms/platform.h"
#include "platforms/quantity.h"

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kpu::platform {

/// The value of one key: nothing (its section was left out), a quantity in its base unit, a flag, or text.
using field_value = std::variant<std::monostate, std::uint64_t, bool, std::string>;

struct field {
    std::string path;               ///< `l3.tile.capacity`
    measure what = measure::count;  ///< of quantities
    std::uint64_t min = 0, max = 0; ///< inclusive, of quantities
    bool power_of_two = false;
    bool required = false;            ///< of a section that may be left out as a whole: setting a key makes the section
    std::vector<std::string> choices; ///< of text: all legal values; empty where any text is
    std::string doc;
    std::function<field_value(const platform&)> get;
    std::function<void(platform&, const field_value&)> set;
    /// Where the default depends on other keys: computed after the file was read. Null: the default is the member's
    /// initial value.
    std::function<std::uint64_t(const platform&)> derive;
    std::string derivation; ///< in words, for the documentation
};

/// A mapping of a platform file, such as `l3` or `l3.tile`.
struct section {
    std::string path;
    std::string doc;
};

class schema {
  public:
    /// The one there is, made when it is first asked for.
    [[nodiscard]] static const schema& get();
    /// In the order of the effective configuration: a section's own keys, then its nested sections.
    [[nodiscard]] const std::vector<field>& fields() const { return m_fields; }
    [[nodiscard]] const std::vector<section>& sections() const { return m_sections; }
    /// Null where there is none of that path.
    [[nodiscard]] const field* find(std::string_view path) const;
    [[nodiscard]] const section* find_section(std::string_view path) const;
    /// The keys that may stand in a section ("" is the file itself), without the section's path.
    [[nodiscard]] std::vector<std::string> keys_of(std::string_view section_path) const;

  private:
    schema();

    std::vector<field> m_fields;
    std::vector<section> m_sections;
};

/// "a, b, c"
[[nodiscard]] std::string listed(const std::vector<std::string>& words);
/// "a size such as 64KiB, from 1KiB to 2GiB, a power of two"
[[nodiscard]] std::string expectation(const field& f);
/// As in a platform file, text in quotes.
[[nodiscard]] std::string format_value(const field& f, const field_value& value);
/// The value of a key that is not given, with all other keys as in `p`.
[[nodiscard]] field_value default_of(const field& f, const platform& p);

/// True if every key has the same value.
[[nodiscard]] bool operator==(const platform& a, const platform& b);
[[nodiscard]] inline bool operator!=(const platform& a, const platform& b) {
    return !(a == b);
}

/// The documentation of all keys, and of the presets that they can name, as Markdown tables.
[[nodiscard]] std::string document_schema();

} // namespace kpu::platform
