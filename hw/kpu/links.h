#pragma once
// Binds sockets, with a protocol monitor and a source of random stalls in between where they are asked for.

#include "hw/tlm/protocol_monitor.h"
#include "hw/tlm/stall_injector.h"

#include <memory>
#include <optional>
#include <string>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

namespace kpu::hw {

class links {
  public:
    using from_socket = tlm::tlm_initiator_socket<>;
    using to_socket = tlm::tlm_base_target_socket_b<>;

    /// Stalls, if any, happen on every link; each has a seed of its own, derived from the one given.
    links(bool monitors, std::optional<stall_params> stalls) : m_monitors(monitors), m_stalls(std::move(stalls)) {}

    /// During elaboration. `name` is that of the link, e.g. "dma0_far"; inserted modules are children of the module
    /// under construction, named monitor_<name> and stalls_<name>.
    void connect(from_socket& from, to_socket& to, const std::string& name);

    /// All monitors' violations so far, rule and message.
    [[nodiscard]] std::vector<protocol_violation> violations() const;
    /// Transactions that have not returned; zero whenever no process runs.
    [[nodiscard]] std::uint64_t in_flight() const;
    [[nodiscard]] std::size_t injectors() const { return m_injectors.size(); }

  private:
    bool m_monitors;
    std::optional<stall_params> m_stalls;
    std::vector<std::unique_ptr<protocol_monitor>> m_inserted;
    std::vector<std::unique_ptr<stall_injector>> m_injectors;
};

} // namespace kpu::hw
