#pragma once
// The processor that runs the firmware: any program over `mmio`, in a process of its own, at a cost in cycles per
// access.

#include "hw/interface/mmio.h"
#include "hw/tlm/initiator.h"
#include "platforms/platform.h"

#include <exception>
#include <functional>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

namespace kpu::hw {

using firmware_program = std::function<void(mmio&)>;

/// What a register access costs, or a burst of more than one word: ⌊bytes / burst_width⌋ cycles more.
[[nodiscard]] cycles access_cycles(const platform::management_params& params, std::size_t words);

/// An access takes access_cycles() and takes effect at its end. The firmware runs interrupt_cost cycles after the line
/// that it waits for went high. What it computes is free.
class management_core : public sc_core::sc_module, private mmio {
  public:
    tlm_utils::simple_initiator_socket<management_core> bus_i; ///< control bus
    sc_core::sc_in<bool> irq;

    management_core(sc_core::sc_module_name name, const platform::management_params& params, picoseconds period);

    /// Hands over the program: it starts with the simulation, or at once if that runs already. std::logic_error while
    /// one runs.
    void load(firmware_program program);
    /// Ends a program that waits for an interrupt which will never come, in the next delta cycle: an exception that is
    /// not kept as failure unwinds it.
    void abandon();
    /// Called in the core's process when a program has ended, normally or by an exception.
    void on_end(std::function<void()> tell) { m_tell_end = std::move(tell); }
    /// True when the program has ended, either way; also while there is none.
    [[nodiscard]] bool finished() const { return !m_program; }
    /// What left the program, null if nothing did.
    [[nodiscard]] std::exception_ptr failure() const { return m_failure; }
    [[nodiscard]] picoseconds started() const { return m_started; }
    /// End of the last program; meaningless while one runs.
    [[nodiscard]] picoseconds ended() const { return m_ended; }
    /// True while the program waits for an interrupt.
    [[nodiscard]] bool sleeping() const { return m_sleeping; }

  private:
    void end_of_elaboration() override;
    [[nodiscard]] std::uint32_t read32(address where) override;
    void write32(address where, std::uint32_t value) override;
    void read_block(address where, std::uint32_t* words, std::size_t count) override;
    void write_block(address where, const std::uint32_t* words, std::size_t count) override;
    void wait_irq() override;

    void pass(std::size_t words);
    void run();
    void run_program();

    platform::management_params m_params;
    picoseconds m_period;
    initiator m_bus;
    firmware_program m_program;
    std::function<void()> m_tell_end;
    std::exception_ptr m_failure;
    picoseconds m_started, m_ended;
    bool m_sleeping = false;
    bool m_abandoned = false;
    sc_core::sc_event m_loaded{"loaded"};
    sc_core::sc_event m_abandon{"abandon"};
    sc_core::sc_event_or_list m_wake; ///< the interrupt line changes, or the program is abandoned
};

} // namespace kpu::hw
