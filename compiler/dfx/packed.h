#pragma once
// Where the elements of a packed, row-major tensor lie.

#include "compiler/tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace kpu::dfx {

/// Elements of a packed tensor from one index to the next.
[[nodiscard]] inline std::vector<std::uint64_t> strides_of(const shape& dims) {
    std::vector<std::uint64_t> strides(dims.size(), 1);
    for (std::size_t d = dims.size(); d-- > 1;)
        strides[d - 1] = strides[d] * dims[d];
    return strides;
}

/// The index of element number `n` in each dimension, into `index`, which has as many entries.
inline void locate(std::uint64_t n, const shape& dims, std::vector<std::uint64_t>& index) {
    for (std::size_t d = dims.size(); d-- > 0;) {
        index[d] = n % dims[d];
        n /= dims[d];
    }
}

} // namespace kpu::dfx
