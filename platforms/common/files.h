#pragma once
// Whole-file reading and atomic writing: an output appears under its name complete, or the older file stays.

#include <string>
#include <string_view>

namespace kpu {

/// The whole file as bytes. Throws input_error with the system's reason if it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);

/// Writes to `path.tmp<pid>` beside the target and renames it over the target. Throws input_error with the system's
/// reason; the temporary file is removed then.
void write_file(const std::string& path, std::string_view content);

} // namespace kpu
