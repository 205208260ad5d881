#pragma once
// Connects n initiators with the memory units of a route table. Splits what crosses units, reserves ports, adds hops.

#include "hw/interconnect/route_table.h"
#include "hw/memory/port_schedule.h"
#include "hw/tlm/extensions.h"

#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::hw {

/// One side of the crossbar at one socket: a read channel and a write channel, each `port_width` bytes per period.
struct crossbar_port {
    rate_server read, write;
    std::uint64_t transactions = 0;
    bytes read_bytes, write_bytes;
};

/// Timing and limits: hw/interconnect/README.md. Addresses towards the targets are offsets within the unit; the
/// initiator's payload has its own address again on return. b_transport does not wait and allocates nothing once its
/// pool of pieces has grown.
class crossbar final : public sc_core::sc_module {
  public:
    sc_core::sc_vector<tlm_utils::passthrough_target_socket_tagged<crossbar>> from_t; ///< one per initiator
    sc_core::sc_vector<tlm_utils::simple_initiator_socket<crossbar>> to_i; ///< one per target, as numbered by the table

    crossbar(sc_core::sc_module_name name, const platform::crossbar_params& params, picoseconds period,
             std::uint32_t initiators, route_table routes);
    ~crossbar() override;

    [[nodiscard]] const crossbar_port& initiator_port(std::uint32_t i) const { return m_initiators.at(i); }
    [[nodiscard]] const crossbar_port& target_port(std::uint32_t t) const { return m_targets.at(t); }
    /// Requests whose effective time (now + delay) lay before that of an earlier request: reservations are then not in
    /// order of age. The first one is also reported as warning /kpu/interconnect/order.
    [[nodiscard]] std::uint64_t out_of_order() const { return m_out_of_order; }
    [[nodiscard]] const route_table& routes() const { return m_routes; }

  private:
    struct piece; ///< a payload of the crossbar's own, for a part of a transaction that crosses units

    /// When data passes a point: its first beat is complete at `first`, its last at `last`. Absolute.
    struct passage {
        picoseconds first, last;
    };
    /// One transaction that lies within one unit.
    struct access {
        std::uint32_t initiator = 0;
        std::uint32_t target = 0;
        std::uint64_t local = 0;
        picoseconds called;   ///< simulated time of the initiator's call
        picoseconds request;  ///< called plus the delay that came with it
        picoseconds returned; ///< simulated time after the target's return: `called`, unless the target waits
    };

    void b_transport(int id, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    unsigned int transport_dbg(int id, tlm::tlm_generic_payload& payload);
    void transport_split(const route& by, access to, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void forward(access& to, tlm::tlm_generic_payload& payload, flow* timing, sc_core::sc_time& delay);
    passage pass(rate_server& server, passage in, picoseconds duration) const;
    passage read(access& to, tlm::tlm_generic_payload& payload, flow* timing);
    passage write(access& to, tlm::tlm_generic_payload& payload, flow* timing);
    passage call(access& to, picoseconds request, tlm::tlm_generic_payload& payload, flow* timing);
    void count_out_of_order(picoseconds request);
    std::unique_ptr<piece> take_piece();

    route_table m_routes;
    transfer_rate m_rate;
    picoseconds m_hop;
    std::vector<crossbar_port> m_initiators;
    std::vector<crossbar_port> m_targets;
    std::vector<std::unique_ptr<piece>> m_pieces; ///< not in use
    picoseconds m_latest_request;
    std::uint64_t m_out_of_order = 0;
};

} // namespace kpu::hw
