#pragma once
// Sums of products as the numerics define them: in order, product and sum each rounded.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kpu::dfg {

/// Integers are summed as unsigned numbers, whose overflow wraps.
template <class Host>
using wrapping = std::conditional_t<std::is_same_v<Host, std::int32_t>, std::uint32_t, Host>;

template <class T>
T multiply_add(T sum, T a, T b) {
    const T product = a * b;
    return sum + product;
}

struct product_extents {
    std::size_t m;
    std::size_t n;
    std::size_t k;
};

/// One row of C over a range of columns; four steps of k per pass over the row, in order, so that the row is read and
/// written less often.
template <class T>
void add_row(const T* a, const T* b, T* c, const product_extents& e, std::size_t first, std::size_t last) {
    std::size_t k = 0;
    for (; k + 4 <= e.k; k += 4) {
        const T* b0 = b + k * e.n;
        const T* b1 = b0 + e.n;
        const T* b2 = b1 + e.n;
        const T* b3 = b2 + e.n;
        for (std::size_t j = first; j < last; ++j)
            c[j] = multiply_add(
                multiply_add(multiply_add(multiply_add(c[j], a[k], b0[j]), a[k + 1], b1[j]), a[k + 2], b2[j]), a[k + 3],
                b3[j]);
    }
    for (; k < e.k; ++k)
        for (std::size_t j = first; j < last; ++j)
            c[j] = multiply_add(c[j], a[k], b[k * e.n + j]);
}

/// C += A·B, row-major: A [m, k], B [k, n], C [m, n]; k ascending.
template <class T>
void add_product(const T* a, const T* b, T* c, const product_extents& e) {
    // A panel of B of this width is used by all rows before the next one.
    constexpr std::size_t k_panel = 128;
    for (std::size_t first = 0; first < e.n; first += k_panel)
        for (std::size_t i = 0; i < e.m; ++i)
            add_row(a + i * e.k, b, c + i * e.n, e, first, std::min(first + k_panel, e.n));
}

} // namespace kpu::dfg
