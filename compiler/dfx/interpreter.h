#pragma once
// Runs a DFX program on host memory: what its operations mean, without any hardware. What a run on the chip is verified
// against.

#include "compiler/dfx/program.h"

namespace kpu::dfx {

/// Looks up inputs and constants by any of their keys (constants carried in the program come first) and returns every
/// output under its first key. Sums are formed as compute_op says: c = c + a * b with product and sum each rounded to
/// the accumulator type, k ascending; a store from REGISTER rounds once. Bit-exact whatever the tiles. Throws
/// input_error if the program is not valid (see verify()), or lists all tensors that are missing or have another type
/// or shape.
[[nodiscard]] tensor_map interpret(const program& p, const tensor_map& inputs);

/// The value of an input or constant: carried in the program, or found by one of the descriptor's keys. nullptr where
/// there is none.
[[nodiscard]] const tensor* find_value(const program& p, const tensor_descriptor& t, const tensor_map& inputs);

/// The value of an input or constant as it lies on the device: as given, or permuted from its host_layout.
struct bound_input {
    const tensor* given = nullptr; ///< outlives this
    std::optional<tensor> permuted;
    [[nodiscard]] const tensor& value() const { return permuted ? *permuted : *given; }
};
/// Every input and constant by tensor name. Throws input_error listing all that are missing or have another type or
/// shape.
[[nodiscard]] std::map<std::string, bound_input> bind_inputs(const program& p, const tensor_map& inputs);

} // namespace kpu::dfx
