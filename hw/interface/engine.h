#pragma once
// What kinds of engines a chip has, and the codes that descriptors and capability registers use. SystemC-free: the
// model, the firmware's drivers and the documentation read the same tables.

#include <cstdint>
#include <string_view>

namespace kpu::iface {

enum class engine_kind : std::uint8_t { dma = 1, block_mover = 2, streamer = 3, array = 4, vector = 5 };
inline constexpr std::uint32_t k_engine_kinds = 5;

[[nodiscard]] constexpr std::string_view name_of(engine_kind kind) {
    switch (kind) {
    case engine_kind::dma:
        return "dma";
    case engine_kind::block_mover:
        return "block_mover";
    case engine_kind::streamer:
        return "streamer";
    case engine_kind::array:
        return "array";
    case engine_kind::vector:
        break;
    }
    return "vector";
}

/// Element types in descriptors.
enum class element_type : std::uint8_t { f64 = 0, f32 = 1, f16 = 2, bf16 = 3, f8 = 4, i8 = 5, i32 = 6 };
inline constexpr std::uint32_t k_element_types = 7;

[[nodiscard]] constexpr std::uint32_t size_of(element_type t) {
    constexpr std::uint32_t sizes[k_element_types] = {8, 4, 2, 2, 1, 1, 4};
    return sizes[static_cast<std::uint32_t>(t)];
}
[[nodiscard]] constexpr std::string_view name_of(element_type t) {
    constexpr std::string_view names[k_element_types] = {"f64", "f32", "f16", "bf16", "f8", "i8", "i32"};
    return names[static_cast<std::uint32_t>(t)];
}
/// The type that the array sums in.
[[nodiscard]] constexpr element_type accumulator_of(element_type t) {
    switch (t) {
    case element_type::f64:
        return element_type::f64;
    case element_type::i8:
    case element_type::i32:
        return element_type::i32;
    case element_type::f32:
    case element_type::f16:
    case element_type::bf16:
    case element_type::f8:
        break;
    }
    return element_type::f32;
}

enum class array_dataflow : std::uint8_t { output_stationary = 0, weight_stationary = 1, input_stationary = 2 };

/// Operation codes, in the descriptor's first word. Every engine accepts `join`; the others belong to the kind named.
enum class opcode : std::uint8_t {
    join = 0,   ///< any engine: waits, does nothing, completes
    copy = 1,   ///< dma, block_mover, streamer: strided copy from one memory to another
    fold = 2,   ///< array: one matmul fold, C = (seed or 0) + A·B
    vector = 3, ///< vector: an element-wise function of strided operands
    fill = 4,   ///< dma, block_mover, streamer: a pattern written to one memory
    gather = 5  ///< dma, block_mover, streamer: rows whose numbers lie in memory
};

/// What a vector command does to each element. Functions compute in the type `from`, as platforms/common/scalar_math.h
/// defines them, and round once to the type `to`.
enum class vector_function : std::uint8_t {
    identity = 0,
    add = 1,
    subtract = 2,
    multiply = 3,
    divide = 4,
    maximum = 5,
    minimum = 6,
    clamp = 7, ///< to [low, high]
    relu = 8,
    sigmoid = 9,
    arctangent = 10,
    exponential = 11,
    reciprocal = 12,
    absolute = 13,
    negate = 14,
    multiply_add = 15,    ///< destination + source·operand in the type `to`, product and sum rounded apart
    reciprocal_root = 16, ///< 1 / root
    multiply_shifted = 17 ///< of i32: the 64-bit product shifted right, halves up, its lower 32 bits
};
inline constexpr std::uint32_t k_vector_functions = 18;

[[nodiscard]] constexpr std::string_view name_of(vector_function f) {
    constexpr std::string_view names[k_vector_functions] = {
        "identity",   "add",      "subtract", "multiply",     "divide",          "maximum",
        "minimum",    "clamp",    "relu",     "sigmoid",      "arctangent",      "exponential",
        "reciprocal", "absolute", "negate",   "multiply_add", "reciprocal_root", "multiply_shifted"};
    return static_cast<std::uint32_t>(f) < k_vector_functions ? names[static_cast<std::uint32_t>(f)] : "unknown";
}

/// True where the function has a second argument.
[[nodiscard]] constexpr bool takes_operand(vector_function f) {
    return (f >= vector_function::add && f <= vector_function::minimum) || f == vector_function::multiply_add ||
           f == vector_function::multiply_shifted;
}

/// Error causes in the `error_cause` register. The queue stops at the faulty command; later ones stay queued.
enum class fault : std::uint8_t {
    none = 0,
    bad_opcode = 1,    ///< not an operation of this engine
    bad_operand = 2,   ///< zero or excessive extents, misaligned address, unsupported element type;
                       ///< results that overlap each other, or operands that are yet to be read
    bad_wait = 3,      ///< a wait names an engine that does not exist
    address_error = 4, ///< the read or write side got TLM_ADDRESS_ERROR_RESPONSE
    bus_error = 5,     ///< any other error response
    capacity = 6,      ///< a fold larger than the array
    index_error = 7    ///< an index of a gather names no row
};

[[nodiscard]] constexpr std::string_view name_of(fault cause) {
    switch (cause) {
    case fault::none:
        return "none";
    case fault::bad_opcode:
        return "bad opcode";
    case fault::bad_operand:
        return "bad operand";
    case fault::bad_wait:
        return "bad wait";
    case fault::address_error:
        return "address error";
    case fault::bus_error:
        return "bus error";
    case fault::capacity:
        return "capacity exceeded";
    case fault::index_error:
        break;
    }
    return "index out of range";
}

} // namespace kpu::iface
