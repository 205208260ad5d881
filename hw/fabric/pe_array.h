#pragma once
// The output-stationary array PE by PE, a cycle at a time: operand registers that pass to the right and down, double
// accumulators, results that shift down the columns. The measure of fold_kernel's bits and of fold_timing's cycles.
// SystemC-free.

#include "hw/fabric/fold_kernel.h"

#include <cstdint>
#include <vector>

namespace kpu::hw {

/// T is the accumulator's type: float, double or std::uint32_t (i32, wrapping around). Operands are given in it.
template <class T>
class pe_array {
  public:
    struct fold {
        fold_extents extents;
        const T* a = nullptr;    ///< m×k
        const T* b = nullptr;    ///< k×n
        const T* seed = nullptr; ///< m×n; null: zeros
        std::uint64_t enter = 0; ///< cycle in which PE(0,0) takes its first operands
        std::uint64_t drain = 0; ///< cycle in which column 0 begins to shift
    };
    struct result {
        std::vector<T> c;                       ///< m×n
        std::vector<std::uint64_t> first, last; ///< per column: cycles in which results left the last row
    };

    /// `accumulators` per PE: 2 where folds follow each other directly, 1 otherwise.
    pe_array(std::uint32_t rows, std::uint32_t columns, std::uint32_t macs_per_pe, std::uint32_t accumulators);

    /// Runs folds, in order, through the array. Throws std::logic_error where the schedule asks for what the wires
    /// cannot do: two folds in one PE in one cycle, an accumulator taken before it was drained, a drain before the last
    /// step or two drains at once.
    [[nodiscard]] std::vector<result> run(const std::vector<fold>& folds);

  private:
    /// What stands in an operand register beside its values: which fold's which step; `fold` is -1 where there is
    /// nothing.
    struct token {
        std::int32_t fold = -1;
        std::uint32_t step = 0;
        std::uint32_t pairs = 0; ///< operands of this step: macs_per_pe, fewer in the last
        bool last = false;
    };
    /// The operand registers of one direction: A's, which pass from left to right, or B's, from top to bottom.
    struct registers {
        std::vector<token> tokens; ///< per PE
        std::vector<T> values;     ///< per PE, macs_per_pe each
    };
    /// One of the accumulators of every PE.
    struct accumulator {
        std::vector<T> sums;
        std::vector<std::int32_t> owner; ///< the fold whose value is there, -1: free
        std::vector<bool> complete;
    };

    void reset(const std::vector<fold>& folds);
    [[nodiscard]] std::uint64_t last_cycle() const;
    void drain(std::uint64_t now);
    void claim_column(std::int32_t index, std::uint32_t j);
    void shift_column(std::int32_t index, std::uint32_t j, std::uint32_t shifts, std::uint64_t now);
    void shift_operands();
    void feed(std::uint64_t now);
    [[nodiscard]] token token_at(std::uint32_t lane, bool is_row, std::uint64_t now) const;
    void multiply();
    void multiply_at(std::uint32_t i, std::uint32_t j);

    [[nodiscard]] std::size_t at(std::uint32_t i, std::uint32_t j) const { return std::size_t{i} * m_columns + j; }
    [[nodiscard]] std::uint64_t steps(const fold& f) const;
    [[nodiscard]] accumulator& of(std::int32_t index) {
        return m_accumulators[static_cast<std::size_t>(index) % m_accumulators.size()];
    }

    std::uint32_t m_rows, m_columns, m_packed;
    registers m_left, m_top;
    std::vector<accumulator> m_accumulators;
    std::vector<fold> m_folds;
    std::vector<result> m_results;
};

extern template class pe_array<float>;
extern template class pe_array<double>;
extern template class pe_array<std::uint32_t>;

} // namespace kpu::hw
