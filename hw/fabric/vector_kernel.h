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
/// True where the destination's range holds nothing but results, each once.
[[nodiscard]] bool is_packed(const iface::vector_operands& x);

/// Where a command's operands are: pointers to the first byte of their ranges.
struct vector_data {
    const unsigned char* source = nullptr;
    const unsigned char* operand = nullptr;
    unsigned char* destination = nullptr; ///< holds the old contents where reads_destination(), or where not packed
};
/// Carries out a valid command. A source or operand that lies where the destination does is read from there, so that
/// running values are seen.
void compute(const iface::vector_operands& x, const vector_data& data);

} // namespace kpu::hw
