#pragma once
// The arithmetic of single elements, defined once for everyone who computes with tensors: the reference evaluator, the
// interpreter and the modelled vector unit. Nothing depends on the C library's functions, so bits are the same
// everywhere (the project builds without contraction of products and sums).
//
// Float types narrower than f32 are widened to f32, computed there and rounded once; f64 is computed as such.
// Functions beyond + - * / are computed in double and rounded once: at most one unit in the last place of an f32 off.
// Integers are computed in 32 bits and wrap around; what is stored in 8 bits saturates.

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace kpu::element_math {

/// e^x: x = n·ln 2 + r, |r| <= ln 2 / 2; Taylor series of degree 13; scaled by 2^n.
[[nodiscard]] inline double exponential(double x) {
    constexpr double k_log2_e = 1.4426950408889634074;
    constexpr double k_ln2_high = 6.93147180369123816490e-01, k_ln2_low = 1.90821492927058770002e-10;
    constexpr double k_overflow = 709.79, k_underflow = -745.2;
    if (x != x)
        return x;
    if (x > k_overflow)
        return std::numeric_limits<double>::infinity();
    if (x < k_underflow)
        return 0;
    const double n = std::floor(x * k_log2_e + 0.5);
    const double r = (x - n * k_ln2_high) - n * k_ln2_low;
    double sum = 1;
    for (int i = 13; i > 0; --i)
        sum = 1 + sum * r / i;
    return std::ldexp(sum, static_cast<int>(n));
}

/// 1 / (1 + e^-x).
[[nodiscard]] inline double sigmoid(double x) {
    return 1 / (1 + exponential(-x));
}

/// Reduced by atan x = pi/2 - atan 1/x and atan x = pi/4 + atan((x - 1)/(x + 1)) to |x| <= tan(pi/8); Taylor series
/// there.
[[nodiscard]] inline double arctangent(double x) {
    constexpr double k_half_pi = 1.57079632679489661923, k_quarter_pi = 0.78539816339744830962;
    constexpr double k_tan_eighth_pi = 0.41421356237309503;
    if (x != x)
        return x;
    const double magnitude = std::fabs(x);
    const bool inverted = magnitude > 1;
    double t = inverted ? 1 / magnitude : magnitude;
    const bool shifted = t > k_tan_eighth_pi;
    if (shifted)
        t = (t - 1) / (t + 1);
    const double square = t * t;
    double sum = 0;
    for (int i = 24; i >= 0; --i)
        sum = (i % 2 == 0 ? 1.0 : -1.0) / (2 * i + 1) + sum * square;
    double angle = sum * t;
    if (shifted)
        angle = k_quarter_pi + angle;
    if (inverted)
        angle = k_half_pi - angle;
    return std::signbit(x) ? -angle : angle;
}

// ---- per computing type T: float, double, std::int32_t

namespace detail {
template <class T>
using wrapping = std::conditional_t<std::is_integral_v<T>, std::uint32_t, T>;
} // namespace detail

template <class T>
[[nodiscard]] inline T add(T a, T b) {
    using W = detail::wrapping<T>;
    return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
}
template <class T>
[[nodiscard]] inline T subtract(T a, T b) {
    using W = detail::wrapping<T>;
    return static_cast<T>(static_cast<W>(a) - static_cast<W>(b));
}
template <class T>
[[nodiscard]] inline T multiply(T a, T b) {
    using W = detail::wrapping<T>;
    return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
}
/// Integers: towards zero; by zero: 0; the least value by -1 wraps to itself.
template <class T>
[[nodiscard]] inline T divide(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
        if (b == 0)
            return 0;
        return b == -1 ? subtract(T{0}, a) : a / b;
    } else {
        return a / b;
    }
}
/// A NaN stays; of equal values (zeros of either sign) the second.
template <class T>
[[nodiscard]] inline T maximum(T a, T b) {
    return a > b || a != a ? a : b;
}
template <class T>
[[nodiscard]] inline T minimum(T a, T b) {
    return a < b || a != a ? a : b;
}
/// minimum(maximum(x, low), high).
template <class T>
[[nodiscard]] inline T clamp(T x, T low, T high) {
    return minimum(maximum(x, low), high);
}
/// maximum(x, +0).
template <class T>
[[nodiscard]] inline T relu(T x) {
    return maximum(x, T{0});
}
template <class T>
[[nodiscard]] inline T absolute(T x) {
    if constexpr (std::is_integral_v<T>)
        return x < 0 ? subtract(T{0}, x) : x;
    else
        return std::fabs(x);
}
template <class T>
[[nodiscard]] inline T negate(T x) {
    if constexpr (std::is_integral_v<T>)
        return subtract(T{0}, x);
    else
        return -x;
}
/// 1 / x; integers: divide(1, x).
template <class T>
[[nodiscard]] inline T reciprocal(T x) {
    return divide(T{1}, x);
}

/// A bound of clamp in an integer type: rounded towards zero and saturated; NaN becomes 0.
[[nodiscard]] inline std::int32_t integer_bound(double bound) {
    if (bound != bound)
        return 0;
    if (bound <= std::numeric_limits<std::int32_t>::min())
        return std::numeric_limits<std::int32_t>::min();
    if (bound >= std::numeric_limits<std::int32_t>::max())
        return std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(bound);
}

} // namespace kpu::element_math
