#pragma once
// Numbers of the binary encoding. All integers are little endian. The file is: magic, version (major << 16 | minor),
// flags (0), number of sections, then per section kind, offset, size, CRC-32C (u32, u64, u64, u32), then the CRC-32C of
// all of this (u32), then the sections. Bytes that belong to none of them are zero.

#include <cstddef>
#include <cstdint>

namespace kpu::object {

enum class section : std::uint32_t {
    metadata = 1,
    tensors = 2,
    operations = 3,
    dependences = 4,
    hints = 5,
    constants = 6,
    tuning = 7,
};

/// In a section's kind: a reader that does not know the section may skip it.
inline constexpr std::uint32_t k_optional = 0x80000000U;

/// Whether a known section has that bit, in every file.
[[nodiscard]] constexpr bool is_optional(section kind) {
    return kind == section::hints || kind == section::tuning;
}

inline constexpr std::size_t k_header_bytes = 16;
inline constexpr std::size_t k_table_entry_bytes = 24;
inline constexpr std::size_t k_table_sum_bytes = 4;
inline constexpr std::uint32_t k_max_sections = 64;
/// Of constants, in the file and among each other.
inline constexpr std::uint64_t k_alignment = 64;

/// Tags of statements.
enum class tag : std::uint8_t { loop = 0, move = 1, compute = 2, barrier = 3 };

} // namespace kpu::object
