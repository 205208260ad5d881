#pragma once
// The debug back door: reads and writes memories by address, without time, through the crossbars.

#include "hw/tlm/initiator.h"
#include "platforms/platform.h"

#include <memory>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::hw {

class host_port final : public sc_core::sc_module {
  public:
    /// One socket per range, to be bound to the crossbar that routes it.
    sc_core::sc_vector<tlm_utils::simple_initiator_socket<host_port>> memory_i;

    host_port(sc_core::sc_module_name name, std::vector<platform::address_range> ranges);

    /// From elaboration's end on. [where, where + length) must lie within one range: std::out_of_range otherwise.
    void poke(address where, const void* from, bytes length);
    void peek(address where, void* into, bytes length);

  private:
    template <class Access>
    void each_piece(address where, bytes length, Access access);

    std::vector<platform::address_range> m_ranges;
    std::vector<std::unique_ptr<initiator>> m_initiators;
};

} // namespace kpu::hw
