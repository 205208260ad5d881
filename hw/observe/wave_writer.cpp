#include "hw/observe/wave_writer.h"

#include "platforms/common/files.h"
#include "traces/gtkw.h"

namespace kpu::hw {

namespace {

constexpr unsigned k_count_bits = 32, k_small_bits = 16;
constexpr unsigned k_state_characters = 7;

/// A word as the value of a signal whose bytes are its characters: every viewer shows it with an ASCII format, and no
/// translation file has to travel with the dump.
constexpr std::uint64_t ascii(std::string_view word) {
    std::uint64_t value = 0;
    for (std::size_t i = word.size(); i < k_state_characters; ++i)
        value = value << 8 | ' ';
    for (const char c : word)
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}
constexpr std::uint64_t k_idle = ascii("idle"), k_wait = ascii("wait"), k_execute = ascii("execute"),
                        k_halted = ascii("halted");

/// Time never runs backwards in a dump, so a transfer's end is at least its start.
picoseconds end_of(const observer::memory_access& a) {
    return a.end < a.start ? a.start : a.end;
}

} // namespace

std::string wave_writer::save_file_of(const std::string& path) {
    const std::string ending = ".vcd";
    const bool has_ending =
        path.size() > ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
    return (has_ending ? path.substr(0, path.size() - ending.size()) : path) + ".gtkw";
}

wave_writer::wave_writer(const std::string& path, const observed_names& names, time_source now,
                         const std::string& comment)
    : m_path(path), m_names(names), m_now(std::move(now)), m_writer(path, comment), m_schedule(m_writer) {
    for (const std::string& scope : names.engines) {
        engine_wave e;
        e.state = m_writer.add(scope, "state", 8 * k_state_characters, k_idle);
        e.command = m_writer.add(scope, "command", k_count_bits);
        e.tag = m_writer.add(scope, "tag", k_count_bits);
        e.in_flight = m_writer.add(scope, "in_flight", k_small_bits);
        e.queued = m_writer.add(scope, "queued", k_small_bits);
        e.semaphore = m_writer.add(scope, "semaphore", k_count_bits);
        e.waits_for = m_writer.add(scope, "waits_for", k_small_bits, trace::k_vcd_none);
        m_engines.push_back(e);
    }
    for (const std::string& scope : names.memories) {
        memory_wave m;
        for (const bool is_write : {false, true}) {
            const std::string side = is_write ? "write" : "read";
            port_wave& p = is_write ? m.write : m.read;
            p.busy = m_writer.add(scope, side + "_busy", k_small_bits);
            p.bytes = m_writer.add(scope, side + "_bytes", k_count_bits);
        }
        m_memories.emplace(scope, m);
    }
}

picoseconds wave_writer::advance() {
    const picoseconds now = m_now();
    m_schedule.advance(now);
    return now;
}

void wave_writer::update(engine_wave& e, picoseconds now) {
    const std::uint32_t in_flight = e.started - e.completed;
    const std::uint64_t state = e.is_halted ? k_halted : in_flight != 0 ? k_execute : e.is_waiting ? k_wait : k_idle;
    m_schedule.set(e.state, state, now);
    m_schedule.set(e.in_flight, in_flight, now);
    m_schedule.set(e.queued, e.pushed - e.started, now);
    m_schedule.set(e.semaphore, e.completed, now);
    if (!e.is_waiting)
        m_schedule.set(e.waits_for, trace::k_vcd_none, now);
}

void wave_writer::on_push(const command_ref& command, const iface::command_header&, std::uint32_t) {
    engine_wave& e = wave_of(command.engine);
    ++e.pushed;
    update(e, advance());
}

void wave_writer::on_wait(const command_ref& command, const iface::wait_for& on) {
    engine_wave& e = wave_of(command.engine);
    e.is_waiting = true;
    const picoseconds now = advance();
    m_schedule.set(e.waits_for, on.engine.value(), now);
    update(e, now);
}

void wave_writer::on_start(const command_ref& command, const iface::command_header&) {
    engine_wave& e = wave_of(command.engine);
    ++e.started;
    e.is_waiting = e.is_halted = false;
    const picoseconds now = advance();
    m_schedule.set(e.command, command.number, now);
    m_schedule.set(e.tag, command.tag, now);
    update(e, now);
}

void wave_writer::on_complete(const command_ref& command) {
    engine_wave& e = wave_of(command.engine);
    ++e.completed;
    update(e, advance());
}

void wave_writer::on_fault(const command_ref& command, iface::fault) {
    engine_wave& e = wave_of(command.engine);
    e.is_halted = true;
    e.is_waiting = false;
    update(e, advance());
}

void wave_writer::on_reset(engine_id engine) {
    engine_wave& e = wave_of(engine);
    e.pushed = e.started = e.completed = 0;
    e.is_waiting = e.is_halted = false;
    update(e, advance());
}

void wave_writer::on_access(const std::string& memory, const memory_access& access) {
    const memory_wave& m = m_memories.at(memory);
    const port_wave& p = access.is_write ? m.write : m.read;
    (void)advance();
    m_schedule.step(p.busy, 1, access.start);
    m_schedule.step(p.bytes, access.length.value(), access.start);
    m_schedule.step(p.busy, std::uint64_t{0} - 1, end_of(access));
    m_schedule.step(p.bytes, std::uint64_t{0} - access.length.value(), end_of(access));
}

std::string wave_writer::save_file() const {
    using trace::gtkw_format;
    std::vector<trace::gtkw_group> groups;
    for (const std::string& scope : m_names.engines)
        groups.push_back({scope,
                          true,
                          {{scope, "state", 8 * k_state_characters, gtkw_format::ascii},
                           {scope, "command", k_count_bits, gtkw_format::decimal},
                           {scope, "tag", k_count_bits, gtkw_format::decimal},
                           {scope, "in_flight", k_small_bits, gtkw_format::decimal},
                           {scope, "queued", k_small_bits, gtkw_format::decimal},
                           {scope, "semaphore", k_count_bits, gtkw_format::decimal},
                           {scope, "waits_for", k_small_bits, gtkw_format::decimal}}});
    for (const std::string& scope : m_names.memories)
        groups.push_back({scope,
                          false,
                          {{scope, "read_busy", k_small_bits, gtkw_format::decimal},
                           {scope, "read_bytes", k_count_bits, gtkw_format::decimal},
                           {scope, "write_busy", k_small_bits, gtkw_format::decimal},
                           {scope, "write_bytes", k_count_bits, gtkw_format::decimal}}});
    return trace::to_gtkw(m_path, save_file_of(m_path), groups);
}

void wave_writer::finish() {
    m_schedule.drain();
    const picoseconds now = m_now();
    m_writer.finish(now < m_schedule.latest() ? m_schedule.latest() : now);
    if (!m_writer.writes_through())
        write_file(save_file_of(m_path), save_file());
}

} // namespace kpu::hw
