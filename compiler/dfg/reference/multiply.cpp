#include "compiler/dfg/reference/evaluate.h"
#include "compiler/tensor/number_format.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace kpu::dfg {

namespace {

/// Integers are summed as unsigned numbers, whose overflow wraps.
template <class Host>
using arithmetic = std::conditional_t<std::is_same_v<Host, std::int32_t>, std::uint32_t, Host>;

template <class T>
T multiply_add(T sum, T a, T b) {
    const T product = a * b;
    return sum + product;
}

struct extents {
    std::size_t m;
    std::size_t n;
    std::size_t k;
};

/// One row of C over a range of columns; four steps of k per pass over the row, in order, so that the row is read and
/// written less often.
template <class T>
void add_row(const T* a, const T* b, T* c, const extents& e, std::size_t first, std::size_t last) {
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

template <class T>
void add_product(const T* a, const T* b, T* c, const extents& e) {
    // A panel of B of this width is used by all rows before the next one.
    constexpr std::size_t k_panel = 128;
    for (std::size_t first = 0; first < e.n; first += k_panel)
        for (std::size_t i = 0; i < e.m; ++i)
            add_row(a + i * e.k, b, c + i * e.n, e, first, std::min(first + k_panel, e.n));
}

template <class Host>
tensor multiply_in(const tensor& a, const tensor& b, const tensor* seed, dtype result) {
    using T = arithmetic<Host>;
    const std::size_t rank = a.dims.size();
    const extents e{a.dims[rank - 2], b.dims[rank - 1], a.dims[rank - 1]};
    const std::uint64_t batch = rank == 3 ? a.dims[0] : 1;
    shape dims = a.dims;
    dims.back() = e.n;
    const std::vector<Host> left = widened<Host>(a);
    const std::vector<Host> right = widened<Host>(b);
    std::vector<Host> sums = seed != nullptr ? widened<Host>(*seed) : std::vector<Host>(element_count(dims));
    // A signed integer may be accessed through its unsigned type.
    const auto* from_a = reinterpret_cast<const T*>(left.data());
    const auto* from_b = reinterpret_cast<const T*>(right.data());
    auto* to = reinterpret_cast<T*>(sums.data());
    for (std::uint64_t i = 0; i < batch; ++i)
        add_product(from_a + i * e.m * e.k, from_b + i * e.k * e.n, to + i * e.m * e.n, e);
    return rounded(result, dims, sums);
}

} // namespace

tensor multiply(const tensor& a, const tensor& b, const tensor* seed, dtype result) {
    switch (accumulator_of(a.type)) {
    case dtype::f64:
        return multiply_in<double>(a, b, seed, result);
    case dtype::i32:
        return multiply_in<std::int32_t>(a, b, seed, result);
    case dtype::f32:
    case dtype::f16:
    case dtype::bf16:
    case dtype::f8:
    case dtype::i8:
        break;
    }
    return multiply_in<float>(a, b, seed, result);
}

} // namespace kpu::dfg
