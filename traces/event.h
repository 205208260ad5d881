#pragma once
// What a timeline consists of, independent of any file format. Times are integer picoseconds of simulated time.

#include "platforms/common/units.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpu::trace {

/// One horizontal line of the timeline. Spans of one track never overlap: who records takes another track where they
/// would.
using track_id = index_of<struct track_kind>;

/// A number or a text attached to a span. Names and texts need to live only until the sink's call returns.
struct argument {
    std::string_view name;
    std::uint64_t number = 0;
    std::string_view text = {}; ///< used instead of the number where not empty
};

/// Something that took the time [start, end) on a track.
struct span {
    track_id track;
    std::string_view name;
    std::string_view category;
    picoseconds start, end;
    std::vector<argument> args;
};

/// The value of a counter from `at` on.
struct sample {
    track_id track;
    picoseconds at;
    std::uint64_t value = 0;
};

class event_sink {
  public:
    virtual ~event_sink() = default;
    /// A new track in the group of that name. Tracks of a group are shown by ascending `order`, then as they were
    /// added.
    virtual track_id add_track(std::string_view group, std::string_view name, std::uint32_t order) = 0;
    virtual void add(const span& what) = 0;
    virtual void add(const sample& what) = 0;
};

/// What produced a trace; written into it.
struct provenance {
    std::string tool;         ///< name and version
    std::string platform;     ///< the whole platform file, as YAML text
    std::string program;      ///< name of the graph or file
    std::string program_hash; ///< of the .kpu file's bytes
};

} // namespace kpu::trace
