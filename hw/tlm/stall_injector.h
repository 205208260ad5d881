#pragma once
// A module to insert on any link: makes transactions finish later by random amounts. Results must not depend on it.

#include <cstdint>
#include <random>
#include <systemc>
#include <tlm>
#include <tlm_utils/passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>

namespace kpu::hw {

struct stall_params {
    std::uint64_t seed = 1;                        ///< the same seed gives the same stalls
    std::uint32_t per_thousand = 250;              ///< how many of 1000 transactions are stalled
    sc_core::sc_time longest{100, sc_core::SC_NS}; ///< each stall is uniform in [1 ps, longest]
};

/// Stalls are added on the way back, to delay and flow::first alike, so that requests still reach the target in order
/// of their time.
class stall_injector final : public sc_core::sc_module {
  public:
    tlm_utils::passthrough_target_socket<stall_injector> up_t; ///< towards the initiator
    tlm_utils::simple_initiator_socket<stall_injector> down_i; ///< towards the target

    stall_injector(sc_core::sc_module_name name, const stall_params& params);

    [[nodiscard]] std::uint64_t stalls() const { return m_stalls; }
    [[nodiscard]] const sc_core::sc_time& stalled() const { return m_stalled; }

  private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned int transport_dbg(tlm::tlm_generic_payload& payload);

    stall_params m_params;
    std::mt19937_64 m_random;
    std::uint64_t m_stalls = 0;
    sc_core::sc_time m_stalled;
};

} // namespace kpu::hw
