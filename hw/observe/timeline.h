#pragma once
// Turns what the chip reports into spans and counters of a timeline: what every engine did or waited for, and when
// every memory port was busy on whose behalf.

#include "hw/observe/names.h"
#include "hw/observe/observer.h"
#include "traces/event.h"

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace kpu::hw {

struct timeline_options {
    bool ports = true;    ///< spans per memory access; accesses of one command that follow directly become one span
    bool counters = true; ///< fill of the queues
};

/// Every engine has a track `<name>`; what overlaps on it (commands in the pipeline of one engine, a wait meanwhile)
/// goes to
/// `<name> +1`, `+2` … . A memory's ports have `<name> read` and `<name> write` likewise.
class timeline final : public observer {
  public:
    timeline(observed_names names, time_source now, trace::event_sink& to, timeline_options options = {});

    void on_push(const command_ref& command, const iface::command_header& header, std::uint32_t queued) override;
    void on_wait(const command_ref& command, const iface::wait_for& on) override;
    void on_start(const command_ref& command, const iface::command_header& header) override;
    void on_complete(const command_ref& command) override;
    void on_fault(const command_ref& command, iface::fault cause) override;
    void on_reset(engine_id engine) override;
    void on_access(const std::string& memory, const memory_access& access) override;

    /// Call when the simulation has ended: closes what is still open at the present time. The sink is not finished.
    void finish();

  private:
    struct lane {
        trace::track_id track;
        bool open = false;
    };
    struct executing {
        command_ref command;
        iface::opcode op = iface::opcode::join;
        std::size_t lane = 0;
        picoseconds start;
    };
    struct waiting {
        command_ref command;
        iface::wait_for on;
        std::size_t lane = 0;
        picoseconds start;
    };
    struct engine_state {
        std::vector<lane> lanes;
        std::deque<executing> commands;
        std::optional<waiting> wait;
        std::uint64_t queued = 0; ///< pushed and not yet started
        std::optional<trace::track_id> counter;
    };
    /// A port's span is held back until the next access shows whether it goes on.
    struct port_lane {
        trace::track_id track;
        command_ref by;
        picoseconds start, end;
        std::uint64_t length = 0;
        std::uint64_t transactions = 0;
    };
    struct memory_state {
        std::vector<port_lane> read, write;
    };

    std::size_t open_lane(std::uint16_t engine);
    void end_wait(std::uint16_t engine, picoseconds now);
    void close_command(std::uint16_t engine, const executing& done, std::string_view name, std::string_view category);
    void emit_port(const port_lane& done);
    void sample_queue(std::uint16_t engine, picoseconds now);
    void drop(std::uint16_t engine, std::string_view category);
    [[nodiscard]] port_lane& port_for(const std::string& memory, const memory_access& access);

    observed_names m_names;
    time_source m_now;
    trace::event_sink& m_to;
    timeline_options m_options;
    std::vector<engine_state> m_engines;
    std::unordered_map<std::string, memory_state> m_memories;
    std::vector<std::string>
        m_memory_order; ///< as they first appeared, so that the end of a trace does not depend on hashing
    trace::span m_span; ///< reused: no allocation per event
};

} // namespace kpu::hw
