#pragma once
// What every engine is made of: a register window on the control bus, an in-order command queue, waits on timeline semaphores,
// interrupts, performance counters, faults. A kind of engine adds `execute`.

#include "hw/control/semaphores.h"
#include "hw/interface/descriptor.h"
#include "hw/observe/observer.h"
#include "hw/registers/register_file.h"

#include <array>
#include <deque>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

namespace kpu::hw {

/// What an engine is told about itself when it is built.
struct engine_config {
    iface::engine_kind kind = iface::engine_kind::dma;
    std::uint8_t unit = 0; ///< number among its kind
    engine_id engine;
    std::uint32_t queue_depth = 32;
    picoseconds period{1000}; ///< core clock
    std::array<std::uint32_t, iface::engine_reg::capabilities> capabilities{};
};

/// A queued command as its engine sees it.
struct command {
    command_ref ref;
    iface::command_header header;
    iface::descriptor_words words{};
};

class command_engine : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<command_engine> control_t; ///< register window, see iface::k_engine_registers
    sc_core::sc_port<semaphore_if> semaphores;
    sc_core::sc_out<bool> irq; ///< level: irq_status & irq_enable != 0

    /// Observers are optional; null detaches.
    void watch(observer* who) { m_observer = who; }

    [[nodiscard]] const engine_config& config() const { return m_config; }
    /// Value of a counter now; time counters are in cycles, include the state that the engine is in, and add up to `elapsed`:
    /// busy + stall_* + idle == cycles since the start of simulation or the last reset.
    [[nodiscard]] std::uint64_t counter(iface::perf_counter which) const;
    /// True while a command is queued, executing or not yet completed.
    [[nodiscard]] bool outstanding() const;
    /// For the deadlock report: the head command and the wait that it is stuck at, if it is.
    struct blockage {
        command_ref head;
        iface::wait_for on;
    };
    [[nodiscard]] bool blocked(blockage& where) const;

  protected:
    command_engine(sc_core::sc_module_name name, const engine_config& config);

    /// Runs in the engine's issue thread once all waits of `c` are satisfied; may wait(). Returns when the next command may be
    /// issued. Between its entry and its return all elapsed time must be accounted to `busy`, `stall_read` or `stall_write`
    /// with account(). Must lead to exactly one finish(c.ref), from this or another process, unless it returns a fault:
    /// then nothing of the command may have been started.
    virtual iface::fault execute(const command& c) = 0;
    /// True if this kind of engine knows the operation (`join` is handled by the base).
    [[nodiscard]] virtual bool supports(iface::opcode op) const = 0;
    /// A bus error found while data of an already issued command was moving: stops the queue, names that command.
    void raise_fault(const command_ref& c, iface::fault cause);
    /// Completes a command: commands must finish in queue order. Signals the semaphore and the interrupts.
    void finish(const command_ref& c);
    /// Reset was written while the engine worked: derived classes drop what they have in flight. Called from the bus side.
    virtual void on_reset() {}
    /// Incremented by every reset; work started under another epoch must be dropped.
    [[nodiscard]] std::uint32_t epoch() const { return m_epoch; }

    void account(iface::perf_counter what, sc_core::sc_time spent);
    void count(iface::perf_counter what, std::uint64_t n);
    [[nodiscard]] sc_core::sc_time in_cycles(std::uint64_t n) const;
    [[nodiscard]] observer* watcher() const { return m_observer; }

  private:
    engine_config m_config;
    observer* m_observer = nullptr;
    std::uint32_t m_epoch = 0;
    // the rest of the state belongs to the implementation in command_engine.cpp
};

} // namespace kpu::hw
