#pragma once
// Waves: the state of every engine and the occupancy of every memory port, as a value change dump with a GTKWave save
// file.
//
// Signals of an engine's scope: state (text in ASCII: idle, wait, execute, halted), command and tag (of the last one
// started), in_flight (started, not completed), queued (pushed, not started), semaphore (completed), waits_for (an
// engine's id or x). Signals of a memory's scope: read_busy and write_busy (transfers going on: never more than the
// ports it has), read_bytes and write_bytes (sizes of those transfers).

#include "hw/observe/names.h"
#include "hw/observe/observer.h"
#include "traces/vcd_writer.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace kpu::hw {

class wave_writer final : public observer {
  public:
    /// Writes the dump to `path` and, where that is a file, the save file to the same name with the ending .gtkw.
    /// Throws input_error if the dump cannot be created.
    wave_writer(const std::string& path, const observed_names& names, time_source now, const std::string& comment);

    void on_push(const command_ref& command, const iface::command_header& header, std::uint32_t queued) override;
    void on_wait(const command_ref& command, const iface::wait_for& on) override;
    void on_start(const command_ref& command, const iface::command_header& header) override;
    void on_complete(const command_ref& command) override;
    void on_fault(const command_ref& command, iface::fault cause) override;
    void on_reset(engine_id engine) override;
    /// Throws std::out_of_range for a memory that was not named at construction.
    void on_access(const std::string& memory, const memory_access& access) override;

    /// Call when the simulation has ended: completes both files. Throws input_error if they could not be written.
    void finish();

    [[nodiscard]] static std::string save_file_of(const std::string& path);

  private:
    struct engine_wave {
        trace::vcd_signal state, command, tag, in_flight, queued, semaphore, waits_for;
        std::uint32_t pushed = 0, started = 0, completed = 0;
        bool is_waiting = false, is_halted = false;
    };
    struct port_wave {
        trace::vcd_signal busy, bytes;
    };
    struct memory_wave {
        port_wave read, write;
    };
    void update(engine_wave& e, picoseconds now);
    [[nodiscard]] engine_wave& wave_of(engine_id engine) { return m_engines.at(engine.value()); }
    [[nodiscard]] picoseconds advance();
    [[nodiscard]] std::string save_file() const;

    std::string m_path;
    observed_names m_names;
    time_source m_now;
    trace::vcd_writer m_writer;
    trace::vcd_schedule m_schedule;
    std::vector<engine_wave> m_engines;
    std::unordered_map<std::string, memory_wave> m_memories;
};

} // namespace kpu::hw
