#include "compiler/dfg/reference/evaluate.h"
#include "compiler/dfg/reference/in_accumulator.h"
#include "compiler/dfg/reference/operators.h"
#include "compiler/dfg/reference/unary_function.h"
#include "compiler/tensor/number_format.h"

namespace kpu::dfg {

tensor apply(const resolved_op& op, const fused_product& p, const operand_list& in) {
    return in_accumulator(in[0]->type, [&](auto host) {
        using T = typename decltype(host)::type;
        std::vector<T> sums = widened<T>(multiply(*in[0], *in[1], nullptr, p.accumulator));
        const std::vector<T> bias = widened<T>(*in[2]);
        for (std::uint64_t i = 0; i < p.m; ++i)
            for (std::uint64_t j = 0; j < p.n; ++j) {
                T& value = sums[i * p.n + j];
                value = scalar::add(value, bias[i * p.bias_strides[0] + j * p.bias_strides[1]]);
                if (p.activation)
                    value = call<T>(*p.activation, value, T{}, T{});
            }
        return rounded(op.result, op.dims, sums);
    });
}

} // namespace kpu::dfg
