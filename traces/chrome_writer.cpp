#include "traces/chrome_writer.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace kpu::trace {

namespace {

void append_number(std::string& to, std::uint64_t value) {
    char digits[20];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    (void)error; // 20 digits hold every value
    to.append(digits, end);
}

bool plain(std::string_view text) {
    for (const char c : text) {
        if (c < ' ' || c == '"' || c == '\\' || c == '\x7f') // negative chars are not ASCII
            return false;
    }
    return true;
}

} // namespace

void append_microseconds(std::string& to, picoseconds ps) {
    constexpr std::uint64_t k_per_microsecond = 1'000'000;
    append_number(to, ps.value() / k_per_microsecond);
    char fraction[7] = {'.'};
    std::uint64_t rest = ps.value() % k_per_microsecond;
    for (int i = 6; i > 0; --i, rest /= 10)
        fraction[i] = static_cast<char>('0' + rest % 10);
    to.append(fraction, sizeof fraction);
}

void append_json_string(std::string& to, std::string_view text) {
    if (plain(text)) {
        to += '"';
        to += text;
        to += '"';
        return;
    }
    to += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

chrome_writer::chrome_writer(const std::string& path, const provenance& from) : m_out(path) {
    std::string& out = m_out.buffer();
    out += "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"platform\":";
    append_json_string(out, from.platform);
    out += ",\"program\":";
    append_json_string(out, from.program);
    out += ",\"program_hash\":";
    append_json_string(out, from.program_hash);
    out += ",\"tool\":";
    append_json_string(out, from.tool);
    out += "},\n\"traceEvents\":[";
}

std::string& chrome_writer::begin_event() {
    std::string& out = m_out.buffer();
    out += m_first ? "\n{" : ",\n{";
    m_first = false;
    return out;
}

void chrome_writer::end_event() {
    m_out.write("}");
}

void chrome_writer::metadata(std::string_view kind, std::uint32_t process, std::uint32_t thread, std::string_view key,
                             std::string_view text) {
    std::string& out = begin_event();
    out += "\"ph\":\"M\",\"pid\":";
    append_number(out, process);
    out += ",\"tid\":";
    append_number(out, thread);
    out += ",\"name\":\"";
    out += kind;
    out += "\",\"args\":{\"";
    out += key;
    out += "\":";
    out += text;
    out += "}";
    end_event();
}

std::uint32_t chrome_writer::process_of(std::string_view group) {
    const auto known = m_processes.find(group);
    if (known != m_processes.end())
        return known->second;
    const auto process = static_cast<std::uint32_t>(m_processes.size() + 1);
    m_processes.emplace(group, process);
    std::string quoted;
    append_json_string(quoted, group);
    metadata("process_name", process, 0, "name", quoted);
    metadata("process_sort_index", process, 0, "sort_index", std::to_string(process));
    return process;
}

track_id chrome_writer::add_track(std::string_view group, std::string_view name, std::uint32_t order) {
    const std::uint32_t process = process_of(group);
    const track_id id(static_cast<std::uint32_t>(m_tracks.size()));
    m_tracks.push_back({process, std::string(name)});
    std::string quoted;
    append_json_string(quoted, name);
    metadata("thread_name", process, id.value() + 1, "name", quoted);
    metadata("thread_sort_index", process, id.value() + 1, "sort_index", std::to_string(order));
    return id;
}

void chrome_writer::add(const span& what) {
    std::string& out = begin_event();
    out += "\"ph\":\"X\",\"pid\":";
    append_number(out, m_tracks.at(what.track.value()).process);
    out += ",\"tid\":";
    append_number(out, what.track.value() + 1);
    out += ",\"ts\":";
    append_microseconds(out, what.start);
    out += ",\"dur\":";
    append_microseconds(out, what.end - what.start);
    out += ",\"name\":";
    append_json_string(out, what.name);
    out += ",\"cat\":";
    append_json_string(out, what.category);
    out += ",\"args\":{";
    bool first = true;
    for (const argument& a : what.args) {
        if (!first)
            out += ',';
        first = false;
        append_json_string(out, a.name);
        out += ':';
        if (a.text.empty())
            append_number(out, a.number);
        else
            append_json_string(out, a.text);
    }
    out += "}";
    end_event();
}

void chrome_writer::add(const sample& what) {
    const track& t = m_tracks.at(what.track.value());
    std::string& out = begin_event();
    out += "\"ph\":\"C\",\"pid\":";
    append_number(out, t.process);
    out += ",\"tid\":";
    append_number(out, what.track.value() + 1);
    out += ",\"ts\":";
    append_microseconds(out, what.at);
    out += ",\"name\":";
    append_json_string(out, t.name);
    out += ",\"args\":{\"value\":";
    append_number(out, what.value);
    out += "}";
    end_event();
}

void chrome_writer::finish() {
    m_out.write("\n]}\n");
    m_out.commit();
}

} // namespace kpu::trace
