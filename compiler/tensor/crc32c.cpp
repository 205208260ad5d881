#include "compiler/tensor/crc32c.h"

#include <array>

namespace kpu {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t rest = i;
        for (int bit = 0; bit < 8; ++bit)
            rest = (rest & 1U) != 0 ? (rest >> 1U) ^ 0x82f63b78U : rest >> 1U;
        table[i] = rest;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> k_table = make_table();

} // namespace

std::uint32_t crc32c(std::string_view bytes) {
    std::uint32_t sum = 0xffffffffU;
    for (const char c : bytes)
        sum = (sum >> 8U) ^ k_table[(sum ^ static_cast<unsigned char>(c)) & 0xffU];
    return ~sum;
}

std::uint32_t crc32c(const std::vector<std::byte>& bytes) {
    return crc32c(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

} // namespace kpu
