#include "platforms/quantity.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

namespace kpu::platform {

namespace {

__extension__ using wide = unsigned __int128;

struct unit {
    std::string_view name;
    std::uint64_t scale;
    bool printed; ///< used when formatting
};

constexpr std::uint64_t k_kilo = 1000, k_mega = k_kilo * 1000, k_giga = k_mega * 1000, k_tera = k_giga * 1000;
constexpr std::uint64_t k_kibi = 1024, k_mebi = k_kibi * 1024, k_gibi = k_mebi * 1024, k_tebi = k_gibi * 1024;

/// The base unit first, then ascending among the printed ones.
std::vector<unit> units_of(measure what) {
    switch (what) {
    case measure::count:
        break;
    case measure::bytes:
        return {
            {"B", 1, true}, {"KiB", k_kibi, true}, {"MiB", k_mebi, true}, {"GiB", k_gibi, true}, {"TiB", k_tebi, true}};
    case measure::bytes_per_cycle:
        return {{"B/cycle", 1, true}, {"B", 1, false}, {"KiB", k_kibi, false}, {"KiB/cycle", k_kibi, false}};
    case measure::bytes_per_second:
        return {{"B/s", 1, true},         {"kB/s", k_kilo, true},   {"MB/s", k_mega, true},
                {"GB/s", k_giga, true},   {"TB/s", k_tera, true},   {"KiB/s", k_kibi, false},
                {"MiB/s", k_mebi, false}, {"GiB/s", k_gibi, false}, {"TiB/s", k_tebi, false}};
    case measure::hertz:
        return {{"Hz", 1, true}, {"kHz", k_kilo, true}, {"MHz", k_mega, true}, {"GHz", k_giga, true}};
    case measure::picoseconds:
        return {{"ps", 1, true}, {"ns", k_kilo, true}, {"us", k_mega, true}, {"ms", k_giga, true}};
    case measure::cycles:
        return {{"cy", 1, true}, {"cycle", 1, false}, {"cycles", 1, false}};
    case measure::femtojoules:
        return {{"fJ", 1, true}, {"pJ", k_kilo, true}, {"nJ", k_mega, true}, {"uJ", k_giga, true}};
    case measure::femtojoules_per_byte:
        return {{"fJ/B", 1, true}, {"pJ/B", k_kilo, true}, {"nJ/B", k_mega, true}, {"pJ/bit", 8 * k_kilo, false}};
    case measure::microwatts:
        return {{"uW", 1, true}, {"mW", k_kilo, true}, {"W", k_mega, true}};
    }
    return {{"", 1, true}};
}

std::string_view base_unit(measure what) {
    switch (what) {
    case measure::count:
        return "one";
    case measure::bytes:
        return "bytes";
    case measure::bytes_per_cycle:
        return "bytes per cycle";
    case measure::bytes_per_second:
        return "bytes per second";
    case measure::hertz:
        return "hertz";
    case measure::picoseconds:
        return "picoseconds";
    case measure::femtojoules:
        return "femtojoules";
    case measure::femtojoules_per_byte:
        return "femtojoules per byte";
    case measure::microwatts:
        return "microwatts";
    case measure::cycles:
        break;
    }
    return "cycles";
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The text cut into its parts, which are digits only except for the unit.
struct written {
    std::string_view whole, fraction, unit;
};

quantity_error error(measure what, std::string message, std::string hint = {}) {
    return {std::move(message), describe(what), std::move(hint)};
}

std::string_view take_digits(std::string_view& rest) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
    const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(digits.size());
    return digits;
}

/// What stands where a digit should be.
quantity_error no_number(std::string_view text, measure what) {
    const std::string word = lower(text.substr(
        text.find_first_not_of("+-.") == std::string_view::npos ? text.size() : text.find_first_not_of("+-.")));
    if (word.rfind("nan", 0) == 0 || word.rfind("inf", 0) == 0)
        return error(what, "not a finite number");
    if (!text.empty() && text[0] == '-')
        return error(what, "negative");
    if (!text.empty() && text[0] == '+')
        return error(what, "a sign in front of the number");
    if (text.size() > 1 && text[0] == '.' && is_digit(text[1]))
        return error(what, "a number starts with a digit", "write 0" + std::string(text));
    return error(what, "not a number");
}

std::variant<written, quantity_error> cut(std::string_view text, measure what) {
    written parts;
    std::string_view rest = text;
    parts.whole = take_digits(rest);
    if (parts.whole.empty())
        return no_number(text, what);
    if (parts.whole.size() > 1 && parts.whole[0] == '0')
        return error(what, "leading zero", "some readers take it for an octal number");
    if (parts.whole == "0" && !rest.empty() && (rest[0] == 'x' || rest[0] == 'X'))
        return error(what, "hexadecimal number", "write it in decimal digits");
    if (!rest.empty() && rest[0] == '.') {
        rest.remove_prefix(1);
        parts.fraction = take_digits(rest);
        if (parts.fraction.empty())
            return error(what, "no digits after the decimal point");
    }
    if (!rest.empty() && (rest[0] == '_' || rest[0] == ',' || rest[0] == '\''))
        return error(what, "digit separator in a number", "write the digits without it");
    if (rest.size() > 1 && (rest[0] == 'e' || rest[0] == 'E') &&
        (is_digit(rest[1]) || rest[1] == '+' || rest[1] == '-'))
        return error(what, "exponent in a number",
                     what == measure::count ? "write the digits out" : "use a larger unit");
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    parts.unit = rest;
    return parts;
}

std::optional<std::uint64_t> scale_of(std::string_view name, measure what) {
    for (const unit& u : units_of(what))
        if (u.name == name)
            return u.scale;
    return std::nullopt;
}

quantity_error bad_unit(std::string_view name, measure what) {
    if (what == measure::count)
        return error(what, "a unit after a plain number");
    if (name.empty())
        return error(what, "missing unit");
    const std::string word = lower(name);
    std::string hint;
    for (const unit& u : units_of(what))
        if (lower(u.name) == word)
            hint = "units are case-sensitive: " + std::string(u.name);
    const bool decimal_size = word == "kb" || word == "mb" || word == "gb" || word == "tb";
    if (hint.empty() && decimal_size && (what == measure::bytes || what == measure::bytes_per_cycle))
        hint = "sizes are in powers of 1024: " +
               std::string(1, word == "kb" ? 'K' : static_cast<char>(word[0] - 'a' + 'A')) + "iB";
    return error(what, "unknown unit '" + std::string(name) + "'", std::move(hint));
}

} // namespace

std::string describe(measure what) {
    switch (what) {
    case measure::count:
        return "a whole number without unit";
    case measure::bytes:
        return "a size such as 64KiB";
    case measure::bytes_per_cycle:
        return "a width such as 64B/cycle";
    case measure::bytes_per_second:
        return "a bandwidth such as 25.6GB/s";
    case measure::hertz:
        return "a frequency such as 1GHz";
    case measure::picoseconds:
        return "a time such as 60ns";
    case measure::femtojoules:
        return "an energy such as 2.25pJ";
    case measure::femtojoules_per_byte:
        return "an energy per byte such as 0.8pJ/B or 8pJ/bit";
    case measure::microwatts:
        return "a power such as 50mW";
    case measure::cycles:
        break;
    }
    return "cycles such as 4cy";
}

std::variant<std::uint64_t, quantity_error> parse_quantity(std::string_view text, measure what) {
    const std::variant<written, quantity_error> parsed = cut(text, what);
    if (const auto* problem = std::get_if<quantity_error>(&parsed))
        return *problem;
    const written& parts = std::get<written>(parsed);
    const std::optional<std::uint64_t> scale = scale_of(parts.unit, what);
    if (!scale)
        return bad_unit(parts.unit, what);

    std::string_view fraction = parts.fraction;
    while (!fraction.empty() && fraction.back() == '0')
        fraction.remove_suffix(1);
    // The bounds on digits keep all products below within 128 bits.
    const quantity_error too_large = error(what, "too large", "values end below 2^64 " + std::string(base_unit(what)));
    const quantity_error not_whole = error(what, "not a whole number of " + std::string(base_unit(what)));
    if (parts.whole.size() > 20)
        return too_large;
    if (fraction.size() > 18)
        return error(what, "more than 18 digits after the decimal point");
    wide digits = 0;
    wide divisor = 1;
    for (const char c : parts.whole)
        digits = digits * 10 + static_cast<unsigned>(c - '0');
    if (digits * *scale > ~std::uint64_t{0})
        return too_large;
    wide behind = 0;
    for (const char c : fraction) {
        behind = behind * 10 + static_cast<unsigned>(c - '0');
        divisor *= 10;
    }
    if (behind * *scale % divisor != 0)
        return what == measure::count ? error(what, "a fraction") : not_whole;
    const wide value = digits * *scale + behind * *scale / divisor;
    if (value > ~std::uint64_t{0})
        return too_large;
    return static_cast<std::uint64_t>(value);
}

std::string format_quantity(std::uint64_t value, measure what) {
    const bool decimal = what != measure::bytes && what != measure::bytes_per_cycle; // decimal fractions are exact
    const std::vector<unit> units = units_of(what);
    unit best = units.front();
    for (const unit& u : units)
        if (u.printed && (decimal ? value >= u.scale : value != 0 && value % u.scale == 0))
            best = u;
    std::string out = std::to_string(value / best.scale);
    std::string fraction;
    if (std::uint64_t rest = value % best.scale; rest != 0) {
        fraction = std::to_string(best.scale + rest).substr(1); // with leading zeros
        fraction.erase(fraction.find_last_not_of('0') + 1);
        out += "." + fraction;
    }
    return out + std::string(best.name);
}

} // namespace kpu::platform
