#include "fw/loader/block_cost.h"

#include "fw/loader/element_code.h"
#include "fw/loader/fold_time.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kpu::fw {

namespace {

/// Cycles that a memory's latency does not cover between one mover's completion and the next one's first request.
constexpr double k_hand_over = 12;
/// Bytes of DRAM time lost per row of a tile that is no whole number of bursts, on average.
constexpr double k_burst = 64;
/// Of equally fast blockings the one wins that leaves the other resources freer: the share of their hidden cycles that
/// counts. A byte of DRAM costs some thirty times the energy of one between L3 and L2, and other work may want it.
constexpr double k_weight_of_dram = 0.3;
constexpr double k_weight_of_movers = 0.02;
constexpr double k_weight_of_firmware = 0.025;

double as_double(std::uint64_t n) {
    return static_cast<double>(n);
}

double rate_of(const machine& chip, const std::vector<engine_id>& movers) {
    double rate = 0;
    for (const engine_id id : movers)
        rate += chip.engine(id).capabilities[iface::mover_cap::bytes_cycle];
    return rate;
}

/// Estimates for one contraction cut one way.
class model {
  public:
    model(const machine& chip, const dfx::contraction& work, const element_sizes& e, const blocking& plan)
        : m_chip(chip), m_tile(chip.tiles.front()), m_work(work), m_e(e), m_plan(plan),
          m_mover_rate(std::min(rate_of(chip, chip.block_movers), chip.l3.bytes_per_cycle())),
          m_dram_rate(std::min(chip.dram.bytes_per_cycle(), rate_of(chip, chip.dma))) {}

    /// The busiest lane's cycles when blocks are dealt out in order.
    [[nodiscard]] double makespan() const {
        constexpr std::uint64_t k_dealt_out_exactly = 512;
        const std::uint64_t blocks = m_plan.row_blocks * m_plan.column_blocks;
        const std::uint64_t last_m = m_work.m - (m_plan.row_blocks - 1) * m_plan.mb;
        const std::uint64_t last_n = m_work.n - (m_plan.column_blocks - 1) * m_plan.nb;
        const double full = block_cycles(m_plan.mb, m_plan.nb);
        const double low = block_cycles(last_m, m_plan.nb);
        const double narrow = block_cycles(m_plan.mb, last_n);
        const double corner = block_cycles(last_m, last_n);
        if (blocks * m_work.batch <= k_dealt_out_exactly && m_plan.lanes > 1) {
            std::vector<double> lane(m_plan.lanes, 0);
            for (std::uint64_t b = 0; b < blocks * m_work.batch; ++b) {
                const bool last_row = b % blocks / m_plan.column_blocks == m_plan.row_blocks - 1;
                const bool last_column = b % m_plan.column_blocks == m_plan.column_blocks - 1;
                lane[b % m_plan.lanes] += last_row ? (last_column ? corner : low) : (last_column ? narrow : full);
            }
            return *std::max_element(lane.begin(), lane.end());
        }
        const double inner = as_double((m_plan.row_blocks - 1) * (m_plan.column_blocks - 1)) * full +
                             as_double(m_plan.column_blocks - 1) * low + as_double(m_plan.row_blocks - 1) * narrow +
                             corner;
        const double shared = as_double(m_work.batch) * inner / as_double(m_plan.lanes);
        return m_plan.lanes > 1 ? shared + full / 2 : shared;
    }

    [[nodiscard]] std::uint64_t dram_bytes() const {
        const std::uint64_t row_groups = ceil_div(m_plan.row_blocks, m_plan.row_group);
        const std::uint64_t column_groups = ceil_div(m_plan.column_blocks, m_plan.column_group);
        // an operand is read again for every group of the other's blocks, unless all of it stays
        const std::uint64_t a_reads = stays(m_plan.row_blocks, m_plan.column_group) ? 1 : column_groups;
        const std::uint64_t b_reads = stays(m_plan.column_blocks, m_plan.row_group) ? 1 : row_groups;
        return m_work.batch * (m_work.m * m_work.k * m_e.operand * a_reads +
                               m_work.k * m_work.n * m_e.operand * b_reads + m_work.m * m_work.n * m_e.result) +
               m_work.seed_bytes();
    }

    /// Cycles of DRAM for that traffic; rows of tiles that are no whole bursts cost more.
    [[nodiscard]] double dram_cycles(std::uint64_t traffic) const {
        const double run = as_double(std::min(m_plan.kb, m_plan.nb) * m_e.operand);
        return as_double(traffic) * (1 + k_burst / 2 / run) / m_dram_rate;
    }

