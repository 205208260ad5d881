#include "hw/interconnect/crossbar.h"

#include "hw/tlm/time.h"

#include <algorithm>
#include <cstring>

namespace kpu::hw {

struct crossbar::piece {
    origin by;
    flow timing;
    tlm::tlm_generic_payload payload;
    piece() {
        payload.set_extension(&by);
        payload.set_extension(&timing);
    }
    ~piece() {
        // The payload would delete extensions that it still holds; these are members.
        payload.clear_extension(&by);
        payload.clear_extension(&timing);
    }
    piece(const piece&) = delete;
    piece& operator=(const piece&) = delete;
    void prepare(const tlm::tlm_generic_payload& whole, std::uint64_t done, std::uint64_t length, bool accept_loan) {
        const origin* who = nullptr;
        whole.get_extension(who);
        by = who != nullptr ? *who : origin();
        timing.first = sc_core::SC_ZERO_TIME;
        timing.accept_loan = accept_loan;
        timing.loan = nullptr;
        payload.set_command(whole.get_command());
        payload.set_data_ptr(whole.get_data_ptr() + done);
        payload.set_data_length(static_cast<unsigned int>(length));
        payload.set_streaming_width(static_cast<unsigned int>(length));
        payload.set_dmi_allowed(false);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    }
};

namespace {

/// What the pieces of a read lend. Loans that follow each other in the host's memory are one loan; if one does not
/// follow, all are copied after all.
class joined_loan {
  public:
    joined_loan(const flow* whole, unsigned char* into)
        : m_into(into), m_joining(whole != nullptr && whole->accept_loan) {}

    /// Whether a piece may still lend.
    [[nodiscard]] bool accepts() const { return m_joining; }
    /// The next piece is at `lent`, or null if it has been copied; `done` bytes came before it.
    void add(const unsigned char* lent, std::uint64_t done, std::uint64_t length) {
        if (!m_joining)
            return;
        if (done == 0)
            m_first = lent;
        m_joining = lent != nullptr && lent == m_first + done;
        if (m_joining)
            return;
        if (done != 0)
            std::memcpy(m_into, m_first, done);
        if (lent != nullptr)
            std::memcpy(m_into + done, lent, length);
    }
    [[nodiscard]] const unsigned char* get() const { return m_joining ? m_first : nullptr; }

  private:
    unsigned char* m_into;
    const unsigned char* m_first = nullptr;
    bool m_joining;
};

} // namespace

crossbar::crossbar(sc_core::sc_module_name name, const platform::crossbar_params& params, picoseconds period,
                   std::uint32_t initiators, route_table routes)
    : sc_module(name), from_t("from_t", initiators), to_i("to_i", routes.targets()), m_routes(std::move(routes)),
      m_rate(transfer_rate::clocked(params.port_width, period)), m_hop(period * params.hop_latency.value()),
      m_initiators(initiators), m_targets(m_routes.targets()) {
    for (std::uint32_t i = 0; i < initiators; ++i) {
        from_t[i].register_b_transport(this, &crossbar::b_transport, static_cast<int>(i));
        from_t[i].register_transport_dbg(this, &crossbar::transport_dbg, static_cast<int>(i));
    }
}

crossbar::~crossbar() = default;

void crossbar::count_out_of_order(picoseconds request) {
    if (m_out_of_order++ == 0)
        SC_REPORT_WARNING("/kpu/interconnect/order",
                          (std::string(name()) + ": a request arrives " +
                           std::to_string((m_latest_request - request).value()) +
                           " ps before one that was served already; initiators must not run ahead by different delays")
                              .c_str());
}

void crossbar::b_transport(int id, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t where = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    const route* by = m_routes.find(where, length);
    if (by == nullptr) {
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return;
    }
    access to;
    to.initiator = static_cast<std::uint32_t>(id);
    to.called = now_ps();
    to.request = to.called + to_ps(delay);
    if (to.request < m_latest_request)
        count_out_of_order(to.request);
    else
        m_latest_request = to.request;
    const std::uint64_t offset = where - by->range.base.value();
    if (by->map.run(offset) < length) {
        transport_split(*by, to, payload, delay);
        return;
    }
    const interleave::place at = by->map.locate(offset);
    to.target = by->first_target + at.unit;
    to.local = at.local;
    flow* timing = nullptr;
    payload.get_extension(timing);
    forward(to, payload, timing, delay);
    payload.set_address(where);
}

void crossbar::transport_split(const route& by, access to, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t length = payload.get_data_length();
    if (payload.get_byte_enable_ptr() != nullptr) {
        payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        return;
    }
    if (payload.get_streaming_width() < length) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return;
    }
    const std::uint64_t offset = payload.get_address() - by.range.base.value();
    std::unique_ptr<piece> part = take_piece();
    flow* timing = nullptr;
    payload.get_extension(timing);
    joined_loan lent(timing, payload.get_data_ptr());
    sc_core::sc_time first;
    sc_core::sc_time last;
    tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
    for (std::uint64_t done = 0; done < length && status == tlm::TLM_OK_RESPONSE;) {
        const std::uint64_t run = std::min(by.map.run(offset + done), length - done);
        const interleave::place at = by.map.locate(offset + done);
        to.target = by.first_target + at.unit;
        to.local = at.local;
        part->prepare(payload, done, run, lent.accepts());
        sc_core::sc_time end = delay;
        forward(to, part->payload, &part->timing, end);
        if (done == 0)
            first = part->timing.first;
        last = std::max(last, end);
        lent.add(part->timing.loan, done, run);
        status = part->payload.get_response_status();
        done += run;
    }
    if (timing != nullptr) {
        timing->first = first;
        timing->loan = lent.get();
    }
    delay = last;
    payload.set_response_status(status);
    m_pieces.push_back(std::move(part));
}

