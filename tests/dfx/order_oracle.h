#pragma once
// Whether a program's dependences imply the order that its data need, decided by listing every instance: what the
// verifier, which never does that, is measured against.

#include "compiler/dfx/program.h"

namespace kpu::test {

/// True where every read of a tile, on chip or of what the kernel itself stores, reaches the latest write of it before
/// the read through the dependences of instances, and no instance waits for one that the loops run later. Expects loops
/// and regions that can be walked, and a small program: quadratic in its instances.
[[nodiscard]] bool dependences_imply_order(const dfx::program& p);

} // namespace kpu::test
