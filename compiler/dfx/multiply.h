#pragma once
// The sum of products of one tile, in the project's order of rounding.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kpu::dfx {

/// A matrix in row-major order within a larger one.
template <class T>
struct matrix_view {
    T* data;
    std::size_t stride; ///< elements from row to row
};

struct matmul_extents {
    std::size_t m, n, k;
};

/// c[i, j] = (..(c[i, j] + a[i, 0] * b[0, j]) + ..) + a[i, k-1] * b[k-1, j]; product and sum are rounded separately,
/// integers wrap. Blocked over j and k so that a block of b stays in the host's cache; k ascends for every element
/// whatever the blocks.
template <class Sum>
void multiply_add(matrix_view<const Sum> a, matrix_view<const Sum> b, matrix_view<Sum> c, const matmul_extents& e) {
    using arithmetic = std::conditional_t<std::is_integral_v<Sum>, std::make_unsigned<Sum>, std::common_type<Sum>>;
    using value = typename arithmetic::type;
    constexpr std::size_t k_columns = 512;
    constexpr std::size_t k_depth = 128;
    for (std::size_t j0 = 0; j0 < e.n; j0 += k_columns) {
        const std::size_t n = std::min(k_columns, e.n - j0);
        for (std::size_t k0 = 0; k0 < e.k; k0 += k_depth) {
            const std::size_t k1 = std::min(k0 + k_depth, e.k);
            for (std::size_t i = 0; i < e.m; ++i) {
                Sum* __restrict to = c.data + i * c.stride + j0;
                const Sum* from = a.data + i * a.stride;
                std::size_t k = k0;
                for (; k + 4 <= k1; k += 4) {
                    const value a0 = static_cast<value>(from[k]);
                    const value a1 = static_cast<value>(from[k + 1]);
                    const value a2 = static_cast<value>(from[k + 2]);
                    const value a3 = static_cast<value>(from[k + 3]);
                    const Sum* __restrict b0 = b.data + k * b.stride + j0;
                    const Sum* __restrict b1 = b0 + b.stride;
                    const Sum* __restrict b2 = b1 + b.stride;
                    const Sum* __restrict b3 = b2 + b.stride;
                    for (std::size_t j = 0; j < n; ++j) {
                        value sum = static_cast<value>(to[j]);
                        sum = sum + a0 * static_cast<value>(b0[j]);
                        sum = sum + a1 * static_cast<value>(b1[j]);
                        sum = sum + a2 * static_cast<value>(b2[j]);
                        sum = sum + a3 * static_cast<value>(b3[j]);
                        to[j] = static_cast<Sum>(sum);
                    }
                }
                for (; k < k1; ++k) {
                    const value a0 = static_cast<value>(from[k]);
                    const Sum* __restrict b0 = b.data + k * b.stride + j0;
                    for (std::size_t j = 0; j < n; ++j)
                        to[j] = static_cast<Sum>(static_cast<value>(to[j]) + a0 * static_cast<value>(b0[j]));
                }
            }
        }
    }
}

} // namespace kpu::dfx
