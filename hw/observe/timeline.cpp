#include "hw/observe/timeline.h"

#include <algorithm>

namespace kpu::hw {

namespace {

constexpr std::string_view k_engines = "engines", k_ports = "memory ports", k_queues = "queues";

/// Tracks of one engine or port lie together.
std::uint32_t order_of(std::size_t owner, std::size_t lane) {
    constexpr std::size_t k_lanes = 1024;
    return static_cast<std::uint32_t>(owner * k_lanes + lane);
}

std::string_view name_of(iface::opcode op) {
    switch (op) {
    case iface::opcode::join:
        return "join";
    case iface::opcode::copy:
        return "copy";
    case iface::opcode::fold:
        return "fold";
    case iface::opcode::vector:
        return "vector";
    case iface::opcode::fill:
        return "fill";
    case iface::opcode::gather:
        return "gather";
    }
    return "unknown operation";
}

std::string lane_name(const std::string& owner, std::size_t lane) {
    return lane == 0 ? owner : owner + " +" + std::to_string(lane);
}

bool same_command(const command_ref& a, const command_ref& b) {
    return a.engine == b.engine && a.number == b.number;
}

} // namespace

timeline::timeline(observed_names names, time_source now, trace::event_sink& to, timeline_options options)
    : m_names(std::move(names)), m_now(std::move(now)), m_to(to), m_options(options),
      m_engines(m_names.engines.size()) {
    for (std::uint32_t e = 0; e < m_engines.size(); ++e)
        m_engines[e].lanes.push_back({m_to.add_track(k_engines, m_names.engines[e], order_of(e, 0)), false});
    for (std::uint32_t e = 0; options.counters && e < m_engines.size(); ++e)
        m_engines[e].counter = m_to.add_track(k_queues, m_names.engines[e] + " queue", e);
}

std::size_t timeline::open_lane(std::uint16_t engine) {
    std::vector<lane>& lanes = m_engines[engine].lanes;
    std::size_t i = 0;
    while (i < lanes.size() && lanes[i].open)
        ++i;
    if (i == lanes.size()) {
        lanes.push_back({m_to.add_track(k_engines, lane_name(m_names.engines[engine], i), order_of(engine, i)), false});
    }
    lanes[i].open = true;
    return i;
}

void timeline::sample_queue(std::uint16_t engine, picoseconds now) {
    const engine_state& e = m_engines[engine];
    if (e.counter)
        m_to.add(trace::sample{*e.counter, now, e.queued});
}

void timeline::on_push(const command_ref& command, const iface::command_header&, std::uint32_t) {
    ++m_engines.at(command.engine.value()).queued;
    sample_queue(command.engine.value(), m_now());
}

void timeline::on_wait(const command_ref& command, const iface::wait_for& on) {
    const picoseconds now = m_now();
    const std::uint16_t engine = command.engine.value();
    end_wait(engine, now); // the same command goes on to its next wait
    engine_state& e = m_engines.at(engine);
    e.wait = waiting{command, on, open_lane(engine), now};
}

void timeline::end_wait(std::uint16_t engine, picoseconds now) {
    engine_state& e = m_engines.at(engine);
    if (!e.wait)
        return;
    const waiting w = *e.wait;
    e.wait.reset();
    e.lanes[w.lane].open = false;
    if (now == w.start)
        return;
    const std::string on = w.on.engine.value() < m_names.engines.size() ? m_names.engines[w.on.engine.value()] : "?";
    const std::string name = "wait for " + on;
    m_span.track = e.lanes[w.lane].track;
    m_span.name = name;
    m_span.category = "wait";
    m_span.start = w.start;
    m_span.end = now;
    m_span.args.assign(
        {{"command", w.command.number}, {"tag", w.command.tag}, {"engine", 0, on}, {"count", w.on.count}});
    m_to.add(m_span);
}

void timeline::on_start(const command_ref& command, const iface::command_header& header) {
    const picoseconds now = m_now();
    const std::uint16_t engine = command.engine.value();
    end_wait(engine, now);
    engine_state& e = m_engines.at(engine);
    e.commands.push_back({command, header.op, open_lane(engine), now});
    e.queued -= e.queued > 0 ? 1 : 0;
    sample_queue(engine, now);
}

void timeline::close_command(std::uint16_t engine, const executing& done, std::string_view name,
                             std::string_view category) {
    lane& l = m_engines[engine].lanes[done.lane];
    l.open = false;
    m_span.track = l.track;
    m_span.name = name;
    m_span.category = category;
    m_span.start = done.start;
    m_span.end = m_now();
    m_span.args.assign({{"command", done.command.number}, {"tag", done.command.tag}});
    m_to.add(m_span);
}

void timeline::on_complete(const command_ref& command) {
    engine_state& e = m_engines.at(command.engine.value());
    const auto at = std::find_if(e.commands.begin(), e.commands.end(),
                                 [&](const executing& x) { return same_command(x.command, command); });
    if (at == e.commands.end())
        return; // conservation_checker reports it
    close_command(command.engine.value(), *at, name_of(at->op), "execute");
    e.commands.erase(at);
}

void timeline::on_fault(const command_ref& command, iface::fault cause) {
    const picoseconds now = m_now();
    const std::uint16_t engine = command.engine.value();
    end_wait(engine, now);
    engine_state& e = m_engines.at(engine);
    const std::string name = "fault: " + std::string(iface::name_of(cause));
    const auto at = std::find_if(e.commands.begin(), e.commands.end(),
                                 [&](const executing& x) { return same_command(x.command, command); });
    if (at == e.commands.end()) { // refused before it started
        close_command(engine, {command, iface::opcode::join, open_lane(engine), now}, name, "fault");
    } else {
        close_command(engine, *at, name, "fault");
        e.commands.erase(at);
    }
}

void timeline::drop(std::uint16_t engine, std::string_view category) {
    end_wait(engine, m_now());
    engine_state& e = m_engines.at(engine);
    for (const executing& x : e.commands)
        close_command(engine, x, name_of(x.op), category);
    e.commands.clear();
}

void timeline::on_reset(engine_id engine) {
    drop(engine.value(), "dropped");
    m_engines[engine.value()].queued = 0;
    sample_queue(engine.value(), m_now());
}

timeline::port_lane& timeline::port_for(const std::string& memory, const memory_access& access) {
    auto [at, is_new] = m_memories.try_emplace(memory);
    if (is_new)
        m_memory_order.push_back(memory);
    std::vector<port_lane>& lanes = access.is_write ? at->second.write : at->second.read;
    const auto busy_at_start = [&](const port_lane& l) { return l.end > access.start; };
    for (port_lane& l : lanes) {
        if (l.end == access.start && same_command(l.by, access.by))
            return l; // goes on where the command's last transfer ended
    }
    const auto free = std::find_if_not(lanes.begin(), lanes.end(), busy_at_start);
    if (free != lanes.end())
        return *free;
    const std::string owner = memory + (access.is_write ? " write" : " read");
    const auto position = static_cast<std::size_t>(std::find(m_memory_order.begin(), m_memory_order.end(), memory) -
                                                   m_memory_order.begin());
    const std::size_t port = 2 * position + (access.is_write ? 1 : 0);
    const std::uint32_t order = order_of(port, lanes.size());
    lanes.push_back({m_to.add_track(k_ports, lane_name(owner, lanes.size()), order), {}, {}, {}, 0, 0});
    return lanes.back();
}

void timeline::on_access(const std::string& memory, const memory_access& access) {
    if (!m_options.ports || access.by.number == 0)
        return;
    port_lane& l = port_for(memory, access);
    if (l.transactions == 0 || l.end != access.start || !same_command(l.by, access.by)) {
        emit_port(l);
        l.by = access.by;
        l.start = access.start;
        l.length = l.transactions = 0;
    }
    l.end = access.end;
    l.length += access.length.value();
    ++l.transactions;
}

void timeline::emit_port(const port_lane& done) {
    if (done.transactions == 0)
        return;
    m_span.track = done.track;
    m_span.name = m_names.engines.at(done.by.engine.value());
    m_span.category = "transfer";
    m_span.start = done.start;
    m_span.end = done.end;
    m_span.args.assign({{"command", done.by.number},
                        {"tag", done.by.tag},
                        {"bytes", done.length},
                        {"transactions", done.transactions}});
    m_to.add(m_span);
}

void timeline::finish() {
    for (std::size_t e = 0; e < m_engines.size(); ++e)
        drop(static_cast<std::uint16_t>(e), "unfinished");
    for (const std::string& name : m_memory_order) {
        memory_state& m = m_memories.at(name);
        for (std::vector<port_lane>* lanes : {&m.read, &m.write}) {
            for (port_lane& l : *lanes) {
                emit_port(l);
                l.transactions = 0;
            }
        }
    }
}

} // namespace kpu::hw
