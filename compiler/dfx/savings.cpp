#include "compiler/dfx/savings.h"

#include <algorithm>
#include <vector>

namespace kpu::dfx {

namespace {

constexpr std::size_t k_softmax_merges = 5, k_norm_merges = 8; ///< kernels that become one, less one

/// REDUCE_MAX, SUB, EXP, REDUCE_SUM, RECIPROCAL, MUL: five results are tensors no more, and the input is read once.
fusion_savings of_softmax(std::uint64_t elements, std::uint64_t rows, std::uint64_t size) {
    return {k_softmax_merges, (2 * elements + 3 * rows) * size, (4 * elements + 3 * rows) * size};
}

/// REDUCE_SUM, MUL, SUB, MUL, REDUCE_SUM, MUL, ADD, rsqrt, MUL: the input is read once, the difference not at all.
fusion_savings of_layer_norm(std::uint64_t elements, std::uint64_t rows, std::uint64_t size) {
    return {k_norm_merges, (2 * elements + 6 * rows) * size, (5 * elements + 6 * rows) * size};
}

/// Clamps that became numbers: their operands and results are `values` elements, a number is one.
fusion_savings of_numbers(std::size_t count, std::uint64_t values, std::uint64_t size) {
    return {count, count * values * size, count * (2 * values - 1) * size};
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

/// Kernels, and bytes that whole-tensor operators write and read.
struct traffic {
    std::uint64_t kernels = 0, written = 0, read = 0;
};
traffic traffic_of(const program& p) {
    const auto size = [](const tensor_region& r) { return element_count(r.tile_shape) * r.element_size; };
    traffic sum{p.kernels.size(), 0, 0};
    for (const kernel& k : p.kernels) {
        const compute_op* op = whole_tensor_operator(k);
        if (op == nullptr)
            continue;
        sum.written += size(op->output);
        for (const tensor_region& r : op->inputs)
            sum.read += size(r);
    }
    return sum;
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
    std::uint64_t values = elements; // that a number is combined with
    if (op->type == compute_type::softmax_tile && merged >= k_softmax_merges) {
        sum += of_softmax(elements, elements / dims.back(), op->inputs.front().element_size);
        merged -= k_softmax_merges;
    }
    if (op->type == compute_type::layernorm_tile && merged >= k_norm_merges) {
        values = elements / dims.back();
        sum += of_layer_norm(elements, values, op->inputs.front().element_size);
        merged -= k_norm_merges;
    }
    std::vector<std::uint64_t> sizes = sizes_between(*op);
    sizes.resize(std::min(sizes.size(), merged));
    sum += of_numbers(merged - sizes.size(), values, op->inputs.front().element_size);
    for (const std::uint64_t size : sizes)
        sum += {1, elements * size, elements * size};
    return sum;
}

fusion_savings savings_of(const program& compiled, const program& ran) {
    fusion_savings all;
    for (const kernel& k : compiled.kernels)
        all += savings_of(compiled, k);
    if (&compiled == &ran)
        return all;
    const traffic whole = traffic_of(compiled);
    const traffic parts = traffic_of(ran);
    const auto less = [](std::uint64_t saved, std::uint64_t before, std::uint64_t after) {
        return saved - std::min(saved, after - before);
    };
    return {less(all.kernels, whole.kernels, parts.kernels), less(all.bytes_not_written, whole.written, parts.written),
            less(all.bytes_not_read, whole.read, parts.read)};
}

} // namespace kpu::dfx
