#pragma once
// The reference: what a graph computes, in plain C++, with the project's numerics. It shares nothing with the chip
// model.

#include "compiler/dfg/graph.h"
#include "compiler/dfg/interface.h"
#include "compiler/tensor/selection.h"
#include "compiler/tensor/tensor.h"

#include <vector>

namespace kpu::dfg {

/// The inputs in the order of the interface, for select_tensors().
[[nodiscard]] std::vector<expected_tensor> expected_inputs(const graph_interface& interface);

/// Throws input_error with the node and its line for every operator that resolve() refuses.
void check_evaluable(const graph& g, const binding& bound);

/// The outputs by key. `inputs` holds every input of the interface under its first key, of its type and shape. Throws
/// input_error as check_evaluable() before anything is computed.
[[nodiscard]] tensor_map evaluate(const graph& g, const binding& bound, const graph_interface& interface,
                                  const tensor_map& inputs);

/// C = round(Cin + A·B): A [.., m, k], B [.., k, n], rank 2 or 3; `seed` may be null. Accumulates in
/// accumulator_of(a.type): from the seed, k ascending, product and sum each rounded, integers wrapping; rounds once to
/// `result`.
[[nodiscard]] tensor multiply(const tensor& a, const tensor& b, const tensor* seed, dtype result);

} // namespace kpu::dfg
