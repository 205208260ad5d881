#include "compiler/dfg/reference/evaluate.h"
#include "compiler/dfg/reference/operators.h"
#include "compiler/dfg/reference/products.h"
#include "compiler/tensor/number_format.h"

#include <cstdint>

namespace kpu::dfg {

namespace {

template <class Host>
tensor multiply_in(const tensor& a, const tensor& b, const tensor* seed, dtype result) {
    using T = wrapping<Host>;
    const std::size_t rank = a.dims.size();
    const product_extents e{a.dims[rank - 2], b.dims[rank - 1], a.dims[rank - 1]};
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

tensor apply(const resolved_op& op, const matmul& /*m*/, const operand_list& in) {
    return multiply(*in[0], *in[1], in.size() > 2 ? in[2] : nullptr, op.result);
}

} // namespace kpu::dfg