    /// Cycles of all block movers together, at their fixed cost per move.
    [[nodiscard]] double mover_cycles() const {
        const std::uint64_t groups = ceil_div(m_plan.k_slices, m_plan.k_group);
        const double operands = as_double(blocks()) * as_double((m_plan.mb + m_plan.nb) * m_work.k * m_e.operand);
        const double sums = as_double(m_work.batch * m_work.m * m_work.n) *
                            as_double(m_e.result + (m_e.bias ? 0 : m_e.seed) + 2 * (groups - 1) * m_e.accumulator);
        const double moves =
            as_double(blocks()) * (2 * as_double(m_plan.k_slices) + as_double(groups * folds_down(m_plan.mb)));
        return (operands + sums) / m_mover_rate + moves * k_hand_over / as_double(m_chip.block_movers.size());
    }

    [[nodiscard]] double firmware_cycles() const {
        return commands_of(m_work, m_plan) * as_double(m_chip.descriptor_cost);
    }

    /// From the first request to the first fold: one panel of each operand for every lane through all memories. Then
    /// folds wait for DRAM until two steps' tiles of every lane have come.
    [[nodiscard]] double start() const {
        const double a_panel = as_double(m_plan.fold_rows * m_plan.kb * m_e.operand);
        const double b_panel = as_double(m_plan.fold_columns * m_plan.kb * m_e.operand);
        const double from_dram = (a_panel + busy_lanes() * b_panel) / m_dram_rate;
        const double to_l2 = (a_panel + b_panel) * busy_lanes() / m_mover_rate;
        const double to_l1 = std::max(a_panel, b_panel) / m_tile.stream_bytes_per_cycle;
        const double across = as_double(std::min<std::uint64_t>(m_plan.lanes, m_plan.column_blocks));
        const double lines = as_double(m_plan.mb) * std::ceil(busy_lanes() / across) + as_double(m_plan.nb) * across;
        const double two_steps = lines * as_double(2 * m_plan.kb * m_e.operand) / m_dram_rate;
        const double folds = as_double(folds_down(m_plan.mb) * ceil_div(m_plan.nb, m_plan.fold_columns));
        const double starved = std::max(0.0, two_steps - folds * fold_period(m_plan.kb));
        return as_double(m_chip.dram.latency + m_chip.l3.latency + m_chip.l2.latency) + 3 * k_hand_over + from_dram +
               to_l2 + to_l1 + starved;
    }

    /// From the last fold's entry on: its own time, and its results' way to DRAM.
    [[nodiscard]] double finish() const {
        const double cell = as_double(m_plan.fold_rows * m_plan.fold_columns * m_e.result);
        return fold(m_plan.kb).latency - fold(m_plan.kb).period + cell / m_tile.stream_bytes_per_cycle +
               cell * busy_lanes() * (1 / m_mover_rate + 1 / m_dram_rate) +
               as_double(m_chip.dram.latency + m_chip.l3.latency + m_chip.l2.latency) + 3 * k_hand_over;
    }

  private:
    [[nodiscard]] std::uint64_t blocks() const { return m_plan.row_blocks * m_plan.column_blocks * m_work.batch; }
    [[nodiscard]] std::uint64_t folds_down(std::uint64_t mb) const { return ceil_div(mb, m_plan.fold_rows); }
    [[nodiscard]] fold_time fold(std::uint64_t depth) const {
        iface::fold_operands full;
        full.m = static_cast<std::uint32_t>(m_plan.fold_rows);
        full.n = static_cast<std::uint32_t>(m_plan.fold_columns);
        full.k = static_cast<std::uint32_t>(depth);
        full.type = code_of(m_work.operand);
        full.flow = code_of(m_plan.flow);
        return time_of(m_tile, full);
    }
    [[nodiscard]] double busy_lanes() const { return as_double(std::min<std::uint64_t>(m_plan.lanes, blocks())); }

    /// True where all tiles of an operand that has `across` of them per slice stay in L3 beside the other's group.
    [[nodiscard]] bool stays(std::uint64_t across, std::uint64_t others) const {
        return !m_plan.partial_sums_in_l3() &&
               (across + others) * m_plan.k_slices + 2 * m_plan.lanes <= m_plan.l3_tiles;
    }

