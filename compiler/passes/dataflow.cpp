#include "compiler/passes/dataflow.h"

#include "compiler/dfx/bounds.h"
#include "compiler/passes/tiling.h"
#include "platforms/common/units.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace kpu::passes {

namespace {

constexpr std::uint64_t k_array_side = 16;
constexpr std::array<std::uint64_t, 4> k_sides = {8, 16, 32, 64};

/// Of folds that spread `down` × `across` over an array and stream the third extent past it; geometric mean over sizes.
double fold_cycles(std::uint64_t down, std::uint64_t across, std::uint64_t streamed) {
    double product = 1;
    for (const std::uint64_t side : k_sides)
        product *= static_cast<double>(ceil_div(down, side)) * static_cast<double>(ceil_div(across, side)) *
                   static_cast<double>(std::max(streamed, side));
    return std::pow(product, 1.0 / static_cast<double>(k_sides.size()));
}

} // namespace

std::string dataflow_choice::reason() const {
    return fmt::format(
        "{}{}; array cycles: output_stationary {:.0f}, weight_stationary {:.0f}, input_stationary {:.0f}",
        name_of(flow), overridden ? " as asked for" : "", cycles[0], cycles[1], cycles[2]);
}

dataflow_choice choose_dataflow(const dfx::contraction& c, std::optional<dfx::dataflow> wanted) {
    dataflow_choice choice;
    choice.cycles = {fold_cycles(c.m, c.n, c.k), fold_cycles(c.k, c.n, c.m), fold_cycles(c.k, c.m, c.n)};
    if (std::min(choice.cycles[1], choice.cycles[2]) < k_margin * choice.cycles[0])
        choice.flow =
            choice.cycles[1] <= choice.cycles[2] ? dfx::dataflow::weight_stationary : dfx::dataflow::input_stationary;
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

dfx::kernel_hints hints_for(const dfx::program& p, const dfx::kernel& k) {
    const dfx::compute_op& op = *dfx::whole_tensor_operator(k);
    if (op.type == dfx::compute_type::matmul_tile || op.type == dfx::compute_type::conv_tile) {
        dfx::contraction c = dfx::contractions_of(p, k).front();
        c.tile = choose_tiles(c, {}).tile;
        return hints_for(c);
    }
    const auto size = [](const dfx::tensor_region& r) { return element_count(r.tile_shape) * r.element_size; };
    dfx::kernel_hints hints;
    hints.estimated_dram_bytes = size(op.output);
    for (const dfx::tensor_region& r : op.inputs)
        hints.estimated_dram_bytes += size(r);
    return hints;
}

} // namespace kpu::passes
