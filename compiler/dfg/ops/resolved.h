#pragma once
// What a compute node computes, checked and with every parameter explicit. The reference evaluates it; a lowering
// starts from it.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/matmul.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace kpu::dfg {

/// An operand as it is produced.
struct op_operand {
    value_ref value;
    dtype type = dtype::f32;
    shape dims;
};

enum class unary_function { relu, clamp, sigmoid, atan, exp, reciprocal, reciprocal_root, abs, negate };
enum class binary_function { add, sub, mul, div, max, min };
/// all: 1 where no element is 0, else 0.
enum class reduce_function { sum, prod, max, min, all };
enum class pool_function { max, average };

/// "relu", "sigmoid", "abs", "negate", "exp", "atan", "reciprocal": the values of the attribute `activation`.
[[nodiscard]] std::optional<unary_function> activation_named(std::string_view text);

/// One spatial dimension of a convolution or pooling.
struct window_axis {
    std::uint64_t in = 1;
    std::uint64_t out = 1;
    std::uint64_t kernel = 1;
    std::uint64_t stride = 1;
    std::uint64_t dilation = 1;
    std::int64_t before = 0; ///< padding; of a transposed convolution the rows that are added to the output
    std::int64_t after = 0;
    bool transposed = false;

    /// The input position that tap `tap` of output position `at` reads; nothing where that is padding (or lies between
    /// the inputs of a transposed convolution).
    [[nodiscard]] std::optional<std::uint64_t> source(std::uint64_t at, std::uint64_t tap) const;
};

/// x [batch, depth, row, column, in_channels], without depth in two dimensions, without all three for FC and LINEAR.
/// Weights: dense [out_channels, kernel..., in_channels]; depthwise [kernel..., in_channels, multiplier] with output
/// channel c·multiplier + m. The sum of an output starts from the bias or +0 and ascends over the taps (depth, row,
/// column) and then the input channel; a tap on padding counts as +0·w.
struct convolution {
    std::uint64_t batch = 1;
    std::array<window_axis, 3> axes; ///< depth, row, column
    std::uint64_t in_channels = 1;
    std::uint64_t out_channels = 1;
    bool depthwise = false;
    std::uint64_t multiplier = 1; ///< of a depthwise convolution: out_channels / in_channels
    dtype accumulator = dtype::f32;
    bool biased = false; ///< operand 2: [out_channels], or one element for all

    /// Products that one output sums.
    [[nodiscard]] std::uint64_t taps() const {
        return axes[0].kernel * axes[1].kernel * axes[2].kernel * (depthwise ? 1 : in_channels);
    }
    [[nodiscard]] std::uint64_t positions() const { return batch * axes[0].out * axes[1].out * axes[2].out; }
    [[nodiscard]] std::uint64_t macs() const { return positions() * taps() * out_channels; }
};

/// act(A·B + bias), each step in the accumulator type, rounded once. A [m, k], B [k, n]; strides of the bias in
/// elements are 0 where it broadcasts.
struct fused_product {
    std::uint64_t m = 0;
    std::uint64_t n = 0;
    std::uint64_t k = 0;
    dtype accumulator = dtype::f32;
    std::array<std::uint64_t, 2> bias_strides{};
    std::optional<unary_function> activation;
};

struct unary {
    unary_function function = unary_function::abs;
    double low = 0; ///< of a clamp; numbers of the operand's type
    double high = 0;
};

/// Element [i...] of the result reads a[Σ i·a_strides] and b[Σ i·b_strides]: 0 along dimensions that broadcast.
struct binary {
    binary_function function = binary_function::add;
    std::vector<std::uint64_t> a_strides;
    std::vector<std::uint64_t> b_strides;
    unsigned shift = 0; ///< of an i32 multiplication
};

/// The result rounded from the value to nearest even, integers saturating.
struct cast {};

/// [outer, extent, inner] -> [outer, 1, inner], the extent ascending.
struct reduction {
    reduce_function function = reduce_function::sum;
    std::size_t axis = 0;
    std::uint64_t outer = 1;
    std::uint64_t extent = 1;
    std::uint64_t inner = 1;
};

/// The same elements under other extents.
struct reshaping {};

/// Dimension d of the result is dimension order[d] of the operand, which `strides`[d] elements separate.
struct transposition {
    std::vector<std::size_t> order;
    std::vector<std::uint64_t> strides;
};

/// The operands one after the other along `axis`.
struct concatenation {
    std::size_t axis = 0;
    std::uint64_t outer = 1;
    std::vector<std::uint64_t> runs; ///< consecutive elements of each operand per step of `outer`
};

/// The operand with `before` elements of operand `value` (or of +0) in front of it in every dimension.
struct padding {
    std::vector<std::uint64_t> before;
    std::optional<std::size_t> value; ///< index into resolved_op::operands
};

/// result[n, w, c] = values[n, indices[n, w], c].
struct gathering {
    std::uint64_t batch = 1;
    std::uint64_t rows = 1;
    std::uint64_t columns = 1;
    std::uint64_t picks = 1;
};

/// Over NHWC; taps on padding are left out, also of the count by which an average divides.
struct pooling {
    pool_function function = pool_function::max;
    std::uint64_t batch = 1;
    std::uint64_t channels = 1;
    window_axis row;
    window_axis column;
};

using op_parameters = std::variant<matmul, fused_product, convolution, unary, binary, cast, reduction, reshaping,
                                   transposition, concatenation, padding, gathering, pooling>;

struct resolved_op {
    node_id id;
    operator_kind op = operator_kind::unknown;
    std::vector<op_operand> operands; ///< ascending by slot
    dtype result = dtype::f32;
    shape dims; ///< of the result
    op_parameters parameters;
};

} // namespace kpu::dfg
