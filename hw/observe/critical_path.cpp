#include "hw/observe/critical_path.h"

namespace kpu::hw {

critical_path::critical_path(std::vector<path_engine> engines, time_source now)
    : m_known(std::move(engines)), m_now(std::move(now)), m_engines(m_known.size()) {}

/// The chain to `from`, and from there on until now in an engine of that kind.
critical_path::moment critical_path::later(const moment& from, iface::engine_kind kind, picoseconds now) {
    moment at = from;
    at.parts[index_of(kind)] += now - from.at;
    at.at = now;
    return at;
}

void critical_path::on_push(const command_ref& command, const iface::command_header& /*header*/, std::uint32_t queued) {
    engine_state& engine = m_engines.at(command.engine.value());
    engine.full = queued == m_known[command.engine.value()].queue_depth;
    m_doorbell = {m_now(), m_room.at > m_doorbell.at ? m_room.parts : m_doorbell.parts};
    engine.pushed.push_back(m_doorbell);
}

void critical_path::on_wait(const command_ref& command, const iface::wait_for& on) {
    m_engines.at(command.engine.value()).held_up_by = on.engine;
}

/// A start takes no time after its cause: what happened now, in the order in which it is certain. A command that was
/// held up was last held up by what completed now; one that was not starts with its doorbell or when its predecessor
/// lets it go.
critical_path::moment critical_path::cause_of_start(engine_state& engine, iface::engine_kind kind,
                                                    picoseconds now) const {
    if (engine.held_up_by) {
        const std::optional<moment>& done = m_engines.at(engine.held_up_by->value()).completed;
        if (done && done->at == now)
            return *done;
    }
    if (!engine.pushed.empty() && (engine.pushed.front().at == now || !engine.started))
        return {now, engine.pushed.front().parts};
    if (!engine.started)
        return {now, {}};
    return later(*engine.started, kind, now);
}

void critical_path::on_start(const command_ref& command, const iface::command_header& /*header*/) {
    engine_state& engine = m_engines.at(command.engine.value());
    engine.started = cause_of_start(engine, kind_of(command.engine), m_now());
    if (engine.full)
        m_room = *engine.started;
    engine.in_flight.push_back(*engine.started);
    engine.held_up_by.reset();
    if (!engine.pushed.empty())
        engine.pushed.pop_front();
}

void critical_path::on_complete(const command_ref& command) {
    engine_state& engine = m_engines.at(command.engine.value());
    if (engine.in_flight.empty())
        return;
    engine.completed = later(engine.in_flight.front(), kind_of(command.engine), m_now());
    engine.in_flight.pop_front();
    m_last = *engine.completed;
}

void critical_path::on_reset(engine_id engine) {
    m_engines.at(engine.value()) = {};
}

} // namespace kpu::hw
