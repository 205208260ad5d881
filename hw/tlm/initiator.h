#pragma once
// The initiator's end of a link: one payload with its extensions, reused for every access. An engine owns one per
// socket (or one per process that uses the socket); nothing is allocated after construction.

#include "hw/observe/observer.h"
#include "hw/tlm/extensions.h"

#include <systemc>
#include <tlm>

namespace kpu::hw {

class initiator {
  public:
    /// Any initiator socket of the base protocol, e.g. tlm_utils::simple_initiator_socket, owned by the module.
    explicit initiator(tlm::tlm_initiator_socket<>& socket);
    ~initiator();
    initiator(const initiator&) = delete;
    initiator& operator=(const initiator&) = delete;

    /// On whose behalf the following accesses are made.
    void act_for(const command_ref& who);

    // Accesses are b_transport calls from an SC_THREAD. `delay` is from now: the request's on entry (normally zero), on
    // return when the last byte has been delivered or accepted. The data has moved on return; time has not passed: the
    // caller waits.

    /// `into` holds `length` bytes.
    [[nodiscard]] tlm::tlm_response_status read(address where, bytes length, unsigned char* into,
                                                sc_core::sc_time& delay);
    /// As read, but the data may stay where it is: `data` becomes the target's own storage (valid until it is next
    /// written), or `into` where there was no loan. `into` must hold `length` bytes all the same.
    [[nodiscard]] tlm::tlm_response_status read_loan(address where, bytes length, unsigned char* into,
                                                     const unsigned char*& data, sc_core::sc_time& delay);
    [[nodiscard]] tlm::tlm_response_status write(address where, bytes length, const unsigned char* from,
                                                 sc_core::sc_time& delay);
    /// Of the last access: delay, from the time of the call, until its first beat was delivered or accepted. A target
    /// that does not know the flow extension delivers everything at the end.
    [[nodiscard]] sc_core::sc_time first() const { return m_first; }

    /// Without time and side effects; the number of bytes that the target moved.
    [[nodiscard]] bytes debug_read(address where, bytes length, unsigned char* into);
    [[nodiscard]] bytes debug_write(address where, bytes length, const unsigned char* from);

  private:
    void prepare(tlm::tlm_command command, address where, bytes length, unsigned char* data);
    tlm::tlm_response_status transport(sc_core::sc_time& delay);

    tlm::tlm_initiator_socket<>& m_socket;
    origin m_origin;
    flow m_flow;
    tlm::tlm_generic_payload m_payload;
    sc_core::sc_time m_first;
};

/// "address error", "burst error", … for messages.
[[nodiscard]] const char* name_of(tlm::tlm_response_status status);

} // namespace kpu::hw
