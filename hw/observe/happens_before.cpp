#include "hw/observe/happens_before.h"

#include <algorithm>

namespace kpu::hw {

namespace {

constexpr std::uint32_t k_first_capacity = 64;

} // namespace

happens_before::happens_before(std::uint32_t engines, std::uint32_t window)
    : m_engines(engines), m_window(std::max(window, k_first_capacity)), m_timelines(engines) {
    for (timeline& t : m_timelines) {
        t.latest.assign(engines, 0);
        t.floor.assign(engines, 0);
        t.capacity = k_first_capacity;
        t.ring.assign(std::size_t{t.capacity} * engines, 0);
    }
}

bool happens_before::start(engine_id engine, command_serial serial,
                           const std::array<iface::wait_for, iface::k_waits>& waits) {
    timeline& t = m_timelines.at(engine.value());
    if (serial != t.started + 1)
        return false;
    for (const iface::wait_for& w : waits) {
        if (w.count != 0)
            join_wait(t.latest, engine, w.engine, this->serial(w.engine, w.count));
    }
    if (t.started + 1 - t.first == t.capacity)
        make_room(engine.value());
    t.started = serial;
    std::copy(t.latest.begin(), t.latest.end(), t.ring.begin() + static_cast<std::ptrdiff_t>(slot(t, serial)));
    return true;
}

bool happens_before::complete(engine_id engine, command_serial serial) {
    timeline& t = m_timelines.at(engine.value());
    if (serial != t.completed + 1 || serial > t.started)
        return false;
    t.completed = serial;
    return true;
}

void happens_before::reset(engine_id engine) {
    timeline& t = m_timelines.at(engine.value());
    t.base = t.started;
    t.completed = t.started;
}

const command_serial* happens_before::knowledge(engine_id engine, command_serial serial) const {
    const timeline& t = m_timelines.at(engine.value());
    return t.ring.data() + slot(t, serial);
}

bool happens_before::settled(engine_id engine, command_serial serial) const {
    return std::all_of(m_timelines.begin(), m_timelines.end(),
                       [&](const timeline& t) { return t.latest[engine.value()] >= serial; });
}

std::uint64_t happens_before::held() const {
    std::uint64_t sum = 0;
    for (const timeline& t : m_timelines)
        sum += t.started + 1 - t.first;
    return sum;
}

void happens_before::join_wait(std::vector<command_serial>& into, engine_id self, engine_id of, command_serial serial) {
    if (into[of.value()] >= serial)
        return; // already known, and with it everything that command knew
    const timeline& t = m_timelines[of.value()];
    if (of != self && serial <= t.started) {
        const bool dropped = serial < t.first;
        m_approximated += dropped ? 1 : 0;
        const command_serial* theirs = dropped ? t.floor.data() : t.ring.data() + slot(t, serial);
        for (std::uint32_t e = 0; e < m_engines; ++e)
            into[e] = std::max(into[e], theirs[e]);
    }
    into[of.value()] = std::max(into[of.value()], serial);
}

void happens_before::make_room(std::uint32_t engine) {
    timeline& t = m_timelines[engine];
    const command_serial passed = std::min(known_to_all(engine), t.completed);
    if (passed >= t.first) {
        t.first = passed + 1;
        if (t.started + 1 - t.first <= t.capacity / 2)
            return;
    }
    if (t.capacity < m_window || t.first > t.completed) {
        grow(t);
    } else if (t.started + 1 - t.first == t.capacity) {
        // Dropping a quarter at a time keeps the search for passed commands rare.
        const command_serial last = std::min(t.first + t.capacity / 4, t.completed);
        const std::size_t from = slot(t, last);
        std::copy_n(t.ring.begin() + static_cast<std::ptrdiff_t>(from), m_engines, t.floor.begin());
        t.first = last + 1;
    }
}

void happens_before::grow(timeline& t) const {
    timeline bigger;
    bigger.capacity = 2 * t.capacity;
    bigger.ring.assign(std::size_t{bigger.capacity} * m_engines, 0);
    for (command_serial s = t.first; s <= t.started; ++s)
        std::copy_n(t.ring.begin() + static_cast<std::ptrdiff_t>(slot(t, s)), m_engines,
                    bigger.ring.begin() + static_cast<std::ptrdiff_t>(slot(bigger, s)));
    t.capacity = bigger.capacity;
    t.ring = std::move(bigger.ring);
}

command_serial happens_before::known_to_all(std::uint32_t engine) const {
    command_serial least = std::numeric_limits<command_serial>::max();
    for (std::uint32_t e = 0; e < m_engines; ++e) {
        if (e != engine)
            least = std::min(least, m_timelines[e].latest[engine]);
    }
    return least;
}

} // namespace kpu::hw
