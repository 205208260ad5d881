#pragma once
// The Chrome trace event format (JSON object form), as chrome://tracing and ui.perfetto.dev open it.

#include "platforms/common/output_file.h"
#include "traces/event.h"

#include <map>
#include <string>

namespace kpu::trace {

/// Streams to the file, one event per line. Groups become processes, tracks threads, samples counters. `ts` and `dur`
/// are microseconds with six decimals, formatted from integer picoseconds: exact. Equal calls give equal bytes.
class chrome_writer final : public event_sink {
  public:
    /// Throws input_error if the file cannot be created.
    chrome_writer(const std::string& path, const provenance& from);

    track_id add_track(std::string_view group, std::string_view name, std::uint32_t order) override;
    void add(const span& what) override;
    void add(const sample& what) override;

    /// Completes the file and gives it its name. Throws input_error if it could not be written.
    void finish();

  private:
    struct track {
        std::uint32_t process = 0;
        std::string name;
    };
    std::string& begin_event();
    void end_event();
    std::uint32_t process_of(std::string_view group);
    void metadata(std::string_view kind, std::uint32_t process, std::uint32_t thread, std::string_view key,
                  std::string_view text);

    output_file m_out;
    bool m_first = true;
    std::map<std::string, std::uint32_t, std::less<>> m_processes;
    std::vector<track> m_tracks;
};

/// `ps` as microseconds: "12.345678".
void append_microseconds(std::string& to, picoseconds ps);
/// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& to, std::string_view text);

} // namespace kpu::trace
