#pragma once
// CRC-32C (Castagnoli), as in iSCSI: reflected polynomial 0x82f63b78, initial value and final xor all ones. Files carry
// it beside what they hold of tensors.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kpu {

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);
[[nodiscard]] std::uint32_t crc32c(const std::vector<std::byte>& bytes);

} // namespace kpu
