#include "compiler/dfx/moves.h"

#include "compiler/dfx/packed.h"
#include "compiler/tensor/number_format.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>

namespace kpu::dfx {

namespace {

void rearrange(const compute_op& op, const tensor& x, std::uint64_t along, tensor& out) {
    const std::size_t size = size_of(x.type);
    const std::vector<std::uint64_t> strides = strides_of(out.dims);
    std::vector<std::uint64_t> index(x.dims.size());
    const std::uint64_t count = element_count(x.dims);
    for (std::uint64_t n = 0; n < count; ++n) {
        locate(n, x.dims, index);
        std::uint64_t at = 0;
        for (std::size_t d = 0; d < out.dims.size(); ++d) {
            const std::uint64_t i = index[op.axes.empty() ? d : static_cast<std::size_t>(op.axes[d])];
            at += (i + (op.before.empty() ? 0 : op.before[d]) + (d == op.along ? along : 0)) * strides[d];
        }
        std::copy_n(x.data.data() + n * size, size, out.data.data() + at * size);
    }
}

tensor rearranged(const compute_op& op, const std::vector<const tensor*>& inputs, const tensor_descriptor& result) {
    tensor out(result.type, result.dims);
    std::uint64_t along = 0;
    for (const tensor* x : inputs) {
        rearrange(op, *x, along, out);
        along += x->dims.empty() ? 0 : x->dims[op.axes.empty() ? op.along : op.axes[op.along]];
    }
    return out;
}

tensor spread_apart(const compute_op& op, const tensor& x, const tensor_descriptor& result) {
    tensor out(result.type, result.dims);
    const std::size_t size = size_of(x.type);
    const std::size_t run = x.dims.back() * size;
    const shape places(x.dims.begin(), x.dims.end() - 1);
    std::vector<std::uint64_t> index(places.size());
    for (std::uint64_t n = 0; n < element_count(places); ++n) {
        locate(n, places, index);
        std::uint64_t at = index[0];
        for (std::size_t d = 1; d < places.size(); ++d)
            at = at * out.dims[d] + op.window.before[d - 1] + op.window.stride[d - 1] * (places[d] - 1 - index[d]);
        std::copy_n(x.data.data() + n * run, run, out.data.data() + at * run);
    }
    return out;
}

tensor gathered(const tensor& x, const tensor& indices, const tensor_descriptor& result) {
    tensor out(result.type, result.dims);
    const std::size_t run = x.dims[2] * size_of(x.type);
    const std::vector<std::int32_t> rows = widened<std::int32_t>(indices);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] < 0 || static_cast<std::uint64_t>(rows[i]) >= x.dims[1]) {
            diagnostic problem;
            problem.message = "index out of range for " + result.name;
            problem.text = std::to_string(rows[i]);
            problem.expected = "0 to " + std::to_string(x.dims[1] - 1);
            throw input_error(std::move(problem));
        }
        const std::uint64_t from = i / indices.dims[1] * x.dims[1] + static_cast<std::uint64_t>(rows[i]);
        std::copy_n(x.data.data() + from * run, run, out.data.data() + i * run);
    }
    return out;
}

} // namespace

tensor moved(const compute_op& op, const std::vector<const tensor*>& inputs, const tensor_descriptor& result) {
    if (op.type == compute_type::spread_tile)
        return spread_apart(op, *inputs[0], result);
    if (op.type == compute_type::gather_tile)
        return gathered(*inputs[0], *inputs[1], result);
    return rearranged(op, inputs, result);
}

} // namespace kpu::dfx
