#include "compiler/dfx/operators.h"

#include "compiler/dfx/moves.h"
#include "compiler/dfx/multiply.h"
#include "compiler/dfx/packed.h"
#include "compiler/tensor/number_format.h"
#include "platforms/common/scalar_math.h"

#include <algorithm>
#include <limits>

namespace kpu::dfx {

namespace {

namespace math = scalar;

/// The type that element functions on values of this type are computed in.
template <class F>
auto with_computing_type(dtype type, F use) {
    if (type == dtype::f64)
        return use(double{});
    if (is_integer(type))
        return use(std::int32_t{});
    return use(float{});
}

template <class T>
T by_double(element_function f, T x) {
    const auto wide = static_cast<double>(x);
    if (f == element_function::sigmoid)
        return static_cast<T>(math::logistic(wide));
    if (f == element_function::arctangent)
        return static_cast<T>(math::arc_tangent(wide));
    if (f == element_function::reciprocal_root)
        return static_cast<T>(math::reciprocal_root(wide));
    return static_cast<T>(math::exponential(wide));
}

template <class T>
T bound(double value) {
    if constexpr (std::is_integral_v<T>)
        return math::integer_bound(value);
    else
        return static_cast<T>(value);
}

template <class T>
T apply(const element_step& step, T a, T b) {
    switch (step.function) {
    case element_function::identity:
        return a;
    case element_function::add:
        return math::add(a, b);
    case element_function::subtract:
        return math::subtract(a, b);
    case element_function::multiply:
        return math::multiply(a, b);
    case element_function::divide:
        return math::divide(a, b);
    case element_function::maximum:
        return math::maximum(a, b);
    case element_function::minimum:
        return math::minimum(a, b);
    case element_function::multiply_shifted:
        if constexpr (std::is_integral_v<T>)
            return math::multiply_shifted(a, b, static_cast<unsigned>(step.low));
        else
            return a; // verified programs shift integers only
    case element_function::clamp:
        return math::clamp(a, bound<T>(step.low), bound<T>(step.high));
    case element_function::relu:
        return math::maximum(a, T{0});
    case element_function::reciprocal:
        return math::divide(T{1}, a);
    case element_function::absolute:
        return math::magnitude(a);
    case element_function::negate:
        return math::negate(a);
    case element_function::sigmoid:
    case element_function::arctangent:
    case element_function::exponential:
    case element_function::reciprocal_root:
        break;
    }
    return by_double(step.function, a);
}

/// Which element of an operand belongs to each element of a result: extents of 1 are broadcast.
std::vector<std::uint64_t> places_in(const shape& operand, const shape& dims) {
    std::vector<std::uint64_t> strides = strides_of(operand);
    for (std::size_t d = 0; d < dims.size(); ++d)
        if (operand[d] == 1)
            strides[d] = 0;
    std::vector<std::uint64_t> all(element_count(dims));
    std::vector<std::uint64_t> index(dims.size());
    for (std::uint64_t n = 0; n < all.size(); ++n) {
        locate(n, dims, index);
        for (std::size_t d = 0; d < dims.size(); ++d)
            all[n] += index[d] * strides[d];
    }
    return all;
}

/// An operand's values for every element of a result of these dimensions.
template <class T>
std::vector<T> broadcast(const tensor& operand, const shape& dims) {
    std::vector<T> values = widened<T>(operand);
    if (operand.dims == dims)
        return values;
    const std::vector<std::uint64_t> from = places_in(operand.dims, dims);
    std::vector<T> all(from.size());
    for (std::size_t n = 0; n < from.size(); ++n)
        all[n] = values[from[n]];
    return all;
}

/// The operand's elements, bit by bit, for every element of a result of these dimensions.
tensor spread(const tensor& operand, const shape& dims) {
    if (operand.dims == dims)
        return operand;
    tensor all(operand.type, dims);
    const std::size_t size = size_of(operand.type);
    const std::vector<std::uint64_t> from = places_in(operand.dims, dims);
    for (std::size_t n = 0; n < from.size(); ++n)
        std::copy_n(operand.data.data() + from[n] * size, size, all.data.data() + n * size);
    return all;
}

/// One step on every element; `value` has the step's result type.
void run_step(const element_step& step, const std::vector<const tensor*>& inputs, tensor& value) {
    if (step.function == element_function::identity)
        return;
    with_computing_type(value.type, [&](auto zero) {
        using T = decltype(zero);
        std::vector<T> a = widened<T>(value);
        std::vector<T> b(a);
        if (step.operand)
            b = broadcast<T>(*inputs[*step.operand], value.dims);
        if (step.operand_first)
            std::swap(a, b);
        for (std::size_t i = 0; i < a.size(); ++i)
            a[i] = apply(step, a[i], b[i]);
        value = rounded<T>(value.type, value.dims, a);
    });
}

tensor finish(tensor value, const compute_op& op, const std::vector<const tensor*>& inputs, dtype result) {
    for (const element_step& step : op.steps) {
        value = convert(value, step.result);
        run_step(step, inputs, value);
    }
    return convert(value, result);
}

/// The type that sums are rounded to first.
dtype first_type(const compute_op& op, dtype result) {
    return op.steps.empty() ? result : op.steps.front().result;
}

// ---- windows

/// Visits the taps of the window at `place` (n, spatial…) in ascending order: visit(tap number, first element of the
/// input's channels there, or nothing where that is outside).
template <class Visit>
void for_each_tap(const sliding_window& w, const shape& input, const std::vector<std::uint64_t>& place, Visit visit) {
    const std::size_t spatial = w.kernel.size();
    std::vector<std::uint64_t> tap(spatial, 0);
    const std::uint64_t taps = element_count(w.kernel);
    for (std::uint64_t t = 0; t < taps; ++t) {
        locate(t, w.kernel, tap);
        std::uint64_t at = place[0];
        bool inside = true;
        for (std::size_t d = 0; d < spatial; ++d) {
            const std::uint64_t x = place[d + 1] * w.stride[d] + tap[d] * w.dilation[d];
            inside = inside && x >= w.before[d] && x - w.before[d] < input[d + 1];
            at = at * input[d + 1] + x - w.before[d];
        }
        visit(t, inside ? std::optional<std::uint64_t>(at * input.back()) : std::nullopt);
    }
}

/// Rows of windows and the weights as matrices.
template <class Sum>
tensor convolution(const compute_op& op, const std::vector<const tensor*>& inputs, const tensor_descriptor& result) {
    constexpr std::uint64_t k_rows = 64;
    const tensor& x = *inputs[0];
    const std::vector<Sum> image = widened<Sum>(x);
    const std::vector<Sum> weights = widened<Sum>(*inputs[1]);
    const std::uint64_t columns = result.dims.back();
    const std::uint64_t rows = element_count(result.dims) / columns;
    const std::uint64_t channels = x.dims.back();
    const std::uint64_t depth = element_count(inputs[1]->dims) / columns;
    std::vector<Sum> sums(rows * columns, Sum{0});
    if (op.biased) {
        const std::vector<Sum> bias = widened<Sum>(*inputs[2]);
        for (std::uint64_t r = 0; r < rows; ++r)
            std::copy(bias.begin(), bias.end(), sums.begin() + static_cast<std::ptrdiff_t>(r * columns));
    }
    std::vector<Sum> gathered(k_rows * depth);
    const shape places(result.dims.begin(), result.dims.end() - 1);
    std::vector<std::uint64_t> place(places.size());
    for (std::uint64_t first = 0; first < rows; first += k_rows) {
        const std::uint64_t n = std::min(k_rows, rows - first);
        for (std::uint64_t r = 0; r < n; ++r) {
            locate(first + r, places, place);
            for_each_tap(op.window, x.dims, place, [&](std::uint64_t t, std::optional<std::uint64_t> at) {
                Sum* const to = gathered.data() + r * depth + t * channels;
                if (at)
                    std::copy_n(image.data() + *at, channels, to);
                else
                    std::fill_n(to, channels, Sum{0});
            });
        }
        multiply_add<Sum>({gathered.data(), depth}, {weights.data(), columns}, {sums.data() + first * columns, columns},
                          {n, columns, depth});
    }
    return rounded<Sum>(first_type(op, result.type), result.dims, sums);
}

template <class Sum>
tensor product(const compute_op& op, const std::vector<const tensor*>& inputs, const tensor_descriptor& result) {
    const std::vector<Sum> a = widened<Sum>(*inputs[0]);
    const std::vector<Sum> b = widened<Sum>(*inputs[1]);
    const std::uint64_t columns = result.dims.back();
    const std::uint64_t batch = result.dims.size() == 3 ? result.dims.front() : 1;
    const std::uint64_t rows = element_count(result.dims) / columns / batch;
    const std::uint64_t depth = b.size() / columns / batch;
    std::vector<Sum> sums(batch * rows * columns, Sum{0});
    if (op.biased) {
        const std::vector<Sum> bias = widened<Sum>(*inputs[2]);
        for (std::size_t first = 0; first < sums.size(); first += bias.size())
            std::copy(bias.begin(), bias.end(), sums.begin() + static_cast<std::ptrdiff_t>(first));
    }
    for (std::uint64_t i = 0; i < batch; ++i)
        multiply_add<Sum>({a.data() + i * rows * depth, depth}, {b.data() + i * depth * columns, columns},
                          {sums.data() + i * rows * columns, columns}, {rows, columns, depth});
    return rounded<Sum>(first_type(op, result.type), result.dims, sums);
}

/// Product and sum rounded apart; integers wrap.
template <class Sum>
Sum sum_of(Sum sum, Sum a, Sum b) {
    if constexpr (std::is_integral_v<Sum>)
        return math::add(sum, math::multiply(a, b));
    else
        return sum + a * b;
}

template <class Sum>
tensor depthwise(const compute_op& op, const std::vector<const tensor*>& inputs, const tensor_descriptor& result) {
    const tensor& x = *inputs[0];
    const std::vector<Sum> image = widened<Sum>(x);
    const std::vector<Sum> weights = widened<Sum>(*inputs[1]);
    const std::uint64_t channels = result.dims.back();
    const std::uint64_t multiplier = channels / x.dims.back();
    const std::vector<Sum> bias = op.biased ? widened<Sum>(*inputs[2]) : std::vector<Sum>(channels, Sum{0});
    std::vector<Sum> sums(element_count(result.dims));
    const shape places(result.dims.begin(), result.dims.end() - 1);
    std::vector<std::uint64_t> place(places.size());
    for (std::uint64_t r = 0; r < sums.size() / channels; ++r) {
        locate(r, places, place);
        Sum* const to = sums.data() + r * channels;
        std::copy(bias.begin(), bias.end(), to);
        for_each_tap(op.window, x.dims, place, [&](std::uint64_t t, std::optional<std::uint64_t> at) {
            const Sum* const w = weights.data() + t * channels;
            const Sum* const in = at ? image.data() + *at : nullptr;
            for (std::uint64_t c = 0; c < channels; ++c)
                to[c] = sum_of(to[c], in != nullptr ? in[c / multiplier] : Sum{0}, w[c]);
        });
    }
    return rounded<Sum>(first_type(op, result.type), result.dims, sums);
}

/// The value that no other is below, as an element of the type.
template <class T>
T least(dtype type) {
    if constexpr (std::is_integral_v<T>)
        return type == dtype::i8 ? T{-128} : std::numeric_limits<T>::min();
    else
        return type == dtype::f8 ? T{-448} : -std::numeric_limits<T>::infinity();
}

template <class T>
T combined(element_function f, T a, T b) {
    element_step step;
    step.function = f;
    return apply(step, a, b);
}

template <class T>
tensor pool(const compute_op& op, const tensor& x, dtype type, const shape& dims) {
    const bool sums = op.combine == element_function::add;
    const std::vector<T> image = widened<T>(x);
    const std::uint64_t channels = x.dims.back();
    std::vector<T> values(element_count(dims), sums ? T{0} : least<T>(x.type));
    const shape places(dims.begin(), dims.end() - 1);
    std::vector<std::uint64_t> place(places.size());
    for (std::uint64_t r = 0; r < values.size() / channels; ++r) {
        locate(r, places, place);
        T* const to = values.data() + r * channels;
        for_each_tap(op.window, x.dims, place, [&](std::uint64_t, std::optional<std::uint64_t> at) {
            for (std::uint64_t c = 0; at && c < channels; ++c)
                to[c] = combined(op.combine, to[c], image[*at + c]);
        });
    }
    return rounded<T>(type, dims, values);
}

// ---- reductions

/// Along `axis`: sums begin with +0, all others with the first element.
template <class T>
tensor reduced(const tensor& x, std::size_t axis, element_function combine, dtype type) {
    const std::vector<T> in = widened<T>(x);
    shape dims = x.dims;
    const std::uint64_t extent = dims[axis];
    dims[axis] = 1;
    std::uint64_t inner = 1;
    for (std::size_t d = axis + 1; d < dims.size(); ++d)
        inner *= dims[d];
    std::vector<T> out(element_count(dims));
    for (std::uint64_t n = 0; n < out.size(); ++n) {
        const T* const from = in.data() + n / inner * extent * inner + n % inner;
        const bool sums = combine == element_function::add;
        T value = sums ? T{0} : from[0];
        for (std::uint64_t i = sums ? 0 : 1; i < extent; ++i)
            value = combined(combine, value, from[i * inner]);
        out[n] = value;
    }
    return rounded<T>(type, dims, out);
}

bool is_sum(element_function combine) {
    return combine == element_function::add || combine == element_function::multiply;
}

tensor reduce(const tensor& x, std::size_t axis, element_function combine, dtype type) {
    const dtype in = is_sum(combine) ? accumulator_of(x.type) : x.type;
    return with_computing_type(in, [&](auto zero) { return reduced<decltype(zero)>(x, axis, combine, type); });
}

element_step step_of(element_function f, dtype type, std::optional<std::uint64_t> operand = std::nullopt) {
    element_step step;
    step.function = f;
    step.operand = operand;
    step.result = type;
    return step;
}

tensor softmax(const compute_op& op, const tensor& x) {
    const auto axis = static_cast<std::size_t>(op.axes.front());
    const dtype type = x.type;
    const tensor most = reduce(x, axis, element_function::maximum, type);
    tensor e = x;
    run_step(step_of(element_function::subtract, type, 0), {&most}, e);
    run_step(step_of(element_function::exponential, type), {}, e);
    tensor sum = reduce(e, axis, element_function::add, type);
    run_step(step_of(element_function::reciprocal, type), {}, sum);
    run_step(step_of(element_function::multiply, type, 0), {&sum}, e);
    return e;
}

tensor layer_norm(const compute_op& op, const std::vector<const tensor*>& inputs) {
    const tensor& x = *inputs[0];
    const auto axis = static_cast<std::size_t>(op.axes.front());
    const dtype type = x.type;
    tensor mean = reduce(x, axis, element_function::add, type);
    run_step(step_of(element_function::multiply, type, 0), {inputs[1]}, mean);
    tensor centred = x;
    run_step(step_of(element_function::subtract, type, 0), {&mean}, centred);
    tensor squares = centred;
    run_step(step_of(element_function::multiply, type, 0), {&centred}, squares);
    tensor spread = reduce(squares, axis, element_function::add, type);
    run_step(step_of(element_function::multiply, type, 0), {inputs[2]}, spread);
    run_step(step_of(element_function::add, type, 0), {inputs[3]}, spread);
    run_step(step_of(element_function::reciprocal_root, type), {}, spread);
    run_step(step_of(element_function::multiply, type, 0), {&spread}, centred);
    return centred;
}

template <class Sum>
tensor sum_of_products(const compute_op& op, const std::vector<const tensor*>& inputs,
                       const tensor_descriptor& result) {
    switch (op.type) {
    case compute_type::conv_tile:
        return convolution<Sum>(op, inputs, result);
    case compute_type::depthwise_conv2d_tile:
        return depthwise<Sum>(op, inputs, result);
    default:
        return product<Sum>(op, inputs, result);
    }
}

tensor value_before_steps(const compute_op& op, const std::vector<const tensor*>& inputs,
                          const tensor_descriptor& result) {
    const tensor& x = *inputs.front();
    const dtype accumulator = accumulator_of(x.type);
    switch (op.type) {
    case compute_type::elementwise:
        return spread(x, result.dims);
    case compute_type::layernorm_tile:
        return layer_norm(op, inputs);
    case compute_type::reduction:
        return reduce(x, static_cast<std::size_t>(op.axes.front()), op.combine, first_type(op, result.type));
    case compute_type::softmax_tile:
        return softmax(op, x);
    case compute_type::rearrange_tile:
    case compute_type::spread_tile:
    case compute_type::gather_tile:
        return moved(op, inputs, result);
    case compute_type::pool2d_tile:
        return with_computing_type(is_sum(op.combine) ? accumulator : x.type, [&](auto zero) {
            return pool<decltype(zero)>(op, x, first_type(op, result.type), result.dims);
        });
    case compute_type::matmul_tile:
    case compute_type::conv_tile:
    case compute_type::depthwise_conv2d_tile:
        break;
    }
    return with_computing_type(accumulator,
                               [&](auto zero) { return sum_of_products<decltype(zero)>(op, inputs, result); });
}

} // namespace

tensor evaluate(const compute_op& op, const std::vector<const tensor*>& inputs, const tensor_descriptor& result) {
    return finish(value_before_steps(op, inputs, result), op, inputs, result.type);
}

} // namespace kpu::dfx
