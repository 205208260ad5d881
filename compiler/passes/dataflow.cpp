#include "compiler/passes/dataflow.h"

#include "compiler/dfx/bounds.h"
#include "platforms/common/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <vector>

namespace kpu::passes {

namespace {

constexpr std::uint64_t k_array_side = 16;

/// Smallest block extent for each number of blocks that an extent can be cut into.
std::vector<std::uint64_t> block_extents(std::uint64_t extent) {
    std::vector<std::uint64_t> blocks;
    for (std::uint64_t block = extent; block > 0; block = blocks.back() - 1)
        blocks.push_back(ceil_div(extent, ceil_div(extent, block)));
    return blocks;
}

void consider(const dfx::contraction& c, std::uint64_t mb, std::uint64_t nb, std::array<std::uint64_t, 3>& least) {
    const std::uint64_t operand = size_of(c.operand);
    const std::uint64_t sums = mb * nb * size_of(c.accumulator);
    const std::uint64_t per_k = (mb + nb) * operand;
    if (sums > k_nominal_capacity || per_k > k_nominal_capacity - sums)
        return;
    const std::uint64_t kb = std::min(c.k, (k_nominal_capacity - sums) / per_k);
    const std::uint64_t nm = ceil_div(c.m, mb);
    const std::uint64_t nn = ceil_div(c.n, nb);
    const std::uint64_t spilled = 2 * (ceil_div(c.k, kb) - 1) * c.batch * c.m * c.n * size_of(c.accumulator);
    const std::uint64_t fixed = c.c_bytes() + c.seed_bytes();
    least[0] = std::min(least[0], nn * c.a_bytes() + nm * c.b_bytes() + fixed);
    least[1] = std::min(least[1], nn * c.a_bytes() + c.b_bytes() + fixed + spilled);
    least[2] = std::min(least[2], c.a_bytes() + nm * c.b_bytes() + fixed + spilled);
}

} // namespace

std::string dataflow_choice::reason() const {
    return fmt::format(
        "{}{}; DRAM bytes at {} KiB on chip: output_stationary {}, weight_stationary {}, input_stationary {}",
        name_of(flow), overridden ? " as asked for" : "", k_nominal_capacity / 1024, bytes[0], bytes[1], bytes[2]);
}

dataflow_choice choose_dataflow(const dfx::contraction& c, std::optional<dfx::dataflow> wanted) {
    dataflow_choice choice;
    choice.bytes.fill(std::numeric_limits<std::uint64_t>::max());
    const std::vector<std::uint64_t> columns = block_extents(c.n);
    for (const std::uint64_t mb : block_extents(c.m))
        for (const std::uint64_t nb : columns)
            consider(c, mb, nb, choice.bytes);
    const auto limit = static_cast<std::uint64_t>(k_margin * static_cast<double>(choice.bytes[0]));
    if (std::min(choice.bytes[1], choice.bytes[2]) < limit)
        choice.flow =
            choice.bytes[1] <= choice.bytes[2] ? dfx::dataflow::weight_stationary : dfx::dataflow::input_stationary;
    choice.overridden = wanted.has_value();
    choice.flow = wanted.value_or(choice.flow);
    return choice;
}

dfx::kernel_hints hints_for(const dfx::contraction& c) {
    dfx::kernel_hints hints;
    const auto best = dfx::best_blocking(c, k_nominal_capacity);
    hints.estimated_dram_bytes = best ? best->bytes : dfx::compulsory_bytes(c);
    const std::uint64_t folds = c.batch * ceil_div(c.m, k_array_side) * ceil_div(c.n, k_array_side);
    hints.estimated_compute_cycles = folds * std::max(c.k, k_array_side) + 3 * k_array_side - 2;
    hints.parallelism_degree = c.batch * ceil_div(c.m, c.tile[0]) * ceil_div(c.n, c.tile[1]);
    return hints;
}

} // namespace kpu::passes
