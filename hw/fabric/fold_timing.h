#pragma once
// When a fold enters the output-stationary array, when its results leave and when the next may follow, in closed form.
// The PE-level model (pe_array.h) is held to the same numbers cycle by cycle. Derivations: README.md. SystemC-free.

#include "hw/fabric/fold_kernel.h"
#include "hw/interface/engine.h"
#include "platforms/common/units.h"
#include "platforms/platform.h"

#include <array>
#include <cstdint>

namespace kpu::hw {

/// What the formulas need to know of an array.
struct array_geometry {
    std::uint32_t rows = 1, columns = 1;
    bool pipelined = true;
    std::array<std::uint32_t, iface::k_element_types> macs_per_pe{1, 1, 1, 1, 1, 1, 1}; ///< 0: type not supported
    picoseconds period{1000};
};
[[nodiscard]] array_geometry geometry_of(const platform::array_params& params, picoseconds period);

/// Cycles in which a PE takes its k operand pairs: ceil(k / macs_per_pe).
[[nodiscard]] std::uint64_t fold_steps(const array_geometry& array, iface::element_type type, std::uint32_t k);
/// The shortest time from a fold's entry to that of the next: max(steps, rows) cycles pipelined, else the whole passage
/// (m-1) + (n-1) + steps + rows.
[[nodiscard]] picoseconds fold_period(const array_geometry& array, iface::element_type type, const fold_extents& fold);

/// A fold on its way in. PE(i,j) does its κ-th step in the cycle that starts at enter + i + j + κ, or later where
/// operands take longer than that to arrive: `steps` is then their streaming time.
struct fold_entry {
    picoseconds enter;      ///< PE(0,0) starts its first step
    picoseconds next_enter; ///< before this no other fold enters: max(fold_period, streaming) later if pipelined
    picoseconds last_mac;   ///< end of PE(m-1,n-1)'s last step: enter + (m-1) + (n-1) + steps
    picoseconds drainable;  ///< column 0 has done its last step: enter + (m-1) + steps
    picoseconds held;       ///< how much later than its operands and the fold before allow, because of earlier drains
};

/// A fold on its way out. Column j shifts down by one row per cycle, for `rows` cycles from start + j on; the value
/// that stands in the last row leaves: that of row i in the cycle that starts at start + j + (rows-1-i).
struct fold_drain {
    picoseconds start; ///< column 0 begins to shift
    picoseconds end;   ///< the last column has shifted `rows` times: start + (n-1) + rows
    picoseconds period;
    std::uint32_t rows = 0, m = 0;

    /// Start of the cycle in which the column's first result (row m-1) leaves.
    [[nodiscard]] picoseconds first_result(std::uint32_t column) const {
        return start + period * (std::uint64_t{column} + (rows - m));
    }
    /// Start of the cycle in which the column's last result (row 0) leaves.
    [[nodiscard]] picoseconds last_result(std::uint32_t column) const {
        return start + period * (std::uint64_t{column} + (rows - 1));
    }
};

/// The array as a resource. Folds pass in order, each through enter(), drain() and written(); up to two folds
/// (pipelined) or one are inside without a drain(), one is drained without written().
class fold_timing {
  public:
    explicit fold_timing(const array_geometry& array) : m_array(array) {}

    [[nodiscard]] const array_geometry& array() const { return m_array; }
    /// True where an accumulator is known to become free: enter() may be called.
    [[nodiscard]] bool may_enter() const { return m_entered - m_drained < (m_array.pipelined ? 2U : 1U); }
    /// True where the preceding fold's results are written or their time is known: drain() may be called.
    [[nodiscard]] bool may_drain() const { return m_drained < m_entered && m_drained == m_written; }

    /// Operands (and seeds) begin to arrive at `arrival` and take `streaming` to arrive in full.
    fold_entry enter(picoseconds arrival, picoseconds streaming, iface::element_type type, const fold_extents& fold);
    /// The earliest drain of the oldest fold that is not yet drained.
    fold_drain drain(const fold_entry& entry, const fold_extents& fold);
    /// The results of the fold that drained last are in memory at `end`. What leaves the array waits for its memory in
    /// a buffer of one fold: a drain starts no earlier than `rows` cycles before the fold before it is written.
    void written(picoseconds end);
    /// Empties the array.
    void reset() { *this = fold_timing(m_array); }

  private:
    [[nodiscard]] picoseconds cycles_of(std::uint64_t n) const { return m_array.period * n; }

    array_geometry m_array;
    std::uint64_t m_entered = 0, m_drained = 0, m_written = 0;
    picoseconds m_next_enter;                      ///< of the last fold that entered
    std::array<picoseconds, 2> m_accumulator_free; ///< by number of the fold, modulo two
    picoseconds m_next_drain;                      ///< column 0 has shifted out the last fold
    picoseconds m_array_free;                      ///< all columns have
    picoseconds m_write_end;
};

} // namespace kpu::hw
