#include "compiler/tensor/number_format.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace kpu {

namespace {

/// A binary floating-point format narrower than binary32.
struct narrow_format {
    int exponent_bits;
    int fraction_bits;
    std::uint32_t largest;  ///< code of the largest finite value
    std::uint32_t overflow; ///< code that larger magnitudes become
    std::uint32_t nan;      ///< code of the canonical NaN

    [[nodiscard]] constexpr int smallest_exponent() const { return 2 - (1 << (exponent_bits - 1)); }
    [[nodiscard]] constexpr std::uint32_t sign() const { return 1U << (exponent_bits + fraction_bits); }
};

constexpr narrow_format k_f16{5, 10, 0x7bff, 0x7c00, 0x7e00};
constexpr narrow_format k_bf16{8, 7, 0x7f7f, 0x7f80, 0x7fc0};
constexpr narrow_format k_f8{4, 3, 0x7e, 0x7e, 0x7f};

/// `value` is not negative and far below 2^53.
double nearest_even(double value) {
    const double below = std::floor(value);
    const double rest = value - below;
    const bool odd = std::fmod(below, 2.0) != 0.0;
    return rest > 0.5 || (rest == 0.5 && odd) ? below + 1.0 : below;
}

std::uint32_t encode(double value, const narrow_format& format) {
    const std::uint32_t sign = std::signbit(value) ? format.sign() : 0;
    if (std::isnan(value))
        return sign | format.nan;
    if (std::isinf(value))
        return sign | format.overflow;
    const double magnitude = std::fabs(value);
    if (magnitude == 0.0)
        return sign;
    const int exponent = std::max(std::ilogb(magnitude), format.smallest_exponent());
    if (exponent > (1 << format.exponent_bits))
        return sign | format.overflow;
    // In units of the last place. A subnormal has no hidden bit; a normal number's hidden bit, and a carry out of the
    // fraction, add one to the exponent field.
    const double units = nearest_even(std::ldexp(magnitude, format.fraction_bits - exponent));
    const std::uint32_t code =
        (static_cast<std::uint32_t>(exponent - format.smallest_exponent()) << format.fraction_bits) +
        static_cast<std::uint32_t>(units);
    return sign | (code > format.largest ? format.overflow : code);
}

float decode(std::uint32_t bits, const narrow_format& format) {
    const std::uint32_t code = bits & (format.sign() - 1);
    const float sign = (bits & format.sign()) != 0 ? -1.0F : 1.0F;
    if (code > format.largest)
        return std::copysign(code == format.overflow ? std::numeric_limits<float>::infinity()
                                                     : std::numeric_limits<float>::quiet_NaN(),
                             sign);
    const int field = static_cast<int>(code >> format.fraction_bits);
    const std::uint32_t hidden = field == 0 ? 0 : 1U << format.fraction_bits;
    const std::uint32_t units = (code & ((1U << format.fraction_bits) - 1)) + hidden;
    const int exponent = format.smallest_exponent() + std::max(field, 1) - 1;
    return sign * std::ldexp(static_cast<float>(units), exponent - format.fraction_bits);
}

template <class T>
T fetch(const std::byte* at) {
    T value{};
    std::memcpy(&value, at, sizeof value);
    return value;
}

template <class T>
void put(T value, std::byte* at) {
    std::memcpy(at, &value, sizeof value);
}

template <class T>
T saturated(double value) {
    if (std::isnan(value))
        return 0;
    const double low = std::numeric_limits<T>::min();
    const double high = std::numeric_limits<T>::max();
    const double rounded_magnitude = nearest_even(std::min(std::fabs(value), 4294967296.0));
    return static_cast<T>(std::clamp(std::copysign(rounded_magnitude, value), low, high));
}

} // namespace

std::uint16_t to_f16(double value) {
    return static_cast<std::uint16_t>(encode(value, k_f16));
}
std::uint16_t to_bf16(double value) {
    return static_cast<std::uint16_t>(encode(value, k_bf16));
}
std::uint8_t to_f8(double value) {
    return static_cast<std::uint8_t>(encode(value, k_f8));
}
float from_f16(std::uint16_t bits) {
    return decode(bits, k_f16);
}
float from_bf16(std::uint16_t bits) {
    return decode(bits, k_bf16);
}
float from_f8(std::uint8_t bits) {
    return decode(bits, k_f8);
}

double load(dtype t, const std::byte* at) {
    switch (t) {
    case dtype::f64:
        return fetch<double>(at);
    case dtype::f32:
        return fetch<float>(at);
    case dtype::f16:
        return from_f16(fetch<std::uint16_t>(at));
    case dtype::bf16:
        return from_bf16(fetch<std::uint16_t>(at));
    case dtype::f8:
        return from_f8(fetch<std::uint8_t>(at));
    case dtype::i8:
        return fetch<std::int8_t>(at);
    case dtype::i32:
        break;
    }
    return fetch<std::int32_t>(at);
}

void store(dtype t, double value, std::byte* at) {
    switch (t) {
    case dtype::f64:
        return put(value, at);
    case dtype::f32:
        return put(static_cast<float>(value), at);
    case dtype::f16:
        return put(to_f16(value), at);
    case dtype::bf16:
        return put(to_bf16(value), at);
    case dtype::f8:
        return put(to_f8(value), at);
    case dtype::i8:
        return put(saturated<std::int8_t>(value), at);
    case dtype::i32:
        return put(saturated<std::int32_t>(value), at);
    }
}

tensor convert(const tensor& from, dtype to) {
    if (from.type == to)
        return from;
    tensor out(to, from.dims);
    const std::uint64_t count = element_count(from.dims);
    for (std::uint64_t i = 0; i < count; ++i)
        store(to, load(from.type, &from.data[i * size_of(from.type)]), &out.data[i * size_of(to)]);
    return out;
}

namespace {

template <class Host>
constexpr bool is_host_of(dtype t) {
    return (std::is_same_v<Host, float> && t == dtype::f32) || (std::is_same_v<Host, double> && t == dtype::f64) ||
           (std::is_same_v<Host, std::int32_t> && t == dtype::i32);
}

} // namespace

template <class Host>
std::vector<Host> widened(const tensor& from) {
    const std::uint64_t count = element_count(from.dims);
    std::vector<Host> out(count);
    if (is_host_of<Host>(from.type)) {
        if (count != 0)
            std::memcpy(out.data(), from.data.data(), from.data.size());
        return out;
    }
    const std::uint64_t step = size_of(from.type);
    for (std::uint64_t i = 0; i < count; ++i)
        out[i] = static_cast<Host>(load(from.type, &from.data[i * step]));
    return out;
}

template <class Host>
tensor rounded(dtype t, const shape& dims, const std::vector<Host>& values) {
    tensor out(t, dims);
    if (is_host_of<Host>(t)) {
        if (!values.empty())
            std::memcpy(out.data.data(), values.data(), out.data.size());
        return out;
    }
    for (std::size_t i = 0; i < values.size(); ++i)
        store(t, static_cast<double>(values[i]), &out.data[i * size_of(t)]);
    return out;
}

template std::vector<float> widened<float>(const tensor&);
template std::vector<double> widened<double>(const tensor&);
template std::vector<std::int32_t> widened<std::int32_t>(const tensor&);
template tensor rounded<float>(dtype, const shape&, const std::vector<float>&);
template tensor rounded<double>(dtype, const shape&, const std::vector<double>&);
template tensor rounded<std::int32_t>(dtype, const shape&, const std::vector<std::int32_t>&);

} // namespace kpu
