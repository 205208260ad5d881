#pragma once
// The encoding of all text in files.

#include <string>
#include <string_view>

namespace kpu {

/// True for well-formed UTF-8: shortest forms only, no surrogates, up to U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// True where there is an ASCII control character, a tab or a line's end too, or one of U+0080 to U+009F.
[[nodiscard]] bool has_controls(std::string_view text);

/// What a terminal shows as it stands: control characters and bytes that are no UTF-8 become `\n` or `\xHH`.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace kpu
