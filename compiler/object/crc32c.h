#pragma once
// CRC-32C (Castagnoli), as in iSCSI: reflected polynomial 0x82f63b78, initial value and final xor all ones.

#include <cstdint>
#include <string_view>

namespace kpu::object {

[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

} // namespace kpu::object
