#include "platforms/common/utf8.h"

#include <cstdint>
#include <fmt/format.h>
#include <iterator>

namespace kpu {

namespace {

/// Bytes of the well-formed character that the text, which is not empty, begins with; 0 where it begins with none.
std::size_t character_at(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t n = lead < 0x80                   ? 1
                          : lead >= 0xc2 && lead < 0xe0 ? 2
                          : (lead & 0xf0) == 0xe0       ? 3
                          : lead >= 0xf0 && lead < 0xf5 ? 4
                                                        : 0;
    if (n == 0 || n > text.size())
        return 0;
    std::uint32_t code = n == 1 ? lead : lead & (0x7fU >> n);
    for (std::size_t d = 1; d < n; ++d) {
        const auto next = static_cast<unsigned char>(text[d]);
        if ((next & 0xc0) != 0x80)
            return 0;
        code = code << 6U | (next & 0x3fU);
    }
    const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
    return overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n;
}

bool is_control(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character.front());
    return lead < 0x20 || lead == 0x7f || (lead == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

} // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t n = character_at(text);
        if (n == 0)
            return false;
        text.remove_prefix(n);
    }
    return true;
}

bool has_controls(std::string_view text) {
    while (!text.empty()) {
        const std::size_t n = character_at(text);
        if (n != 0 && is_control(text.substr(0, n)))
            return true;
        text.remove_prefix(n == 0 ? 1 : n);
    }
    return false;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t n = character_at(text);
        const std::string_view next = text.substr(0, n == 0 ? 1 : n);
        if (next == "\n")
            out += "\\n";
        else if (n != 0 && !is_control(next))
            out += next;
        else
            for (const char c : next)
                fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        text.remove_prefix(next.size());
    }
    return out;
}

} // namespace kpu
