#pragma once
// The system window: what the chip is, where its memories lie, all semaphores, and which engines ask for attention.

#include "hw/control/interrupt_controller.h"
#include "hw/control/semaphores.h"
#include "hw/registers/register_file.h"

#include <array>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

namespace kpu::hw {

/// What the read-only registers of the system window say.
struct system_config {
    struct memory {
        address base;
        bytes size;
        std::uint32_t units = 0;
        bytes interleave;     ///< consecutive bytes in one unit
        bytes per_256_cycles; ///< peak of all units together, reading
        cycles latency;       ///< from request to first data, the way there and back included
        bytes burst{1};       ///< moved whole by a unit
    };
    std::uint32_t arrays = 0;
    hertz clock{1'000'000'000};
    cycles descriptor_cost;                             ///< of the management core
    std::array<memory, iface::k_memory_kinds> memories; ///< in the order of iface::memory_kind
};

class system_controller : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<system_controller> control_t; ///< see iface::k_system_registers
    sc_core::sc_port<semaphore_if> semaphores;
    sc_core::sc_port<interrupt_if> interrupts;

    system_controller(sc_core::sc_module_name name, const system_config& config);

  private:
    void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned debug(tlm::tlm_generic_payload& payload);

    register_file m_registers;
};

} // namespace kpu::hw
