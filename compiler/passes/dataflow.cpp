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

/// Folds of all of a matrix's rows and columns, and the cycles of one.
struct fold_count {
    std::uint64_t down, across, cycles;
};

fold_count folds(const dfx::contraction& c, dfx::dataflow flow, const chip_model& on) {
    const std::uint64_t macs = on.macs(c.operand);
    switch (flow) {
    case dfx::dataflow::weight_stationary:
        return {ceil_div(c.k, on.rows * macs), ceil_div(c.n, on.columns), std::max(c.m, on.side())};
    case dfx::dataflow::input_stationary:
        return {ceil_div(c.k, on.rows * macs), ceil_div(c.m, on.columns), std::max(c.n, on.side())};
    case dfx::dataflow::output_stationary:
        break;
    }
    return {ceil_div(c.m, on.rows), ceil_div(c.n, on.columns), std::max(ceil_div(c.k, macs), on.side())};
}

/// Geometric mean over chips.
double fold_cycles(const dfx::contraction& c, dfx::dataflow flow, const target& on) {
    double product = 1;
    for (const chip_model& chip : on.chips) {
        const fold_count n = folds(c, flow, chip);
        product *= static_cast<double>(n.down) * static_cast<double>(n.across) * static_cast<double>(n.cycles);
    }
    return std::pow(product, 1.0 / static_cast<double>(on.chips.size()));
}

} // namespace

std::string dataflow_choice::reason() const {
    return fmt::format(
        "{}{}; array cycles: output_stationary {:.0f}, weight_stationary {:.0f}, input_stationary {:.0f}",
        name_of(flow), overridden ? " as asked for" : "", cycles[0], cycles[1], cycles[2]);
}

dataflow_choice choose_dataflow(const dfx::contraction& c, std::optional<dfx::dataflow> wanted, const target& on) {
    dataflow_choice choice;
    for (const dfx::dataflow flow : dfx::all_of<dfx::dataflow>())
        choice.cycles.at(static_cast<std::size_t>(flow)) = fold_cycles(c, flow, on);
    if (std::min(choice.cycles[1], choice.cycles[2]) < k_margin * choice.cycles[0])
        choice.flow =
            choice.cycles[1] <= choice.cycles[2] ? dfx::dataflow::weight_stationary : dfx::dataflow::input_stationary;
    choice.overridden = wanted.has_value();
    choice.flow = wanted.value_or(choice.flow);
    return choice;
}

dfx::kernel_hints hints_for(const dfx::contraction& c, const chip_model& on) {
    dfx::kernel_hints hints;
    const auto best = dfx::best_blocking(c, on.capacity);
    hints.estimated_dram_bytes = best ? best->bytes : dfx::compulsory_bytes(c);
    const fold_count n = folds(c, dfx::dataflow::output_stationary, on);
    hints.estimated_compute_cycles =
        ceil_div(c.batch * n.down * n.across, on.arrays) * n.cycles + on.rows + on.columns + on.side() - 2;
    hints.parallelism_degree = c.batch * ceil_div(c.m, c.tile[0]) * ceil_div(c.n, c.tile[1]);
    return hints;
}

dfx::kernel_hints hints_for(const dfx::program& p, const dfx::kernel& k, const target& on) {
    const dfx::compute_op& op = *dfx::whole_tensor_operator(k);
    if (op.type != dfx::compute_type::matmul_tile && op.type != dfx::compute_type::conv_tile)
        return hints_for(op);
    dfx::contraction c = dfx::contractions_of(p, k).front();
    c.tile = choose_tiles(c, {}, on).tile;
    return hints_for(c, on.typical);
}

dfx::kernel_hints hints_for(const dfx::compute_op& op) {
    const auto size = [](const dfx::tensor_region& r) { return element_count(r.tile_shape) * r.element_size; };
    dfx::kernel_hints hints;
    hints.estimated_dram_bytes = size(op.output);
    for (const dfx::tensor_region& r : op.inputs)
        hints.estimated_dram_bytes += size(r);
    return hints;
}

} // namespace kpu::passes
