#include "hw/tlm/protocol_monitor.h"

#include "hw/tlm/initiator.h"
#include "hw/tlm/time.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

namespace {

/// Eight bytes at a time: the monitor hashes every write twice.
std::uint64_t hash(const unsigned char* data, std::uint64_t length, std::uint64_t seed) {
    constexpr std::uint64_t k_prime = 0x9e3779b97f4a7c15ULL;
    std::uint64_t h = seed ^ (length * k_prime);
    const auto mix = [&h](std::uint64_t word) {
        h = (h ^ word) * k_prime;
        h ^= h >> 29;
    };
    for (; length >= 8; data += 8, length -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data, 8);
        mix(word);
    }
    std::uint64_t tail = 0;
    std::memcpy(&tail, data, length);
    mix(tail);
    return h;
}

std::string describe(const tlm::tlm_generic_payload& p) {
    static constexpr const char* k_commands[] = {"read", "write", "ignore"};
    return std::string(k_commands[std::min<int>(p.get_command(), 2)]) + " address " + std::to_string(p.get_address()) +
           " length " + std::to_string(p.get_data_length()) + " streaming " + std::to_string(p.get_streaming_width()) +
           " enables " + std::to_string(p.get_byte_enable_length()) + " dmi " + (p.is_dmi_allowed() ? "yes" : "no") +
           " status " + name_of(p.get_response_status());
}

bool called_from_method() {
    const sc_core::sc_process_handle self = sc_core::sc_get_current_process_handle();
    return self.valid() && self.proc_kind() == sc_core::SC_METHOD_PROC_;
}

} // namespace

protocol_monitor::protocol_monitor(sc_core::sc_module_name name) : sc_module(name), up_t("up_t"), down_i("down_i") {
    up_t.register_b_transport(this, &protocol_monitor::b_transport);
    up_t.register_transport_dbg(this, &protocol_monitor::transport_dbg);
}

void protocol_monitor::require(bool holds, const char* rule, const char* what,
                               const tlm::tlm_generic_payload& payload) {
    if (holds || std::find(m_disabled.begin(), m_disabled.end(), rule) != m_disabled.end())
        return;
    const std::string when = std::to_string(now_ps().value()) + " ps";
    m_violations.push_back({rule, std::string(name()) + " at " + when + ": " + what + " (" + describe(payload) + ")"});
    if (m_tell)
        m_tell(m_violations.back());
}

void protocol_monitor::check_arrays(const tlm::tlm_generic_payload& p) {
    const bool moves = p.get_command() != tlm::TLM_IGNORE_COMMAND;
    require(!moves || p.get_data_length() > 0, "/kpu/tlm/R02", "the data length is zero", p);
    require(!moves || p.get_data_length() == 0 || p.get_data_ptr() != nullptr, "/kpu/tlm/R01",
            "the data pointer is null", p);
}

void protocol_monitor::check_start(const tlm::tlm_generic_payload& p) {
    check_arrays(p);
    const unsigned char* enables = p.get_byte_enable_ptr();
    require(enables == nullptr || p.get_byte_enable_length() > 0, "/kpu/tlm/R03",
            "byte enables are given, their length is zero", p);
    require(p.get_streaming_width() > 0, "/kpu/tlm/R04", "the streaming width is zero", p);
    require(!p.is_dmi_allowed(), "/kpu/tlm/R05", "dmi_allowed is set at the start", p);
    require(p.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE, "/kpu/tlm/R06",
            "the response status is not INCOMPLETE at the start", p);
    require(p.get_gp_option() == tlm::TLM_MIN_PAYLOAD, "/kpu/tlm/R07", "gp_option is not TLM_MIN_PAYLOAD", p);
    require(!p.has_mm() || p.get_ref_count() > 0, "/kpu/tlm/R09", "a managed payload is not held by anyone", p);
    require(!called_from_method(), "/kpu/tlm/R24", "b_transport is called from an SC_METHOD", p);
    const bool whole = enables == nullptr ||
                       std::all_of(enables, enables + p.get_byte_enable_length(),
                                   [](unsigned char e) { return e == TLM_BYTE_ENABLED || e == TLM_BYTE_DISABLED; });
    require(whole, "/kpu/tlm/R35", "a byte enable is neither 0x00 nor 0xff", p);
}

