#pragma once
// Which vector commands are sound: all others are refused before anything is read. SystemC-free.

#include "hw/interface/descriptor.h"

#include <cstdint>

namespace kpu::hw {

/// Elements that one vector command may have.
inline constexpr std::uint32_t k_longest_vector = 1u << 20;
/// Bytes from the first to the last that one side of it touches.
inline constexpr std::uint64_t k_longest_range = 1u << 24;

/// `none`, or `bad_operand` (README.md lists why). A sound command has known types and a function of them, at least one
/// and not too many elements, aligned sides of limited reach that do not wrap around the address space, a destination
/// whose elements are the same place or apart, and writes no byte that a later element reads, but for running values.
[[nodiscard]] iface::fault refusal_of(const iface::vector_operands& x);

} // namespace kpu::hw
