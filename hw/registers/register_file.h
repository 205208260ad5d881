#pragma once
// A register bank on a TLM socket. The owner registers b_transport and transport_dbg on its target socket; addresses
// are offsets within the block's window.

#include "hw/registers/register_bank.h"

#include <systemc>
#include <tlm>

namespace kpu::hw {

/// The bus carries whole, aligned 32-bit words, one or more per transaction. Anything else is refused and changes
/// nothing: size, alignment or streaming: TLM_BURST_ERROR_RESPONSE; a word that is not a register:
/// TLM_ADDRESS_ERROR_RESPONSE; byte enables: TLM_BYTE_ENABLE_ERROR_RESPONSE. Accesses take no time here: the bus master
/// accounts for them.
class register_file : public register_bank {
  public:
    using register_bank::register_bank;

    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    /// Reads without side effects. Debug writes are refused (0 bytes): a register that changes without its effect would
    /// lie.
    unsigned int transport_dbg(tlm::tlm_generic_payload& payload);

  private:
    register_status access(tlm::tlm_generic_payload& payload);
};

} // namespace kpu::hw
