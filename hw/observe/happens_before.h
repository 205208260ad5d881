#pragma once
// The happens-before order of commands, by vector clocks.
//
// What a command knows when it starts is, per engine, how many of that engine's commands have certainly completed: what
// its predecessor on the same engine knew, joined with what each command that it waits for knew, plus that command's
// own completion (and with it the completion of all before it: engines complete in order). A happens before B where B
// knows of A's completion. Only what a wait *guarantees* counts, not what the semaphore's value happened to be.

#include "hw/observe/observer.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace kpu::hw {

/// A command's number on its engine counted on across resets; 0 is no command.
using command_serial = std::uint32_t;

class happens_before {
  public:
    /// `engines` on the chip; clocks of at most `window` commands per engine are kept for later waits.
    happens_before(std::uint32_t engines, std::uint32_t window);

    [[nodiscard]] std::uint32_t engines() const { return m_engines; }
    /// Throws std::out_of_range for an engine that the chip does not have.
    [[nodiscard]] command_serial serial(engine_id engine, std::uint32_t number) const {
        return m_timelines.at(engine.value()).base + number;
    }

    /// Commands of an engine start in order. False (and nothing is recorded) where `serial` is not the next one.
    bool start(engine_id engine, command_serial serial, const std::array<iface::wait_for, iface::k_waits>& waits);
    /// Commands of an engine complete in order. False where `serial` is not the next one or has not started.
    bool complete(engine_id engine, command_serial serial);
    /// Numbering starts anew; what was in flight never completes.
    void reset(engine_id engine);

    [[nodiscard]] bool in_flight(engine_id engine, command_serial serial) const {
        const timeline& t = m_timelines.at(engine.value());
        return serial > t.completed && serial <= t.started;
    }
    [[nodiscard]] bool completed(engine_id engine, command_serial serial) const {
        return serial <= m_timelines.at(engine.value()).completed;
    }
    /// Entry e: how many commands of engine e had completed when this one started. `serial` must be in flight; the
    /// pointer is valid until the next start().
    [[nodiscard]] const command_serial* knowledge(engine_id engine, command_serial serial) const;
    /// True where every engine, its own too, knows of its completion: no future command can conflict with it.
    [[nodiscard]] bool settled(engine_id engine, command_serial serial) const;

    /// Waits for commands so old that their clock had to be dropped. The order is then over-approximated: a race may be
    /// missed, none is invented.
    [[nodiscard]] std::uint64_t approximated_waits() const { return m_approximated; }
    /// Clocks held now, over all engines.
    [[nodiscard]] std::uint64_t held() const;

  private:
    /// Clocks of commands first..started in a ring; `latest` is the last started command's, `floor` the last dropped
    /// early one's.
    struct timeline {
        command_serial base = 0;
        command_serial started = 0;
        command_serial completed = 0;
        command_serial first = 1;
        std::uint32_t capacity = 0;
        std::vector<command_serial> ring;
        std::vector<command_serial> latest;
        std::vector<command_serial> floor;
    };

    void join_wait(std::vector<command_serial>& into, engine_id self, engine_id of, command_serial serial);
    void make_room(std::uint32_t engine);
    void grow(timeline& t) const;
    [[nodiscard]] command_serial known_to_all(std::uint32_t engine) const;
    [[nodiscard]] std::size_t slot(const timeline& t, command_serial serial) const {
        return static_cast<std::size_t>(serial % t.capacity) * m_engines;
    }

    std::uint32_t m_engines;
    std::uint32_t m_window;
    std::uint64_t m_approximated = 0;
    std::vector<timeline> m_timelines;
};

} // namespace kpu::hw
