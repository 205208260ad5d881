#include "hw/tlm/initiator.h"

namespace kpu::hw {

initiator::initiator(tlm::tlm_initiator_socket<>& socket) : m_socket(socket) {
    m_payload.set_extension(&m_origin);
    m_payload.set_extension(&m_flow);
}

initiator::~initiator() {
    // The payload would delete extensions that it still holds; these are members.
    m_payload.clear_extension(&m_origin);
    m_payload.clear_extension(&m_flow);
}

void initiator::act_for(const command_ref& who) {
    m_origin.engine = who.engine;
    m_origin.command = who.number;
    m_origin.tag = who.tag;
}

void initiator::prepare(tlm::tlm_command command, address where, bytes length, unsigned char* data) {
    m_payload.set_command(command);
    m_payload.set_address(where.value());
    m_payload.set_data_ptr(data);
    m_payload.set_data_length(static_cast<unsigned int>(length.value()));
    m_payload.set_streaming_width(static_cast<unsigned int>(length.value()));
    m_payload.set_byte_enable_ptr(nullptr);
    m_payload.set_dmi_allowed(false);
    m_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    m_flow.first = sc_core::SC_ZERO_TIME;
    m_flow.accept_loan = false;
    m_flow.loan = nullptr;
}

tlm::tlm_response_status initiator::transport(sc_core::sc_time& delay) {
    m_socket->b_transport(m_payload, delay);
    m_first = m_flow.first == sc_core::SC_ZERO_TIME ? delay : m_flow.first;
    return m_payload.get_response_status();
}

tlm::tlm_response_status initiator::read(address where, bytes length, unsigned char* into, sc_core::sc_time& delay) {
    prepare(tlm::TLM_READ_COMMAND, where, length, into);
    return transport(delay);
}

tlm::tlm_response_status initiator::read_loan(address where, bytes length, unsigned char* into,
                                              const unsigned char*& data, sc_core::sc_time& delay) {
    prepare(tlm::TLM_READ_COMMAND, where, length, into);
    m_flow.accept_loan = true;
    const tlm::tlm_response_status status = transport(delay);
    data = m_flow.loan != nullptr ? m_flow.loan : into;
    return status;
}

tlm::tlm_response_status initiator::write(address where, bytes length, const unsigned char* from,
                                          sc_core::sc_time& delay) {
    // The generic payload has one pointer for both directions; targets do not write through it on a write (rule R14).
    prepare(tlm::TLM_WRITE_COMMAND, where, length, const_cast<unsigned char*>(from));
    return transport(delay);
}

bytes initiator::debug_read(address where, bytes length, unsigned char* into) {
    prepare(tlm::TLM_READ_COMMAND, where, length, into);
    return bytes(m_socket->transport_dbg(m_payload));
}

bytes initiator::debug_write(address where, bytes length, const unsigned char* from) {
    prepare(tlm::TLM_WRITE_COMMAND, where, length, const_cast<unsigned char*>(from));
    return bytes(m_socket->transport_dbg(m_payload));
}

const char* name_of(tlm::tlm_response_status status) {
    switch (status) {
    case tlm::TLM_OK_RESPONSE:
        return "ok";
    case tlm::TLM_INCOMPLETE_RESPONSE:
        return "incomplete";
    case tlm::TLM_GENERIC_ERROR_RESPONSE:
        return "generic error";
    case tlm::TLM_ADDRESS_ERROR_RESPONSE:
        return "address error";
    case tlm::TLM_COMMAND_ERROR_RESPONSE:
        return "command error";
    case tlm::TLM_BURST_ERROR_RESPONSE:
        return "burst error";
    case tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE:
        break;
    }
    return "byte enable error";
}

} // namespace kpu::hw
