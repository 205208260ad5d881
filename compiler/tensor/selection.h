#pragma once
// Picks the tensors that a program expects out of those that a user gave.

#include "compiler/tensor/npz.h"
#include "platforms/common/diagnostic.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu {

struct expected_tensor {
    std::vector<std::string> keys; ///< any of them; the first is the tensor's own name
    dtype type = dtype::f32;
    shape dims;
    std::optional<std::uint64_t> below = {}; ///< values are indices below that: in i32
};

/// The expected tensors by their first key. With a seed, expected tensor number i (from 0, in the order of `expected`)
/// that is not given is random_tensor(type, dims, seed + i), or random_indices() where it holds indices: the number
/// counts those that are given too, so that a tensor's values do not depend on which others are given. Throws
/// input_error with all problems: missing tensors, disagreeing shapes and types, two arrays for one tensor. Arrays that
/// nobody expects are warned about. `where` names the file of the arrays.
[[nodiscard]] tensor_map select_tensors(const std::vector<expected_tensor>& expected, npz_arrays given,
                                        std::optional<std::uint64_t> seed, const location& where,
                                        diagnostics& warnings);

} // namespace kpu
