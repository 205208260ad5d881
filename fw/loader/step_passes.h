#pragma once
// Steps on an operator's values as the vector unit makes them: a pass computes in one type and rounds to another.

#include "compiler/dfx/program.h"

#include <vector>

namespace kpu::fw {

/// value = f(value) or f(value, operand), computed in the type `from` and rounded once to `to`.
struct step_pass {
    dfx::element_step step; ///< `result` is the type of the pass' result
    dtype from = dtype::f32;
};

/// The passes that give the bits of `steps` on values of the type `from`, in order, and of rounding to the type `to`
/// at the end: as few as rounding can be joined with a function in front of it (which computes in the type that it
/// yields: f64, f32, i32), or with a RELU or CLAMP behind it (which then see what is rounded afterwards).
[[nodiscard]] std::vector<step_pass> passes_of(const std::vector<dfx::element_step>& steps, dtype from, dtype to);

} // namespace kpu::fw
