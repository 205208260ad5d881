#pragma once
// Where the elements of a fold meet the wires: what enters a row from the left, a column from the top, and what shifts
// into a PE before. Internal to hw/fabric and its tests. SystemC-free.

#include "hw/fabric/fold_kernel.h"
#include "hw/interface/engine.h"
#include "platforms/common/units.h"

#include <algorithm>
#include <cstdint>

namespace kpu::hw {

/// T is the accumulator's type; operands are given in it.
template <class T>
struct pe_fold {
    iface::array_dataflow flow = iface::array_dataflow::output_stationary;
    fold_extents extents;
    const T* a = nullptr;    ///< m×k
    const T* b = nullptr;    ///< k×n
    const T* seed = nullptr; ///< m×n; null: zeros
    std::uint64_t load = 0;  ///< where something is loaded: cycle in which column 0 begins to shift it in
    std::uint64_t enter = 0; ///< cycle in which PE(0,0) takes its first operands
    std::uint64_t drain = 0; ///< output stationary: cycle in which column 0 begins to shift out

    [[nodiscard]] bool keeps_results() const { return flow == iface::array_dataflow::output_stationary; }
    [[nodiscard]] bool keeps_a() const { return flow == iface::array_dataflow::input_stationary; }
    [[nodiscard]] bool is_loaded() const { return !keeps_results() || seed != nullptr; }
    /// `packed` operand pairs per PE and step.
    [[nodiscard]] std::uint64_t steps(std::uint32_t packed) const {
        return keeps_results() ? ceil_div(extents.k, packed) : keeps_a() ? extents.n : extents.m;
    }
    /// Columns of the array that give results, and how many each gives.
    [[nodiscard]] std::uint32_t columns() const { return keeps_a() ? extents.m : extents.n; }
    [[nodiscard]] std::uint32_t results() const { return keeps_a() ? extents.n : extents.m; }
    /// Rows into which operands stream: one that keeps a weight passes partial sums on even where it has none.
    [[nodiscard]] std::uint32_t rows(std::uint32_t of_array) const { return keeps_results() ? extents.m : of_array; }
    /// Operand pairs of group `index` of k: a step (output stationary) or a row of the array.
    [[nodiscard]] std::uint32_t pairs(std::uint32_t index, std::uint32_t packed) const {
        const std::uint64_t before = std::uint64_t{index} * packed;
        return before >= extents.k ? 0
                                   : static_cast<std::uint32_t>(std::min<std::uint64_t>(packed, extents.k - before));
    }

    /// From the left into row i: k's element κ of it.
    [[nodiscard]] T left(std::uint32_t i, std::uint32_t step, std::size_t kappa) const {
        return keeps_results() ? a_at(i, kappa) : keeps_a() ? b_at(kappa, step) : a_at(step, kappa);
    }
    /// From the top into column j: output stationary k's element κ, otherwise the sum of this step as it begins.
    [[nodiscard]] T top(std::uint32_t j, std::uint32_t step, std::size_t kappa) const {
        if (keeps_results())
            return b_at(kappa, j);
        return seed == nullptr ? T{} : seed[result(j, step)];
    }
    /// What PE(i,j) keeps: output stationary the seed, otherwise k's element κ.
    [[nodiscard]] T kept(std::uint32_t i, std::uint32_t j, std::size_t kappa) const {
        return keeps_results() ? seed[result(j, i)] : keeps_a() ? a_at(j, kappa) : b_at(kappa, j);
    }
    /// Place in C of column j's result number r.
    [[nodiscard]] std::size_t result(std::uint32_t j, std::size_t r) const {
        return keeps_a() ? j * std::size_t{extents.n} + r : r * extents.n + j;
    }

  private:
    [[nodiscard]] T a_at(std::size_t i, std::size_t kappa) const { return a[i * extents.k + kappa]; }
    [[nodiscard]] T b_at(std::size_t kappa, std::size_t j) const { return b[kappa * extents.n + j]; }
};

} // namespace kpu::hw
