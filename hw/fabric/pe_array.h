#pragma once
// The array PE by PE, a cycle at a time, in all three dataflows: operands that pass to the right and down, seeds and
// weights that shift in, double accumulators and weights, results that shift down the columns or leave at the bottom.
// The measure of fold_kernel's bits and of fold_timing's cycles. SystemC-free.

#include "hw/fabric/pe_fold.h"

#include <cstdint>
#include <vector>

namespace kpu::hw {

/// T is the accumulator's type: float, double or std::uint32_t (i32, wrapping around). Operands are given in it.
template <class T>
class pe_array {
  public:
    using fold = pe_fold<T>;
    struct result {
        std::vector<T> c;                       ///< m×n
        std::vector<std::uint64_t> first, last; ///< per column: cycles in which results left the last row
    };

    /// Pipelined: two accumulators and two weights per PE; otherwise one of each.
    pe_array(std::uint32_t rows, std::uint32_t columns, std::uint32_t macs_per_pe, bool pipelined);

    /// Runs folds, in order, through the array. Throws std::logic_error where the schedule asks for what the wires
    /// cannot do: two folds in one PE in one cycle, a register taken before it is free or used before it is filled, a
    /// drain before the last step, two loads, drains or results in one column at once.
    [[nodiscard]] std::vector<result> run(const std::vector<fold>& folds);

  private:
    /// What stands in an operand register beside its values: which fold's which step; `fold` is -1 where there is
    /// nothing.
    struct token {
        std::int32_t fold = -1;
        std::uint32_t step = 0;
        std::uint32_t pairs = 0; ///< operands of this step and row: macs_per_pe, fewer at the end of k
        bool last = false;
    };
    /// The operand registers of one direction: those which pass from left to right, or from top to bottom (B or partial
    /// sums).
    struct registers {
        std::vector<token> tokens; ///< per PE
        std::vector<T> values;     ///< per PE, macs_per_pe each
    };
    /// A register of every PE that keeps what is in it: accumulators, weights, and the chains that shift into them.
    struct keepers {
        std::vector<T> values;           ///< per PE, macs_per_pe each; accumulators use the first
        std::vector<std::int32_t> owner; ///< the fold whose value is there, -1: free
        std::vector<bool> complete;
    };

    void reset(const std::vector<fold>& folds);
    [[nodiscard]] std::uint64_t last_cycle() const;
    /// The fold, if any, that in this cycle shifts column j in or out, `rows` cycles from `from` + j on.
    [[nodiscard]] std::int32_t shifting(std::uint64_t fold::*from, std::uint32_t j, std::uint64_t now) const;

    void drain(std::uint64_t now);
    void claim_column(std::int32_t index, std::uint32_t j);
    void shift_out(std::int32_t index, std::uint32_t j, std::uint32_t shifts, std::uint64_t now);
    void leave(std::int32_t index, std::uint32_t j, std::uint32_t number, T value, std::uint64_t now);

    void shift_operands();
    void feed(std::uint64_t now);
    [[nodiscard]] token token_at(std::uint32_t lane, bool is_row, std::uint64_t now) const;

    void multiply(std::uint64_t now);
    void accumulate_at(std::uint32_t i, std::uint32_t j);
    void pass_sum_at(std::uint32_t i, std::uint32_t j, std::uint64_t now);
    [[nodiscard]] keepers& weights_at(std::uint32_t i, std::uint32_t j);
    void take_loaded(std::int32_t index, std::uint32_t i, std::uint32_t j);

    void load(std::uint64_t now);
    void shift_in(std::int32_t index, std::uint32_t j, std::uint32_t shifts);
    void complete_column(std::int32_t index, std::uint32_t j);

    [[nodiscard]] std::size_t at(std::uint32_t i, std::uint32_t j) const { return std::size_t{i} * m_columns + j; }
    [[nodiscard]] const fold& of(std::int32_t index) const { return m_folds[static_cast<std::size_t>(index)]; }
    [[nodiscard]] keepers& accumulators_of(std::int32_t index) {
        return m_accumulators[static_cast<std::size_t>(index) % m_accumulators.size()];
    }

    std::uint32_t m_rows, m_columns, m_packed;
    bool m_pipelined;
    registers m_left, m_top;
    std::vector<keepers> m_accumulators;
    keepers m_chain;   ///< shifts down before a fold enters; not pipelined: the weights themselves
    keepers m_weights; ///< pipelined: taken from the chain as the fold's first step passes
    std::vector<std::uint64_t> m_way_out_free; ///< per column: cycle from which a result may leave
    std::vector<fold> m_folds;
    std::vector<result> m_results;
};

extern template class pe_array<float>;
extern template class pe_array<double>;
extern template class pe_array<std::uint32_t>;

} // namespace kpu::hw
