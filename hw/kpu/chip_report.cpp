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

/// The waits from one blocked engine to where they end.
struct chip::wait_chain {
    command_ref head;
    std::size_t waits = 0;
    std::string text;
};

/// They end in a circle, or at an engine that will not signal.
chip::wait_chain chip::follow_waits(const command_engine& from) const {
    std::vector<const command_engine*> path;
    const command_engine* at = &from;
    wait_chain chain;
    std::string& text = chain.text;
    command_engine::blockage where;
    while (at->blocked(where)) {
        const auto before = std::find(path.begin(), path.end(), at);
        if (before != path.end()) {
            text += "; a circle: ";
            for (auto e = before; e != path.end(); ++e)
                text.append(local_name(**e)).append(" -> ");
            text += local_name(*at);
            return chain;
        }
        if (path.empty())
            chain.head = where.head;
        path.push_back(at);
        ++chain.waits;
        const command_engine& on = *m_engines[where.on.engine.value()];
        text += fmt::format("{}{} waits for {} to complete {} (has completed {})", text.empty() ? "" : ", ",
                            describe(where.head), local_name(on), where.on.count, on.commands_completed());
        if (where.on.count > on.commands_pushed()) {
            text += fmt::format(", which was given only {} commands{}", on.commands_pushed(),
                                on.queued() == on.config().queue_depth ? " and has no room for more" : "");
            return chain;
        }
        at = &on;
    }
    if (at->stopped_by() != iface::fault::none)
        text += fmt::format(", which halted at command {} (tag {}): {}", at->faulty_command().number,
                            at->faulty_command().tag, iface::name_of(at->stopped_by()));
    else if (at->outstanding())
        text += fmt::format(", which does not complete its command {}", at->commands_completed() + 1);
    return chain;
}

deadlock chip::describe_deadlock() const {
    std::vector<wait_chain> chains;
    command_engine::blockage ignored;
    for (const command_engine* e : m_engines)
        if (e->blocked(ignored))
            chains.push_back(follow_waits(*e));
    std::stable_sort(chains.begin(), chains.end(),
                     [](const wait_chain& a, const wait_chain& b) { return a.waits < b.waits; });
    std::string text = fmt::format("{}: nothing can happen any more at {} cycles", name(), elapsed_cycles().value());
    std::vector<command_ref> waiting;
    for (const wait_chain& chain : chains) {
        text += "\n  " + chain.text;
        waiting.push_back(chain.head);
    }
    for (const std::string& line : leftovers())
        text += "\n  " + line;
    return deadlock(text, std::move(waiting));
}

} // namespace kpu::hw
