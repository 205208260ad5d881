#include "hw/fabric/fold_kernel.h"

#include "hw/fabric/number_format.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

namespace {

using iface::element_type;

/// Depth of the slice of k that narrow operands are widened by: both slices of an output stationary fold together stay
/// in the host's second-level cache.
constexpr std::uint32_t k_slice = 256;

void make_room(std::vector<std::byte>& scratch, std::size_t size) {
    if (scratch.size() < size)
        scratch.resize(size);
}

/// A row-major operand in host memory, aligned or not; `stride` elements from row to row.
template <class T, class Byte>
struct operand {
    Byte* data;
    std::size_t stride;

    [[nodiscard]] Byte* at(std::size_t row, std::size_t column) const {
        return data + (row * stride + column) * sizeof(T);
    }
    [[nodiscard]] operand from(std::size_t row, std::size_t column) const { return {at(row, column), stride}; }
};
template <class T>
using source = operand<T, const std::byte>;
template <class T>
using sink = operand<T, std::byte>;

/// Rows × (Vectors·W) elements of C, held in registers while k runs. The sum of an element is one chain of additions in
/// k order, so its bits depend neither on Rows nor on Vectors nor on W.
template <class T, unsigned W, unsigned Rows, unsigned Vectors>
[[gnu::always_inline]] inline void multiply_block(std::uint32_t k, source<T> a, source<T> b, sink<T> c) {
    using vec __attribute__((vector_size(W * sizeof(T)))) = T;
    vec sum[Rows][Vectors];
    for (std::size_t i = 0; i < Rows; ++i)
        for (std::size_t v = 0; v < Vectors; ++v)
            std::memcpy(&sum[i][v], c.at(i, v * W), sizeof(vec));
    for (std::uint32_t step = 0; step < k; ++step) {
        vec right[Vectors];
        for (std::size_t v = 0; v < Vectors; ++v)
            std::memcpy(&right[v], b.at(step, v * W), sizeof(vec));
        for (std::size_t i = 0; i < Rows; ++i) {
            T left;
            std::memcpy(&left, a.at(i, step), sizeof(T));
            for (std::size_t v = 0; v < Vectors; ++v)
                sum[i][v] = sum[i][v] + left * right[v];
        }
    }
    for (std::size_t i = 0; i < Rows; ++i)
        for (std::size_t v = 0; v < Vectors; ++v)
            std::memcpy(c.at(i, v * W), &sum[i][v], sizeof(vec));
}

/// The last columns of B, fewer than a vector. A vector read from them runs on into the next row, which does no harm:
/// what it computes there is not stored. Only the last rows, where that would leave the operand, are read from a padded
/// copy.
template <class T, unsigned W>
class ragged_columns {
  public:
    ragged_columns(const fold_extents& x, std::size_t first, source<T> b)
        : m_first(first), m_count(x.n - first), m_direct(x.k - std::min<std::uint32_t>(x.k, k_rows(x.n, first))) {
        for (std::size_t row = m_direct; row < x.k; ++row)
            std::memcpy(&m_copy[(row - m_direct) * W], b.at(row, first), m_count * sizeof(T));
    }
    /// Rows that may be read in place; the others lie in `copy`.
    [[nodiscard]] std::uint32_t direct() const { return m_direct; }
    [[nodiscard]] source<T> copy() const { return {reinterpret_cast<const std::byte*>(m_copy), W}; }
    [[nodiscard]] std::size_t first() const { return m_first; }
    [[nodiscard]] std::size_t count() const { return m_count; }

  private:
    /// Rows of n columns from whose column `first` W elements on reach beyond the end: at most W.
    static constexpr std::uint32_t k_rows(std::size_t n, std::size_t first) {
        return static_cast<std::uint32_t>((first + W - n + n - 1) / n);
    }

