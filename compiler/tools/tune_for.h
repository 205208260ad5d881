#pragma once
// What the compiler's cost model knows of a platform file.

#include "compiler/passes/chip_model.h"
#include "platforms/platform.h"

#include <string>

namespace kpu {

/// A tile may fill an array's share of L2, blocks of tiles may fill L3; an array's lines are its row and column
/// buffers.
[[nodiscard]] passes::chip_model model_of(const platform::platform& p);

/// A target that is this platform only. Throws input_error with every problem of the file.
[[nodiscard]] passes::target target_of(const std::string& platform_file);

} // namespace kpu
