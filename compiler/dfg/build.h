#pragma once
// Graphs made by the project itself.

#include "compiler/dfg/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kpu::dfg {

/// Cout[m, n] = A[m, k] · B[k, n] (+ Cin[m, n]), then one more product with a constant B2[n, chain[0]], B3[chain[0],
/// chain[1]] … for every entry of `chain`. With a batch all tensors have rank 3.
struct matmul_graph_spec {
    std::string name = "matmul";
    std::uint64_t m = 1;
    std::uint64_t n = 1;
    std::uint64_t k = 1;
    dtype type = dtype::f32;            ///< of A and B
    std::optional<dtype> result;        ///< of the product; not given: `type`, and i32 for i8
    bool seeded = false;                ///< with Cin, of the result type
    std::optional<std::uint64_t> batch; ///< not given: rank 2
    std::vector<std::uint64_t> chain;
};

/// CONSTANT nodes labelled A, B, Cin, B2, …; the FUNCTION_RETURN's result is labelled Cout. Later products take the
/// result type as their operand type. Throws input_error for extents of 0 and beyond k_largest_extent.
[[nodiscard]] graph matmul_graph(const matmul_graph_spec& spec);

} // namespace kpu::dfg
