#pragma once
// The two encodings, for object.cpp and the tests. None of these verifies the program.

#include "compiler/dfx/program.h"

#include <string>
#include <string_view>

namespace kpu::object {

inline constexpr std::string_view k_magic{"KPU\0", 4};

/// Deepest nesting of loops that a reader follows before it gives up; dfx::verify() has the limit that holds.
inline constexpr unsigned k_read_depth = 64;

[[nodiscard]] std::string to_json(const dfx::program& p);
[[nodiscard]] dfx::program from_json(std::string_view text, const std::string& name);

[[nodiscard]] std::string to_binary(const dfx::program& p);
[[nodiscard]] dfx::program from_binary(std::string_view bytes, const std::string& name);

/// "2.0" into its parts. Throws input_error with both versions where the major is newer than this reader's, or the text
/// is no version.
struct version {
    unsigned major, minor;
};
[[nodiscard]] version read_version(const std::string& text, const std::string& name, const std::string& where);

} // namespace kpu::object
