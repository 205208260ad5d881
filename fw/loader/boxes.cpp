#include "fw/loader/boxes.h"

#include "fw/loader/descriptor_field.h"

#include <algorithm>

namespace kpu::fw {

namespace {

/// Bytes from one index to the next of a packed tensor.
quad strides_of(const quad& dims, std::uint64_t element) {
    return {dims[1] * dims[2] * dims[3] * element, dims[2] * dims[3] * element, dims[3] * element, element};
}

/// One side of the copy of `count` elements from `first` on of a packed tensor of these extents.
iface::copy_side side_in(address base, const quad& dims, std::uint64_t element, const quad& first, const quad& count) {
    const quad stride = strides_of(dims, element);
    iface::copy_side side;
    side.base = base;
    for (std::size_t d = 0; d < 4; ++d)
        side.base = side.base + bytes(first[d] * stride[d]);
    for (std::size_t d = 0; d < 3; ++d)
        side.stride[d + 1] = stride_field(count[d], static_cast<std::int64_t>(stride[d]));
    return side;
}

iface::copy_operands copy_of(const quad& count, std::uint64_t element) {
    iface::copy_operands copy;
    for (std::size_t d = 0; d < 3; ++d)
        copy.count[d + 1] = count_field(count[d]);
    copy.run = count_field(count[3] * element);
    return copy;
}

} // namespace

box_in_tensor clipped(const operand_box& box, const quad& dims) {
    box_in_tensor part;
    for (std::size_t d = 0; d < 4; ++d) {
        const std::int64_t end =
            std::min(box.first[d] + static_cast<std::int64_t>(box.count[d]), static_cast<std::int64_t>(dims[d]));
        const std::int64_t first = std::max<std::int64_t>(box.first[d], 0);
        part.first[d] = static_cast<std::uint64_t>(first);
        part.count[d] = end > first ? static_cast<std::uint64_t>(end - first) : 0;
    }
    return part;
}

iface::copy_operands load_box(address tensor, const vector_operand& operand, const box_in_tensor& part,
                              const operand_box& box, address to) {
    const std::uint64_t element = size_of(operand.type);
    quad within{};
    for (std::size_t d = 0; d < 4; ++d)
        within[d] = static_cast<std::uint64_t>(static_cast<std::int64_t>(part.first[d]) - box.first[d]);
    iface::copy_operands copy = copy_of(part.count, element);
    copy.source = side_in(tensor, operand.dims, element, part.first, part.count);
    copy.destination = side_in(to, box.count, element, within, part.count);
    return copy;
}

iface::copy_operands store_box(address tensor, const vector_operand& operand, const operand_box& box, address from) {
    const std::uint64_t element = size_of(operand.type);
    quad first{};
    for (std::size_t d = 0; d < 4; ++d)
        first[d] = static_cast<std::uint64_t>(box.first[d]);
    iface::copy_operands copy = copy_of(box.count, element);
    copy.source = side_in(from, box.count, element, {}, box.count);
    copy.destination = side_in(tensor, operand.dims, element, first, box.count);
    return copy;
}

iface::copy_operands store_placed(address tensor, const vector_operand& result, const operand_box& box, address from,
                                  const placement& place) {
    const auto& [source, step, offset] = place;
    const std::uint64_t element = size_of(result.type);
    const quad in_box = strides_of(box.count, element);
    const quad in_tensor = strides_of(result.dims, element);
    const bool runs = source[3] == 3; // rows stay rows
    iface::copy_operands copy;
    copy.run = count_field(runs ? box.count[3] * element : element);
    copy.source.base = from;
    copy.destination.base = tensor;
    for (std::size_t d = 0; d < 4; ++d) {
        const std::int64_t first = box.first[source[d]] * step[d] + static_cast<std::int64_t>(offset[d]);
        copy.destination.base = copy.destination.base + bytes(static_cast<std::uint64_t>(first) * in_tensor[d]);
        if (runs && d == 3)
            continue;
        const std::size_t at = runs ? d + 1 : d;
        const std::uint64_t count = box.count[source[d]];
        copy.count[at] = count_field(count);
        copy.source.stride[at] = stride_field(count, static_cast<std::int64_t>(in_box[source[d]]));
        copy.destination.stride[at] = stride_field(count, static_cast<std::int64_t>(in_tensor[d]) * step[d]);
    }
    return copy;
}

iface::fill_operands fill_box(address tensor, const vector_operand& operand, const box_in_tensor& part,
                              std::uint64_t pattern) {
    const std::uint64_t element = size_of(operand.type);
    const iface::copy_operands shape = copy_of(part.count, element);
    iface::fill_operands fill;
    fill.count = shape.count;
    fill.run = shape.run;
    fill.pattern = pattern;
    fill.destination = side_in(tensor, operand.dims, element, part.first, part.count);
    return fill;
}

iface::fill_operands contiguous_fill(address to, std::uint64_t size, std::uint64_t pattern) {
    iface::fill_operands fill;
    fill.run = count_field(size);
    fill.pattern = pattern;
    fill.destination.base = to;
    return fill;
}

} // namespace kpu::fw
