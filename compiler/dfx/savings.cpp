#include "compiler/dfx/savings.h"

#include <algorithm>
#include <vector>

namespace kpu::dfx {

namespace {

/// REDUCE_MAX, SUB, EXP, REDUCE_SUM, RECIPROCAL, MUL: five results are tensors no more, and the input is read once.
fusion_savings of_softmax(std::uint64_t elements, std::uint64_t rows, std::uint64_t size) {
    return {5, (2 * elements + 3 * rows) * size, (4 * elements + 3 * rows) * size};
}

/// Bytes of an element of what each step works on, where that is no input of the kernel.
std::vector<std::uint64_t> sizes_between(const compute_op& op) {
    std::vector<std::uint64_t> sizes;
    for (std::size_t i = 0; i < op.steps.size(); ++i)
        if (i > 0 || op.type != compute_type::elementwise)
            sizes.push_back(size_of(op.steps[i > 0 ? i - 1 : 0].result));
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

} // namespace

fusion_savings& fusion_savings::operator+=(const fusion_savings& other) {
    kernels += other.kernels;
    bytes_not_written += other.bytes_not_written;
    bytes_not_read += other.bytes_not_read;
    return *this;
}

fusion_savings savings_of(const program& p, const kernel& k) {
    const compute_op* op = whole_tensor_operator(k);
    if (op == nullptr || k.graph_nodes.empty())
        return {};
    const shape& dims = p.find(op->output.tensor_name)->dims;
    const std::uint64_t elements = element_count(dims);
    fusion_savings sum;
    std::size_t merged = k.graph_nodes.size() - 1;
    if (op->type == compute_type::softmax_tile && merged >= 5) {
        sum += of_softmax(elements, elements / dims.back(), op->inputs.front().element_size);
        merged -= 5;
    }
    std::vector<std::uint64_t> sizes = sizes_between(*op);
    sizes.resize(std::min(sizes.size(), merged));
    for (const std::uint64_t size : sizes)
        sum += {1, elements * size, elements * size};
    return sum;
}

} // namespace kpu::dfx
