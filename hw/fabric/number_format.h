#pragma once
// The number formats that the compute tile knows, and bulk conversions between them: what the vector unit and the
// array's operand feeds do. Written from the formats' definitions, independently of compiler/tensor, so that the
// agreement of the two is a test. SystemC-free.

#include "hw/interface/engine.h"

#include <cstddef>
#include <cstdint>

namespace kpu::hw {

/// Converts `count` packed elements. Neither pointer needs to be aligned.
///
/// - Widening is exact.
/// - Narrowing rounds once from the source's value, to nearest, ties to even; also f64 to f16, bf16 and f8.
/// - f16 and bf16 overflow to infinity; f8 (E4M3) saturates to ±448, infinities included.
/// - A NaN becomes the canonical quiet NaN of f16 (7e00), bf16 (7fc0) and f8 (7f), its sign kept. A NaN that widens is
/// quieted and
///   keeps sign and payload.
/// - Integers to floats round to nearest even. Floats to integers round to nearest even and saturate; NaN becomes 0.
///   i32 to i8 saturates.
/// - Equal types are copied, bits unchanged.
///
/// `to_data` may equal `from_data` where `to` is not wider than `from`; the ranges may not overlap otherwise.
void convert(iface::element_type from, const void* from_data, iface::element_type to, void* to_data, std::size_t count);

} // namespace kpu::hw
