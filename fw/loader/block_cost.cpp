#include "fw/loader/block_cost.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kpu::fw {

namespace {

// Latencies of a typical chip in cycles. They only rank blockings; a platform with others still gets a good one.
constexpr double k_dram_latency = 100;
constexpr double k_hop_latency = 16;
constexpr double k_cycles_per_command = 6;

double as_double(std::uint64_t n) {
    return static_cast<double>(n);
}

/// Cycles from one fold's entry to the next in steady state.
double fold_period(const compute_tile& tile, const element_sizes& e, const blocking& plan, std::uint64_t depth) {
    const double k = as_double(depth);
    const double stream = as_double(plan.columns * depth * e.operand) / tile.stream_bytes_per_cycle;
    const double a_stream = as_double(plan.rows * depth * e.operand) / tile.stream_bytes_per_cycle;
    const double in_flight = stream + k + as_double(2 * plan.rows + plan.columns) + 2 * k_hop_latency;
    const double turn_around = in_flight / as_double(plan.column_slots);
    const double result_turn =
        (k + as_double(3 * plan.rows + plan.columns) + 4 * k_hop_latency) / as_double(plan.result_slots);
    const double a_turn = (in_flight - stream + a_stream) / as_double(plan.row_slots);
    const double per_row = as_double(ceil_div(plan.nb, plan.columns));
    return std::max({k, as_double(plan.rows), stream, turn_around, result_turn, a_turn / per_row});
}

/// Cycles that one lane needs for one block over all of k.
double block_cycles(const compute_tile& tile, const element_sizes& e, const blocking& plan, std::uint64_t k,
                    std::uint64_t mb, std::uint64_t nb) {
    const double folds = as_double(ceil_div(mb, plan.rows) * ceil_div(nb, plan.columns));
    const std::uint64_t full = k / plan.kb;
    double cycles = as_double(full) * fold_period(tile, e, plan, plan.kb);
    if (k % plan.kb != 0)
        cycles += fold_period(tile, e, plan, k % plan.kb);
    return folds * cycles;
}

/// The busiest lane's cycles when blocks are dealt out in order.
double makespan(const compute_tile& tile, const element_sizes& e, const blocking& plan, const dfx::contraction& work) {
    constexpr std::uint64_t k_dealt_out_exactly = 512;
    const std::uint64_t blocks = plan.row_blocks * plan.column_blocks;
    const std::uint64_t last_m = work.m - (plan.row_blocks - 1) * plan.mb;
    const std::uint64_t last_n = work.n - (plan.column_blocks - 1) * plan.nb;
    const double full = block_cycles(tile, e, plan, work.k, plan.mb, plan.nb);
    const double low = block_cycles(tile, e, plan, work.k, last_m, plan.nb);
    const double narrow = block_cycles(tile, e, plan, work.k, plan.mb, last_n);
    const double corner = block_cycles(tile, e, plan, work.k, last_m, last_n);
    if (blocks * work.batch <= k_dealt_out_exactly && plan.lanes > 1) {
        std::vector<double> lane(plan.lanes, 0);
        for (std::uint64_t b = 0; b < blocks * work.batch; ++b) {
            const bool last_row = b % blocks / plan.column_blocks == plan.row_blocks - 1;
            const bool last_column = b % plan.column_blocks == plan.column_blocks - 1;
            lane[b % plan.lanes] += last_row ? (last_column ? corner : low) : (last_column ? narrow : full);
        }
        return *std::max_element(lane.begin(), lane.end());
    }
    const double inner = as_double((plan.row_blocks - 1) * (plan.column_blocks - 1)) * full +
                         as_double(plan.column_blocks - 1) * low + as_double(plan.row_blocks - 1) * narrow + corner;
    const double shared = as_double(work.batch) * inner / as_double(plan.lanes);
    return plan.lanes > 1 ? shared + full / 2 : shared;
}

std::uint64_t dram_bytes(const dfx::contraction& work, const element_sizes& e, const blocking& plan) {
    const std::uint64_t row_groups = ceil_div(plan.row_blocks, plan.row_group);
    const std::uint64_t column_groups = ceil_div(plan.column_blocks, plan.column_group);
    const std::uint64_t a_tiles = plan.row_blocks * plan.k_slices;
    const std::uint64_t b_tiles = plan.column_blocks * plan.k_slices;
    // an operand is read again for every group of the other's blocks, unless all of it stays
    const std::uint64_t a_reads =
        a_tiles + 2 * plan.lanes < plan.l3_tiles && !plan.partial_sums_in_l3() ? 1 : column_groups;
    const std::uint64_t b_reads =
        b_tiles + 2 * plan.lanes < plan.l3_tiles && !plan.partial_sums_in_l3() ? 1 : row_groups;
    return work.batch * (work.m * work.k * e.operand * a_reads + work.k * work.n * e.operand * b_reads +
                         work.m * work.n * (e.result + e.seed));
}

/// Bytes that block movers carry between L3 and L2, all lanes.
double mover_bytes(const dfx::contraction& work, const element_sizes& e, const blocking& plan) {
    const std::uint64_t blocks = plan.row_blocks * plan.column_blocks * work.batch;
    const double operands = as_double(blocks) * as_double((plan.mb + plan.nb) * work.k * e.operand);
    const std::uint64_t groups = ceil_div(plan.k_slices, plan.k_group);
    const double sums =
        as_double(work.batch * work.m * work.n) * as_double(e.result + e.seed + 2 * (groups - 1) * e.accumulator);
    return operands + sums;
}

double rate_of(const machine& chip, const std::vector<engine_id>& movers) {
    double rate = 0;
    for (const engine_id id : movers)
        rate += chip.engine(id).capabilities[iface::mover_cap::bytes_cycle];
    return rate;
}

double commands(const dfx::contraction& work, const blocking& plan) {
    const std::uint64_t visits = plan.row_blocks * plan.column_blocks * work.batch * plan.k_slices;
    const std::uint64_t folds_m = ceil_div(plan.mb, plan.rows);
    const std::uint64_t folds_n = ceil_div(plan.nb, plan.columns);
    const std::uint64_t per_fold = plan.k_slices > 1 ? 4 : 3;
    return as_double(visits) * as_double(folds_m * folds_n * per_fold + folds_m + 6);
}

} // namespace