protocol_monitor::snapshot protocol_monitor::remember(const tlm::tlm_generic_payload& p) {
    snapshot s{p.get_command(),
               p.get_data_ptr(),
               p.get_data_length(),
               p.get_streaming_width(),
               p.get_byte_enable_length(),
               p.get_byte_enable_ptr(),
               0,
               false,
               {},
               sc_core::sc_time_stamp()};
    if (p.is_write() && s.data != nullptr)
        s.content = hash(s.data, s.length, 0);
    if (s.enables != nullptr)
        s.content = hash(s.enables, s.enable_length, s.content);
    const flow* timing = nullptr;
    p.get_extension(timing);
    s.loan_accepted = timing != nullptr && timing->accept_loan;
    const origin* by = nullptr;
    p.get_extension(by);
    if (by != nullptr)
        s.by = *by;
    return s;
}

void protocol_monitor::check_unchanged(const snapshot& before, const tlm::tlm_generic_payload& p) {
    const bool same = before.command == p.get_command() && before.data == p.get_data_ptr() &&
                      before.length == p.get_data_length() && before.streaming == p.get_streaming_width() &&
                      before.enables == p.get_byte_enable_ptr() && before.enable_length == p.get_byte_enable_length();
    require(same, "/kpu/tlm/R13", "the target changed an attribute that belongs to the initiator", p);
    const snapshot after = remember(p);
    require(!same || before.content == after.content, "/kpu/tlm/R14", "the target changed write data or byte enables",
            p);
    const bool same_origin =
        before.by.engine == after.by.engine && before.by.command == after.by.command && before.by.tag == after.by.tag;
    require(same_origin, "/kpu/tlm/origin", "the origin extension was changed on the way", p);
}

void protocol_monitor::check_flow(const snapshot& before, const tlm::tlm_generic_payload& p,
                                  const sc_core::sc_time& delay) {
    const flow* timing = nullptr;
    p.get_extension(timing);
    if (timing == nullptr || !p.is_response_ok())
        return;
    require(timing->loan == nullptr || (before.loan_accepted && p.is_read()), "/kpu/tlm/loan",
            "the target lent its storage unasked", p);
    // `first` counts from the call, as the time of b_transport's return may be later.
    require(timing->first <= sc_core::sc_time_stamp() - before.at + delay, "/kpu/tlm/first",
            "the first beat comes after the last", p);
}

void protocol_monitor::count(const tlm::tlm_generic_payload& p) {
    m_traffic.reads += p.is_read() ? 1 : 0;
    m_traffic.writes += p.is_write() ? 1 : 0;
    m_traffic.ignores += p.is_read() || p.is_write() ? 0 : 1;
    m_traffic.errors += p.is_response_ok() ? 0 : 1;
    if (p.is_response_ok() && p.is_read())
        m_traffic.read_bytes += p.get_data_length();
    if (p.is_response_ok() && p.is_write())
        m_traffic.write_bytes += p.get_data_length();
}

void protocol_monitor::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    check_start(payload);
    const snapshot before = remember(payload);
    const sc_core::sc_time due = sc_core::sc_time_stamp() + delay;
    ++m_in_flight;
    down_i->b_transport(payload, delay);
    --m_in_flight;
    check_unchanged(before, payload);
    require(payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE, "/kpu/tlm/R31",
            "the response status is still INCOMPLETE", payload);
    require(sc_core::sc_time_stamp() + delay >= due, "/kpu/tlm/R41",
            "the transaction returns earlier than it was called", payload);
    check_flow(before, payload, delay);
    count(payload);
}

unsigned int protocol_monitor::transport_dbg(tlm::tlm_generic_payload& payload) {
    require(payload.get_data_length() == 0 || payload.get_data_ptr() != nullptr, "/kpu/tlm/R25",
            "a debug access has a null data pointer", payload);
    require(payload.get_gp_option() != tlm::TLM_FULL_PAYLOAD_ACCEPTED, "/kpu/tlm/R28",
            "a debug access arrives as FULL_PAYLOAD_ACCEPTED", payload);
    const bool initialised = (payload.get_byte_enable_ptr() == nullptr || payload.get_byte_enable_length() > 0) &&
                             !payload.is_dmi_allowed() && payload.get_streaming_width() > 0 &&
                             payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE;
    require(payload.get_gp_option() != tlm::TLM_FULL_PAYLOAD || initialised, "/kpu/tlm/R27",
            "a FULL_PAYLOAD debug access is not initialised", payload);
    const snapshot before = remember(payload);
    const unsigned int moved = down_i->transport_dbg(payload);
    check_unchanged(before, payload);
    require(moved <= payload.get_data_length(), "/kpu/tlm/R26", "a debug access moved more than was asked for",
            payload);
    require(sc_core::sc_time_stamp() == before.at, "/kpu/tlm/R37", "a debug access took time", payload);
    ++m_traffic.debugs;
    return moved;
}

} // namespace kpu::hw
