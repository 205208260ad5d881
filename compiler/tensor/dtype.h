#pragma once
// Element types of tensors.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kpu {

/// f8 is OCP E4M3 (bias 7, no infinities, S.1111.111 is NaN, largest finite 448).
enum class dtype : std::uint8_t { f64, f32, f16, bf16, f8, i8, i32 };

[[nodiscard]] constexpr std::uint64_t size_of(dtype t) {
    switch (t) {
    case dtype::f64:
        return 8;
    case dtype::f32:
    case dtype::i32:
        return 4;
    case dtype::f16:
    case dtype::bf16:
        return 2;
    case dtype::f8:
    case dtype::i8:
        break;
    }
    return 1;
}

/// The type in which products of two `t` operands are summed: f64 for f64; f32 for f32, f16, bf16, f8; i32 for i8 and
/// i32.
[[nodiscard]] constexpr dtype accumulator_of(dtype t) {
    switch (t) {
    case dtype::f64:
        return dtype::f64;
    case dtype::i8:
    case dtype::i32:
        return dtype::i32;
    case dtype::f32:
    case dtype::f16:
    case dtype::bf16:
    case dtype::f8:
        break;
    }
    return dtype::f32;
}

[[nodiscard]] constexpr bool is_integer(dtype t) {
    return t == dtype::i8 || t == dtype::i32;
}

/// True where every value of `from` is a value of `to` (a type widens to itself).
[[nodiscard]] bool widens(dtype from, dtype to);

[[nodiscard]] std::string_view name_of(dtype t);
/// "f32", "bf16", …; nothing for other text.
[[nodiscard]] std::optional<dtype> dtype_named(std::string_view text);

} // namespace kpu
