#pragma once
// Operators that only move elements (transpose, pad, concatenation, spreading, gathering), as boxes that the DMA
// engines carry through L3.

#include "fw/driver/machine.h"
#include "fw/loader/boxes.h"

#include <optional>
#include <string>
#include <vector>

namespace kpu::fw {

/// One input on its way to its place in the result.
struct rearranged_input {
    vector_operand from; ///< dimensions in the input's order
    placement place;
    quad box{1, 1, 1, 1}; ///< extents of the boxes it is cut into, in the input's order
};

/// Rows that are found by indices: the input's dimensions are then those of what is gathered, [1, n, rows, columns].
struct gathered_rows {
    std::string indices;    ///< tensor
    std::uint64_t rows = 1; ///< of the tensor that is gathered from, for each n
};

struct rearrange_plan {
    std::uint64_t op_id = 0;
    dfx::compute_type type = dfx::compute_type::rearrange_tile;
    std::vector<rearranged_input> inputs;
    vector_operand output;
    std::optional<gathered_rows> gather;
    std::vector<box_in_tensor> zeros; ///< boxes of the result that no input covers, or that lie below all of them
    bool zeros_first = false;         ///< the latter: stores come behind
    bytes slot;                       ///< of L3, for one box
    std::size_t slots = 0;
};

/// Throws input_error where more than four dimensions are moved apart from each other, and where L3 has no room.
[[nodiscard]] rearrange_plan plan_rearrangement(const machine& chip, const dfx::program& p, const dfx::compute_op& op);

/// "REARRANGE_TILE of 2 inputs, boxes …" for --verbose and --dry-run.
[[nodiscard]] std::string to_string(const rearrange_plan& plan);

} // namespace kpu::fw
