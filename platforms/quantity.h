#pragma once
// Numbers with units as they are written in platform files, exact: no value is ever rounded.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace kpu::platform {

/// What a number measures, and with it the units that it may be written in.
enum class measure {
    count,                ///< no unit
    bytes,                ///< B, KiB, MiB, GiB, TiB
    bytes_per_cycle,      ///< B/cycle, or the units of bytes
    bytes_per_second,     ///< B/s, kB/s, MB/s, GB/s, TB/s and KiB/s, MiB/s, GiB/s, TiB/s
    hertz,                ///< Hz, kHz, MHz, GHz
    picoseconds,          ///< ps, ns, us, ms
    cycles,               ///< cy, cycle, cycles
    femtojoules,          ///< fJ, pJ, nJ, uJ
    femtojoules_per_byte, ///< fJ/B, pJ/B, nJ/B and pJ/bit
    microwatts            ///< uW, mW, W
};

/// Why a text is not a quantity, in the parts of a diagnostic.
struct quantity_error {
    std::string message;
    std::string expected;
    std::string hint;
};

/// Reads a decimal number and its unit, with or without spaces between them: `64KiB`, `25.6 GB/s`. The result is in
/// the measure's base unit, the first one listed above. Refused: signs, NaN and infinities,
/// exponents, hexadecimal numbers, digit separators, leading zeros, a missing or foreign unit, fractions that are no
/// whole number of the base unit, values of 2^64 and more.
[[nodiscard]] std::variant<std::uint64_t, quantity_error> parse_quantity(std::string_view text, measure what);

/// The shortest exact text that parse_quantity reads back as the same value.
[[nodiscard]] std::string format_quantity(std::uint64_t value, measure what);

/// For messages and documentation: "a size such as 64KiB".
[[nodiscard]] std::string describe(measure what);

} // namespace kpu::platform
