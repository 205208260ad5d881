#pragma once
// Base64 (RFC 4648, with padding): tensor values in text.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpu {

[[nodiscard]] std::string to_base64(const std::vector<std::byte>& bytes);
/// Nothing where the text is not canonical base64.
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view text);
/// Where, from `from` on, there is a character that no base64 has there (a foreign one, a digit behind =, a third =);
/// npos where all may be base64, or the beginning of it.
[[nodiscard]] std::size_t find_not_base64(std::string_view text, std::size_t from);

} // namespace kpu
