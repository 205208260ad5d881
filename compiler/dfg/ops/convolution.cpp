#include "compiler/dfg/ops/resolvers.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace kpu::dfg {

namespace {

constexpr std::int64_t k_largest_parameter = std::int64_t{1} << 31;
constexpr const char* k_names[] = {"depth", "row", "column"};

bool in_range(std::int64_t value, std::int64_t least) {
    return value >= least && value <= k_largest_parameter;
}

void check_size(op_reader& r, const convolution& c) {
    std::uint64_t macs = 1;
    for (const std::uint64_t extent : {c.batch, c.axes[0].out, c.axes[1].out, c.axes[2].out, c.axes[0].kernel,
                                       c.axes[1].kernel, c.axes[2].kernel, c.in_channels, c.out_channels})
        if (__builtin_mul_overflow(macs, extent, &macs)) {
            r.error("too large to count its operations");
            return;
        }
}

/// Strides, pads and dilations of the last `spatial` axes.
void read_attributes(op_reader& r, convolution& c, std::size_t spatial, bool transposed) {
    const auto pads = r.integers(transposed ? "out_pad" : "pad", 2 * spatial);
    const auto strides = r.integers("stride", spatial);
    const auto dilations = transposed ? std::vector<std::int64_t>(spatial, 1) : r.integers("dilation", spatial);
    for (std::size_t i = 0; i < spatial; ++i) {
        window_axis& axis = c.axes[3 - spatial + i];
        const std::string name = k_names[3 - spatial + i];
        axis.transposed = transposed;
        axis.before = pads[2 * i];
        axis.after = pads[2 * i + 1];
        const std::int64_t least = transposed ? -k_largest_parameter : 0;
        r.require(in_range(axis.before, least) && in_range(axis.after, least), name + " padding out of range",
                  std::to_string(axis.before) + ", " + std::to_string(axis.after));
        r.require(in_range(strides[i], 1), name + " stride out of range", std::to_string(strides[i]), "from 1");
        r.require(in_range(dilations[i], 1), name + " dilation out of range", std::to_string(dilations[i]), "from 1");
        axis.stride = static_cast<std::uint64_t>(strides[i]);
        axis.dilation = static_cast<std::uint64_t>(dilations[i]);
    }
    r.stop_on_errors();
}

/// Kernel extents and channels from the weights.
void read_weights(op_reader& r, convolution& c, std::size_t spatial) {
    const shape& w = r.in(1).dims;
    const std::size_t first = c.depthwise ? 0 : 1;
    for (std::size_t i = 0; i < spatial; ++i)
        c.axes[3 - spatial + i].kernel = w[first + i];
    const std::uint64_t from = c.depthwise ? w[spatial] : w[spatial + 1];
    r.require(from == c.in_channels, "the weights are for another number of input channels", std::to_string(from),
              std::to_string(c.in_channels));
    c.multiplier = c.depthwise ? w[spatial + 1] : 1;
    c.out_channels = c.depthwise ? c.in_channels * c.multiplier : w[0];
}

void read_bias(op_reader& r, convolution& c) {
    c.accumulator = accumulator_of(r.in(0).type);
    r.need_accumulation();
    if (r.has("acc_type")) {
        const std::string& type = r.source().attributes.at("acc_type");
        r.require(type == name_of(c.accumulator), "sums are in the accumulator type", "acc_type:" + type,
                  std::string(name_of(c.accumulator)));
    }
    c.biased = r.operands() == 3;
    if (!c.biased)
        return;
    const shape& bias = r.in(2).dims;
    r.require(bias.size() == 1 && (bias[0] == c.out_channels || bias[0] == 1), "the bias has another shape",
              to_string(make_type(r.in(2).type, bias)), "one element per output channel, or one");
    r.need_bias(2, c.accumulator);
}

void need_conv_operands(op_reader& r) {
    if (r.operands() > 3)
        r.error("zero points are operands whose values the file does not hold", std::to_string(r.operands()),
                "x, weights and bias");
    r.stop_on_errors();
    r.need_operands(2, 3);
}

} // namespace

