#pragma once
// Visits the operation instances of a kernel one by one, in the order that its loops ask for, without ever listing
// them.

#include "compiler/dfx/program.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace kpu::dfx {

/// Values of the loops around a statement, outermost first.
using loop_values = std::vector<std::uint64_t>;
/// Called with an operation (never a loop_nest) and the values of all loops that enclose it.
using instance_visitor = std::function<void(const statement& operation, const loop_values& at)>;

/// Runs through the kernel in textual order within a body. Loops: row_major ascends; snake descends on every other
/// iteration of the enclosing loop; morton visits a loop and the parallel loop that is its whole body in Z order (bits
/// of the outer index above those of the inner one, points outside the box left out); explicit_sequence takes the
/// values of `sequence`. A reduction loop always ascends. Expects a verified kernel.
void walk(const kernel& k, const instance_visitor& visit);

/// Number of iterations. Expects start < end and step > 0.
[[nodiscard]] inline std::uint64_t trip_count(const tile_loop& loop) {
    return (loop.end - loop.start - 1) / loop.step + 1;
}

/// The value of an affine form.
[[nodiscard]] std::int64_t evaluate(const affine& form, const loop_values& at);

/// A region's elements: [low[d], high[d]) in dimension d, clipped to the tensor.
struct element_box {
    std::vector<std::uint64_t> low, high;
    [[nodiscard]] std::uint64_t extent(std::size_t d) const { return high[d] - low[d]; }
    [[nodiscard]] std::uint64_t volume() const;
};
/// The box of one instance of a region. Expects a verified program.
[[nodiscard]] element_box box_of(const tensor_region& region, const shape& dims, const loop_values& at);

} // namespace kpu::dfx
