#pragma once
// Platform files: YAML (or JSON) in, a validated `platform` out, and back.

#include "platforms/common/diagnostic.h"
#include "platforms/platform.h"

#include <functional>
#include <string>

namespace kpu::platform {

/// Reads a platform file. Keys that are not given take their defaults; `name` defaults to the file's name without
/// extension. Throws input_error with every problem of the file, each with line, column and key path.
[[nodiscard]] platform read_platform(const std::string& path);

/// The same from memory; `name` stands for the file in messages.
[[nodiscard]] platform parse_platform(const std::string& text, const std::string& name);

enum class defaults { unmarked, marked };

/// The effective configuration: every key with its value, but for sections that were left out as a whole.
/// parse_platform reads it back as an equal platform. `marked` adds a comment to the values that a file which leaves
/// the key out would get as well.
[[nodiscard]] std::string to_yaml(const platform& p, defaults show = defaults::unmarked);

/// Where the value of a key was given; used to place the problems that are found.
using locate = std::function<location(const std::string& key_path)>;

/// What single keys cannot tell: relations between them, and limits of the address map and the engine table. For
/// platforms that were built or changed in a program; the reader calls it with the positions of the keys.
[[nodiscard]] diagnostics check(const platform& p, const locate& where = {});

} // namespace kpu::platform
