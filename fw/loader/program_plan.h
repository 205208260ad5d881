#pragma once
// A whole program cut for a chip: which tensors stay in L3 between kernels, and how each kernel is carried out.

#include "fw/loader/command_stream.h"
#include "fw/loader/fitted_program.h"
#include "fw/loader/resident_tensors.h"

#include <vector>

namespace kpu::fw {

struct program_plan {
    machine chip; ///< as kernels see it: L3 without what is reserved for tensors
    resident_tensors residents;
    fitted_program fitted;

    /// What is carried out of a program that was planned so: the program itself, or the one with kernels split.
    [[nodiscard]] const dfx::program& runs(const dfx::program& planned) const {
        return fitted.apart ? *fitted.apart : planned;
    }
};

/// Splits kernels that do not fit the chip, and keeps intermediate tensors on it where that leaves less DRAM traffic
/// and no more estimated cycles than sending them through DRAM. Throws as fit_program().
[[nodiscard]] program_plan plan_whole(const machine& chip, const dfx::program& program);

/// Which intermediate tensors of the program that is carried out stay on the chip, and which do not, for --verbose;
/// empty where there are none.
[[nodiscard]] std::string describe_residents(const dfx::program& runs, const program_plan& plan);

} // namespace kpu::fw
