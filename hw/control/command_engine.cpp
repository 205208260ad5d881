#include "hw/control/command_engine.h"

#include "hw/tlm/time.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace kpu::hw {

using iface::fault;
using iface::perf_counter;
namespace reg = iface::engine_reg;

namespace {

/// The counter for time at the head of the queue in wait for an engine of this kind.
perf_counter stall_on(iface::engine_kind kind) {
    switch (kind) {
    case iface::engine_kind::dma:
        return perf_counter::stall_dma;
    case iface::engine_kind::block_mover:
        return perf_counter::stall_mover;
    case iface::engine_kind::streamer:
        return perf_counter::stall_streamer;
    case iface::engine_kind::array:
        return perf_counter::stall_array;
    case iface::engine_kind::vector:
        break;
    }
    return perf_counter::stall_vector;
}

} // namespace

command_engine::command_engine(sc_core::sc_module_name name, const engine_config& config)
    : sc_core::sc_module(name), control_t("control_t"), semaphores("semaphores"), irq("irq"), m_config(config),
      m_registers(iface::k_engine_registers, iface::k_engine_window), m_queue(config.queue_depth),
      m_activity(config.period) {
    if (config.queue_depth == 0)
        throw std::invalid_argument("a command engine needs a queue of at least one entry");
    bind_registers();
    control_t.register_b_transport(this, &command_engine::control_transport);
    control_t.register_transport_dbg(this, &command_engine::control_debug);
    SC_HAS_PROCESS(command_engine);
    SC_THREAD(issue_loop);
    SC_METHOD(drive_irq);
    sensitive << m_irq_change;
}

// ---- registers ----------------------------------------------------------------------------------------------------

void command_engine::bind_registers() {
    m_registers.on_sample(reg::id, [this](std::uint32_t) {
        return static_cast<std::uint32_t>(m_config.kind) | std::uint32_t{m_config.unit} << 8 |
               std::uint32_t{m_config.engine.value()} << 16;
    });
    m_registers.on_sample(reg::queue_depth, [this](std::uint32_t) { return m_config.queue_depth; });
    m_registers.on_sample(reg::capability, [this](std::uint32_t i) { return m_config.capabilities[i]; });
    m_registers.on_sample(reg::status, [this](std::uint32_t) { return status(); });
    m_registers.on_sample(reg::perf, [this](std::uint32_t i) {
        const std::uint64_t value = counter(static_cast<perf_counter>(i / 2));
        return static_cast<std::uint32_t>(i % 2 == 0 ? value : value >> 32);
    });
    m_registers.on_write(reg::doorbell, [this](const register_write& w) {
        if (w.pulses != 0)
            ring_doorbell();
    });
    m_registers.on_write(reg::control, [this](const register_write& w) {
        if (w.pulses != 0)
            reset();
    });
    m_registers.on_write(reg::irq_status, [this](const register_write&) { update_irq(); });
    m_registers.on_write(reg::irq_enable, [this](const register_write&) { update_irq(); });
}

void command_engine::control_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    m_registers.b_transport(payload, delay);
}

unsigned command_engine::control_debug(tlm::tlm_generic_payload& payload) {
    return m_registers.transport_dbg(payload);
}

std::uint32_t command_engine::status() const {
    const std::uint32_t free = m_config.queue_depth - queued();
    return std::min(free, 0xffffu) | (outstanding() ? 1u << 16 : 0u) | (halted() ? 1u << 17 : 0u) |
           (m_rejected ? 1u << 18 : 0u);
}

void command_engine::ring_doorbell() {
    m_rejected = queued() == m_config.queue_depth;
    if (m_rejected)
        return;
    command& next = m_queue.append();
    std::copy_n(m_registers.words(reg::descriptor), next.words.size(), next.words.begin());
    next.header = iface::decode_header(next.words);
    next.ref = {m_config.engine, ++m_pushed, next.header.tag};
    if (m_observer != nullptr)
        m_observer->on_push(next.ref, next.header, queued());
    if (m_resting)
        m_wake.notify(sc_core::SC_ZERO_TIME);
}

void command_engine::reset() {
    ++m_epoch;
    m_queue.clear();
    m_issued.clear();
    m_pushed = m_completed = 0;
    m_rejected = false;
    m_fault = fault::none;
    m_registers.reset();
    m_activity.reset(now_ps());
    m_drain_as = perf_counter::busy;
    semaphores->clear(m_config.engine);
    on_reset();
    if (m_observer != nullptr)
        m_observer->on_reset(m_config.engine);
    update_irq();
    m_wake.notify(sc_core::SC_ZERO_TIME);
}

// ---- the queue ----------------------------------------------------------------------------------------------------

void command_engine::issue_loop() {
    for (;;) {
        if (halted() || m_queue.empty()) {
            rest();
            m_resting = true;
            wait(m_wake);
            m_resting = false;
        } else {
            issue_head();
        }
    }
}

void command_engine::rest() {
    const bool draining = !halted() && !m_issued.empty();
    m_activity.enter(draining ? m_drain_as : perf_counter::idle, now_ps());
}

void command_engine::issue_head() {
    m_current = m_queue.front();
    const fault found = check(m_current);
    if (found != fault::none) {
        stop(m_current.ref, found);
        return;
    }
    if (!wait_for_all(m_current))
        return;
    take_head();
    if (m_current.header.op == iface::opcode::join) {
        complete_joins();
        return;
    }
    m_activity.enter(perf_counter::busy, now_ps());
    m_current_epoch = m_epoch;
    const fault refused = execute(m_current);
    if (refused != fault::none && m_current_epoch == m_epoch)
        stop(m_current.ref, refused);
}

