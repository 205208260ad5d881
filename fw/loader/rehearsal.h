#pragma once
// How long a stream of commands takes, without the chip: every engine and every memory is a recurrence of max and plus
// over what the capability registers say. Good enough to rank schedules of small problems, for which start, drain and
// the firmware matter more than any closed form knows.

#include "fw/loader/blocking.h"
#include "fw/loader/emitter.h"

#include <limits>
#include <vector>

namespace kpu::fw {

class rehearsal {
  public:
    /// `chip` must outlive the rehearsal.
    explicit rehearsal(const machine& chip);
    [[nodiscard]] const machine& chip() const { return m_chip; }

    /// Forgets all commands; the memory that they took is kept for the next ones.
    void clear();
    /// The next command of the stream.
    void add(const bound_command& command);
    /// Core cycles from the first descriptor written to the last command completed, of all that was added. Infinite as
    /// soon as the folds that are left cannot all have passed before `give_up`. To be called once.
    [[nodiscard]] double cycles(double give_up = std::numeric_limits<double>::infinity());

  private:
    /// Most memories come in powers of two: divides by shifting then.
    class divisor {
      public:
        explicit divisor(std::uint64_t by = 1);
        [[nodiscard]] std::uint64_t value() const { return m_by; }
        [[nodiscard]] std::uint64_t quotient(std::uint64_t n) const { return m_power ? n >> m_shift : n / m_by; }
        [[nodiscard]] std::uint64_t rest(std::uint64_t n) const { return m_power ? n & (m_by - 1) : n % m_by; }

      private:
        std::uint64_t m_by;
        unsigned m_shift = 0;
        bool m_power = false;
    };
    /// A memory level. Each of its units is busy until some time with what it has been asked for.
    struct level {
        double rate = 0, latency = 0; ///< bytes per cycle and unit; cycles
        std::uint64_t base = 0;
        divisor interleave, units;
        divisor burst;   ///< bytes that are touched whole; 1: any
        double beat = 0; ///< bytes that the smallest transfer costs
        std::vector<double> read_until, written_until;
    };
    [[nodiscard]] static level level_of(const memory_info& memory, bool in_bursts);
    [[nodiscard]] static std::uint64_t rotation_of(std::uint64_t row, const divisor& units);
    struct queued {
        iface::descriptor_words words;
        iface::command_header header;
        double issued = 0; ///< the firmware has written it
    };
    /// A copy that a mover writes from some time to another.
    struct passage {
        double from = 0, until = 0, bytes = 0;
    };
    struct engine_state {
        engine_id id;
        const compute_tile* tile = nullptr; ///< of an array
        std::vector<queued> queue;
        std::vector<double> done;    ///< by command
        double next = 0;             ///< when it takes the next command
        std::vector<passage> passed; ///< by a mover, the latest last
        double folds_left = 0;       ///< cycles of an array's folds that are yet to begin
    };

    void issue();
    /// Finds out when the engine's next command can begin.
    void look_ahead(std::size_t number);
    /// The next command of the engine; returns when it completes.
    [[nodiscard]] double execute(engine_state& engine, double begin);
    [[nodiscard]] double execute_copy(engine_state& engine, const queued& command, double begin);
    [[nodiscard]] double execute_fill(engine_state& engine, const queued& command, double begin);
    [[nodiscard]] double execute_fold(engine_state& engine, const queued& command, double begin);
    [[nodiscard]] double execute_vector(engine_state& engine, const queued& command, double begin);
    [[nodiscard]] level* level_at(address where);
    /// When all that the mover has read but so many bytes has been written.
    [[nodiscard]] static double written_but_for(const engine_state& mover, double bytes);
    [[nodiscard]] std::vector<double>& writes_of(level& memory);
    /// The cycles that a unit of `memory` is busy with each part of one side of a copy from `now` on; returns when the
    /// last one is through.
    [[nodiscard]] static double occupy(level& memory, std::vector<double>& until, const iface::copy_operands& copy,
                                       const iface::copy_side& side, double now);

    const machine& m_chip;
    std::vector<engine_state> m_engines;
    // by engine: when the next command begins, infinite while that is not known, for want of what; count 0: of commands
    std::vector<double> m_begin;
    std::vector<iface::wait_for> m_missing;
    level m_dram, m_l3, m_l2;
};

/// Of a contraction cut that way, alone on the chip; infinite where that is sure to be more than `give_up`. Clears
/// `all` before.
[[nodiscard]] double rehearsed_cycles(rehearsal& all, const dfx::contraction& work, const blocking& plan,
                                      double give_up);

} // namespace kpu::fw
