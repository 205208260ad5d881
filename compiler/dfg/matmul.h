#pragma once
// What a MATMUL node computes, checked.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/graph.h"

#include <cstdint>
#include <optional>

namespace kpu::dfg {

/// C[batch, m, n] = round(Cin[batch, m, n] + A[batch, m, k] · B[batch, k, n]); rank 2 where not batched.
struct matmul {
    node_id id;
    bool batched = false;
    std::uint64_t batch = 1;
    std::uint64_t m = 0;
    std::uint64_t n = 0;
    std::uint64_t k = 0;
    dtype operand = dtype::f32;     ///< of A and B
    dtype accumulator = dtype::f32; ///< accumulator_of(operand)
    dtype result = dtype::f32;      ///< the operand type or the accumulator type; i32 for i8
    value_ref a;
    value_ref b;
    std::optional<value_ref> seed;  ///< Cin; its value widens exactly to the accumulator type
    std::optional<dtype> seed_type; ///< as produced, which may be narrower than the node declares

    /// Multiply-accumulate operations.
    [[nodiscard]] std::uint64_t macs() const { return batch * m * n * k; }
};

/// The MATMUL at a node of a graph whose batch is bound. Throws input_error with all problems at the node's line:
/// operand count, ranks, shapes, element types, and attributes, of which none is supported.
[[nodiscard]] matmul matmul_at(const graph& g, const binding& bound, node_id id);

} // namespace kpu::dfg
