#pragma once
// Numbers that the compiler adds to a program.

#include "compiler/dfx/program.h"

#include <string>

namespace kpu::passes {

/// The name of a constant with these values that the program carries: one that is there already, or a new one.
[[nodiscard]] std::string constant_tensor(dfx::program& p, const tensor& values);

} // namespace kpu::passes