fault command_engine::check(const command& head) const {
    const iface::opcode op = head.header.op;
    if (op != iface::opcode::join && !supports(op))
        return fault::bad_opcode;
    for (std::size_t w = 0; w < iface::k_waits; ++w) // the words, since an engine's number is narrower than its word
        if (head.words[3 + 2 * w] != 0 && head.words[2 + 2 * w] >= semaphores->engines())
            return fault::bad_wait;
    return fault::none;
}

/// False if the command at the head is no longer to be issued: the engine was reset, or an earlier command failed.
bool command_engine::wait_for_all(const command& head) {
    const std::uint32_t begun_in = m_epoch;
    for (const iface::wait_for& on : head.header.waits) {
        if (on.count == 0 || semaphores->value(on.engine) >= on.count)
            continue;
        m_activity.enter(stall_on(semaphores->kind_of(on.engine)), now_ps());
        if (m_observer != nullptr)
            m_observer->on_wait(head.ref, on);
        m_blocked = true;
        m_blocked_on = on;
        while (begun_in == m_epoch && !halted() && semaphores->value(on.engine) < on.count) {
            semaphores->wake_at(on.engine, on.count, m_wake);
            wait(m_wake);
        }
        m_blocked = false;
        if (begun_in != m_epoch || halted())
            return false;
    }
    return true;
}

void command_engine::take_head() {
    m_queue.pop();
    const bool is_join = m_current.header.op == iface::opcode::join;
    m_issued.push({m_current.ref, m_current.header.interrupt, is_join});
    if (queued() == m_registers.get(reg::irq_watermark))
        raise(reg::irq_queue_low);
    if (m_observer != nullptr)
        m_observer->on_start(m_current.ref, m_current.header);
}

void command_engine::finish(const command_ref& c) {
    if (halted() && c.number >= m_faulty.number)
        return;
    if (m_issued.empty() || m_issued.front().ref.number != c.number)
        throw std::logic_error(std::string(name()) + ": command " + std::to_string(c.number) +
                               " finished out of order");
    complete_front();
    complete_joins();
}

void command_engine::complete_joins() {
    while (!m_issued.empty() && m_issued.front().completes_in_turn)
        complete_front();
}

void command_engine::complete_front() {
    const issued done = m_issued.front();
    m_issued.pop();
    ++m_completed;
    count(perf_counter::commands, 1);
    if (m_observer != nullptr)
        m_observer->on_complete(done.ref);
    semaphores->signal(m_config.engine);
    raise((done.interrupt ? reg::irq_command : 0u) | (outstanding() ? 0u : reg::irq_idle));
    if (m_resting && m_issued.empty())
        m_activity.enter(perf_counter::idle, now_ps());
}

void command_engine::raise_fault(const command_ref& c, fault cause) {
    stop(c, cause);
}

/// Faults may be found out of order, since commands overlap: the registers name the earliest faulty command.
void command_engine::stop(const command_ref& c, fault cause) {
    if (halted() && m_faulty.number <= c.number)
        return;
    m_fault = cause;
    m_faulty = c;
    m_registers.set(reg::error_cause, static_cast<std::uint32_t>(cause));
    m_registers.set(reg::error_command, c.number);
    m_registers.set(reg::error_tag, c.tag);
    if (m_observer != nullptr)
        m_observer->on_fault(c, cause);
    raise(reg::irq_error);
    if (m_resting)
        m_activity.enter(perf_counter::idle, now_ps());
    else
        m_wake.notify(sc_core::SC_ZERO_TIME);
}

// ---- interrupts, counters, queries --------------------------------------------------------------------------------

void command_engine::raise(std::uint32_t irq_bits) {
    if (irq_bits == 0)
        return;
    m_registers.set(reg::irq_status, m_registers.get(reg::irq_status) | irq_bits);
    update_irq();
}

void command_engine::update_irq() {
    const bool level = (m_registers.get(reg::irq_status) & m_registers.get(reg::irq_enable)) != 0;
    if (level == m_irq_level)
        return;
    m_irq_level = level;
    m_irq_change.notify(sc_core::SC_ZERO_TIME);
}

void command_engine::drive_irq() {
    irq.write(m_irq_level);
}

void command_engine::account(perf_counter what, sc_core::sc_time spent) {
    if (m_current_epoch == m_epoch)
        m_activity.credit(what, to_ps(spent));
}

void command_engine::count_as(perf_counter what) {
    if (m_current_epoch == m_epoch)
        m_activity.enter(what, now_ps());
}

void command_engine::drain_as(perf_counter what) {
    const bool draining = m_resting && !halted() && !m_issued.empty();
    if (draining && what != m_drain_as)
        m_activity.enter(what, now_ps());
    m_drain_as = what;
}

sc_core::sc_time command_engine::in_cycles(std::uint64_t n) const {
    return to_time(m_config.period * n);
}

std::uint64_t command_engine::counter(perf_counter which) const {
    return m_activity.read(which, now_ps());
}

bool command_engine::outstanding() const {
    return m_completed != m_pushed;
}

bool command_engine::blocked(blockage& where) const {
    if (!m_blocked)
        return false;
    where = {m_queue.front().ref, m_blocked_on};
    return true;
}

} // namespace kpu::hw
