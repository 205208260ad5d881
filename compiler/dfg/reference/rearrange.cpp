// Operators that copy elements without looking at them.

#include "compiler/dfg/reference/operators.h"
#include "compiler/tensor/number_format.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>

namespace kpu::dfg {

namespace {

/// Steps `at` to the next element in row-major order.
void advance(std::vector<std::uint64_t>& at, const shape& dims) {
    for (std::size_t d = dims.size(); d-- > 0;) {
        if (++at[d] < dims[d])
            return;
        at[d] = 0;
    }
}

} // namespace

tensor apply(const resolved_op& op, const reshaping& /*r*/, const operand_list& in) {
    tensor out = *in[0];
    out.dims = op.dims;
    return out;
}

tensor apply(const resolved_op& op, const transposition& t, const operand_list& in) {
    tensor out(op.result, op.dims);
    const std::uint64_t size = size_of(op.result);
    std::vector<std::uint64_t> at(op.dims.size());
    for (std::uint64_t i = 0; i < element_count(op.dims); ++i, advance(at, op.dims)) {
        std::uint64_t from = 0;
        for (std::size_t d = 0; d < at.size(); ++d)
            from += at[d] * t.strides[d];
        std::copy_n(in[0]->data.data() + from * size, size, out.data.data() + i * size);
    }
    return out;
}

tensor apply(const resolved_op& op, const concatenation& c, const operand_list& in) {
    tensor out(op.result, op.dims);
    std::byte* to = out.data.data();
    for (std::uint64_t o = 0; o < c.outer; ++o)
        for (std::size_t i = 0; i < in.size(); ++i) {
            const std::uint64_t bytes = c.runs[i] * size_of(op.result);
            to = std::copy_n(in[i]->data.data() + o * bytes, bytes, to);
        }
    return out;
}

tensor apply(const resolved_op& op, const padding& p, const operand_list& in) {
    tensor out(op.result, op.dims);
    const std::uint64_t size = size_of(op.result);
    if (p.value)
        for (std::uint64_t i = 0; i < element_count(op.dims); ++i)
            std::copy_n(in[*p.value]->data.data(), size, out.data.data() + i * size);
    const shape& from = in[0]->dims;
    std::vector<std::uint64_t> at(from.size());
    for (std::uint64_t i = 0; i < element_count(from); ++i, advance(at, from)) {
        std::uint64_t to = 0;
        for (std::size_t d = 0; d < at.size(); ++d)
            to = to * op.dims[d] + p.before[d] + at[d];
        std::copy_n(in[0]->data.data() + i * size, size, out.data.data() + to * size);
    }
    return out;
}

tensor apply(const resolved_op& op, const gathering& g, const operand_list& in) {
    tensor out(op.result, op.dims);
    const std::uint64_t bytes = g.columns * size_of(op.result);
    for (std::uint64_t i = 0; i < g.batch * g.picks; ++i) {
        const double index = load(dtype::i32, &in[1]->data[i * size_of(dtype::i32)]);
        if (index < 0 || index >= static_cast<double>(g.rows)) {
            diagnostic problem;
            problem.message = "index out of range in GATHER";
            problem.text = std::to_string(static_cast<std::int64_t>(index));
            problem.expected = "0 to " + std::to_string(static_cast<std::int64_t>(g.rows) - 1);
            throw input_error(std::move(problem));
        }
        const std::uint64_t row = i / g.picks * g.rows + static_cast<std::uint64_t>(index);
        std::copy_n(in[0]->data.data() + row * bytes, bytes, out.data.data() + i * bytes);
    }
    return out;
}

} // namespace kpu::dfg