std::optional<std::uint64_t> window_axis::source(std::uint64_t at, std::uint64_t tap) const {
    const auto position = static_cast<std::int64_t>(at);
    if (!transposed) {
        const std::int64_t from =
            position * static_cast<std::int64_t>(stride) + static_cast<std::int64_t>(tap * dilation) - before;
        return from >= 0 && from < static_cast<std::int64_t>(in) ? std::optional<std::uint64_t>(from) : std::nullopt;
    }
    const std::int64_t scaled = position - static_cast<std::int64_t>(tap) - before;
    const auto step = static_cast<std::int64_t>(stride);
    if (scaled < 0 || scaled % step != 0 || scaled / step >= static_cast<std::int64_t>(in))
        return std::nullopt;
    return scaled / step;
}

void set_window(op_reader& r, window_axis& axis, const std::string& name) {
    const auto as_signed = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    if (!r.require(axis.in > 0 && axis.kernel > 0 && axis.kernel <= std::uint64_t{1} << 31U,
                   name + ": empty or too large"))
        return;
    if (axis.transposed) {
        const std::int64_t least = 1 - as_signed(axis.kernel);
        r.require(axis.before >= least && axis.after >= least, name + ": more is taken away than the kernel reaches",
                  std::to_string(std::min(axis.before, axis.after)), "from " + std::to_string(least));
        std::int64_t out = 0;
        const bool overflow = __builtin_mul_overflow(as_signed(axis.in - 1), as_signed(axis.stride), &out) ||
                              __builtin_add_overflow(out, axis.before + axis.after + as_signed(axis.kernel), &out);
        if (r.require(!overflow && out > 0, name + ": no output"))
            axis.out = static_cast<std::uint64_t>(out);
        return;
    }
    std::int64_t reach = 0;
    const bool overflow = __builtin_mul_overflow(as_signed(axis.kernel - 1), as_signed(axis.dilation), &reach);
    const std::int64_t span = as_signed(axis.in) - 1 + axis.before + axis.after - reach;
    if (!r.require(!overflow && span >= 0, name + ": the kernel exceeds the padded input"))
        return;
    r.require(span % as_signed(axis.stride) == 0, name + ": the stride does not divide the padded input exactly",
              std::to_string(span), "a multiple of " + std::to_string(axis.stride));
    axis.out = static_cast<std::uint64_t>(span) / axis.stride + 1;
}

resolved_op resolve_convolution(op_reader& r) {
    const operator_kind op = r.source().op;
    const bool transposed = op == operator_kind::transpose_conv2d;
    const std::size_t spatial = op == operator_kind::conv3d ? 3 : 2;
    if (transposed)
        r.know_attributes({"out_pad", "stride", "out_shape", "acc_type"});
    else
        r.know_attributes({"pad", "stride", "dilation", "acc_type"});
    need_conv_operands(r);
    r.need_rank(0, spatial + 2);
    r.need_rank(1, spatial + 2);
    convolution c;
    c.depthwise = op == operator_kind::depthwise_conv2d;
    const shape& x = r.in(0).dims;
    c.batch = x.front();
    c.in_channels = x.back();
    for (std::size_t i = 0; i < spatial; ++i)
        c.axes[3 - spatial + i].in = x[1 + i];
    read_attributes(r, c, spatial, transposed);
    read_weights(r, c, spatial);
    shape dims{c.batch};
    for (std::size_t i = 3 - spatial; i < 3; ++i) {
        set_window(r, c.axes[i], k_names[i]);
        dims.push_back(c.axes[i].out);
    }
    dims.push_back(c.out_channels);
    read_bias(r, c);
    r.stop_on_errors();
    r.need_result(dims);
    check_size(r, c);
    return r.finish(c);
}

resolved_op resolve_fully_connected(op_reader& r) {
    r.know_attributes({});
    need_conv_operands(r);
    r.need_rank(0, 2);
    r.need_rank(1, 2);
    convolution c;
    c.batch = r.in(0).dims[0];
    c.in_channels = r.in(0).dims[1];
    read_weights(r, c, 0);
    read_bias(r, c);
    r.need_result({c.batch, c.out_channels});
    check_size(r, c);
    return r.finish(c);
}

} // namespace kpu::dfg
