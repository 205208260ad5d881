#include "platforms/common/utf8.h"

#include <cstdint>

namespace kpu {

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t n = lead < 0x80                   ? 1
                              : lead >= 0xc2 && lead < 0xe0 ? 2
                              : (lead & 0xf0) == 0xe0       ? 3
                              : lead >= 0xf0 && lead < 0xf5 ? 4
                                                            : 0;
        if (n == 0 || n > text.size() - i)
            return false;
        std::uint32_t code = n == 1 ? lead : lead & (0x7fU >> n);
        for (std::size_t d = 1; d < n; ++d) {
            const auto next = static_cast<unsigned char>(text[i + d]);
            if ((next & 0xc0) != 0x80)
                return false;
            code = code << 6U | (next & 0x3fU);
        }
        const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
        if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
        i += n;
    }
    return true;
}

} // namespace kpu
