#pragma once
// The matmuls in a kernel, as one value each: what a loader has to carry out, without the loop nest that said so.

#include "compiler/dfx/program.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu::dfx {

/// Where a contraction's sub-range begins in a tensor, in elements. Zero throughout for a whole matmul.
struct element_origin {
    std::uint64_t batch = 0; ///< leading index of a rank-3 tensor; zero for rank 2
    std::uint64_t row = 0;
    std::uint64_t column = 0;
};

/// The operations that a contraction came from, for tracing and error messages. 0 where the kernel has none of the
/// kind. A way through several levels is named by its operation at the EXTERNAL end.
struct contraction_ops {
    std::uint64_t load_a = 0;
    std::uint64_t load_b = 0;
    std::uint64_t load_seed = 0;
    std::uint64_t compute = 0;
    std::uint64_t store = 0;
};

/// Rows of A that are windows of a tensor X[n, spatial…, c]: row i is the window at output place i of `places` (n,
/// spatial…), element k of it the k-th of (kernel…, c), row-major, and zero where the window reaches beyond X.
struct window_rows {
    shape input;
    shape places;
    sliding_window window;
};

/// Another argument of a step as a matrix like C: element [i, j] of it is the one for C[i, j], where it has as many
/// rows and columns as C; else one for all of them.
struct step_operand {
    std::string tensor;
    dtype type = dtype::f32;
    bool rows = true, columns = true; ///< as many as C
};

/// The operand of a step behind sums of these dimensions; nothing where it is broadcast over some of the dimensions
/// that make the rows of C, but not over all.
[[nodiscard]] std::optional<step_operand> operand_of_step(const tensor_descriptor& t, const shape& result);

/// C[b, i, j] = round(seed[b, i, j] + sum over k ascending of A[b, i, k] * B[b, k, j]) for i < m, j < n, k < k, b <
/// batch, each index taken relative to the operand's origin. Without a seed the sum starts from +0. All tensors have
/// the same rank, 2 (batch = 1) or 3; those of a whole-tensor operator any, since they are used as matrices. `steps`
/// follow the sum, which is rounded to the first one's type; their operands are numbered in `step_operands`.
struct contraction {
    std::string a, b, c; ///< tensor names
    std::optional<std::string> seed;
    std::uint64_t batch = 1, m = 0, n = 0, k = 0; ///< extents in elements, all at least 1
    std::array<std::uint64_t, 3> tile = {0, 0,
                                         0}; ///< Ti, Tj, Tk in elements; the last tile of a dimension may be short
    element_origin a_origin, b_origin, c_origin, seed_origin;
    dtype operand = dtype::f32;     ///< of A and B
    dtype accumulator = dtype::f32; ///< accumulator_of(operand)
    dtype result = dtype::f32;      ///< of C
    dtype seed_type = dtype::f32;   ///< of the seed tensor; meaningless without one
    bool bias = false;              ///< the seed is one row, for all rows of C
    std::optional<window_rows> windows;
    std::vector<element_step> steps;
    std::vector<step_operand> step_operands;
    dataflow flow = dataflow::output_stationary;
    tile_policy tiles = tile_policy::suggested;
    iteration_order order = iteration_order::row_major; ///< of the outermost parallel loop over rows or columns
    bool columns_outer = false;                         ///< the loop over column tiles encloses the one over row tiles
    contraction_ops ids;                                ///< of the first k tile
    std::vector<contraction_ops>
        chain; ///< flat form: the operations of each k tile; empty where they are the same for all

    [[nodiscard]] std::uint64_t macs() const { return batch * m * n * k; }
    /// Bytes of the sub-ranges of A, B, C and the seed (0 without one).
    [[nodiscard]] std::uint64_t a_bytes() const {
        return (windows ? element_count(windows->input) : batch * m * k) * size_of(operand);
    }
    [[nodiscard]] std::uint64_t b_bytes() const { return batch * k * n * size_of(operand); }
    [[nodiscard]] std::uint64_t c_bytes() const { return batch * m * n * size_of(result); }
    [[nodiscard]] std::uint64_t seed_bytes() const {
        return seed ? batch * (bias ? 1 : m) * n * size_of(seed_type) : 0;
    }
    [[nodiscard]] std::uint64_t bytes_of(const step_operand& o) const {
        return (o.rows ? batch * m : 1) * (o.columns ? n : 1) * size_of(o.type);
    }
    /// Of all operands of steps.
    [[nodiscard]] std::uint64_t step_bytes() const {
        std::uint64_t sum = 0;
        for (const step_operand& o : step_operands)
            sum += bytes_of(o);
        return sum;
    }
    [[nodiscard]] const contraction_ops& ids_of_k_tile(std::uint64_t tk) const {
        return tk < chain.size() ? chain[static_cast<std::size_t>(tk)] : ids;
    }
};

/// A multi-tile flat kernel's contractions on the same tensors joined into their hulls, for estimates over a whole
/// kernel.
[[nodiscard]] std::vector<contraction> joined(const std::vector<contraction>& parts);

/// The contractions of one kernel in an order in which each may run after the ones before it: one of a whole-tensor
/// MATMUL_TILE or CONV_TILE, one per MATMUL_TILE operation of a loop nest, one per output tile of a flat kernel, whose
/// MATMUL_TILE operations on one output tile must form a chain with k ascending and without gaps. Expects a verified
/// program. Throws input_error naming kernel and operation where the kernel is not made of contractions whose operands
/// and results lie in EXTERNAL.
[[nodiscard]] std::vector<contraction> contractions_of(const program& p, const kernel& k);

} // namespace kpu::dfx
