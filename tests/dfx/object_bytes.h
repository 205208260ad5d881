#pragma once
// The bytes of a binary .kpu file, as compiler/object/README.md describes them: to damage them.

#include "compiler/object/object.h"
#include "compiler/tensor/crc32c.h"
#include "platforms/common/diagnostic.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace kpu::test {

/// The message with which the bytes of a file are refused.
inline std::string refusal(std::string_view bytes) {
    try {
        (void)object::parse_program(bytes, "f.kpu");
    } catch (const input_error& problem) {
        return problem.what();
    }
    return "accepted";
}

inline std::string with_bit_flipped(std::string bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) ^ (1U << bit % 8));
    return bytes;
}

inline void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i, value >>= 8U)
        bytes[at + i] = static_cast<char>(value & 255U);
}

inline std::uint64_t get(const std::string& bytes, std::size_t at, std::size_t n) {
    std::uint64_t value = 0;
    while (n-- > 0)
        value = value << 8U | static_cast<unsigned char>(bytes[at + n]);
    return value;
}

/// Where entry i of the section table begins.
inline std::size_t entry(std::size_t i) {
    return 16 + i * 24;
}

/// Puts the table's checksum right again.
inline std::string sealed(std::string bytes) {
    const std::size_t end = entry(get(bytes, 12, 4));
    if (end + 4 <= bytes.size())
        put(bytes, end, crc32c(std::string_view(bytes).substr(0, end)), 4);
    return bytes;
}

/// Calls `visit` with the file with each bit of each section's content flipped, and of the table, the checksums put
/// right again: the reader alone stands between such bytes and the program.
template <class Visit>
void for_each_flip_behind_checksums(const std::string& good, Visit visit) {
    for (std::size_t section = 0; section < get(good, 12, 4); ++section) {
        const std::uint64_t offset = get(good, entry(section) + 4, 8);
        const std::uint64_t size = get(good, entry(section) + 12, 8);
        for (std::size_t bit = offset * 8; bit < (offset + size) * 8; ++bit) {
            std::string bytes = with_bit_flipped(good, bit);
            put(bytes, entry(section) + 20, crc32c(std::string_view(bytes).substr(offset, size)), 4);
            visit(sealed(bytes));
        }
    }
    for (std::size_t bit = 0; bit < entry(get(good, 12, 4)) * 8; ++bit)
        visit(sealed(with_bit_flipped(good, bit)));
}

} // namespace kpu::test
