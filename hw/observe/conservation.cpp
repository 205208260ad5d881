#include "hw/observe/conservation.h"

#include <fmt/format.h>

namespace kpu::hw {

conservation_checker::conservation_checker(std::vector<std::string> names, std::size_t stored)
    : m_names(std::move(names)), m_stored(stored), m_engines(m_names.size()) {}

void conservation_checker::on_push(const command_ref& command, const iface::command_header&, std::uint32_t) {
    engine_state& e = m_engines.at(command.engine.value());
    ++e.sum.pushed;
    if (command.number != ++e.pushed)
        violation(command, fmt::format("pushed as the {}th command of its engine", e.pushed));
}

void conservation_checker::on_start(const command_ref& command, const iface::command_header& header) {
    engine_state& e = m_engines.at(command.engine.value());
    ++e.sum.started;
    if (command.number != ++e.started)
        violation(command, fmt::format("started as the {}th command of its engine", e.started));
    if (e.started > e.pushed)
        violation(command, "started but was never pushed");
    e.in_flight.push_back({header.op, {}, {}});
}

void conservation_checker::on_complete(const command_ref& command) {
    engine_state& e = m_engines.at(command.engine.value());
    ++e.sum.completed;
    if (command.number != ++e.completed)
        violation(command, fmt::format("completed as the {}th command of its engine", e.completed));
    if (e.in_flight.empty())
        return violation(command, "completed but was not executing");
    check_bytes(command, e.in_flight.front());
    e.in_flight.pop_front();
}

void conservation_checker::check_bytes(const command_ref& command, const started_command& done) {
    if (done.op == iface::opcode::copy && done.read != done.written)
        violation(command, fmt::format("read {} bytes and wrote {}", done.read.value(), done.written.value()));
    if (done.op == iface::opcode::gather && (done.read <= done.written || (done.read - done.written).value() % 4 != 0))
        violation(command, fmt::format("read {} bytes of rows and indices and wrote {}", done.read.value(),
                                       done.written.value()));
    if (done.op == iface::opcode::join && (done.read.value() != 0 || done.written.value() != 0))
        violation(command, "is a join and accessed memory");
}

void conservation_checker::on_fault(const command_ref& command, iface::fault) {
    ++m_engines.at(command.engine.value()).sum.faults;
}

void conservation_checker::on_reset(engine_id engine) {
    engine_state& e = m_engines.at(engine.value());
    e.pushed = e.started = e.completed = 0;
    e.in_flight.clear();
}

void conservation_checker::on_access(const std::string& memory, const memory_access& access) {
    if (access.by.number == 0)
        return; // the back door's
    engine_state& e = m_engines.at(access.by.engine.value());
    (access.is_write ? e.sum.written : e.sum.read) += access.length;
    if (access.by.number <= e.completed || access.by.number - e.completed > e.in_flight.size())
        return violation(access.by, fmt::format("accessed {} while it was not executing", memory));
    started_command& c = e.in_flight[access.by.number - e.completed - 1];
    (access.is_write ? c.written : c.read) += access.length;
}

void conservation_checker::finish() {
    for (std::size_t i = 0; i < m_engines.size(); ++i) {
        const engine_state& e = m_engines[i];
        const command_ref first_open{engine_id(static_cast<std::uint16_t>(i)), e.completed + 1, 0};
        if (e.completed != e.pushed)
            violation(first_open,
                      fmt::format("and those after it did not complete: {} pushed, {} started, {} completed", e.pushed,
                                  e.started, e.completed));
    }
}

void conservation_checker::violation(const command_ref& command, const std::string& what) {
    ++m_count;
    if (m_violations.size() < m_stored)
        m_violations.push_back(fmt::format("{} command {} (tag {}) {}", m_names[command.engine.value()], command.number,
                                           command.tag, what));
}

} // namespace kpu::hw
