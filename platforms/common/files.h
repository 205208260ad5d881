#pragma once
// Files in one piece.

#include <string>
#include <string_view>

namespace kpu {

/// The whole file as bytes. Throws input_error with the system's reason if it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);

/// The whole of an output_file, which says what becomes of what is there. Throws input_error with the system's reason.
void write_file(const std::string& path, std::string_view content);

} // namespace kpu
