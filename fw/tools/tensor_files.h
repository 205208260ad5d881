#pragma once
// A program's tensors from and to files.

#include "compiler/dfx/program.h"
#include "platforms/common/diagnostic.h"

#include <optional>
#include <string>

namespace kpu::fw {

/// Where inputs come from; all may be combined.
struct input_files {
    std::string tensors;               ///< .npz, by key
    std::string input_a, input_b;      ///< the first and second input that the program does not carry: .npy, or raw
    std::optional<std::uint64_t> seed; ///< fills what is not given
};

/// Refuses a program of that file whose inputs and outputs, here and on the modelled chip, exceed this machine's
/// memory: input_error.
void require_host_memory(const dfx::program& program, const std::string& file);

/// Inputs and constants by their first key, in the program's types and shapes. Input number i, in the program's order,
/// is filled with random_tensor(type, dims, seed + i) where it is not given; constants that the program carries count
/// and come with their values. Throws input_error listing everything that is missing, does not agree, is given
/// twice, or is given though the program carries it.
[[nodiscard]] tensor_map gather_inputs(const dfx::program& program, const input_files& files, diagnostics& warnings);

/// Where outputs go; empty names write nothing.
struct output_files {
    std::string tensors;  ///< .npz, by key
    std::string output_c; ///< the first output: .npy, or raw elements for any other name
};
void write_outputs(const dfx::program& program, const tensor_map& outputs, const output_files& files);

} // namespace kpu::fw
