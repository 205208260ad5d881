#pragma once
// What goes in comes out: every pushed command starts and completes once and in order, and a mover writes what it
// reads.

#include "hw/observe/observer.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace kpu::hw {

class conservation_checker final : public observer {
  public:
    /// `names` by engine, one per engine of the chip; at most `stored` violations are kept, all are counted.
    explicit conservation_checker(std::vector<std::string> names, std::size_t stored = 100);

    void on_push(const command_ref& command, const iface::command_header& header, std::uint32_t queued) override;
    void on_start(const command_ref& command, const iface::command_header& header) override;
    void on_complete(const command_ref& command) override;
    void on_fault(const command_ref& command, iface::fault cause) override;
    void on_reset(engine_id engine) override;
    void on_access(const std::string& memory, const memory_access& access) override;

    /// Call when the simulation has ended: adds a violation for every engine with commands that have not completed.
    void finish();

    struct totals {
        std::uint64_t pushed = 0, started = 0, completed = 0, faults = 0;
        bytes read, written;
    };
    [[nodiscard]] const totals& of(engine_id engine) const { return m_engines.at(engine.value()).sum; }
    [[nodiscard]] bool clean() const { return m_count == 0; }
    [[nodiscard]] std::uint64_t count() const { return m_count; }
    [[nodiscard]] const std::vector<std::string>& violations() const { return m_violations; }

  private:
    struct started_command {
        iface::opcode op = iface::opcode::join;
        bytes read, written;
    };
    struct engine_state {
        std::uint32_t pushed = 0, started = 0, completed = 0; ///< since the last reset
        std::deque<started_command> in_flight;                ///< commands completed + 1 .. started
        totals sum;
    };

    void violation(const command_ref& command, const std::string& what);
    void check_bytes(const command_ref& command, const started_command& done);

    std::vector<std::string> m_names;
    std::size_t m_stored;
    std::uint64_t m_count = 0;
    std::vector<std::string> m_violations;
    std::vector<engine_state> m_engines;
};

} // namespace kpu::hw
