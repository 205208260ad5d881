#include "platforms/schema.h"

#include "platforms/dram_presets.h"

#include <algorithm>

namespace kpu::platform {

namespace {

std::string quoted(const std::string& text) {
    constexpr const char* hex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += std::string("\\") + c;
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7f)
            out += std::string("\\x") + hex[byte / 16] + hex[byte % 16];
        else
            out += c;
    }
    return out + "\"";
}

/// The device values of every preset, a row per key; keys are rows because there are many of them.
std::string document_presets(const schema& keys) {
    const std::string section = "dram.device.";
    std::string out = "| preset |";
    std::string rule = "|---|";
    std::string channels = "| a (sub-)channel |";
    for (const dram_preset& preset : dram_presets()) {
        out += " " + preset.name + " |";
        rule += "---|";
        channels += " " + preset.channel + " |";
    }
    out += "\n" + rule + "\n" + channels + "\n";
    for (const field& f : keys.fields()) {
        if (f.path.rfind(section, 0) != 0)
            continue;
        out += "| " + f.path.substr(section.size()) + " |";
        for (const dram_preset& preset : dram_presets()) {
            platform p;
            p.dram.device = preset.device;
            out += " " + format_value(f, f.get(p)) + " |";
        }
        out += "\n";
    }
    return out + "\nSource of the presets: " + dram_preset_source() + "\n";
}

} // namespace

const field* schema::find(std::string_view path) const {
    const auto f = std::find_if(m_fields.begin(), m_fields.end(), [&](const field& x) { return x.path == path; });
    return f == m_fields.end() ? nullptr : &*f;
}

const section* schema::find_section(std::string_view path) const {
    const auto s = std::find_if(m_sections.begin(), m_sections.end(), [&](const section& x) { return x.path == path; });
    return s == m_sections.end() ? nullptr : &*s;
}

std::string listed(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words)
        out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::vector<std::string> schema::keys_of(std::string_view section_path) const {
    const std::string prefix = section_path.empty() ? std::string() : std::string(section_path) + ".";
    std::vector<std::string> keys;
    const auto add = [&](const std::string& path) {
        if (path.rfind(prefix, 0) == 0 && path.find('.', prefix.size()) == std::string::npos)
            keys.push_back(path.substr(prefix.size()));
    };
    for (const field& f : m_fields)
        add(f.path);
    for (const section& s : m_sections)
        add(s.path);
    return keys;
}

std::string expectation(const field& f) {
    const platform defaults;
    if (std::holds_alternative<bool>(f.get(defaults)))
        return "true or false";
    if (!f.choices.empty())
        return "one of " + listed(f.choices);
    if (std::holds_alternative<std::string>(f.get(defaults)))
        return "text";
    return describe(f.what) + ", from " + format_quantity(f.min, f.what) + " to " + format_quantity(f.max, f.what) +
           (f.power_of_two ? ", a power of two" : "");
}

std::string format_value(const field& f, const field_value& value) {
    if (std::holds_alternative<std::monostate>(value))
        return "absent";
    if (const auto* flag = std::get_if<bool>(&value))
        return *flag ? "true" : "false";
    if (const auto* text = std::get_if<std::string>(&value))
        return quoted(*text);
    return format_quantity(std::get<std::uint64_t>(value), f.what);
}

field_value default_of(const field& f, const platform& p) {
    if (f.derive)
        return f.derive(p);
    return f.get(platform{});
}

bool operator==(const platform& a, const platform& b) {
    const schema& keys = schema::get();
    return std::all_of(keys.fields().begin(), keys.fields().end(),
                       [&](const field& f) { return f.get(a) == f.get(b); });
}

std::string document_schema() {
    const schema& keys = schema::get();
    const platform defaults;
    std::string out = "| key | value | default | meaning |\n|---|---|---|---|\n";
    std::size_t next_section = 0;
    for (const field& f : keys.fields()) {
        while (next_section < keys.sections().size() &&
               f.path.rfind(keys.sections()[next_section].path + ".", 0) == 0) {
            const section& s = keys.sections()[next_section++];
            out += "| **" + s.path + "** | | | " + s.doc + " |\n";
        }
        const std::string initial = f.derivation.empty() ? "`" + format_value(f, f.get(defaults)) + "`" : f.derivation;
        out += "| " + f.path + " | " + expectation(f) + " | " + initial + " | " + f.doc + " |\n";
    }
    return out + "\n" + document_presets(keys);
}

} // namespace kpu::platform
