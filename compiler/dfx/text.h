#pragma once
// DFX as text for people: what --emit-dfx prints. Written only, never read back.

#include "compiler/dfx/program.h"

#include <string>
#include <vector>

namespace kpu::dfx {

/// The whole program, one line per tensor, loop and operation; the same text for equal programs.
[[nodiscard]] std::string to_text(const program& p);

/// "2*ti + tj - 1"; loops that have no name in `names` print as `loop<d>`.
[[nodiscard]] std::string to_text(const affine& form, const std::vector<std::string>& names);

} // namespace kpu::dfx
