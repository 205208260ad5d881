#include "hw/observe/hazard_checker.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::hw {

namespace {

byte_span span_of(const platform::address_range& range) {
    const std::uint64_t first = range.base.value();
    const std::uint64_t reach = std::min(range.size.value() - 1, UINT64_MAX - first);
    return {first, first + reach};
}

} // namespace

std::string_view name_of(hazard_rule rule) {
    constexpr std::string_view names[k_hazard_rules] = {
        "read of never-written bytes", "read before its data is ordered (RAW)", "overwrite of bytes still read (WAR)",
        "unordered writes (WAW)",      "access outside every allocation",       "access inside another's data window",
        "start before a wait is met",  "access or event out of command order"};
    return names[static_cast<std::size_t>(rule)];
}

/// The access being checked. A hazard is held back until the next segment shows whether it goes on there.
struct hazard_checker::current_access {
    const std::string& memory;
    const memory_access& access;
    access_stamp stamp;
    byte_span span;
    const command_serial* knows = nullptr;
    std::optional<hazard> pending;
    access_stamp pending_other;

    [[nodiscard]] bool ordered_after(const access_stamp& other) const {
        return knows[other.engine.value()] >= other.serial;
    }
};

hazard_checker::hazard_checker(hazard_options options)
    : m_options(std::move(options)), m_order(m_options.engines, m_options.window) {}

void hazard_checker::note_initialised(const platform::address_range& range) {
    if (range.size.value() != 0)
        m_map.initialise(span_of(range));
}

void hazard_checker::allow(const platform::address_range& range) {
    if (range.size.value() == 0)
        return;
    byte_span span = span_of(range);
    auto at = m_allowed.upper_bound(span.first);
    if (at != m_allowed.begin() && (span.first == 0 || std::prev(at)->second >= span.first - 1))
        --at;
    while (at != m_allowed.end() && (span.last == UINT64_MAX || at->first <= span.last + 1)) {
        span = {std::min(span.first, at->first), std::max(span.last, at->second)};
        at = m_allowed.erase(at);
    }
    m_allowed.emplace(span.first, span.last);
}

void hazard_checker::on_start(const command_ref& command, const iface::command_header& header) {
    for (const iface::wait_for& w : header.waits) {
        if (w.count == 0 || m_order.completed(w.engine, m_order.serial(w.engine, w.count)))
            continue;
        hazard h;
        h.rule = hazard_rule::early_start;
        h.found = {command, {}, {}};
        h.other = hazard::party{{w.engine, w.count, 0}, {}, {}};
        record(std::move(h));
    }
    if (!m_order.start(command.engine, m_order.serial(command.engine, command.number), header.waits))
        out_of_order(command, "start");
}

void hazard_checker::on_complete(const command_ref& command) {
    if (!m_order.complete(command.engine, m_order.serial(command.engine, command.number)))
        out_of_order(command, "completion");
}

void hazard_checker::on_reset(engine_id engine) {
    m_order.reset(engine);
}

void hazard_checker::on_access(const std::string& memory, const memory_access& access) {
    if (access.length.value() == 0)
        return;
    const byte_span span = span_of({access.where, access.length});
    if (access.by.number == 0) {
        if (access.is_write)
            m_map.initialise(span);
        return;
    }
    const command_serial serial = m_order.serial(access.by.engine, access.by.number);
    current_access now{memory, access, {}, span, nullptr, {}, {}};
    now.stamp = {serial, access.by.engine, access.by.tag, access.start.value(), access.end.value()};
    check_allocation(now);
    if (!m_order.in_flight(access.by.engine, serial)) {
        found(now, hazard_rule::outside_command, span, nullptr);
        flush(now);
        return; // its order is unknown: following accesses would be reported for no fault of theirs
    }
    now.knows = m_order.knowledge(access.by.engine, serial);
    if (access.is_write)
        m_map.write(span, now.stamp, [&](const byte_span& p, const access_state& s) { check_write(now, p, s); });
    else
        m_map.read(
            span, now.stamp, [&](const byte_span& p, const access_state& s) { check_read(now, p, s); },
            [&](const access_stamp& old) { return now.ordered_after(old); });
    flush(now);
    if (m_map.segments() >= m_compact_at) {
        m_map.compact([&](const access_stamp& s) { return m_order.settled(s.engine, s.serial); });
        m_compact_at = std::max<std::size_t>(4096, 2 * m_map.segments());
    }
}

void hazard_checker::check_read(current_access& now, const byte_span& part, const access_state& state) {
    if (!state.initialised)
        found(now, hazard_rule::uninitialised, part, nullptr);
    const access_stamp& w = state.writer;
    if (w.serial == 0 || w.same_command(now.stamp))
        return;
    if (!now.ordered_after(w))
        found(now, hazard_rule::read_after_write, part, &w);
    else if (now.stamp.start < w.end)
        found(now, hazard_rule::data_window, part, &w);
}

