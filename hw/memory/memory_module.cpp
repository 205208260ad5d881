#include "hw/memory/memory_module.h"

#include "hw/tlm/time.h"

#include <algorithm>

namespace kpu::hw {

memory_module::memory_module(sc_core::sc_module_name name, bytes capacity, const placement& where)
    : sc_module(name), data_t("data_t"), m_name(this->name()), m_where(where), m_capacity(capacity),
      m_storage(std::make_shared<paged_storage>(capacity)) {
    data_t.register_b_transport(this, &memory_module::b_transport);
    data_t.register_transport_dbg(this, &memory_module::transport_dbg);
}

void memory_module::share(std::shared_ptr<paged_storage> whole) {
    m_storage = std::move(whole);
    m_spread = m_where.map;
}

tlm::tlm_response_status memory_module::check(const tlm::tlm_generic_payload& payload) const {
    const std::uint64_t length = payload.get_data_length();
    if (payload.get_byte_enable_ptr() != nullptr)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    if (length == 0 || payload.get_streaming_width() < length)
        return tlm::TLM_BURST_ERROR_RESPONSE;
    if (!fits(payload.get_address(), length, m_capacity.value()))
        return tlm::TLM_ADDRESS_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

template <class Access>
void memory_module::each_run(std::uint64_t local, std::uint64_t length, Access access) const {
    for (std::uint64_t done = 0; done < length;) {
        const std::uint64_t run = std::min(m_spread.run(local + done), length - done);
        access(m_spread.offset_of({m_where.unit, local + done}), done, run);
        done += run;
    }
}

void memory_module::read(std::uint64_t local, std::uint64_t length, unsigned char* into) const {
    each_run(local, length, [&](std::uint64_t offset, std::uint64_t done, std::uint64_t run) {
        m_storage->read(offset, run, into + done);
    });
}

void memory_module::write(std::uint64_t local, std::uint64_t length, const unsigned char* from) {
    each_run(local, length, [&](std::uint64_t offset, std::uint64_t done, std::uint64_t run) {
        m_storage->write(offset, run, from + done);
    });
}

const unsigned char* memory_module::loan(std::uint64_t local, std::uint64_t length) const {
    if (m_spread.run(local) < length)
        return nullptr;
    return m_storage->loan(m_spread.offset_of({m_where.unit, local}), length);
}

void memory_module::move(tlm::tlm_generic_payload& payload, flow* timing) {
    const std::uint64_t offset = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    if (payload.is_write()) {
        write(offset, length, payload.get_data_ptr());
        return;
    }
    if (timing != nullptr && timing->accept_loan) {
        timing->loan = loan(offset, length);
        if (timing->loan != nullptr)
            return;
    }
    read(offset, length, payload.get_data_ptr());
}

void memory_module::account(const tlm::tlm_generic_payload& payload, const grant& granted) {
    const bytes length(payload.get_data_length());
    if (payload.is_write()) {
        ++m_stats.writes;
        m_stats.write_bytes += length;
        m_stats.write_bus_bytes += granted.bus;
        m_stats.write_busy += granted.busy;
    } else {
        ++m_stats.reads;
        m_stats.read_bytes += length;
        m_stats.read_bus_bytes += granted.bus;
        m_stats.read_busy += granted.busy;
    }
    if (m_observer == nullptr)
        return;
    observer::memory_access access;
    const origin* by = nullptr;
    payload.get_extension(by);
    if (by != nullptr)
        access.by = {by->engine, by->command, by->tag};
    access.is_write = payload.is_write();
    access.where = m_where.global(payload.get_address());
    access.length = length;
    access.start = granted.start;
    access.end = granted.end;
    m_observer->on_access(m_name, access);
}

void memory_module::b_transport(int /*id*/, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const tlm::tlm_response_status status = check(payload);
    payload.set_response_status(status);
    if (status != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND)
        return;
    const picoseconds now = now_ps();
    const grant granted =
        reserve(payload.is_write(), payload.get_address(), bytes(payload.get_data_length()), now + to_ps(delay));
    flow* timing = nullptr;
    payload.get_extension(timing);
    if (m_keeps_data)
        move(payload, timing);
    const picoseconds last = granted.end + granted.latency;
    if (timing != nullptr)
        timing->first = to_time(std::min(granted.start + granted.latency + granted.beat, last) - now);
    delay = to_time(last - now);
    account(payload, granted);
}

unsigned int memory_module::transport_dbg(int /*id*/, tlm::tlm_generic_payload& payload) {
    const std::uint64_t offset = payload.get_address();
    const std::uint64_t capacity = m_capacity.value();
    if (offset >= capacity)
        return 0;
    const std::uint64_t length = std::min<std::uint64_t>(payload.get_data_length(), capacity - offset);
    if (payload.is_read())
        read(offset, length, payload.get_data_ptr());
    else if (!payload.is_write())
        return 0;
    else if (m_keeps_data)
        write(offset, length, payload.get_data_ptr());
    return static_cast<unsigned int>(length);
}

} // namespace kpu::hw
