#pragma once
// Conversions between element types, in plain arithmetic on the definition of each format. The chip model has
// conversions of its own (hw/fabric); the two agree because a test says so.

#include "compiler/tensor/tensor.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kpu {

/// IEEE binary16. Rounds once, to nearest even; overflow becomes infinity; NaN becomes the quiet NaN 0x7e00 with the
/// sign kept.
[[nodiscard]] std::uint16_t to_f16(double value);
/// bfloat16, the upper half of binary32. Rounds as to_f16; NaN becomes 0x7fc0 with the sign kept.
[[nodiscard]] std::uint16_t to_bf16(double value);
/// OCP E4M3. Rounds to nearest even, then saturates at ±448 (infinities too); NaN becomes 0x7f with the sign kept.
[[nodiscard]] std::uint8_t to_f8(double value);

/// Exact.
[[nodiscard]] float from_f16(std::uint16_t bits);
[[nodiscard]] float from_bf16(std::uint16_t bits);
[[nodiscard]] float from_f8(std::uint8_t bits);

/// The element of type `t` at `at` (unaligned, little endian); exact for every type.
[[nodiscard]] double load(dtype t, const std::byte* at);
/// Writes `value` as an element of type `t`, rounded once to nearest even. Integers saturate, and NaN becomes 0 there.
void store(dtype t, double value, std::byte* at);

/// Every element converted as by store(load()); a copy where the type is already `to`.
[[nodiscard]] tensor convert(const tensor& from, dtype to);

/// The elements widened to `Host`: float takes f32, f16, bf16, f8 and i8; double takes everything; std::int32_t takes
/// i8 and i32. The caller has checked that the type widens.
template <class Host>
[[nodiscard]] std::vector<Host> widened(const tensor& from);
/// The tensor of type `t` whose elements are `values` rounded once; the inverse of widened() where `t` is the host
/// type.
template <class Host>
[[nodiscard]] tensor rounded(dtype t, const shape& dims, const std::vector<Host>& values);

} // namespace kpu
