#pragma once
// One element of each number format to and from f32, branch-free so that loops over them vectorise. Internal to
// hw/fabric.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace kpu::hw::format {

inline std::uint32_t bits_of(float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float float_of(std::uint32_t bits) {
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// yes where the condition holds, else no. By masks: a conditional expression with floating-point operands becomes a
/// branch (an operation not needed might raise a flag), which keeps the loop around it scalar.
inline std::uint32_t select(bool condition, std::uint32_t yes, std::uint32_t no) {
    const std::uint32_t mask = 0u - static_cast<std::uint32_t>(condition);
    return (yes & mask) | (no & ~mask);
}

inline constexpr std::uint32_t k_f32_sign = 0x80000000u, k_f32_infinity = 0x7f800000u, k_f32_quiet = 0x00400000u;

/// The value of a code without sign whose exponent and significand were moved into an f32's place. Normal numbers only
/// change their bias; a subnormal one is the difference of two normal f32 (which spares the host its slow path for
/// subnormal operands).
template <int Bias>
inline std::uint32_t widen_code(std::uint32_t magnitude) {
    constexpr std::uint32_t smallest_normal = static_cast<std::uint32_t>(128 - Bias) << 23;
    constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - Bias) << 23;
    const std::uint32_t subnormal = bits_of(float_of(magnitude + smallest_normal) - float_of(smallest_normal));
    return select(magnitude < (1u << 23), subnormal, magnitude + rebias);
}

inline float f16_to_f32(std::uint16_t half) {
    const std::uint32_t magnitude = (half & 0x7fffu) << 13;
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t special = magnitude | k_f32_infinity | (magnitude > 0x0f800000u ? k_f32_quiet : 0u);
    return float_of(sign | select(magnitude >= 0x0f800000u, special, widen_code<15>(magnitude)));
}

inline float bf16_to_f32(std::uint16_t half) {
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    return float_of((bits & ~k_f32_sign) > k_f32_infinity ? bits | k_f32_quiet : bits);
}

/// Only S.1111.111 is not a number.
inline float f8_to_f32(std::uint8_t code) {
    const std::uint32_t magnitude = (code & 0x7fu) << 20;
    const std::uint32_t sign = (code & 0x80u) << 24;
    return float_of(sign | select(magnitude == 0x07f00000u, k_f32_infinity | k_f32_quiet, widen_code<7>(magnitude)));
}

/// |value| with bits `magnitude`, rounded to nearest even to a format with `drop` fewer significand bits whose smallest
/// normal number is 2^(1-bias): the code without sign, not yet limited at the top. Normal numbers round by an integer
/// addition that carries into the exponent; for subnormal ones the addition of a power of two whose unit in the last
/// place is theirs does it.
template <int Drop, int Bias>
inline std::uint32_t narrow_code(std::uint32_t magnitude) {
    constexpr std::uint32_t smallest_normal = static_cast<std::uint32_t>(128 - Bias) << 23;
    constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - Bias) << 23;
    constexpr std::uint32_t aligner = static_cast<std::uint32_t>(128 - Bias + Drop) << 23;
    const std::uint32_t odd = magnitude >> Drop & 1u;
    const std::uint32_t normal = (magnitude - rebias + ((1u << (Drop - 1)) - 1u) + odd) >> Drop;
    const std::uint32_t subnormal = bits_of(float_of(magnitude) + float_of(aligner)) - aligner;
    return select(magnitude < smallest_normal, subnormal, normal);
}

inline std::uint16_t f32_to_f16(float value) {
    const std::uint32_t bits = bits_of(value);
    const std::uint32_t magnitude = bits & ~k_f32_sign;
    const std::uint32_t finite = narrow_code<13, 15>(magnitude);
    // 65520 is the tie between the largest finite number and the next power of two: it rounds to infinity.
    const std::uint32_t limited = select(magnitude >= 0x477ff000u, 0x7c00u, finite);
    return static_cast<std::uint16_t>((bits >> 16 & 0x8000u) | select(magnitude > k_f32_infinity, 0x7e00u, limited));
}

inline std::uint16_t f32_to_bf16(float value) {
    const std::uint32_t bits = bits_of(value);
    const std::uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    const bool nan = (bits & ~k_f32_sign) > k_f32_infinity;
    return static_cast<std::uint16_t>(select(nan, (bits >> 16 & 0x8000u) | 0x7fc0u, rounded));
}

inline std::uint8_t f32_to_f8(float value) {
    const std::uint32_t bits = bits_of(value);
    const std::uint32_t magnitude = bits & ~k_f32_sign;
    const std::uint32_t finite = narrow_code<20, 7>(magnitude);
    const std::uint32_t limited = select(magnitude >= 0x43e00000u, 0x7eu, finite); // from 448 on
    return static_cast<std::uint8_t>((bits >> 24 & 0x80u) | select(magnitude > k_f32_infinity, 0x7fu, limited));
}

/// Rounds to odd: towards zero, the last bit set if anything was cut off. NaN stays NaN, infinity stays infinity, and
/// what exceeds f32 becomes its largest finite number.
inline float f64_to_f32_odd(double value) {
    const float nearest = static_cast<float>(value);
    const double back = static_cast<double>(nearest);
    const std::uint32_t away = std::fabs(back) > std::fabs(value) ? 1u : 0u;
    const std::uint32_t inexact = back != value ? 1u : 0u;
    return float_of((bits_of(nearest) - away) | inexact);
}

/// To nearest, ties to even, saturating; NaN becomes 0.
template <class Int>
inline Int to_integer(double value) {
    constexpr double low = static_cast<double>(std::numeric_limits<Int>::min());
    constexpr double high = static_cast<double>(std::numeric_limits<Int>::max());
    if (!(value == value))
        return 0;
    const double rounded = std::nearbyint(value);
    return static_cast<Int>(rounded < low ? low : rounded > high ? high : rounded);
}

} // namespace kpu::hw::format
