// Reductions and pooling.

#include "compiler/dfg/reference/in_accumulator.h"
#include "compiler/dfg/reference/operators.h"
#include "compiler/tensor/number_format.h"
#include "platforms/common/scalar_math.h"

#include <limits>

namespace kpu::dfg {

namespace {

/// What a fold starts from: +0, 1 (true), the lowest or the highest number.
template <class T>
T start_of(reduce_function f) {
    using limits = std::numeric_limits<T>;
    switch (f) {
    case reduce_function::sum:
        return T{0};
    case reduce_function::prod:
    case reduce_function::all:
        return T{1};
    case reduce_function::max:
        return limits::has_infinity ? -limits::infinity() : limits::lowest();
    case reduce_function::min:
        break;
    }
    return limits::has_infinity ? limits::infinity() : limits::max();
}

template <class T>
T fold(reduce_function f, T sum, T x) {
    switch (f) {
    case reduce_function::sum:
        return scalar::add(sum, x);
    case reduce_function::prod:
        return scalar::multiply(sum, x);
    case reduce_function::max:
        return scalar::maximum(sum, x);
    case reduce_function::all:
        return sum != T{0} && x != T{0} ? T{1} : T{0};
    case reduce_function::min:
        break;
    }
    return scalar::minimum(sum, x);
}

/// One output position of a pooling: `out` holds the channels.
template <class T>
void pool_at(const pooling& p, std::uint64_t batch, std::uint64_t row, std::uint64_t column, const T* x, T* out) {
    const bool average = p.function == pool_function::average;
    const reduce_function f = average ? reduce_function::sum : reduce_function::max;
    std::fill_n(out, p.channels, start_of<T>(f));
    std::int32_t count = 0;
    for (std::uint64_t ky = 0; ky < p.row.kernel; ++ky)
        for (std::uint64_t kx = 0; kx < p.column.kernel; ++kx) {
            const auto y = p.row.source(row, ky);
            const auto at = p.column.source(column, kx);
            if (!y || !at)
                continue;
            const T* from = x + ((batch * p.row.in + *y) * p.column.in + *at) * p.channels;
            for (std::uint64_t c = 0; c < p.channels; ++c)
                out[c] = fold(f, out[c], from[c]);
            ++count;
        }
    for (std::uint64_t c = 0; average && c < p.channels; ++c)
        out[c] = scalar::divide(out[c], static_cast<T>(count));
}

} // namespace

tensor apply(const resolved_op& op, const reduction& r, const operand_list& in) {
    return in_accumulator(in[0]->type, [&](auto host) {
        using T = typename decltype(host)::type;
        const std::vector<T> x = widened<T>(*in[0]);
        std::vector<T> out(r.outer * r.inner, start_of<T>(r.function));
        for (std::uint64_t o = 0; o < r.outer; ++o)
            for (std::uint64_t e = 0; e < r.extent; ++e)
                for (std::uint64_t i = 0; i < r.inner; ++i)
                    out[o * r.inner + i] = fold(r.function, out[o * r.inner + i], x[(o * r.extent + e) * r.inner + i]);
        return rounded(op.result, op.dims, out);
    });
}

tensor apply(const resolved_op& op, const pooling& p, const operand_list& in) {
    return in_accumulator(in[0]->type, [&](auto host) {
        using T = typename decltype(host)::type;
        const std::vector<T> x = widened<T>(*in[0]);
        std::vector<T> out(element_count(op.dims));
        T* at = out.data();
        for (std::uint64_t b = 0; b < p.batch; ++b)
            for (std::uint64_t y = 0; y < p.row.out; ++y)
                for (std::uint64_t c = 0; c < p.column.out; ++c, at += p.channels)
                    pool_at(p, b, y, c, x.data(), at);
        return rounded(op.result, op.dims, out);
    });
}

} // namespace kpu::dfg
