#include "traces/vcd_writer.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <stdexcept>

namespace kpu::trace {

namespace {

/// The n-th of the identifier codes: printable characters, shortest first.
std::string code_of(std::size_t n) {
    constexpr std::size_t k_first = '!', k_count = '~' - '!' + 1;
    std::string code;
    do {
        code += static_cast<char>(k_first + n % k_count);
        n /= k_count;
    } while (n-- != 0);
    return code;
}

/// Names in the file end at white space.
std::string one_word(std::string name) {
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c <= ' ' || c == '$'; }, '_');
    return name;
}

struct scope_node {
    std::map<std::string, std::unique_ptr<scope_node>> children;
    std::vector<std::size_t> signals;
};

scope_node& descend(scope_node& from, const std::string& path) {
    scope_node* at = &from;
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        std::unique_ptr<scope_node>& child = at->children[one_word(path.substr(begin, end - begin))];
        if (child == nullptr)
            child = std::make_unique<scope_node>();
        at = child.get();
        begin = end + 1;
    }
    return *at;
}

} // namespace

vcd_writer::vcd_writer(const std::string& path, std::string comment) : m_out(path), m_comment(std::move(comment)) {
    std::replace_if(
        m_comment.begin(), m_comment.end(), [](char c) { return (c >= 0 && c < ' ') || c == '$'; }, ' ');
}

vcd_signal vcd_writer::add(const std::string& scope, const std::string& name, unsigned width, std::uint64_t initial) {
    if (m_started || width == 0 || width > 64)
        throw std::logic_error("vcd_writer: signal '" + name + "' is declared too late or has no valid width");
    const vcd_signal id(static_cast<std::uint32_t>(m_signals.size()));
    m_signals.push_back({scope, one_word(name), code_of(m_signals.size()), width, initial});
    return id;
}

void vcd_writer::write_scopes() {
    scope_node root;
    for (std::size_t i = 0; i < m_signals.size(); ++i)
        descend(root, m_signals[i].scope).signals.push_back(i);
    const auto write = [&](const auto& self, const scope_node& node) -> void {
        std::string& out = m_out.buffer();
        for (const std::size_t i : node.signals) {
            const declared& s = m_signals[i];
            out += "$var wire " + std::to_string(s.width) + ' ' + s.code + ' ' + s.name;
            out += s.width == 1 ? " $end\n" : " [" + std::to_string(s.width - 1) + ":0] $end\n";
        }
        for (const auto& [name, child] : node.children) {
            out += "$scope module " + name + " $end\n";
            self(self, *child);
            out += "$upscope $end\n";
        }
    };
    write(write, root);
}

void vcd_writer::write_header() {
    m_started = true;
    m_out.write("$comment " + m_comment + " $end\n$timescale 1ps $end\n");
    write_scopes();
    m_out.write("$enddefinitions $end\n#0\n$dumpvars\n");
    for (const declared& s : m_signals)
        write_value(s);
    m_out.write("$end\n");
}

void vcd_writer::write_value(const declared& s) {
    std::string& out = m_out.buffer();
    const bool none = s.width < 64 && s.value == k_vcd_none;
    if (s.width == 1) {
        out += none ? 'z' : static_cast<char>('0' + (s.value & 1));
    } else {
        char bits[64];
        // Only the signal's own bits: a step below zero would otherwise print more than were declared.
        const std::uint64_t mask = s.width == 64 ? UINT64_MAX : (std::uint64_t{1} << s.width) - 1;
        const auto [end, error] = std::to_chars(bits, bits + sizeof bits, s.value & mask, 2);
        (void)error; // 64 digits hold every value
        out += 'b';
        if (none)
            out += 'z';
        else
            out.append(bits, end);
        out += ' ';
    }
    out += s.code;
    m_out.write("\n");
}

void vcd_writer::write_time(picoseconds at) {
    char digits[21] = "#";
    const auto [end, error] = std::to_chars(digits + 1, digits + sizeof digits, at.value());
    (void)error; // 20 digits hold every value
    m_out.buffer().append(digits, end);
    m_out.buffer() += '\n';
    m_now = at;
}

void vcd_writer::change(vcd_signal id, std::uint64_t value, picoseconds at) {
    if (!m_started)
        write_header();
    declared& s = m_signals[id.value()];
    if (s.value == value)
        return;
    s.value = value;
    if (at > m_now)
        write_time(at);
    write_value(s);
}

void vcd_writer::finish(picoseconds at) {
    if (!m_started)
        write_header();
    if (at > m_now)
        write_time(at);
    m_out.commit();
}

void vcd_schedule::push(entry e) {
    ++m_pushed;
    if (e.at < m_written) {
        e.at = m_written;
        ++m_moved;
    }
    m_latest = std::max(m_latest, e.at);
    m_pending.push(e);
    if (m_pending.size() > m_capacity)
        write_next_time();
}

void vcd_schedule::write_next_time() {
    const picoseconds at = m_pending.top().at;
    m_now.clear();
    while (!m_pending.empty() && m_pending.top().at == at) {
        const entry e = m_pending.top();
        m_pending.pop();
        auto touched = std::find_if(m_now.begin(), m_now.end(), [&](const auto& t) { return t.first == e.signal; });
        if (touched == m_now.end())
            touched = m_now.insert(m_now.end(), {e.signal, m_to.value(e.signal)});
        touched->second = e.is_step ? touched->second + e.value : e.value;
    }
    for (const auto& [signal, value] : m_now)
        m_to.change(signal, value, at);
    m_written = at;
}

void vcd_schedule::advance(picoseconds now) {
    while (!m_pending.empty() && m_pending.top().at < now)
        write_next_time();
    m_written = std::max(m_written, now);
}

void vcd_schedule::drain() {
    while (!m_pending.empty())
        write_next_time();
}

} // namespace kpu::trace
