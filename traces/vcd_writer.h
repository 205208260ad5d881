#pragma once
// Value change dump, written when values change (IEEE 1364 section 18, four-state values, time scale 1 ps).

#include "platforms/common/output_file.h"
#include "platforms/common/units.h"

#include <cstdint>
#include <queue>
#include <string>
#include <vector>

namespace kpu::trace {

using vcd_signal = index_of<struct vcd_signal_kind>;

/// "No value now", printed as z. Signals of 64 bits cannot hold it.
inline constexpr std::uint64_t k_vcd_none = UINT64_MAX;

class vcd_writer {
  public:
    /// Throws input_error if the file cannot be created. `comment` goes into the header, on one line.
    vcd_writer(const std::string& path, std::string comment);

    /// Declares a signal of 1 to 64 bits. `scope` is the module's hierarchical name, parts separated by dots. All
    /// signals are declared before the first change.
    vcd_signal add(const std::string& scope, const std::string& name, unsigned width, std::uint64_t initial = 0);

    [[nodiscard]] std::uint64_t value(vcd_signal signal) const { return m_signals[signal.value()].value; }
    /// Times must not decrease. Nothing is written where the value stays.
    void change(vcd_signal signal, std::uint64_t value, picoseconds at);
    /// True where the dump goes to a device or a pipe, so that nothing can be opened by its name afterwards.
    [[nodiscard]] bool writes_through() const { return m_out.writes_through(); }
    /// Completes the file at a last time and gives it its name. Throws input_error if it could not be written.
    void finish(picoseconds at);

  private:
    struct declared {
        std::string scope;
        std::string name;
        std::string code;
        unsigned width = 1;
        std::uint64_t value = 0;
    };
    void write_header();
    void write_scopes();
    void write_value(const declared& s);
    void write_time(picoseconds at);

    output_file m_out;
    std::string m_comment;
    bool m_started = false;
    picoseconds m_now;
    std::vector<declared> m_signals;
};

/// Changes that are known before their time: sorts them and hands them to the writer when simulated time has passed
/// them. Of several changes of a signal at one time only the result is written.
class vcd_schedule {
  public:
    /// Holds at most `capacity` changes; beyond that the earliest are written early and what comes before them moves to
    /// their time.
    explicit vcd_schedule(vcd_writer& to, std::size_t capacity = std::size_t{1} << 16)
        : m_to(to), m_capacity(capacity) {}

    void set(vcd_signal signal, std::uint64_t value, picoseconds at) { push({at, m_pushed, signal, value, false}); }
    /// Adds to a signal's value (modulo 2^64: a negative step is its two's complement).
    void step(vcd_signal signal, std::uint64_t difference, picoseconds at) {
        push({at, m_pushed, signal, difference, true});
    }
    /// No further change will be before `now`: writes those that are.
    void advance(picoseconds now);
    /// Writes all.
    void drain();

    [[nodiscard]] std::size_t pending() const { return m_pending.size(); }
    /// Changes that came too late and were moved.
    [[nodiscard]] std::uint64_t moved() const { return m_moved; }
    /// Time of the latest change so far.
    [[nodiscard]] picoseconds latest() const { return m_latest; }

  private:
    struct entry {
        picoseconds at;
        std::uint64_t order = 0; ///< of the call, so that changes at one time keep it
        vcd_signal signal;
        std::uint64_t value = 0;
        bool is_step = false;
    };
    struct later {
        bool operator()(const entry& a, const entry& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
    };
    void push(entry e);
    void write_next_time();

    vcd_writer& m_to;
    std::size_t m_capacity;
    std::uint64_t m_pushed = 0;
    std::uint64_t m_moved = 0;
    picoseconds m_written; ///< changes before it are in the file
    picoseconds m_latest;
    std::priority_queue<entry, std::vector<entry>, later> m_pending;
    std::vector<std::pair<vcd_signal, std::uint64_t>>
        m_now; ///< values that the signals touched at one time end up with
};

} // namespace kpu::trace
