#include "compiler/dfg/reference/in_accumulator.h"
#include "compiler/dfg/reference/operators.h"
#include "compiler/dfg/reference/products.h"
#include "compiler/tensor/number_format.h"

#include <algorithm>

namespace kpu::dfg {

namespace {

/// Where the window of one output position stands.
struct position {
    std::uint64_t batch;
    std::array<std::uint64_t, 3> at;
};

position position_of(const convolution& c, std::uint64_t number) {
    position p{};
    for (std::size_t d = 3; d-- > 0;) {
        p.at[d] = number % c.axes[d].out;
        number /= c.axes[d].out;
    }
    p.batch = number;
    return p;
}

/// Calls `run(tap, offset)` for the taps of a position in order; `offset` is the first channel of the input position
/// that the tap reads, nothing on padding.
template <class Run>
void for_each_tap(const convolution& c, const position& p, Run&& run) {
    std::uint64_t tap = 0;
    for (std::uint64_t kd = 0; kd < c.axes[0].kernel; ++kd) {
        const auto d = c.axes[0].source(p.at[0], kd);
        for (std::uint64_t ky = 0; ky < c.axes[1].kernel; ++ky) {
            const auto y = c.axes[1].source(p.at[1], ky);
            for (std::uint64_t kx = 0; kx < c.axes[2].kernel; ++kx) {
                const auto x = c.axes[2].source(p.at[2], kx);
                std::optional<std::uint64_t> offset;
                if (d && y && x)
                    offset = (((p.batch * c.axes[0].in + *d) * c.axes[1].in + *y) * c.axes[2].in + *x) * c.in_channels;
                run(tap++, offset);
            }
        }
    }
}

template <class T>
std::vector<T> transposed(const T* from, std::uint64_t rows, std::uint64_t columns) {
    std::vector<T> out(rows * columns);
    for (std::uint64_t i = 0; i < rows; ++i)
        for (std::uint64_t j = 0; j < columns; ++j)
            out[j * rows + i] = from[i * columns + j];
    return out;
}

/// Implicit matrix multiplication: rows of inputs, zeros on padding, for a block of positions at a time.
template <class T>
void convolve_dense(const convolution& c, const T* x, const T* w, T* sums) {
    constexpr std::uint64_t k_block_elements = 1U << 17U;
    const std::uint64_t k = c.taps();
    const std::vector<T> weights = transposed(w, c.out_channels, k);
    const std::uint64_t block = std::max<std::uint64_t>(1, k_block_elements / std::max<std::uint64_t>(k, 1));
    std::vector<T> rows;
    for (std::uint64_t first = 0; first < c.positions(); first += block) {
        const std::uint64_t count = std::min(block, c.positions() - first);
        rows.assign(count * k, T{});
        for (std::uint64_t i = 0; i < count; ++i)
            for_each_tap(c, position_of(c, first + i), [&](std::uint64_t tap, std::optional<std::uint64_t> offset) {
                if (offset)
                    std::copy_n(x + *offset, c.in_channels, rows.data() + i * k + tap * c.in_channels);
            });
        add_product(rows.data(), weights.data(), sums + first * c.out_channels,
                    product_extents{count, c.out_channels, k});
    }
}

template <class T>
void convolve_depthwise(const convolution& c, const T* x, const T* w, T* sums) {
    const std::vector<T> zeros(c.in_channels);
    for (std::uint64_t i = 0; i < c.positions(); ++i) {
        T* out = sums + i * c.out_channels;
        for_each_tap(c, position_of(c, i), [&](std::uint64_t tap, std::optional<std::uint64_t> offset) {
            const T* from = offset ? x + *offset : zeros.data();
            const T* weights = w + tap * c.out_channels;
            if (c.multiplier == 1) {
                for (std::uint64_t channel = 0; channel < c.in_channels; ++channel)
                    out[channel] = multiply_add(out[channel], from[channel], weights[channel]);
                return;
            }
            for (std::uint64_t channel = 0; channel < c.out_channels; ++channel)
                out[channel] = multiply_add(out[channel], from[channel / c.multiplier], weights[channel]);
        });
    }
}

template <class Host>
tensor convolve(const resolved_op& op, const convolution& c, const operand_list& in) {
    using T = wrapping<Host>;
    const std::vector<Host> x = widened<Host>(*in[0]);
    const std::vector<Host> w = widened<Host>(*in[1]);
    std::vector<Host> sums(element_count(op.dims));
    if (c.biased) {
        const std::vector<Host> bias = widened<Host>(*in[2]);
        for (std::size_t i = 0; i < sums.size(); ++i)
            sums[i] = bias[bias.size() == 1 ? 0 : i % c.out_channels];
    }
    // A signed integer may be accessed through its unsigned type.
    const auto* from_x = reinterpret_cast<const T*>(x.data());
    const auto* from_w = reinterpret_cast<const T*>(w.data());
    auto* to = reinterpret_cast<T*>(sums.data());
    if (c.depthwise)
        convolve_depthwise(c, from_x, from_w, to);
    else
        convolve_dense(c, from_x, from_w, to);
    return rounded(op.result, op.dims, sums);
}

} // namespace

tensor apply(const resolved_op& op, const convolution& c, const operand_list& in) {
    return in_accumulator(in[0]->type, [&](auto host) { return convolve<typename decltype(host)::type>(op, c, in); });
}

} // namespace kpu::dfg
