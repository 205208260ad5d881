#pragma once
// Operators for the vector unit, brought to one form: tensors of four dimensions, and what is computed on a tile of
// them. Nothing here knows addresses or engines.

#include "compiler/dfx/program.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace kpu::fw {

/// Extents or indices of four dimensions, outermost first.
using quad = std::array<std::uint64_t, 4>;

/// A tensor, or a view of it: packed, row-major. In an operand an extent of 1 where the result has more is broadcast.
struct vector_operand {
    std::string tensor;
    dtype type = dtype::f32;
    quad dims{1, 1, 1, 1};
};

/// How the window slides over dimensions 1 and 2; 1 × 1 without padding for all operators that have none.
struct window_2d {
    std::array<std::uint64_t, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1}, before{0, 0};
};

/// One operator. The result's element [n, h, w, c] comes from the input's elements below the window at [h, w], or, for
/// a reduction, from all elements along `axis`.
struct vector_work {
    dfx::compute_type type = dfx::compute_type::elementwise;
    std::uint64_t op_id = 0;
    std::vector<vector_operand> inputs; ///< in the order of the operation
    vector_operand output;
    dtype accumulator = dtype::f32; ///< of sums
    bool biased = false;
    dfx::element_function combine = dfx::element_function::add;
    window_2d window;
    std::uint64_t multiplier = 1;  ///< results per channel of a depthwise convolution
    std::size_t axis = 0;          ///< of a reduction or softmax: a dimension of the four, 1 to 3
    std::uint64_t axis_extent = 1; ///< of the input there
    std::vector<dfx::element_step> steps;
};

/// A softmax or a layer norm: works on whole rows along its axis.
[[nodiscard]] bool needs_rows(const vector_work& work);

/// True for operators that the vector unit carries out.
[[nodiscard]] bool runs_on_vector_unit(const dfx::compute_op& op);

/// Brings an operation of a verified program to this form. Adjacent dimensions that all operands treat alike become
/// one. Throws input_error where more than four remain.
[[nodiscard]] vector_work vector_work_of(const dfx::program& p, const dfx::compute_op& op);

} // namespace kpu::fw
