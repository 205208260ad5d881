#pragma once
// A whole program cut for a chip: which tensors stay in L3 between kernels, and how each kernel is carried out.

#include "fw/loader/command_stream.h"
#include "fw/loader/resident_tensors.h"

#include <vector>

namespace kpu::fw {

struct program_plan {
    machine chip; ///< as kernels see it: L3 without what is reserved for tensors
    resident_tensors residents;
    std::vector<planned_work> work;
};

/// Keeps intermediate tensors on the chip where that leaves less DRAM traffic and no more estimated cycles than sending
/// them through DRAM. Throws as plan_program().
[[nodiscard]] program_plan plan_whole(const machine& chip, const dfx::program& program);

/// Which intermediate tensors stay on the chip, and which do not, for --verbose; empty where there are none.
[[nodiscard]] std::string describe_residents(const dfx::program& program, const program_plan& plan);

} // namespace kpu::fw
