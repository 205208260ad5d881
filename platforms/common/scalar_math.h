#pragma once
// The scalar operations of elementwise operators, defined so that a vector unit can give the same bits: additions,
// multiplications and comparisons of IEEE arithmetic only, no C library. Needs -ffp-contract=off and rounding to
// nearest even.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace kpu::scalar {

/// Every NaN that an elementwise operator gives is the positive quiet NaN without payload.
template <class T>
T canonical(T x) {
    if constexpr (std::is_floating_point_v<T>)
        return x != x ? std::numeric_limits<T>::quiet_NaN() : x;
    else
        return x;
}

/// Integers wrap in 32 bits.
inline std::int32_t wrapped(std::uint64_t x) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(x));
}

template <class T>
T add(T a, T b) {
    if constexpr (std::is_integral_v<T>)
        return wrapped(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    else
        return canonical(a + b);
}

template <class T>
T subtract(T a, T b) {
    if constexpr (std::is_integral_v<T>)
        return wrapped(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
    else
        return canonical(a - b);
}

template <class T>
T multiply(T a, T b) {
    if constexpr (std::is_integral_v<T>)
        return wrapped(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else
        return canonical(a * b);
}

/// The 64-bit product of two integers, shifted right by 1 to 62 with halves rounded up; its lower 32 bits.
inline std::int32_t multiply_shifted(std::int32_t a, std::int32_t b, unsigned shift) {
    const std::int64_t product = static_cast<std::int64_t>(a) * b;
    return wrapped(static_cast<std::uint64_t>((product + (std::int64_t{1} << (shift - 1))) >> shift));
}

/// Integers: towards zero; x / 0 is 0, and the smallest number divided by -1 wraps to itself.
template <class T>
T divide(T a, T b) {
    if constexpr (std::is_integral_v<T>)
        return b == 0 ? 0 : wrapped(static_cast<std::uint64_t>(static_cast<std::int64_t>(a) / b));
    else
        return canonical(a / b);
}

/// A NaN on either side gives NaN; -0 is less than +0.
template <class T>
T maximum(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
        if (a != a || b != b)
            return std::numeric_limits<T>::quiet_NaN();
        if (a == b)
            return std::signbit(a) ? b : a;
    }
    return a > b ? a : b;
}

template <class T>
T minimum(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) {
        if (a != a || b != b)
            return std::numeric_limits<T>::quiet_NaN();
        if (a == b)
            return std::signbit(a) ? a : b;
    }
    return a < b ? a : b;
}

template <class T>
T clamp(T x, T low, T high) {
    return minimum(maximum(x, low), high);
}

template <class T>
T negate(T x) {
    if constexpr (std::is_integral_v<T>)
        return subtract<T>(0, x);
    else
        return canonical(-x);
}

/// The smallest 32-bit integer wraps to itself.
template <class T>
T magnitude(T x) {
    if constexpr (std::is_integral_v<T>)
        return x < 0 ? negate(x) : x;
    else
        return canonical(std::fabs(x));
}

/// 2^n for n from -1022 to 1023.
inline double power_of_two(std::int64_t n) {
    const std::uint64_t bits = static_cast<std::uint64_t>(n + 1023) << 52U;
    double out = 0;
    std::memcpy(&out, &bits, sizeof out);
    return out;
}

/// e^x in binary64, within 2 units in the last place: x = n·ln 2 + r with |r| <= ln(2)/2, then the Taylor polynomial of
/// degree 13 by Horner's rule from the highest power, then 2^n in two factors. Above 709.8 infinity, below -745.2 +0.
inline double exponential(double x) {
    constexpr double k_log2_e = 0x1.71547652b82fep+0;
    constexpr double k_ln2_high = 0x1.62e42feep-1; // 33 bits: n·k_ln2_high is exact
    constexpr double k_ln2_low = 0x1.a39ef35793c76p-33;
    constexpr double k_nearest = 0x1.8p52; // adding and subtracting it rounds to an integer
    if (x != x)
        return canonical(x);
    if (x > 709.8)
        return std::numeric_limits<double>::infinity();
    if (x < -745.2)
        return 0.0;
    const double n = (x * k_log2_e + k_nearest) - k_nearest;
    const double r = (x - n * k_ln2_high) - n * k_ln2_low;
    double sum = 1.0 / 6227020800.0;
    constexpr double k_factorials[] = {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0,
                                       120.0,       24.0,       6.0,       2.0,      1.0,     1.0};
    for (const double factorial : k_factorials)
        sum = sum * r + 1.0 / factorial;
    const auto power = static_cast<std::int64_t>(n);
    const std::int64_t half = power / 2;
    return (sum * power_of_two(half)) * power_of_two(power - half);
}

/// The arc tangent in binary64, within 4 units in the last place. With t = |x|, or 1/|x| where |x| > 1, and c the
/// multiple of 1/4 nearest to t: atan(t) = atan(c) + atan(u), u = (t - c) / (1 + t·c), the latter by its Taylor
/// polynomial up to u^17.
inline double arc_tangent(double x) {
    constexpr double k_atan[] = {0.0, 0x1.f5b75f92c80ddp-3, 0x1.dac670561bb4fp-2, 0x1.4978fa3269ee1p-1,
                                 0x1.921fb54442d18p-1};
    constexpr double k_half_pi = 0x1.921fb54442d18p+0;
    constexpr double k_half_pi_rest = 0x1.1a62633145c07p-54;
    if (x != x)
        return canonical(x);
    const double size = std::fabs(x);
    const bool inverted = size > 1.0;
    const double t = inverted ? 1.0 / size : size;
    const auto step = (static_cast<unsigned>(t * 8.0) + 1) / 2;
    const double c = step * 0.25;
    const double u = (t - c) / (1.0 + t * c);
    const double square = u * u;
    double sum = 0.0;
    for (int power = 17; power >= 3; power -= 2)
        sum = square * (((power / 2) % 2 == 0 ? 1.0 : -1.0) / power + sum);
    const double angle = k_atan[step] + (u + u * sum);
    const double out = inverted ? k_half_pi - (angle - k_half_pi_rest) : angle;
    return std::copysign(out, x);
}

/// 1 / (1 + e^-x); for negative x as e^x / (1 + e^x). In binary64, within 4 units in the last place.
inline double logistic(double x) {
    if (x != x)
        return canonical(x);
    const double e = exponential(-std::fabs(x));
    return (std::signbit(x) ? e : 1.0) / (1.0 + e);
}

/// 1 / √x in binary64, root and quotient rounded apart; of a negative number NaN, of -0 minus infinity.
inline double reciprocal_root(double x) {
    return canonical(1.0 / std::sqrt(x));
}

/// A bound of a clamp in an integer type: rounded towards zero and saturated; NaN becomes 0.
inline std::int32_t integer_bound(double bound) {
    if (bound != bound)
        return 0;
    if (bound <= std::numeric_limits<std::int32_t>::min())
        return std::numeric_limits<std::int32_t>::min();
    if (bound >= std::numeric_limits<std::int32_t>::max())
        return std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(bound);
}

} // namespace kpu::scalar
