#pragma once
// A module to insert on any link: checks the rules of the TLM-2.0 base protocol (IEEE 1666-2011, clauses 11, 14, 15)
// that apply to b_transport and transport_dbg, and this project's own for the flow extension. Adds no time.

#include "hw/tlm/extensions.h"

#include <array>
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::hw {

/// A broken rule, with who, when and the whole transaction in the message.
struct protocol_violation {
    std::string rule; ///< /kpu/tlm/R..; the table is in hw/tlm/README.md
    std::string message;
};

class protocol_monitor final : public sc_core::sc_module {
  public:
    tlm_utils::passthrough_target_socket<protocol_monitor> up_t; ///< towards the initiator
    tlm_utils::simple_initiator_socket<protocol_monitor> down_i; ///< towards the target

    explicit protocol_monitor(sc_core::sc_module_name name);

    /// All violations so far, in order.
    [[nodiscard]] const std::vector<protocol_violation>& violations() const { return m_violations; }
    /// Called at once for every violation, besides keeping it.
    void on_violation(std::function<void(const protocol_violation&)> tell) { m_tell = std::move(tell); }
    /// A rule that is not checked on this link.
    void disable(const std::string& rule) { m_disabled.push_back(rule); }

    /// What passed: started transactions have all returned when in_flight() is zero.
    struct traffic {
        std::uint64_t reads = 0, writes = 0, ignores = 0, errors = 0, debugs = 0;
        std::uint64_t read_bytes = 0, write_bytes = 0; ///< of transactions with TLM_OK_RESPONSE
    };
    [[nodiscard]] const traffic& passed() const { return m_traffic; }
    [[nodiscard]] std::uint64_t in_flight() const { return m_in_flight; }

  private:
    /// What must be the same when the transaction comes back.
    struct snapshot {
        tlm::tlm_command command;
        const unsigned char* data;
        unsigned int length, streaming, enable_length;
        const unsigned char* enables;
        std::uint64_t content; ///< hash of write data and byte enables
        bool loan_accepted;
        origin by;
        sc_core::sc_time at;
    };

    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned int transport_dbg(tlm::tlm_generic_payload& payload);
    void check_start(const tlm::tlm_generic_payload& payload);
    void check_arrays(const tlm::tlm_generic_payload& payload);
    void check_unchanged(const snapshot& before, const tlm::tlm_generic_payload& payload);
    void check_flow(const snapshot& before, const tlm::tlm_generic_payload& payload, const sc_core::sc_time& delay);
    void count(const tlm::tlm_generic_payload& payload);
    [[nodiscard]] static snapshot remember(const tlm::tlm_generic_payload& payload);
    /// Records a violation unless `holds`.
    void require(bool holds, const char* rule, const char* what, const tlm::tlm_generic_payload& payload);

    std::vector<protocol_violation> m_violations;
    std::vector<std::string> m_disabled;
    std::function<void(const protocol_violation&)> m_tell;
    traffic m_traffic;
    std::uint64_t m_in_flight = 0;
};

} // namespace kpu::hw