    /// Cycles from one fold's entry to the next in steady state.
    [[nodiscard]] double fold_period(std::uint64_t depth) const {
        const double rate = m_tile.stream_bytes_per_cycle;
        const double b_stream = as_double(m_plan.fold_columns * depth * m_e.operand) / rate + k_hand_over;
        const double a_stream = as_double(m_plan.fold_rows * depth * m_e.operand) / rate + k_hand_over;
        const double cells =
            as_double(m_plan.strip * m_plan.fold_rows * m_plan.fold_columns * m_e.accumulator) / rate + k_hand_over;
        const fold_time time = fold(depth);
        const double l2_latency = as_double(m_chip.l2.latency);
        const double executing = time.latency + l2_latency;
        const double strip = as_double(std::min(m_plan.strip, folds_down(m_plan.mb)));
        const double folds_per_a = as_double(ceil_div(m_plan.nb, m_plan.fold_columns));
        // a slot's turn: it is filled, its folds enter one after the other, and the last one ends; the slots of a kind
        // take turns
        const double column_turn = b_stream + (strip - 1) * time.period + executing;
        const double row_turn = a_stream + (folds_per_a - 1) * strip * time.period + executing;
        const double result_turn = (strip - 1) * time.period + executing + 2 * cells;
        return std::max({time.period, b_stream / strip, a_stream / folds_per_a, cells / strip,
                         column_turn / strip / as_double(m_plan.column_slots),
                         row_turn / folds_per_a / as_double(m_plan.row_slots),
                         result_turn / strip / as_double(m_plan.result_slots)});
    }

    /// Cycles until both tiles of a step of that depth are in L2, on the lane's share of the block movers.
    [[nodiscard]] double step_moves(std::uint64_t depth) const {
        const double share = m_mover_rate / busy_lanes();
        return as_double((m_plan.mb + m_plan.nb) * depth * m_e.operand) / share +
               as_double(m_chip.l3.latency + m_chip.l2.latency) + 2 * k_hand_over;
    }

    /// Cycles that one lane needs for one block over all of k. L2 holds two steps' tiles, so a step lasts at least as
    /// long as the next one's tiles take to come, and the first of their panels to go on to L1.
    [[nodiscard]] double block_cycles(std::uint64_t mb, std::uint64_t nb) const {
        const double folds = as_double(folds_down(mb) * ceil_div(nb, m_plan.fold_columns));
        const double panel = as_double(std::max(m_plan.fold_rows, m_plan.fold_columns) * m_plan.kb * m_e.operand) /
                             m_tile.stream_bytes_per_cycle;
        const auto step = [&](std::uint64_t depth) {
            const double compute = folds * fold_period(depth);
            const double moves = step_moves(depth) + panel + fold(depth).latency;
            return m_plan.l2_a > 1 ? std::max(compute, moves) : compute + moves;
        };
        const std::uint64_t full = m_work.k / m_plan.kb;
        const std::uint64_t rest = m_work.k % m_plan.kb;
        return as_double(full) * step(m_plan.kb) + (rest != 0 ? step(rest) : 0);
    }

    const machine& m_chip;
    const compute_tile& m_tile;
    const dfx::contraction& m_work;
    const element_sizes& m_e;
    const blocking& m_plan;
    double m_mover_rate;
    double m_dram_rate;
};

} // namespace

double commands_of(const dfx::contraction& work, const blocking& plan) {
    // per column of a strip: a B panel, a drain, and a seed where sums re-enter; per row of folds an A panel
    const double per_column = plan.k_slices > 1 || work.seed ? 3 : 2;
    const std::uint64_t rows = ceil_div(plan.mb, plan.fold_rows);
    const std::uint64_t columns = ceil_div(plan.nb, plan.fold_columns);
    const double per_step =
        as_double(rows * columns) + as_double(ceil_div(rows, plan.strip) * columns) * per_column + as_double(rows) + 4;
    const double visits = as_double(plan.row_blocks * plan.column_blocks * work.batch);
    const double steps = as_double(ceil_div(rows, plan.strip) * columns * work.steps.size());
    return visits * steps + visits * (as_double(plan.k_slices) * per_step + 2 * as_double(rows));
}

double compute_cycles(const machine& chip, const dfx::contraction& work, const element_sizes& e, const blocking& plan) {
    return model(chip, work, e, plan).makespan();
}

void estimate(const machine& chip, const dfx::contraction& work, const element_sizes& e, double compute,
              blocking& plan) {
    const model m(chip, work, e, plan);
    plan.estimated_dram_bytes = m.dram_bytes();
    const double dram = m.dram_cycles(plan.estimated_dram_bytes);
    const double firmware = m.firmware_cycles();
    const double movers = m.mover_cycles();
    plan.estimated_cycles = m.start() + std::max({compute, movers, dram, firmware}) + m.finish();
    plan.cost =
        plan.estimated_cycles + k_weight_of_dram * dram + k_weight_of_movers * movers + k_weight_of_firmware * firmware;
}

} // namespace kpu::fw
