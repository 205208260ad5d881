#pragma once
// Routes register accesses to the system window and the engines' windows.

#include "hw/interface/registers.h"

#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>

namespace kpu::hw {

/// [0, system_reg::window) is the system window, engine_base(e) + [0, k_engine_window) engine e's; see
/// hw/interface/registers.h. Targets get offsets within their window. A transaction that does not lie within one
/// window, or lies in none, gets TLM_ADDRESS_ERROR_RESPONSE. No time passes here: the management core accounts for its
/// accesses.
class control_bus final : public sc_core::sc_module {
  public:
    tlm_utils::multi_passthrough_target_socket<control_bus> from_t; ///< management core, host port
    tlm_utils::simple_initiator_socket<control_bus> system_i;
    sc_core::sc_vector<tlm_utils::simple_initiator_socket<control_bus>> engine_i; ///< by engine id

    control_bus(sc_core::sc_module_name name, std::uint32_t engines);

    /// Accesses forwarded, and accesses refused here.
    [[nodiscard]] std::uint64_t accesses() const { return m_accesses; }
    [[nodiscard]] std::uint64_t refused() const { return m_refused; }

  private:
    /// A window and the offset in it; null where the access lies in none.
    struct place {
        tlm_utils::simple_initiator_socket<control_bus>* window = nullptr;
        std::uint64_t offset = 0;
    };
    [[nodiscard]] place locate(const tlm::tlm_generic_payload& payload);
    void b_transport(int id, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned int transport_dbg(int id, tlm::tlm_generic_payload& payload);

    std::uint64_t m_accesses = 0;
    std::uint64_t m_refused = 0;
};

} // namespace kpu::hw
