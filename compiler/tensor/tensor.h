#pragma once
// A tensor in host memory.

#include "compiler/tensor/dtype.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kpu {

using shape = std::vector<std::uint64_t>;

/// Product of the extents (1 for rank 0). Throws input_error if it exceeds 2^48.
[[nodiscard]] std::uint64_t element_count(const shape& dims);
/// "4x16"; empty for rank 0.
[[nodiscard]] std::string to_string(const shape& dims);

/// Elements in row-major order, packed, little endian; data.size() == element_count(dims) * size_of(type).
struct tensor {
    dtype type = dtype::f32;
    shape dims;
    std::vector<std::byte> data;

    tensor() = default;
    /// Zero-filled.
    tensor(dtype t, shape s);
    friend bool operator==(const tensor& a, const tensor& b) {
        return a.type == b.type && a.dims == b.dims && a.data == b.data;
    }
};

/// Tensors by key, as in an .npz file.
using tensor_map = std::map<std::string, tensor>;

/// Uniform pseudo-random values, the same for equal arguments on every host: floats in [-1, 1) rounded to the type, i8
/// in [-128, 127], i32 in [-1000, 1000].
[[nodiscard]] tensor random_tensor(dtype t, const shape& dims, std::uint64_t seed);
/// i32 from 0 to below - 1, below from 1 to 2^31.
[[nodiscard]] tensor random_indices(const shape& dims, std::uint64_t seed, std::uint64_t below);

} // namespace kpu