double compute_cycles(const machine& chip, const dfx::contraction& work, const element_sizes& e, const blocking& plan) {
    return makespan(chip.tiles.front(), e, plan, work);
}

void estimate(const machine& chip, const dfx::contraction& work, const element_sizes& e, double compute,
              blocking& plan) {
    const compute_tile& tile = chip.tiles.front();
    const double dram_rate = std::min(chip.dram.bytes_per_cycle(), rate_of(chip, chip.dma));
    const double mover_rate = std::min(rate_of(chip, chip.block_movers), chip.l3.bytes_per_cycle());
    plan.estimated_dram_bytes = dram_bytes(work, e, plan);

    const double busy_lanes =
        as_double(std::min<std::uint64_t>(plan.lanes, plan.row_blocks * plan.column_blocks * work.batch));
    const double first_tiles =
        as_double((plan.mb + static_cast<std::uint64_t>(busy_lanes) * plan.nb) * plan.kb * e.operand);
    const double first_moves = as_double((plan.mb + plan.nb) * plan.kb * e.operand);
    const double first_panel =
        as_double((plan.rows + plan.columns) * plan.kb * e.operand) / tile.stream_bytes_per_cycle;
    const double start = k_dram_latency + first_tiles / dram_rate + first_moves * busy_lanes / mover_rate +
                         first_panel + 4 * k_hop_latency;
    const double last_row = as_double(plan.rows * plan.nb * e.result);
    const double finish = as_double(2 * plan.rows + plan.columns) +
                          last_row * busy_lanes * (1 / mover_rate + 1 / dram_rate) + k_dram_latency + 4 * k_hop_latency;
    const double steady =
        std::max({compute, mover_bytes(work, e, plan) / mover_rate, as_double(plan.estimated_dram_bytes) / dram_rate,
                  commands(work, plan) * k_cycles_per_command});
    plan.estimated_cycles = start + steady + finish;
}

} // namespace kpu::fw
