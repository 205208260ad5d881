#include "hw/control/semaphores.h"

#include <algorithm>

namespace kpu::hw {

semaphore_unit::semaphore_unit(sc_core::sc_module_name name, const std::vector<iface::engine_kind>& engines)
    : sc_core::sc_module(name), port("port") {
    port.bind(*this);
    m_counters.reserve(engines.size());
    for (const iface::engine_kind kind : engines)
        m_counters.push_back({kind, 0, {}});
    for (counter& c : m_counters)
        c.waiters.reserve(engines.size());
}

void semaphore_unit::signal(engine_id engine) {
    counter& c = m_counters.at(engine.value());
    ++c.value;
    const auto ready = [&c](const waiter& w) {
        if (w.count > c.value)
            return false;
        w.wake->notify(sc_core::SC_ZERO_TIME);
        return true;
    };
    c.waiters.erase(std::remove_if(c.waiters.begin(), c.waiters.end(), ready), c.waiters.end());
}

void semaphore_unit::wake_at(engine_id engine, std::uint32_t count, sc_core::sc_event& wake) {
    std::vector<waiter>& waiters = m_counters.at(engine.value()).waiters;
    // An engine that was reset while it waited left its entry behind: it is taken over, so that the list cannot grow.
    const auto old = std::find_if(waiters.begin(), waiters.end(), [&wake](const waiter& w) { return w.wake == &wake; });
    if (old != waiters.end())
        old->count = count;
    else
        waiters.push_back({count, &wake});
}

} // namespace kpu::hw
