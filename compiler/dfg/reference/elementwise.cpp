#include "compiler/dfg/reference/in_accumulator.h"
#include "compiler/dfg/reference/operators.h"
#include "compiler/dfg/reference/unary_function.h"
#include "compiler/tensor/number_format.h"

namespace kpu::dfg {

namespace {

template <class T>
T call(const binary& b, T x, T y) {
    switch (b.function) {
    case binary_function::add:
        return scalar::add(x, y);
    case binary_function::sub:
        return scalar::subtract(x, y);
    case binary_function::div:
        return scalar::divide(x, y);
    case binary_function::max:
        return scalar::maximum(x, y);
    case binary_function::min:
        return scalar::minimum(x, y);
    case binary_function::mul:
        break;
    }
    if constexpr (std::is_integral_v<T>)
        if (b.shift != 0)
            return scalar::multiply_shifted(x, y, b.shift);
    return scalar::multiply(x, y);
}

/// Σ digit·stride over the digits of `number` in the mixed radix `dims`, without its last digit.
std::uint64_t offset_of(std::uint64_t number, const shape& dims, const std::vector<std::uint64_t>& strides) {
    std::uint64_t out = 0;
    for (std::size_t d = dims.size() - 1; d-- > 0;) {
        out += number % dims[d] * strides[d];
        number /= dims[d];
    }
    return out;
}

} // namespace

tensor apply(const resolved_op& op, const unary& u, const operand_list& in) {
    return in_accumulator(in[0]->type, [&](auto host) {
        using T = typename decltype(host)::type;
        std::vector<T> values = widened<T>(*in[0]);
        const auto low = static_cast<T>(u.low);
        const auto high = static_cast<T>(u.high);
        for (T& value : values)
            value = call(u.function, value, low, high);
        return rounded(op.result, op.dims, values);
    });
}

tensor apply(const resolved_op& op, const binary& b, const operand_list& in) {
    return in_accumulator(in[0]->type, [&](auto host) {
        using T = typename decltype(host)::type;
        const std::vector<T> left = widened<T>(*in[0]);
        const std::vector<T> right = widened<T>(*in[1]);
        std::vector<T> out(element_count(op.dims));
        const bool scalars = op.dims.empty();
        const std::uint64_t columns = scalars ? 1 : op.dims.back();
        const std::uint64_t a_step = scalars ? 0 : b.a_strides.back();
        const std::uint64_t b_step = scalars ? 0 : b.b_strides.back();
        for (std::uint64_t row = 0; row * columns < out.size(); ++row) {
            const T* x = left.data() + (scalars ? 0 : offset_of(row, op.dims, b.a_strides));
            const T* y = right.data() + (scalars ? 0 : offset_of(row, op.dims, b.b_strides));
            for (std::uint64_t j = 0; j < columns; ++j)
                out[row * columns + j] = call(b, x[j * a_step], y[j * b_step]);
        }
        return rounded(op.result, op.dims, out);
    });
}

tensor apply(const resolved_op& op, const cast& /*c*/, const operand_list& in) {
    return convert(*in[0], op.result);
}

} // namespace kpu::dfg
