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

/// One side of a copy: the address of element (0,0,0,0) and the byte stride of each dimension, outermost first; a
/// stride is signed, in two's complement: a side may be walked backwards.
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
/// buffer, C and C0 (element type accumulator_of(type)) in the result buffer. A command can be several folds with one
/// B, one after the other: fold i's A lies i·a_stride bytes, its C and C0 lie i·c_stride bytes behind those of fold 0.
struct fold_operands {
    address a, b, c, seed;
    std::uint32_t count = 1;
    std::uint32_t a_stride = 0, c_stride = 0;
    std::uint32_t m = 0, n = 0, k = 0;
    element_type type = element_type::f32;
    array_dataflow flow = array_dataflow::output_stationary;
    bool seeded = false;
};

inline constexpr std::size_t k_vector_dims = 3;

/// One operand of a vector command: the address of element (0,0,0) and the byte stride of each dimension, outermost
/// first. A stride of 0 uses the same element again.
struct vector_side {
    address base;
    std::array<std::uint32_t, k_vector_dims> stride{};
};

/// For all (i0,i1,i2) in counts, last index fastest, one after the other: destination[i] = function(source[i],
/// operand[i]). Where the destination's stride is 0 it keeps the last value, and is what a command reads that names it
/// as source too: so reductions are made. Source and operand are of type `from`, the destination of type `to`.
struct vector_operands {
    vector_function function = vector_function::identity;
    element_type from = element_type::f32;
    element_type to = element_type::f32;
    std::array<std::uint32_t, k_vector_dims> count{1, 1, 1};
    vector_side source, operand, destination;
    std::uint32_t shift = 0;  ///< of multiply_shifted: 1 to 62
    double low = 0, high = 0; ///< of clamp, which has no operand: they take its place in the descriptor
};

/// fill: the copy's destination is filled with `pattern`, repeated; it begins anew with every run.
struct fill_operands {
    std::array<std::uint32_t, k_copy_dims> count{1, 1, 1, 1};
    std::uint32_t run = 0; ///< bytes
    std::uint64_t pattern = 0;
    copy_side destination;
};

inline constexpr std::uint32_t k_most_indices = 1024;

/// For all i in count: `run` bytes from source + index[i]·pitch to destination + i·run. index[i] is the signed 32-bit
/// integer at indices + 4·i and has to be at least 0 and less than `rows`, else nothing is written: index_error. At
/// most k_most_indices of them, aligned to 4 bytes.
struct gather_operands {
    std::uint32_t count = 0;
    std::uint32_t run = 0;  ///< bytes
    std::uint32_t rows = 0; ///< of the source
    std::uint64_t pitch = 0;
    address indices, source, destination;
};

[[nodiscard]] descriptor_words encode(const command_header& header);
[[nodiscard]] descriptor_words encode(const command_header& header, const copy_operands& copy);
[[nodiscard]] descriptor_words encode(const command_header& header, const fold_operands& fold);
[[nodiscard]] descriptor_words encode(const command_header& header, const vector_operands& vector);
[[nodiscard]] descriptor_words encode(const command_header& header, const fill_operands& fill);
[[nodiscard]] descriptor_words encode(const command_header& header, const gather_operands& gather);

/// Decoding never fails: engines check opcode, waits and operands and raise modelled faults.
[[nodiscard]] command_header decode_header(const descriptor_words& words);
[[nodiscard]] copy_operands decode_copy(const descriptor_words& words);
[[nodiscard]] fold_operands decode_fold(const descriptor_words& words);
[[nodiscard]] vector_operands decode_vector(const descriptor_words& words);
[[nodiscard]] fill_operands decode_fill(const descriptor_words& words);
[[nodiscard]] gather_operands decode_gather(const descriptor_words& words);

} // namespace kpu::iface
