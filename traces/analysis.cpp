#include "traces/analysis.h"

#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kpu::trace {

namespace {

using nlohmann::json;

constexpr std::size_t k_problems_listed = 20;
constexpr double k_ps_per_us = 1e6;
constexpr double k_latest_us = 1e12; ///< eleven days: beyond it a double no longer tells picoseconds apart

struct event_span {
    picoseconds start, end;
    std::uint64_t index = 0; ///< of its event
};
struct track_events {
    track_summary summary;
    std::vector<event_span> spans;
};
using track_key = std::pair<std::int64_t, std::int64_t>; ///< pid, tid

/// Takes the events one by one as they are parsed, so that a large trace never is one large tree.
class collector {
  public:
    explicit collector(std::string file) : m_file(std::move(file)) {}

    void take(const json& event) {
        const std::uint64_t index = m_events++;
        if (!event.is_object() || !event.contains("ph") || !event["ph"].is_string())
            return problem(index, "event without a phase");
        const auto& phase = event["ph"].get_ref<const std::string&>();
        if (phase == "M")
            return take_metadata(event, index);
        picoseconds start;
        if (!time(event, "ts", index, start) || phase != "X")
            return;
        picoseconds duration;
        track_key key;
        if (!time(event, "dur", index, duration) || !track_of(event, index, key))
            return;
        const json category = event.value("cat", json("other"));
        if (!category.is_string())
            return problem(index, "event whose category is no text");
        track_events& t = m_tracks[key];
        t.spans.push_back({start, start + duration, index});
        t.summary.by_category[category.get<std::string>()] += duration;
    }

    void problem(std::uint64_t index, std::string message) {
        if (++m_count > k_problems_listed)
            return;
        location where;
        where.file = m_file;
        where.path = "/traceEvents/" + std::to_string(index);
        m_problems.error(std::move(where), std::move(message));
    }

    trace_summary finish(std::size_t gaps) {
        trace_summary all;
        all.events = m_events;
        bool first = true;
        for (auto& [key, t] : m_tracks) {
            t.summary.group = m_groups[key.first];
            if (t.spans.empty())
                continue;
            sum_up(t, gaps);
            const picoseconds end =
                std::max_element(t.spans.begin(), t.spans.end(), [](auto& a, auto& b) { return a.end < b.end; })->end;
            all.extent.start = first ? t.spans.front().start : std::min(all.extent.start, t.spans.front().start);
            all.extent.end = first ? end : std::max(all.extent.end, end);
            first = false;
            all.tracks.push_back(std::move(t.summary));
        }
        if (m_count > k_problems_listed)
            problem_total();
        m_problems.throw_if_errors();
        std::stable_sort(all.tracks.begin(), all.tracks.end(), [](const track_summary& a, const track_summary& b) {
            return std::tie(a.group, a.order) < std::tie(b.group, b.order);
        });
        return all;
    }

  private:
    void problem_total() {
        location where;
        where.file = m_file;
        m_problems.error(std::move(where), fmt::format("{} problems in all", m_count));
    }

    bool time(const json& event, const char* key, std::uint64_t index, picoseconds& into) {
        const auto at = event.find(key);
        if (at == event.end() || !at->is_number())
            return problem(index, fmt::format("event without a number as '{}'", key)), false;
        const double us = at->get<double>();
        if (!(us >= 0 && us < k_latest_us))
            return problem(index, fmt::format("'{}' is negative or absurdly large", key)), false;
        into = picoseconds(static_cast<std::uint64_t>(std::llround(us * k_ps_per_us)));
        return true;
    }

    bool track_of(const json& event, std::uint64_t index, track_key& into) {
        const auto pid = event.find("pid"), tid = event.find("tid");
        if (pid == event.end() || tid == event.end() || !pid->is_number_integer() || !tid->is_number_integer())
            return problem(index, "event without a pid and tid"), false;
        into = {pid->get<std::int64_t>(), tid->get<std::int64_t>()};
        return true;
    }

    void take_metadata(const json& event, std::uint64_t index) {
        track_key key;
        if (!track_of(event, index, key))
            return;
        const json args = event.value("args", json::object());
        if (!args.is_object())
            return problem(index, "metadata whose args are no object");
        const std::string kind = event.contains("name") && event["name"].is_string() ? event["name"] : json("");
        if (kind == "process_name" && args.contains("name") && args["name"].is_string())
            m_groups[key.first] = args["name"].get<std::string>();
        if (kind == "thread_name" && args.contains("name") && args["name"].is_string())
            m_tracks[key].summary.name = args["name"].get<std::string>();
        if (kind == "thread_sort_index" && args.contains("sort_index") && args["sort_index"].is_number_unsigned())
            m_tracks[key].summary.order = args["sort_index"].get<std::uint32_t>();
    }