    std::size_t m_first, m_count;
    std::uint32_t m_direct;
    T m_copy[W * W] = {};
};

/// As multiply_block for one vector of which only the first columns exist.
template <class T, unsigned W, unsigned Rows>
[[gnu::always_inline]] inline void multiply_ragged(std::uint32_t k, source<T> a, source<T> b, sink<T> c,
                                                   const ragged_columns<T, W>& columns) {
    T sums[Rows * W] = {};
    const std::size_t size = columns.count() * sizeof(T);
    for (std::size_t i = 0; i < Rows; ++i)
        std::memcpy(&sums[i * W], c.at(i, columns.first()), size);
    const sink<T> padded{reinterpret_cast<std::byte*>(sums), W};
    const std::uint32_t direct = columns.direct();
    multiply_block<T, W, Rows, 1>(direct, a, b.from(0, columns.first()), padded);
    multiply_block<T, W, Rows, 1>(k - direct, a.from(0, direct), columns.copy(), padded);
    for (std::size_t i = 0; i < Rows; ++i)
        std::memcpy(c.at(i, columns.first()), &sums[i * W], size);
}

/// m rows: blocks of Rows, then of half as many, down to one. `ragged` is null where n is a multiple of W.
template <class T, unsigned W, unsigned Rows, unsigned Vectors>
[[gnu::always_inline]] inline void multiply(const fold_extents& x, source<T> a, source<T> b, sink<T> c,
                                            const ragged_columns<T, W>* ragged) {
    std::uint32_t i = 0;
    for (; i + Rows <= x.m; i += Rows) {
        const source<T> rows = a.from(i, 0);
        std::uint32_t j = 0;
        for (; j + W * Vectors <= x.n; j += W * Vectors)
            multiply_block<T, W, Rows, Vectors>(x.k, rows, b.from(0, j), c.from(i, j));
        for (; j + W <= x.n; j += W)
            multiply_block<T, W, Rows, 1>(x.k, rows, b.from(0, j), c.from(i, j));
        if (ragged != nullptr)
            multiply_ragged<T, W, Rows>(x.k, rows, b, c.from(i, 0), *ragged);
    }
    if constexpr (Rows > 1)
        multiply<T, W, Rows / 2, Vectors>({x.m - i, x.n, x.k}, a.from(i, 0), b, c.from(i, 0), ragged);
}

template <class T, unsigned W, unsigned Rows, unsigned Vectors>
[[gnu::always_inline]] inline void multiply(const fold_extents& x, source<T> a, source<T> b, sink<T> c) {
    if (x.n % W == 0)
        return multiply<T, W, Rows, Vectors>(x, a, b, c, nullptr);
    const ragged_columns<T, W> ragged(x, x.n - x.n % W, b);
    multiply<T, W, Rows, Vectors>(x, a, b, c, &ragged);
}

template <class T>
constexpr unsigned lanes(unsigned register_bytes) {
    return register_bytes / static_cast<unsigned>(sizeof(T));
}

/// Block sizes by the number of vector registers: sums, one row of B and a broadcast element of A must fit.
template <class T>
void multiply_baseline(const fold_extents& x, source<T> a, source<T> b, sink<T> c) {
    multiply<T, lanes<T>(16), 4, 2>(x, a, b, c);
}
template <class T>
[[gnu::target("arch=x86-64-v3")]] void multiply_avx2(const fold_extents& x, source<T> a, source<T> b, sink<T> c) {
    multiply<T, lanes<T>(32), 4, 2>(x, a, b, c);
}
template <class T>
[[gnu::target("arch=x86-64-v4")]] void multiply_avx512(const fold_extents& x, source<T> a, source<T> b, sink<T> c) {
    if (x.n <= lanes<T>(32))
        return multiply<T, lanes<T>(32), 8, 1>(x, a, b, c);
    multiply<T, lanes<T>(64), 8, 2>(x, a, b, c);
}

template <class T>
void multiply_on(host_isa isa, const fold_extents& x, source<T> a, source<T> b, sink<T> c) {
    switch (isa) {
    case host_isa::avx512:
        return multiply_avx512<T>(x, a, b, c);
    case host_isa::avx2:
        return multiply_avx2<T>(x, a, b, c);
    case host_isa::baseline:
        break;
    }
    multiply_baseline<T>(x, a, b, c);
}

/// Operands that are of the accumulator's type already. Each block of rows goes over B anew, so B is taken in slices
/// that stay in the host's first-level cache meanwhile; the sums between slices are exact.
template <class T>
void fold_native(host_isa isa, const fold_extents& x, const std::byte* a, const std::byte* b, std::byte* c) {
    constexpr std::uint32_t slice = 128;
    for (std::uint32_t at = 0; at < x.k; at += slice)
        multiply_on<T>(isa, {x.m, x.n, std::min(slice, x.k - at)}, source<T>{a, x.k}.from(0, at),
                       source<T>{b, x.n}.from(at, 0), {c, x.n});
}

} // namespace

std::string_view name_of(host_isa isa) {
    switch (isa) {
    case host_isa::avx512:
        return "avx512";
    case host_isa::avx2:
        return "avx2";
    case host_isa::baseline:
        break;
    }
    return "baseline";
}

std::vector<host_isa> host_isas() {
    std::vector<host_isa> all{host_isa::baseline};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        all.push_back(host_isa::avx2);
    if (all.size() == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
        all.push_back(host_isa::avx512);
    return all;
}

fold_kernel::fold_kernel(std::uint32_t rows, std::uint32_t columns, host_isa isa)
    : m_isa(isa), m_a(std::size_t{rows} * k_slice * 4), m_b(std::size_t{columns} * k_slice * 4) {}

template <class Wide>
void fold_kernel::fold_widened(element_type type, element_type wide, const fold_extents& x, const std::byte* a,
                               const std::byte* b, std::byte* c) {
    const std::size_t size = iface::size_of(type);
    const std::size_t deepest = std::size_t{std::min(k_slice, x.k)} * sizeof(Wide);
    make_room(m_a, x.m * deepest);
    make_room(m_b, x.n * deepest);
    for (std::uint32_t at = 0; at < x.k; at += k_slice) {
        const std::uint32_t depth = std::min(k_slice, x.k - at);
        for (std::size_t i = 0; i < x.m; ++i)
            convert(type, a + (i * x.k + at) * size, wide, m_a.data() + i * depth * sizeof(Wide), depth);
        convert(type, b + std::size_t{at} * x.n * size, wide, m_b.data(), std::size_t{depth} * x.n);
        fold_native<Wide>(m_isa, {x.m, x.n, depth}, m_a.data(), m_b.data(), c);
    }
}

void fold_kernel::fold(element_type type, const fold_extents& extents, const void* a, const void* b, void* c) {
    const auto* left = static_cast<const std::byte*>(a);
    const auto* right = static_cast<const std::byte*>(b);
    auto* sums = static_cast<std::byte*>(c);
    switch (type) {
    case element_type::f64:
        return fold_native<double>(m_isa, extents, left, right, sums);
    case element_type::f32:
        return fold_native<float>(m_isa, extents, left, right, sums);
    case element_type::i32: // unsigned: wraps around
        return fold_native<std::uint32_t>(m_isa, extents, left, right, sums);
    case element_type::i8:
        return fold_widened<std::uint32_t>(type, element_type::i32, extents, left, right, sums);
    case element_type::f16:
    case element_type::bf16:
    case element_type::f8:
        return fold_widened<float>(type, element_type::f32, extents, left, right, sums);
    }
}

} // namespace kpu::hw
