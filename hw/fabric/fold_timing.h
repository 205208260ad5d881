#pragma once
// When a fold enters the array, when its results leave and when the next may follow, in closed form, for all three
// dataflows. The PE-level model (pe_array.h) and the Verilog array (tests/rtl) are held to the same numbers cycle by
// cycle. Derivations: README.md. SystemC-free.

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

/// What the formulas need to know of a fold.
struct array_fold {
    iface::element_type type = iface::element_type::f32;
    iface::array_dataflow flow = iface::array_dataflow::output_stationary;
    fold_extents extents;
    bool seeded = false;
};

/// True where something shifts into the PEs before the fold enters: weight stationary B, input stationary A, output
/// stationary the seed.
[[nodiscard]] bool is_loaded(const array_fold& fold);
/// Cycles in which a PE takes operands: output stationary ceil(k / macs_per_pe), weight stationary m, input stationary
/// n.
[[nodiscard]] std::uint64_t fold_steps(const array_geometry& array, const array_fold& fold);
/// Columns of the array that give results: n, input stationary m.
[[nodiscard]] std::uint32_t fold_columns(const array_fold& fold);
/// The shortest time from a fold's entry to that of the next of its kind: max(steps, rows) cycles pipelined, else the
/// whole passage, load and drain included.
[[nodiscard]] picoseconds fold_period(const array_geometry& array, const array_fold& fold);

/// What shifts in before the fold enters. Column j shifts down by one row per cycle from begin + j on.
struct fold_load {
    picoseconds begin;
    picoseconds end;  ///< begin + rows, or later where the operand takes longer to arrive: the fold may enter
    picoseconds late; ///< how much later that allows it to enter
};

/// A fold on its way in. PE(i,j) does its κ-th step in the cycle that starts at enter + i + j + κ, or later where
/// operands take longer than that to arrive: `steps` is then their streaming time.
struct fold_entry {
    picoseconds enter;      ///< PE(0,0) starts its first step
    picoseconds next_enter; ///< before this no other fold enters
    picoseconds last_step;  ///< end of PE(0,0)'s last step: enter + steps
    picoseconds held;       ///< how much later than its operands and the fold before allow, because of earlier results
};

/// A fold's results on their way out: one per column and cycle, column j's j cycles after column 0's.
struct fold_drain {
    picoseconds start; ///< output stationary: column 0 begins to shift down; else `first`
    picoseconds first; ///< start of the cycle in which column 0's first result leaves
    picoseconds last;  ///< … its last
    picoseconds end;   ///< everything has left
    picoseconds period;

    [[nodiscard]] picoseconds first_result(std::uint32_t column) const { return first + period * column; }
    [[nodiscard]] picoseconds last_result(std::uint32_t column) const { return last + period * column; }
};

/// The array as a resource. Folds pass in order, each through load() where it is loaded, enter(), drain() and
/// written(); output stationary up to two folds (pipelined) are inside without a drain(), one is drained without
/// written().
class fold_timing {
  public:
    explicit fold_timing(const array_geometry& array) : m_array(array) {}

    [[nodiscard]] const array_geometry& array() const { return m_array; }
    /// True where free_for() is known and load() may be called: a fold of another dataflow, and any that is not
    /// pipelined, waits for the array to empty.
    [[nodiscard]] bool may_begin(iface::array_dataflow flow) const;
    /// Before this the array takes nothing of the fold: its load or, without one, its entry.
    [[nodiscard]] picoseconds free_for(const array_fold& fold) const;
    /// The stationary operand (output stationary: the seed) begins to arrive at `arrival` and takes `streaming` to
    /// arrive in full.
    fold_load load(picoseconds arrival, picoseconds streaming, const array_fold& fold);
    /// The earliest entry that the folds before and the load, if any, allow.
    [[nodiscard]] picoseconds enters_after(const array_fold& fold) const;

    /// True where it is known how earlier results hold the fold: enter() may be called.
    [[nodiscard]] bool may_enter(const array_fold& fold) const;
    /// The operands that stream begin to arrive at `arrival` and take `streaming` to arrive in full.
    fold_entry enter(picoseconds arrival, picoseconds streaming, const array_fold& fold);

    /// True where the preceding fold's results are written or their time is known: drain() may be called.
    [[nodiscard]] bool may_drain() const { return m_drained < m_entered && m_drained == m_written; }
    /// The earliest drain of the oldest fold that is not yet drained.
    fold_drain drain(const fold_entry& entry, const array_fold& fold);
    /// The results of the fold that drained last are in memory at `end`. What leaves the array waits for its memory in
    /// two buffers of rows × columns sums: results begin to leave no earlier than as many cycles before the one that
    /// they take is empty as they need to fill it. Folds of up to `rows` steps take the buffers in turn, longer ones
    /// need both; output stationary results, which can wait in the accumulators, have one.
    void written(picoseconds end);
    /// Empties the array.
    void reset() { *this = fold_timing(m_array); }

  private:
    [[nodiscard]] picoseconds cycles_of(std::uint64_t n) const { return m_array.period * n; }
    [[nodiscard]] bool drains_first(iface::array_dataflow flow) const;
    [[nodiscard]] bool takes_both(const array_fold& fold) const;
    [[nodiscard]] std::uint64_t folds_to_write(const array_fold& fold) const;
    [[nodiscard]] picoseconds held_until(const array_fold& fold) const;
    [[nodiscard]] picoseconds write_end(std::uint64_t number) const { return m_write_end[number % 2]; }
    [[nodiscard]] fold_drain shifted_out(const fold_entry& entry, const array_fold& fold);
    [[nodiscard]] fold_drain streamed_out(const fold_entry& entry) const;

    array_geometry m_array;
    iface::array_dataflow m_flow = iface::array_dataflow::output_stationary; ///< of the last fold that entered
    std::uint64_t m_entered = 0, m_drained = 0, m_written = 0;
    picoseconds m_next_load, m_next_enter;         ///< after the last fold that entered
    picoseconds m_load_end;                        ///< of the fold that is to enter
    std::array<picoseconds, 2> m_accumulator_free; ///< by number of the fold, modulo two
    picoseconds m_next_drain;                      ///< column 0 has shifted out the last fold
    picoseconds m_array_free;                      ///< all columns have
    std::array<picoseconds, 2> m_write_end;        ///< by number of the fold, modulo two
    bool m_takes_both = false;                     ///< the last fold that entered: its results need both buffers
};

} // namespace kpu::hw
