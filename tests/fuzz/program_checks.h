#pragma once
// What holds of every DFX program that a reader has accepted.

#include "compiler/dfx/program.h"

namespace kpu::fuzz {

/// The program is valid; JSON, binary and text read back as the same program, and writing that gives the same bytes.
void require_identities(const dfx::program& p);

} // namespace kpu::fuzz
