#pragma once
// Tensors between kernels that stay in L3: no DRAM traffic for what one kernel makes and a later one uses up.

#include "compiler/dfx/program.h"
#include "fw/driver/machine.h"

#include <map>
#include <string>

namespace kpu::fw {

/// Places at the end of L3. Tensors whose lives do not overlap share memory.
struct resident_tensors {
    std::map<std::string, address> place; ///< by the tensor that has storage; views follow it
    bytes reserved;                       ///< what is left of L3 is for the kernels' tiles
};

/// Places intermediate tensors in at most `capacity` bytes, in the order in which they come to be: from the kernel that
/// makes them until the last one that reads them or one of their views.
[[nodiscard]] resident_tensors place_intermediates(const memory_info& l3, const dfx::program& program, bytes capacity);

/// The chip as kernels see it that share L3 with these tensors.
[[nodiscard]] machine beside(const machine& chip, const resident_tensors& residents);

} // namespace kpu::fw