    void sum_up(track_events& t, std::size_t gaps) {
        std::sort(t.spans.begin(), t.spans.end(), [](const event_span& a, const event_span& b) {
            return a.start != b.start ? a.start < b.start : a.end < b.end;
        });
        t.summary.spans = t.spans.size();
        picoseconds end = t.spans.front().start;
        for (const event_span& s : t.spans) {
            t.summary.busy += s.end - s.start;
            if (s.start < end)
                problem(s.index, fmt::format("span from {} to {} ps overlaps another on track '{}'", s.start.value(),
                                             s.end.value(), t.summary.name));
            else if (end < s.start)
                t.summary.gaps.push_back({end, s.start});
            end = std::max(end, s.end);
        }
        std::stable_sort(t.summary.gaps.begin(), t.summary.gaps.end(),
                         [](const time_range& a, const time_range& b) { return a.end - a.start > b.end - b.start; });
        if (t.summary.gaps.size() > gaps)
            t.summary.gaps.resize(gaps);
    }

    std::string m_file;
    std::uint64_t m_events = 0;
    std::uint64_t m_count = 0;
    diagnostics m_problems;
    std::map<std::int64_t, std::string> m_groups;
    std::map<track_key, track_events> m_tracks;
};

[[noreturn]] void refuse(const std::string& file, std::string message, std::optional<std::uint64_t> byte = {}) {
    diagnostic d;
    d.where.file = file;
    d.where.byte_offset = byte;
    d.message = std::move(message);
    throw input_error(std::move(d));
}

std::string microseconds(picoseconds ps) {
    return fmt::format("{}.{:06}", ps.value() / 1'000'000, ps.value() % 1'000'000);
}

} // namespace

trace_summary analyse(const std::string& text, const std::string& file, std::size_t gaps) {
    constexpr int k_key_depth = 1, k_event_depth = 2;
    collector events(file);
    std::string section;
    const auto each = [&](int depth, json::parse_event_t what, json& parsed) {
        if (depth == k_key_depth && what == json::parse_event_t::key)
            section = parsed.get<std::string>();
        const bool is_event = depth == k_event_depth && section == "traceEvents" &&
                              (what == json::parse_event_t::object_end || what == json::parse_event_t::value ||
                               what == json::parse_event_t::array_end);
        if (is_event)
            events.take(parsed);
        return !is_event; // an event that has been taken is not kept
    };
    json root;
    try {
        root = json::parse(text, each);
    } catch (const json::parse_error& problem) {
        refuse(file, "is not JSON", problem.byte);
    }
    if (!root.is_object() || !root.contains("traceEvents") || !root["traceEvents"].is_array())
        refuse(file, "is not a Chrome trace: it has no list 'traceEvents'");
    trace_summary summary = events.finish(gaps);
    if (root.contains("otherData") && root["otherData"].is_object()) {
        for (const auto& [key, value] : root["otherData"].items())
            summary.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    return summary;
}

std::string to_table(const trace_summary& summary) {
    std::string text;
    for (const char* key : {"tool", "program", "program_hash"}) {
        const auto at = summary.metadata.find(key);
        if (at != summary.metadata.end())
            text += fmt::format("{:<14} {}\n", key, at->second);
    }
    const picoseconds extent = summary.extent.end - summary.extent.start;
    text += fmt::format("{:<14} {}\n{:<14} {} us from {} us on\n", "events", summary.events, "extent",
                        microseconds(extent), microseconds(summary.extent.start));
    std::size_t width = 10;
    for (const track_summary& t : summary.tracks)
        width = std::max(width, t.name.size() + 2);
    std::string group;
    for (const track_summary& t : summary.tracks) {
        if (t.group != group)
            text += fmt::format("\n{:<{}} {:>9} {:>16} {:>7}  by category, longest gaps\n", t.group, width, "spans",
                                "busy us", "share");
        group = t.group;
        const double share =
            extent.value() == 0 ? 0 : 100 * static_cast<double>(t.busy.value()) / static_cast<double>(extent.value());
        text +=
            fmt::format("  {:<{}} {:>9} {:>16} {:>6.1f}% ", t.name, width - 2, t.spans, microseconds(t.busy), share);
        for (const auto& [category, time] : t.by_category)
            text += fmt::format(" {} {}", category, microseconds(time));
        for (const time_range& g : t.gaps)
            text += fmt::format(" gap [{}, {})", microseconds(g.start), microseconds(g.end));
        text += "\n";
    }
    return text;
}

} // namespace kpu::trace
