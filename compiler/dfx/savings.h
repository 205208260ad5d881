#pragma once
// What it saves that kernels were merged, from the program alone.

#include "compiler/dfx/program.h"

#include <cstdint>

namespace kpu::dfx {

/// Kernels that are not launched, and bytes of the tensors between them that are neither written nor read: through L3,
/// and through DRAM where they would not have stayed in L3. Operands of steps are still read and do not count.
struct fusion_savings {
    std::uint64_t kernels = 0;
    std::uint64_t bytes_not_written = 0, bytes_not_read = 0;

    fusion_savings& operator+=(const fusion_savings& other);
};

/// Of one kernel of a verified program: it has a graph node for every kernel that it stands for. Where the values
/// between its steps have different types, nothing tells which of them would have been tensors: the smallest count.
[[nodiscard]] fusion_savings savings_of(const program& p, const kernel& k);

/// Of all kernels of a program, less what is lost where a chip ran some of them in parts (`split.h`): at least nothing.
[[nodiscard]] fusion_savings savings_of(const program& compiled, const program& ran);

} // namespace kpu::dfx
