#pragma once
// Options that take whole numbers.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace kpu {

/// Accepts decimal digits of a number from `least` to `most`, and nothing that would wrap, saturate or be octal.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);

namespace detail {
template <class T>
struct number_in {
    using type = T;
};
template <class T>
struct number_in<std::optional<T>> {
    using type = T;
};
template <class T>
struct number_in<std::vector<T>> {
    using type = T;
};
} // namespace detail

/// As app.add_option(names, into, doc), for an unsigned number, an optional one or a list of them, each from `least`
/// on.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& names, T& into, const std::string& doc,
                        std::uint64_t least = 0) {
    using number = typename detail::number_in<T>::type;
    static_assert(std::is_unsigned_v<number>);
    return app.add_option(names, into, doc)->check(whole_number(least, std::numeric_limits<number>::max()));
}

} // namespace kpu
