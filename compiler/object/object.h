#pragma once
// The .kpu file: a DFX program in JSON or binary, two encodings of one model.

#include "compiler/dfx/program.h"

#include <string>
#include <string_view>

namespace kpu::object {

enum class format { json, binary };
/// By its name. Throws input_error with the choices.
[[nodiscard]] format format_named(const std::string& text);

/// The DFX version that the writer writes and up to which the reader reads (same major, any minor).
inline constexpr unsigned k_major = 2;
inline constexpr unsigned k_minor = 3;

/// Reads a .kpu file; the encoding is recognised by the magic number. Throws input_error with everything that is wrong:
/// syntax and structure with line and column, JSON pointer or byte offset, then the violations of dfx::verify().
[[nodiscard]] dfx::program read_program(const std::string& path);
/// The same from memory; `name` stands for the file in messages.
[[nodiscard]] dfx::program parse_program(std::string_view bytes, const std::string& name);

/// Bytes of the file; the same for equal programs. Throws input_error if the program is not valid or holds text that is
/// not UTF-8.
[[nodiscard]] std::string serialise(const dfx::program& p, format as);
/// Writes atomically. Throws input_error as serialise() does, or if the file cannot be written.
void write_program(const dfx::program& p, const std::string& path, format as);

} // namespace kpu::object
