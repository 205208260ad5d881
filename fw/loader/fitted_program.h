#pragma once
// Every kernel of a program cut for a chip; kernels that have no room there, or are faster in parts, are split first.

#include "fw/loader/command_stream.h"

#include <optional>
#include <string>
#include <vector>

namespace kpu::fw {

struct fitted_program {
    std::vector<planned_work> work;    ///< of all kernels, in execution order
    std::optional<dfx::program> apart; ///< with kernels split, without values of constants; nothing where none had to
    std::string splits;                ///< which kernels, into what, and why, one per line
};

/// Kernels that cannot be planned as they are keep as many steps as they can, the others follow as element-wise kernels
/// (`dfx::steps_apart`); a softmax or layer norm without room for a row becomes what it stands for (`dfx::rows_apart`).
/// So do steps whose operands leave an array no room for whole cells, where that is estimated to be faster.
/// A bias narrower than the sums is widened in front of the kernel (`dfx::bias_apart`) where that costs less than
/// widening it for every cell of the array.
/// Throws input_error, with the sizes, where a part does not fit that cannot be split further, or for another reason
/// that the chip cannot run it.
[[nodiscard]] fitted_program fit_program(const machine& chip, const dfx::program& program);

} // namespace kpu::fw
