#pragma once
// What a vector command computes, on plain memory. SystemC-free.

#include "hw/interface/descriptor.h"

#include <cstdint>
#include <vector>

namespace kpu::hw {

/// From the first byte that one side of a vector command touches to behind its last.
struct byte_range {
    address first;
    bytes size;
};
[[nodiscard]] byte_range range_of(const iface::vector_operands& x, const iface::vector_side& side,
                                  iface::element_type type);
/// Elements of the result that are computed one after the other because they are one: the product of the counts in
/// which the destination does not move.
[[nodiscard]] std::uint64_t dependent_elements(const iface::vector_operands& x);
[[nodiscard]] std::uint64_t all_elements(const iface::vector_operands& x);
/// True where the command uses what the destination holds: multiply_add, and all that reduce.
[[nodiscard]] bool reads_destination(const iface::vector_operands& x);
/// True where a side is the destination itself: the same elements in the same order. A dimension of one element may
/// have any stride.
[[nodiscard]] bool is_destination(const iface::vector_operands& x, const iface::vector_side& side);
/// Of a sound command: true where the destination's range holds nothing but results, each once.
[[nodiscard]] bool is_packed(const iface::vector_operands& x);

/// Where a command's operands are: pointers to the first byte of their ranges.
struct vector_data {
    const unsigned char* source = nullptr;
    const unsigned char* operand = nullptr;
    unsigned char* destination = nullptr; ///< holds the old contents where reads_destination(); apart from the operands
};
/// Carries out a sound command (vector_check.h). A source or operand that is_destination() is read from there where the
/// command reads_destination(), so that running values are seen; bytes between the results stay as they are.
void compute(const iface::vector_operands& x, const vector_data& data);

} // namespace kpu::hw
