#pragma once
// Command descriptors: the 32 words of an engine's descriptor window, as plain structs with encode and decode.

#include "hw/interface/engine.h"
#include "hw/interface/registers.h"
#include "platforms/common/units.h"

#include <array>
#include <cstdint>

namespace kpu::iface {

using descriptor_words = std::array<std::uint32_t, k_descriptor_words>;

/// "Until engine's timeline semaphore is at least count." count 0 means no wait.
struct wait_for {
    engine_id engine;
    std::uint32_t count = 0;
};
inline constexpr std::size_t k_waits = 4;
inline constexpr std::size_t k_copy_dims = 4;

/// Words 0..9 of every descriptor.
struct command_header {
    opcode op = opcode::join;
    bool interrupt = false; ///< raise the `command` interrupt on completion
    std::uint32_t tag = 0;  ///< chosen by firmware, returned on a fault and written to traces: the DFX operation
    std::array<wait_for, k_waits> waits{};
};

/// One side of a copy: the address of element (0,0,0,0) and the byte stride of each dimension, outermost first.
struct copy_side {
    address base;
    std::array<std::uint32_t, k_copy_dims> stride{};
};

/// For all (i0,i1,i2,i3) in counts: `run` bytes from source.base + Σ i·stride to destination.base + Σ i·stride, last
/// index fastest.
struct copy_operands {
    std::array<std::uint32_t, k_copy_dims> count{1, 1, 1, 1};
    std::uint32_t run = 0; ///< bytes, contiguous on both sides
    copy_side source;
    copy_side destination;
};

/// C[m×n] = (seed ? C0[m×n] : 0) + A[m×k]·B[k×n]; all packed row-major in L1. A lies in the row buffer, B in the column
/// buffer, C and C0 (element type accumulator_of(type)) in the result buffer.
struct fold_operands {
    address a, b, c, seed;
    std::uint32_t m = 0, n = 0, k = 0;
    element_type type = element_type::f32;
    array_dataflow flow = array_dataflow::output_stationary;
    bool seeded = false;
};

/// convert: count elements of `from` at source become `to` at destination (may be the same address where `to` is not
/// wider). accumulate: destination = source + operand, all of type `from`.
struct vector_operands {
    address source, operand, destination;
    std::uint32_t count = 0;
    element_type from = element_type::f32;
    element_type to = element_type::f32;
};

[[nodiscard]] descriptor_words encode(const command_header& header);
[[nodiscard]] descriptor_words encode(const command_header& header, const copy_operands& copy);
[[nodiscard]] descriptor_words encode(const command_header& header, const fold_operands& fold);
[[nodiscard]] descriptor_words encode(const command_header& header, const vector_operands& vector);

/// Decoding never fails: engines check opcode, waits and operands and raise modelled faults.
[[nodiscard]] command_header decode_header(const descriptor_words& words);
[[nodiscard]] copy_operands decode_copy(const descriptor_words& words);
[[nodiscard]] fold_operands decode_fold(const descriptor_words& words);
[[nodiscard]] vector_operands decode_vector(const descriptor_words& words);

} // namespace kpu::iface
