#pragma once
// What every engine is made of: a register window on the control bus, an in-order command queue, waits on timeline
// semaphores, interrupts, performance counters, faults. A kind of engine adds `execute`.

#include "hw/control/activity.h"
#include "hw/control/semaphores.h"
#include "hw/interface/descriptor.h"
#include "hw/observe/observer.h"
#include "hw/registers/register_file.h"
#include "platforms/common/ring.h"

#include <array>
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
    /// Value of a counter now; time counters are in cycles, include the state that the engine is in, and add up to
    /// `elapsed`: busy + stall_* + idle == cycles since the start of simulation or the last reset.
    [[nodiscard]] std::uint64_t counter(iface::perf_counter which) const;
    /// True while a command is queued, executing or not yet completed.
    [[nodiscard]] bool outstanding() const;
    /// For the deadlock report: the head command and the wait that it is stuck at, if it is.
    struct blockage {
        command_ref head;
        iface::wait_for on;
    };
    [[nodiscard]] bool blocked(blockage& where) const;
    /// Commands in the queue: pushed and not yet issued.
    [[nodiscard]] std::uint32_t queued() const { return static_cast<std::uint32_t>(m_queue.size()); }
    [[nodiscard]] std::uint64_t commands_pushed() const { return m_pushed; }
    [[nodiscard]] std::uint64_t commands_completed() const { return m_completed; }
    /// The fault that the engine stopped at, `none` while it runs, and the command that it belongs to.
    [[nodiscard]] iface::fault stopped_by() const { return m_fault; }
    [[nodiscard]] const command_ref& faulty_command() const { return m_faulty; }

  protected:
    command_engine(sc_core::sc_module_name name, const engine_config& config);

    /// Runs in the engine's issue thread once all waits of `c` are satisfied; may wait(). Returns when the next command
    /// may be issued. Between its entry and its return all elapsed time should be accounted to `busy`, `stall_read` or
    /// `stall_write` with account(), as it passes; what is not counts as busy. Must lead to exactly one finish(c.ref),
    /// from this or another process, or to raise_fault(c.ref), unless it returns a fault: then nothing of the command
    /// may have been started. After a reset (epoch() changed across a wait) it returns at once.
    virtual iface::fault execute(const command& c) = 0;
    /// True if this kind of engine knows the operation (`join` is handled by the base).
    [[nodiscard]] virtual bool supports(iface::opcode op) const = 0;
    /// A bus error found while data of an already issued command was moving: stops the queue, names that command.
    /// Earlier commands may still finish; finish() of this one and later ones is ignored until the reset.
    void raise_fault(const command_ref& c, iface::fault cause);
    /// Completes a command: commands must finish in queue order. Signals the semaphore and the interrupts.
    void finish(const command_ref& c);
    /// Reset was written while the engine worked: derived classes drop what they have in flight. Called from the bus
    /// side.
    virtual void on_reset() {}
    /// Incremented by every reset; work started under another epoch must be dropped.
    [[nodiscard]] std::uint32_t epoch() const { return m_epoch; }
    /// True from a fault until the reset.
    [[nodiscard]] bool halted() const { return m_fault != iface::fault::none; }
    /// Only from within execute(): the command that is next to issue; null while none is queued.
    [[nodiscard]] const command* upcoming() const { return m_queue.empty() ? nullptr : &m_queue.front(); }

    /// Only from within execute(), for time that has passed since its entry.
    void account(iface::perf_counter what, sc_core::sc_time spent);
    /// Only from within execute(): from now on time counts as `what`, where that is known as it begins.
    void count_as(iface::perf_counter what);
    void count(iface::perf_counter what, std::uint64_t n) { m_activity.count(what, n); }
    /// What time counts as while the queue is empty and issued commands are not yet complete: `busy` unless told
    /// otherwise.
    void drain_as(iface::perf_counter what);
    [[nodiscard]] sc_core::sc_time in_cycles(std::uint64_t n) const;
    [[nodiscard]] observer* watcher() const { return m_observer; }

  private:
    struct issued {
        command_ref ref;
        bool interrupt = false;
        bool completes_in_turn = false; ///< a join: nothing but its predecessors holds it
    };

    void bind_registers();
    void control_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned control_debug(tlm::tlm_generic_payload& payload);
    [[nodiscard]] std::uint32_t status() const;
    void ring_doorbell();
    void reset();

    void issue_loop();
    void issue_head();
    [[nodiscard]] iface::fault check(const command& head) const;
    [[nodiscard]] bool wait_for_all(const command& head);
    void take_head();
    void rest();
    void complete_front();
    void complete_joins();
    void stop(const command_ref& c, iface::fault cause);

    void raise(std::uint32_t irq_bits);
    void update_irq();
    void drive_irq();

    engine_config m_config;
    observer* m_observer = nullptr;
    std::uint32_t m_epoch = 0;

    register_file m_registers;
    ring<command> m_queue;
    ring<issued> m_issued; ///< in order, not yet completed
    command m_current;     ///< the one in execute()
    std::uint32_t m_current_epoch = 0;
    std::uint32_t m_pushed = 0;
    std::uint32_t m_completed = 0;
    bool m_rejected = false;
    iface::fault m_fault = iface::fault::none;
    command_ref m_faulty;

    activity m_activity;
    iface::perf_counter m_drain_as = iface::perf_counter::busy;
    bool m_resting = false; ///< the issue thread waits for a command to be pushed
    bool m_blocked = false; ///< … for the semaphore of m_blocked_on
    iface::wait_for m_blocked_on;
    sc_core::sc_event m_wake{"wake"};
    bool m_irq_level = false;
    sc_core::sc_event m_irq_change{"irq_change"};
};

} // namespace kpu::hw
