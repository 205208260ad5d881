#include "hw/kpu/links.h"

namespace kpu::hw {

void links::connect(from_socket& from, to_socket& to, const std::string& name) {
    from_socket* upstream = &from;
    if (m_monitors) {
        m_inserted.push_back(std::make_unique<protocol_monitor>(("monitor_" + name).c_str()));
        upstream->bind(m_inserted.back()->up_t);
        upstream = &m_inserted.back()->down_i;
    }
    if (m_stalls) {
        stall_params own = *m_stalls;
        own.seed += m_injectors.size();
        m_injectors.push_back(std::make_unique<stall_injector>(("stalls_" + name).c_str(), own));
        upstream->bind(m_injectors.back()->up_t);
        upstream = &m_injectors.back()->down_i;
    }
    upstream->bind(to);
}

std::vector<protocol_violation> links::violations() const {
    std::vector<protocol_violation> all;
    for (const auto& monitor : m_inserted)
        all.insert(all.end(), monitor->violations().begin(), monitor->violations().end());
    return all;
}

std::uint64_t links::in_flight() const {
    std::uint64_t sum = 0;
    for (const auto& monitor : m_inserted)
        sum += monitor->in_flight();
    return sum;
}

} // namespace kpu::hw
