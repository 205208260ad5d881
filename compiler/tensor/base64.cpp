#include "compiler/tensor/base64.h"

#include <algorithm>
#include <cstdint>

namespace kpu {

namespace {

constexpr std::string_view k_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint32_t byte_at(const std::vector<std::byte>& bytes, std::size_t i) {
    return i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0;
}

} // namespace

std::string to_base64(const std::vector<std::byte>& bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::uint32_t word = byte_at(bytes, i) << 16U | byte_at(bytes, i + 1) << 8U | byte_at(bytes, i + 2);
        for (std::uint32_t d = 0; d < 4; ++d)
            out += i + d <= bytes.size() ? k_digits[word >> (18U - 6U * d) & 63U] : '=';
    }
    return out;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    if (text.size() % 4 != 0)
        return std::nullopt;
    std::vector<std::byte> out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        const std::size_t padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        std::uint32_t word = 0;
        for (std::size_t d = 0; d < 4; ++d) {
            const std::size_t digit = d + padding >= 4 ? 0 : k_digits.find(text[i + d]);
            if (digit == std::string_view::npos)
                return std::nullopt;
            word = word << 6U | static_cast<std::uint32_t>(digit);
        }
        for (std::uint32_t b = 0; b < 3 - padding; ++b)
            out.push_back(static_cast<std::byte>(word >> (16U - 8U * b) & 255U));
        if ((word & ((1U << (8 * padding)) - 1)) != 0)
            return std::nullopt; // bits that no encoder sets
    }
    return out;
}

std::size_t find_not_base64(std::string_view text, std::size_t from) {
    const std::size_t fill = std::min(text.find('='), text.size());
    for (std::size_t i = from; i < text.size(); ++i)
        if (i < fill ? k_digits.find(text[i]) == k_digits.npos : text[i] != '=' || i >= fill + 2)
            return i;
    return std::string_view::npos;
}

} // namespace kpu
