#pragma once
// Operators that only move elements (transpose, pad, concatenation), as boxes that the DMA engines carry through L3.

#include "fw/driver/machine.h"
#include "fw/loader/boxes.h"

#include <string>
#include <vector>

namespace kpu::fw {

/// One input on its way: which of its dimensions becomes which of the result's, and where in the result it begins.
struct rearranged_input {
    vector_operand from;                 ///< dimensions in the input's order
    std::array<std::size_t, 4> source{}; ///< result dimension d is input dimension source[d]
    quad offset{};                       ///< in the result
    quad box{1, 1, 1, 1};                ///< extents of the boxes it is cut into, in the input's order
};

struct rearrange_plan {
    std::uint64_t op_id = 0;
    std::vector<rearranged_input> inputs;
    vector_operand output;
    std::vector<box_in_tensor> zeros; ///< boxes of the result that no input covers
    bytes slot;                       ///< of L3, for one box
    std::size_t slots = 0;
};

[[nodiscard]] bool only_moves(const dfx::compute_op& op);

/// Throws input_error where more than four dimensions are moved apart from each other.
[[nodiscard]] rearrange_plan plan_rearrangement(const machine& chip, const dfx::program& p, const dfx::compute_op& op);

/// "REARRANGE_TILE of 2 inputs, boxes …" for --verbose and --dry-run.
[[nodiscard]] std::string to_string(const rearrange_plan& plan);

} // namespace kpu::fw
