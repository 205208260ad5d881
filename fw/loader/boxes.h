#pragma once
// Boxes of four-dimensional tensors as strided copies between row-major DRAM and packed tiles.

#include "fw/loader/layout.h"
#include "fw/loader/vector_tile.h"

namespace kpu::fw {

/// The part of a box that lies within its tensor. No elements: a count is zero.
struct box_in_tensor {
    quad first{}, count{};

    [[nodiscard]] std::uint64_t elements() const { return count[0] * count[1] * count[2] * count[3]; }
};
[[nodiscard]] box_in_tensor clipped(const operand_box& box, const quad& dims);

/// DRAM → the part's place in the packed box at `to`. The part has elements.
[[nodiscard]] iface::copy_operands load_box(address tensor, const vector_operand& operand, const box_in_tensor& part,
                                            const operand_box& box, address to);
/// The packed box at `from` → DRAM; the box lies within the tensor.
[[nodiscard]] iface::copy_operands store_box(address tensor, const vector_operand& operand, const operand_box& box,
                                             address from);

/// Where a box goes: dimension d of the result is the box' dimension source[d]; its index i there is offset[d] +
/// step[d]·i in the result, which may run backwards.
struct placement {
    std::array<std::size_t, 4> source{0, 1, 2, 3};
    std::array<std::int64_t, 4> step{1, 1, 1, 1};
    quad offset{};
};
/// The packed box at `from` → its places in DRAM.
[[nodiscard]] iface::copy_operands store_placed(address tensor, const vector_operand& result, const operand_box& box,
                                                address from, const placement& place);
/// A part of a tensor in DRAM.
[[nodiscard]] iface::fill_operands fill_box(address tensor, const vector_operand& operand, const box_in_tensor& part,
                                            std::uint64_t pattern);

[[nodiscard]] iface::fill_operands contiguous_fill(address to, std::uint64_t size, std::uint64_t pattern);

} // namespace kpu::fw
