#pragma once
// The encoding of all text in files.

#include <string_view>

namespace kpu {

/// True for well-formed UTF-8: shortest forms only, no surrogates, up to U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

} // namespace kpu
