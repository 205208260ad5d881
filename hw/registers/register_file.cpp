#include "hw/registers/register_file.h"

namespace kpu::hw {

namespace {

tlm::tlm_response_status response_of(register_status status) {
    switch (status) {
    case register_status::ok:
        return tlm::TLM_OK_RESPONSE;
    case register_status::unmapped:
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    case register_status::bad_burst:
        break;
    }
    return tlm::TLM_BURST_ERROR_RESPONSE;
}

} // namespace

void register_file::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
    if (payload.get_byte_enable_ptr() != nullptr) {
        payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        return;
    }
    payload.set_response_status(response_of(access(payload)));
}

register_status register_file::access(tlm::tlm_generic_payload& payload) {
    const std::uint64_t offset = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    if (payload.get_streaming_width() < length)
        return register_status::bad_burst;
    if (payload.is_write())
        return write(offset, length, payload.get_data_ptr());
    return payload.is_read() ? read(offset, length, payload.get_data_ptr()) : check(offset, length);
}

unsigned int register_file::transport_dbg(tlm::tlm_generic_payload& payload) {
    const std::uint64_t length = payload.get_data_length();
    if (!payload.is_read() || check(payload.get_address(), length) != register_status::ok)
        return 0;
    read(payload.get_address(), length, payload.get_data_ptr());
    return static_cast<unsigned int>(length);
}

} // namespace kpu::hw