std::unique_ptr<crossbar::piece> crossbar::take_piece() {
    // More than one is out only if a target waits and another initiator's transaction arrives meanwhile.
    if (m_pieces.empty())
        return std::make_unique<piece>();
    std::unique_ptr<piece> part = std::move(m_pieces.back());
    m_pieces.pop_back();
    return part;
}

void crossbar::forward(access& to, tlm::tlm_generic_payload& payload, flow* timing, sc_core::sc_time& delay) {
    payload.set_address(to.local);
    const passage when = payload.is_write() ? write(to, payload, timing) : read(to, payload, timing);
    if (!payload.is_response_ok())
        return;
    delay = to_time(std::max(when.last, to.returned) - to.returned);
    if (timing != nullptr)
        timing->first = to_time(when.first - to.called);
    const bytes length(payload.get_data_length());
    for (crossbar_port* port : {&m_initiators[to.initiator], &m_targets[to.target]}) {
        ++port->transactions;
        (payload.is_write() ? port->write_bytes : port->read_bytes) += length;
    }
}

crossbar::passage crossbar::pass(rate_server& server, passage in, picoseconds duration) const {
    // Fluid: data may enter as soon as its first beat is there, occupies the port for its own duration, and does not
    // leave before its last beat has come.
    const picoseconds available = in.first > m_rate.beat() ? in.first - m_rate.beat() : picoseconds(0);
    const picoseconds start = server.reserve(available, duration);
    return {start + m_rate.beat(), std::max(start + duration, in.last)};
}

crossbar::passage crossbar::call(access& to, picoseconds request, tlm::tlm_generic_payload& payload, flow* timing) {
    sc_core::sc_time delay = to_time(request - to.called);
    to_i[to.target]->b_transport(payload, delay);
    to.returned = now_ps();
    const picoseconds last = to.returned + to_ps(delay);
    const bool known = timing != nullptr && timing->first != sc_core::SC_ZERO_TIME;
    return {known ? to.called + to_ps(timing->first) : last, last};
}

crossbar::passage crossbar::read(access& to, tlm::tlm_generic_payload& payload, flow* timing) {
    passage data = call(to, to.request + m_hop, payload, timing);
    if (!payload.is_response_ok())
        return data;
    const picoseconds duration = m_rate.duration(bytes(payload.get_data_length()));
    data = pass(m_targets[to.target].read, data, duration);
    return pass(m_initiators[to.initiator].read, {data.first + m_hop, data.last + m_hop}, duration);
}

crossbar::passage crossbar::write(access& to, tlm::tlm_generic_payload& payload, flow* timing) {
    const picoseconds duration = m_rate.duration(bytes(payload.get_data_length()));
    const picoseconds beat = m_rate.beat();
    const passage sent = pass(m_initiators[to.initiator].write, {to.request + beat, to.request + duration}, duration);
    const passage arrived = pass(m_targets[to.target].write, {sent.first + m_hop, sent.last + m_hop}, duration);
    const passage stored = call(to, arrived.first - beat, payload, timing);
    // Data that arrives more slowly than the memory can take it is stored as it comes.
    return {stored.first, std::max(stored.last, stored.first + (arrived.last - arrived.first))};
}

unsigned int crossbar::transport_dbg(int /*id*/, tlm::tlm_generic_payload& payload) {
    const std::uint64_t where = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    const route* by = m_routes.find(where, length);
    if (by == nullptr)
        return 0;
    const std::uint64_t offset = where - by->range.base.value();
    std::unique_ptr<piece> part = take_piece();
    std::uint64_t done = 0;
    while (done < length) {
        const std::uint64_t run = std::min(by->map.run(offset + done), length - done);
        const interleave::place at = by->map.locate(offset + done);
        part->prepare(payload, done, run, false);
        part->payload.set_address(at.local);
        const unsigned int moved = to_i[by->first_target + at.unit]->transport_dbg(part->payload);
        done += moved;
        if (moved < run)
            break;
    }
    m_pieces.push_back(std::move(part));
    return static_cast<unsigned int>(done);
}

} // namespace kpu::hw