void hazard_checker::check_write(current_access& now, const byte_span& part, const access_state& state) {
    const auto earlier_of_same_engine = [&](const access_stamp& other) {
        return other.engine == now.stamp.engine && other.serial < now.stamp.serial;
    };
    const auto check = [&](const access_stamp& other, hazard_rule rule) {
        if (other.serial == 0 || other.same_command(now.stamp))
            return;
        if (now.ordered_after(other)) {
            if (now.stamp.start < other.end)
                found(now, hazard_rule::data_window, part, &other);
        } else if (!earlier_of_same_engine(other)) {
            found(now, rule, part, &other);
        }
    };
    check(state.writer, hazard_rule::write_after_write);
    for (const access_stamp& r : state.readers) {
        // A later command of this engine has already read what this one writes: it lacks the wait, not this write.
        const bool read_ahead = r.engine == now.stamp.engine && r.serial > now.stamp.serial;
        check(r, read_ahead ? hazard_rule::read_after_write : hazard_rule::write_after_read);
    }
}

void hazard_checker::check_allocation(current_access& now) {
    if (m_allowed.empty())
        return;
    const byte_span guarded = span_of(m_options.allocatable);
    std::uint64_t next = std::max(now.span.first, guarded.first);
    const std::uint64_t last = std::min(now.span.last, guarded.last);
    if (next > last)
        return;
    const auto after = m_allowed.upper_bound(next);
    if (after != m_allowed.begin() && std::prev(after)->second >= next) {
        next = std::prev(after)->second;
        if (next >= last)
            return;
        ++next; // allocations are not adjacent, so here is a hole
    }
    const std::uint64_t hole_end = after == m_allowed.end() ? last : std::min(last, after->first - 1);
    found(now, hazard_rule::allocation, {next, hole_end}, nullptr);
}

void hazard_checker::found(current_access& now, hazard_rule rule, const byte_span& part, const access_stamp* other) {
    const access_stamp with = other != nullptr ? *other : access_stamp{};
    if (now.pending && now.pending->rule == rule && now.pending_other.same_command(with) &&
        now.pending->where + now.pending->length == address(part.first)) {
        now.pending->length += bytes(part.last - part.first + 1);
        return;
    }
    flush(now);
    hazard h;
    h.rule = rule;
    h.found = {now.access.by, now.access.start, now.access.end};
    if (other != nullptr)
        h.other = party_of(with);
    h.memory = now.memory;
    h.where = address(part.first);
    h.length = bytes(part.last - part.first + 1);
    now.pending = std::move(h);
    now.pending_other = with;
}

void hazard_checker::flush(current_access& now) {
    if (now.pending)
        record(std::move(*now.pending));
    now.pending.reset();
}

void hazard_checker::record(hazard h) {
    ++m_count;
    ++m_counts[static_cast<std::size_t>(h.rule)];
    if (m_hazards.size() >= m_options.stored)
        return;
    h.text = describe(h) + h.text;
    m_hazards.push_back(std::move(h));
}

void hazard_checker::out_of_order(const command_ref& command, const char* what) {
    hazard h;
    h.rule = hazard_rule::outside_command;
    h.found = {command, {}, {}};
    h.text = fmt::format(": its {} is not the next of its engine", what);
    record(std::move(h));
}

hazard::party hazard_checker::party_of(const access_stamp& stamp) const {
    const command_serial base = m_order.serial(stamp.engine, 0);
    // Commands of before a reset keep their serial: their number is no longer meaningful.
    const std::uint32_t number = stamp.serial > base ? stamp.serial - base : stamp.serial;
    return {{stamp.engine, number, stamp.tag}, picoseconds(stamp.start), picoseconds(stamp.end)};
}

std::string hazard_checker::engine_name(engine_id engine) const {
    return engine.value() < m_options.engine_names.size() ? m_options.engine_names[engine.value()]
                                                          : fmt::format("engine {}", engine.value());
}

std::string hazard_checker::describe(const hazard& h) const {
    const auto name = [&](const hazard::party& p) {
        return fmt::format("{} command {} (tag {})", engine_name(p.command.engine), p.command.number, p.command.tag);
    };
    const auto when = [](const hazard::party& p) { return fmt::format("[{}, {}) ps", p.start.value(), p.end.value()); };
    std::string text = fmt::format("{}: {}", name_of(h.rule), name(h.found));
    if (h.rule == hazard_rule::early_start)
        return text + fmt::format(" started before {} completed its command {}", engine_name(h.other->command.engine),
                                  h.other->command.number);
    if (h.length.value() == 0)
        return text;
    text +=
        fmt::format(" at {}, {} bytes from {:#x} of {}", when(h.found), h.length.value(), h.where.value(), h.memory);
    if (h.other)
        text += fmt::format(", against {} at {}", name(*h.other), when(*h.other));
    return text;
}

std::string hazard_checker::report() const {
    std::string lines;
    for (const hazard& h : m_hazards)
        lines += h.text + "\n";
    if (m_count != 0)
        lines += fmt::format("{} hazards in all\n", m_count);
    return lines;
}

} // namespace kpu::hw
