#include "hw/fabric/number_format.h"

#include "hw/fabric/format_bits.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace kpu::hw {

namespace {

using iface::element_type;

/// Elements converted at a time, through a buffer on the stack that stays in the host's first-level cache.
constexpr std::size_t k_block = 256;

template <class T>
T load(const std::byte* data, std::size_t index) {
    T value;
    std::memcpy(&value, data + index * sizeof(T), sizeof(T));
    return value;
}

template <class T>
void store(std::byte* data, std::size_t index, T value) {
    std::memcpy(data + index * sizeof(T), &value, sizeof(T));
}

/// Reads `count` elements stored as Bits, each turned into a Value by `f`.
template <class Bits, class Value, class F>
void unpack(const std::byte* data, Value* out, std::size_t count, F f) {
    for (std::size_t i = 0; i < count; ++i)
        out[i] = f(load<Bits>(data, i));
}

template <class Bits, class Value, class F>
void pack(const Value* in, std::byte* data, std::size_t count, F f) {
    for (std::size_t i = 0; i < count; ++i)
        store<Bits>(data, i, f(in[i]));
}

void unpack_to_f32(element_type type, const std::byte* data, float* out, std::size_t count) {
    switch (type) {
    case element_type::f32:
        std::memcpy(out, data, count * sizeof(float));
        return;
    case element_type::f16:
        return unpack<std::uint16_t>(data, out, count, [](auto v) { return format::f16_to_f32(v); });
    case element_type::bf16:
        return unpack<std::uint16_t>(data, out, count, [](auto v) { return format::bf16_to_f32(v); });
    case element_type::f8:
        return unpack<std::uint8_t>(data, out, count, [](auto v) { return format::f8_to_f32(v); });
    case element_type::i8:
        return unpack<std::int8_t>(data, out, count, [](std::int8_t v) { return static_cast<float>(v); });
    case element_type::f64:
    case element_type::i32:
        break;
    }
}

void pack_from_f32(element_type type, const float* in, std::byte* data, std::size_t count) {
    switch (type) {
    case element_type::f32:
        std::memcpy(data, in, count * sizeof(float));
        return;
    case element_type::f16:
        return pack<std::uint16_t>(in, data, count, [](float v) { return format::f32_to_f16(v); });
    case element_type::bf16:
        return pack<std::uint16_t>(in, data, count, [](float v) { return format::f32_to_bf16(v); });
    case element_type::f8:
        return pack<std::uint8_t>(in, data, count, [](float v) { return format::f32_to_f8(v); });
    case element_type::f64:
    case element_type::i8:
    case element_type::i32:
        break;
    }
}

void unpack_to_f64(element_type type, const std::byte* data, double* out, std::size_t count) {
    if (type == element_type::f64) {
        std::memcpy(out, data, count * sizeof(double));
    } else if (type == element_type::i32) {
        unpack<std::int32_t>(data, out, count, [](std::int32_t v) { return static_cast<double>(v); });
    } else {
        std::array<float, k_block> narrow;
        unpack_to_f32(type, data, narrow.data(), count);
        std::copy_n(narrow.begin(), count, out);
    }
}

void pack_from_f64(element_type type, const double* in, std::byte* data, std::size_t count) {
    switch (type) {
    case element_type::f64:
        std::memcpy(data, in, count * sizeof(double));
        return;
    case element_type::f32:
        return pack<float>(in, data, count, [](double v) { return static_cast<float>(v); });
    case element_type::i32:
        return pack<std::int32_t>(in, data, count, [](double v) { return format::to_integer<std::int32_t>(v); });
    case element_type::i8:
        return pack<std::int8_t>(in, data, count, [](double v) { return format::to_integer<std::int8_t>(v); });
    case element_type::f16:
    case element_type::bf16:
    case element_type::f8:
        break;
    }
    // An odd intermediate keeps every tie and every side of it apart, so the second rounding rounds as from the f64.
    std::array<float, k_block> odd;
    std::transform(in, in + count, odd.begin(), [](double v) { return format::f64_to_f32_odd(v); });
    pack_from_f32(type, odd.data(), data, count);
}

bool is_integer(element_type type) {
    return type == element_type::i8 || type == element_type::i32;
}

void convert_integers(element_type from, const std::byte* in, std::byte* out, std::size_t count) {
    if (from == element_type::i8)
        for (std::size_t i = 0; i < count; ++i)
            store(out, i, static_cast<std::int32_t>(load<std::int8_t>(in, i)));
    else
        for (std::size_t i = 0; i < count; ++i)
            store(out, i, static_cast<std::int8_t>(std::clamp(load<std::int32_t>(in, i), -128, 127)));
}

/// The type that holds every value of `from` and from which the way to `to` rounds once: f64 if an f32 would not do.
bool through_f64(element_type from, element_type to) {
    return from == element_type::f64 || to == element_type::f64 || from == element_type::i32 || is_integer(to);
}

} // namespace

void convert(element_type from, const void* from_data, element_type to, void* to_data, std::size_t count) {
    const auto* in = static_cast<const std::byte*>(from_data);
    auto* out = static_cast<std::byte*>(to_data);
    const std::size_t from_size = iface::size_of(from);
    const std::size_t to_size = iface::size_of(to);
    if (count == 0)
        return;
    if (from == to) {
        std::memmove(out, in, count * from_size);
        return;
    }
    if (is_integer(from) && is_integer(to))
        return convert_integers(from, in, out, count);
    std::array<float, k_block> narrow;
    std::array<double, k_block> wide;
    for (std::size_t at = 0; at < count; at += k_block) {
        const std::size_t n = std::min(k_block, count - at);
        if (through_f64(from, to)) {
            unpack_to_f64(from, in + at * from_size, wide.data(), n);
            pack_from_f64(to, wide.data(), out + at * to_size, n);
        } else {
            unpack_to_f32(from, in + at * from_size, narrow.data(), n);
            pack_from_f32(to, narrow.data(), out + at * to_size, n);
        }
    }
}

} // namespace kpu::hw
