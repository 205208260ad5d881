#pragma once
// Reads a Chrome trace back and sums it up per track. Also the check that a trace keeps its promises.

#include "platforms/common/units.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kpu::trace {

struct time_range {
    picoseconds start, end;
};

struct track_summary {
    std::string group, name;
    std::uint32_t order = 0; ///< position among its group, as the trace wishes
    std::uint64_t spans = 0;
    picoseconds busy; ///< sum of the spans
    std::map<std::string, picoseconds> by_category;
    std::vector<time_range> gaps; ///< between spans, longest first, at most as many as asked for
};

struct trace_summary {
    std::map<std::string, std::string> metadata; ///< texts of otherData
    std::uint64_t events = 0;
    time_range extent;                 ///< from the first span's start to the last one's end
    std::vector<track_summary> tracks; ///< by group and order
};

/// Throws input_error where `text` is not a trace: no JSON, no list of events, an event without phase, times or track,
/// a time that is negative or no number, spans of one track that overlap. At most 20 problems are listed.
[[nodiscard]] trace_summary analyse(const std::string& text, const std::string& file, std::size_t gaps = 3);

/// Table of tracks: spans, busy time and share of the extent, time by category, longest gaps.
[[nodiscard]] std::string to_table(const trace_summary& summary);

} // namespace kpu::trace
