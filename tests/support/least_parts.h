#pragma once
// A program without anything merged that a loader could split.

#include "compiler/dfx/split.h"

#include <optional>
#include <utility>

namespace kpu::test {

/// No softmax or layer norm in one kernel, no steps behind anything else, and one step in each element-wise kernel.
inline dfx::program in_least_parts(dfx::program p) {
    for (std::size_t k = 0; k < p.kernels.size();) {
        const dfx::compute_op* op = dfx::whole_tensor_operator(p.kernels[k]);
        std::optional<dfx::kernel_parts> parts;
        if (op != nullptr && op->steps.size() > dfx::least_steps(*op))
            parts = dfx::steps_apart(p, p.kernels[k], dfx::least_steps(*op));
        else if (op != nullptr)
            parts = dfx::rows_apart(p, p.kernels[k]);
        if (!parts) {
            ++k;
            continue;
        }
        p.tensors.insert(p.tensors.end(), parts->tensors.begin(), parts->tensors.end());
        const auto place = p.kernels.erase(p.kernels.begin() + static_cast<std::ptrdiff_t>(k));
        p.kernels.insert(place, parts->kernels.begin(), parts->kernels.end());
    }
    return p;
}

} // namespace kpu::test
