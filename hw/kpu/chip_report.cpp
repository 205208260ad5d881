// What is left undone, and why nothing goes on.

#include "hw/kpu/chip.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::hw {

std::string chip::describe(const command_ref& c) const {
    return fmt::format("{}'s command {} (tag {})", name_of(c.engine), c.number, c.tag);
}

std::vector<std::string> chip::leftovers() const {
    std::vector<std::string> lines;
    if (!finished())
        lines.push_back(m_core.sleeping() ? "the firmware has not ended: it waits for an interrupt"
                                          : "the firmware has not ended");
    for (const command_engine* e : m_engines) {
        const std::string n = local_name(*e);
        if (e->outstanding())
            lines.push_back(fmt::format("{}: {} of {} commands completed, {} still queued", n, e->commands_completed(),
                                        e->commands_pushed(), e->queued()));
        if (e->stopped_by() != iface::fault::none)
            lines.push_back(fmt::format("{}: halted at command {} (tag {}): {}", n, e->faulty_command().number,
                                        e->faulty_command().tag, iface::name_of(e->stopped_by())));
    }
    if (m_links.in_flight() != 0)
        lines.push_back(fmt::format("{} transactions have not returned", m_links.in_flight()));
    return lines;
}

/// Follows the waits from one blocked engine to where they end: in a circle, or at an engine that will not signal.
std::string chip::describe_chain(const command_engine& from) const {
    std::vector<const command_engine*> path;
    const command_engine* at = &from;
    std::string text;
    command_engine::blockage where;
    while (at->blocked(where)) {
        const auto before = std::find(path.begin(), path.end(), at);
        if (before != path.end()) {
            std::string circle;
            for (auto e = before; e != path.end(); ++e)
                circle.append(local_name(**e)).append(" -> ");
            return text + "; a circle: " + circle + local_name(*at);
        }
        path.push_back(at);
        const command_engine& on = *m_engines[where.on.engine.value()];
        text += fmt::format("{}{} waits for {} to complete {} (has completed {})", text.empty() ? "" : ", ",
                            describe(where.head), local_name(on), where.on.count, on.commands_completed());
        if (where.on.count > on.commands_pushed())
            return text + fmt::format(", which was given only {} commands", on.commands_pushed());
        at = &on;
    }
    if (at->stopped_by() != iface::fault::none)
        return text + fmt::format(", which halted at command {} (tag {}): {}", at->faulty_command().number,
                                  at->faulty_command().tag, iface::name_of(at->stopped_by()));
    return text + (at->outstanding() ? ", which is still working" : "");
}

std::string chip::deadlock_report() const {
    std::string text = fmt::format("{}: nothing can happen any more at {} cycles", name(), elapsed_cycles().value());
    for (const std::string& line : leftovers())
        text += "\n  " + line;
    command_engine::blockage ignored;
    for (const command_engine* e : m_engines)
        if (e->blocked(ignored))
            text += "\n  " + describe_chain(*e);
    return text;
}

} // namespace kpu::hw
