#pragma once
// A small strict reader of value change dumps: throws std::runtime_error on anything that IEEE 1364 does not allow.

#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace kpu::trace::test {

struct vcd_change {
    std::uint64_t at = 0;
    std::string value; ///< binary digits without leading zeros, or z
};

struct vcd_dump {
    std::string timescale, comment;
    std::map<std::string, unsigned> widths; ///< by full name
    std::map<std::string, std::vector<vcd_change>> changes;
    std::uint64_t end = 0;

    [[nodiscard]] std::uint64_t value_at(const std::string& name, std::uint64_t time) const {
        std::string value;
        for (const vcd_change& c : changes.at(name)) {
            if (c.at <= time)
                value = c.value;
        }
        return std::stoull(value, nullptr, 2);
    }
    /// The value's bytes as characters, without leading spaces.
    [[nodiscard]] std::string text_at(const std::string& name, std::uint64_t time) const {
        std::string text;
        for (std::uint64_t v = value_at(name, time); v != 0; v >>= 8)
            text.insert(text.begin(), static_cast<char>(v & 0xff));
        return text.substr(text.find_first_not_of(' '));
    }
    [[nodiscard]] bool no_value_at(const std::string& name, std::uint64_t time) const {
        std::string value;
        for (const vcd_change& c : changes.at(name)) {
            if (c.at <= time)
                value = c.value;
        }
        return value == "z";
    }
};

class vcd_parser {
  public:
    explicit vcd_parser(const std::string& text) : m_in(text) {}

    vcd_dump parse() {
        header();
        body();
        return std::move(m_dump);
    }

  private:
    std::string word() {
        std::string w;
        if (!(m_in >> w))
            throw std::runtime_error("unexpected end");
        return w;
    }
    std::string until_end() {
        std::string all;
        for (std::string w = word(); w != "$end"; w = word())
            all += (all.empty() ? "" : " ") + w;
        return all;
    }
    void header() {
        std::vector<std::string> scopes;
        for (std::string w = word(); w != "$enddefinitions"; w = word()) {
            if (w == "$comment") {
                m_dump.comment = until_end();
            } else if (w == "$timescale") {
                m_dump.timescale = until_end();
            } else if (w == "$scope") {
                if (word() != "module")
                    throw std::runtime_error("unknown scope");
                scopes.push_back(word());
                expect_end();
            } else if (w == "$upscope") {
                if (scopes.empty())
                    throw std::runtime_error("upscope at the top");
                scopes.pop_back();
                expect_end();
            } else if (w == "$var") {
                variable(scopes);
            } else {
                throw std::runtime_error("unknown section " + w);
            }
        }
        expect_end();
        if (!scopes.empty())
            throw std::runtime_error("open scope");
    }
    void expect_end() {
        if (word() != "$end")
            throw std::runtime_error("$end expected");
    }
    void variable(const std::vector<std::string>& scopes) {
        if (word() != "wire")
            throw std::runtime_error("unknown type");
        const auto width = static_cast<unsigned>(std::stoul(word()));
        const std::string code = word();
        std::string name;
        for (const std::string& s : scopes)
            name += s + ".";
        name += word();
        if (width > 1 && word() != "[" + std::to_string(width - 1) + ":0]")
            throw std::runtime_error("range does not fit the width");
        expect_end();
        if (!m_names.emplace(code, name).second || !m_dump.widths.emplace(name, width).second)
            throw std::runtime_error("declared twice: " + name);
    }
    void body() {
        bool initial = false;
        std::uint64_t now = 0;
        bool timed = false;
        for (std::string w; m_in >> w;) {
            if (w[0] == '#') {
                const std::uint64_t at = std::stoull(w.substr(1));
                if (timed && at <= now)
                    throw std::runtime_error("time does not advance");
                now = at;
                timed = true;
            } else if (w == "$dumpvars") {
                initial = true;
            } else if (w == "$end" && initial) {
                initial = false;
                if (m_dump.changes.size() != m_dump.widths.size())
                    throw std::runtime_error("not every signal has an initial value");
            } else {
                change(w, now);
            }
        }
        m_dump.end = now;
    }
    void change(const std::string& w, std::uint64_t now) {
        std::string value, code;
        if (w[0] == 'b') {
            value = w.substr(1);
            code = word();
        } else {
            value = w.substr(0, 1);
            code = w.substr(1);
        }
        const std::string& name = m_names.at(code);
        const bool scalar = m_dump.widths.at(name) == 1;
        if (scalar == (w[0] == 'b') || value.empty() ||
            value.find_first_not_of(value == "z" ? "z" : "01") != std::string::npos ||
            value.size() > m_dump.widths.at(name) || (value.size() > 1 && value[0] == '0'))
            throw std::runtime_error("bad value " + w + " of " + name);
        std::vector<vcd_change>& list = m_dump.changes[name];
        if (!list.empty() && (list.back().value == value || list.back().at == now))
            throw std::runtime_error("superfluous change of " + name);
        list.push_back({now, value});
    }

    std::istringstream m_in;
    std::map<std::string, std::string> m_names;
    vcd_dump m_dump;
};

inline vcd_dump parse_vcd(const std::string& text) {
    return vcd_parser(text).parse();
}

} // namespace kpu::trace::test
