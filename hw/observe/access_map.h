#pragma once
// Who last wrote and who has since read each byte of the unified address map, as a map of segments: neighbours in equal
// state are one segment, so that its size follows the number of live tiles and not the number of bytes or accesses.

#include "hw/observe/happens_before.h"

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace kpu::hw {

/// An access of a command to a segment; [start, end) in ps covers all of the command's transactions that the segment
/// merges.
struct access_stamp {
    command_serial serial = 0; ///< 0: nobody
    engine_id engine;
    std::uint32_t tag = 0;
    std::uint64_t start = 0;
    std::uint64_t end = 0;

    [[nodiscard]] bool same_command(const access_stamp& other) const {
        return serial == other.serial && engine == other.engine;
    }
    void widen(const access_stamp& other) {
        start = other.start < start ? other.start : start;
        end = other.end > end ? other.end : end;
    }
};

struct access_state {
    bool initialised = false;
    access_stamp writer;               ///< the last one
    std::vector<access_stamp> readers; ///< since that write; none of them is known to another
};

/// Bytes [first, last] of the address map: inclusive, so that the last byte can be named.
struct byte_span {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

class access_map {
  public:
    /// Called with each part of an accessed range and its state before the access.
    using conflict_check = std::function<void(const byte_span&, const access_state&)>;
    /// True where a reader needs no longer be kept beside a new one: the new one happens after it.
    using reader_filter = std::function<bool(const access_stamp& old)>;

    /// Calls `check` for what `by` replaces, then makes it the writer of the whole span.
    void write(const byte_span& where, const access_stamp& by, const conflict_check& check);
    /// Calls `check` for every part, never-written ones included, then adds `by` to its readers in place of those that
    /// `implied` accepts.
    void read(const byte_span& where, const access_stamp& by, const conflict_check& check,
              const reader_filter& implied);
    /// The span holds data of the back door: no writer, no readers.
    void initialise(const byte_span& where);

    /// Forgets writers and readers that `settled` accepts and merges what has become equal.
    void compact(const reader_filter& settled);

    [[nodiscard]] std::size_t segments() const { return m_segments.size(); }

  private:
    struct segment {
        std::uint64_t last = 0;
        access_state state;
    };
    using segments_by_start = std::map<std::uint64_t, segment>;
    using iterator = segments_by_start::iterator;

    [[nodiscard]] iterator first_overlapping(std::uint64_t first);
    void replace(const byte_span& where, access_state state);
    void split_before(std::uint64_t first);
    iterator merge_with_previous(iterator at);

    segments_by_start m_segments;
};

} // namespace kpu::hw
