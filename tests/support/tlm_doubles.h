#pragma once
// The two ends of a link, for test benches: an initiator that the test body drives, a target that does what the test
// says.

#include "hw/tlm/initiator.h"

#include <functional>
#include <systemc>
#include <tlm>
#include <tlm_utils/passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace kpu::test {

class test_initiator final : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<test_initiator> socket_i;
    hw::initiator access; ///< for well-formed accesses; use socket_i directly for others

    explicit test_initiator(sc_core::sc_module_name name) : sc_module(name), socket_i("socket_i"), access(socket_i) {}

    /// Each returns the delay in picoseconds, last byte; `status` and `first()` tell the rest.
    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
    std::uint64_t read(std::uint64_t where, std::vector<unsigned char>& into, std::uint64_t at = 0) {
        sc_core::sc_time delay = sc_core::sc_time::from_value(at);
        status = access.read(address(where), bytes(into.size()), into.data(), delay);
        return delay.value();
    }
    std::uint64_t write(std::uint64_t where, const std::vector<unsigned char>& from, std::uint64_t at = 0) {
        sc_core::sc_time delay = sc_core::sc_time::from_value(at);
        status = access.write(address(where), bytes(from.size()), from.data(), delay);
        return delay.value();
    }
    /// Of the last access, in picoseconds.
    [[nodiscard]] std::uint64_t first() const { return access.first().value(); }
};

/// Answers ok at once unless told otherwise.
class test_target final : public sc_core::sc_module {
  public:
    tlm_utils::passthrough_target_socket<test_target> socket_t;
    std::function<void(tlm::tlm_generic_payload&, sc_core::sc_time&)> transport =
        [](tlm::tlm_generic_payload& p, sc_core::sc_time&) { p.set_response_status(tlm::TLM_OK_RESPONSE); };
    std::function<unsigned int(tlm::tlm_generic_payload&)> debug = [](tlm::tlm_generic_payload& p) {
        return p.get_data_length();
    };
    std::uint64_t calls = 0;

    explicit test_target(sc_core::sc_module_name name) : sc_module(name), socket_t("socket_t") {
        socket_t.register_b_transport(this, &test_target::b_transport);
        socket_t.register_transport_dbg(this, &test_target::transport_dbg);
    }

  private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
        ++calls;
        transport(payload, delay);
    }
    unsigned int transport_dbg(tlm::tlm_generic_payload& payload) { return debug(payload); }
};

} // namespace kpu::test
