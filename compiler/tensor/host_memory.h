#pragma once
// Whether tensors can be held at all, asked before they are made.

#include "platforms/common/diagnostic.h"

namespace kpu {

/// Throws input_error at `where` if this machine has less memory than `needed` bytes (which may be beyond any integer).
void require_host_memory(double needed, const location& where);

} // namespace kpu
