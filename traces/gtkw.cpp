#include "traces/gtkw.h"

#include <filesystem>
#include <fmt/format.h>
#include <set>

namespace kpu::trace {

namespace {

// Trace flags of GTKWave's save files.
constexpr unsigned k_hexadecimal = 0x2, k_decimal = 0x4, k_binary = 0x8, k_right_justified = 0x20, k_blank = 0x200,
                   k_ascii = 0x800, k_collapsed = 0x1000, k_closed = 0x400000, k_group_begin = 0x800000,
                   k_group_end = 0x1000000;

unsigned flags_of(gtkw_format format) {
    switch (format) {
    case gtkw_format::hexadecimal:
        return k_hexadecimal | k_right_justified;
    case gtkw_format::binary:
        return k_binary | k_right_justified;
    case gtkw_format::ascii:
        return k_ascii | k_right_justified;
    case gtkw_format::decimal:
        break;
    }
    return k_decimal | k_right_justified;
}

std::string absolute(const std::string& path) {
    std::error_code failed;
    const std::filesystem::path full = std::filesystem::absolute(path, failed);
    return failed ? path : full.lexically_normal().string();
}

} // namespace

std::string to_gtkw(const std::string& dump_path, const std::string& save_path, const std::vector<gtkw_group>& groups) {
    std::string text = fmt::format("[*]\n[dumpfile] \"{}\"\n[savefile] \"{}\"\n[timestart] 0\n[size] 1600 900\n",
                                   absolute(dump_path), absolute(save_path));
    std::set<std::string> scopes;
    for (const gtkw_group& g : groups) {
        for (const gtkw_signal& s : g.signals)
            for (std::size_t dot = s.scope.find('.'); dot != std::string::npos; dot = s.scope.find('.', dot + 1))
                scopes.insert(s.scope.substr(0, dot));
    }
    for (const std::string& s : scopes)
        text += fmt::format("[treeopen] {}.\n", s);
    for (const gtkw_group& g : groups) {
        const unsigned closed = g.open ? 0 : k_closed;
        const unsigned hidden = g.open ? 0 : k_collapsed; // the line that ends a closed group is not shown
        text += fmt::format("@{:x}\n-{}\n", k_group_begin | k_blank | closed, g.title);
        for (const gtkw_signal& s : g.signals) {
            const std::string bits = s.width == 1 ? "" : fmt::format("[{}:0]", s.width - 1);
            text +=
                fmt::format("@{:x}\n{}{}{}{}\n", flags_of(s.format), s.scope, s.scope.empty() ? "" : ".", s.name, bits);
        }
        text += fmt::format("@{:x}\n-{}\n", k_group_end | k_blank | closed | hidden, g.title);
    }
    return text;
}

} // namespace kpu::trace
