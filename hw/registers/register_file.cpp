#include "hw/registers/register_file.h"

#include <cstring>

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
    const std::uint64_t offset = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    if (payload.get_byte_enable_ptr() != nullptr) {
        payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        return;
    }
    register_status status = check(offset, length);
    if (payload.get_streaming_width() < length)
        status = register_status::bad_burst;
    if (status == register_status::ok && payload.get_command() != tlm::TLM_IGNORE_COMMAND) {
        // A hook may run code that accesses this block again: the burst is moved out for the time of the call.
        std::vector<std::uint32_t> burst = std::move(m_burst);
        burst.resize(length / 4);
        if (payload.is_write()) {
            std::memcpy(burst.data(), payload.get_data_ptr(), length);
            status = write(offset, length, burst.data());
        } else {
            status = read(offset, length, burst.data());
            std::memcpy(payload.get_data_ptr(), burst.data(), length);
        }
        m_burst = std::move(burst);
    }
    payload.set_response_status(response_of(status));
}

unsigned int register_file::transport_dbg(tlm::tlm_generic_payload& payload) {
    const std::uint64_t length = payload.get_data_length();
    if (!payload.is_read() || check(payload.get_address(), length) != register_status::ok)
        return 0;
    std::vector<std::uint32_t> words(length / 4);
    read(payload.get_address(), length, words.data());
    std::memcpy(payload.get_data_ptr(), words.data(), length);
    return static_cast<unsigned int>(length);
}

} // namespace kpu::hw
