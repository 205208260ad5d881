#include "fw/loader/block_cost.h"

#include <algorithm>
#include <vector>

namespace kpu::fw {

namespace {

// Latencies and fixed costs of a typical chip in cycles. They only rank blockings; a platform with others still gets a
// good one.
constexpr double k_dram_latency = 100;
constexpr double k_hop_latency = 16; ///< one on-chip memory to the next
constexpr double k_per_move = 12;    ///< of a mover's queue, per command
constexpr double k_per_command = 8;  ///< of the firmware
/// From a slot of L2 falling free to its next tile being ready, beside the move itself.
constexpr double k_turn_around = 150;
/// Bytes of DRAM time lost per row of a tile that is no whole number of bursts, on average.
constexpr double k_burst = 64;
/// Of equally fast blockings the one wins that leaves the other resources freer: the share of their hidden cycles that
/// counts.
constexpr double k_weight_of_dram = 0.1;
constexpr double k_weight_of_movers = 0.05;
constexpr double k_weight_of_firmware = 0.05;

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
        const std::uint64_t a_reads = stays(m_plan.row_blocks) ? 1 : column_groups;
        const std::uint64_t b_reads = stays(m_plan.column_blocks) ? 1 : row_groups;
        return m_work.batch *
               (m_work.m * m_work.k * m_e.operand * a_reads + m_work.k * m_work.n * m_e.operand * b_reads +
                m_work.m * m_work.n * (m_e.result + m_e.seed));
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
                            as_double(m_e.result + m_e.seed + 2 * (groups - 1) * m_e.accumulator);
        const double moves =
            as_double(blocks()) * (2 * as_double(m_plan.k_slices) + as_double(groups * folds_down(m_plan.mb)));
        return (operands + sums) / m_mover_rate + moves * k_per_move / as_double(m_chip.block_movers.size());
    }

    [[nodiscard]] double firmware_cycles() const {
        const double per_fold = m_plan.k_slices > 1 ? 4 : 3;
        const double folds = as_double(folds_down(m_plan.mb) * ceil_div(m_plan.nb, m_plan.columns));
        return as_double(blocks() * m_plan.k_slices) * (folds * per_fold + as_double(folds_down(m_plan.mb)) + 6) *
               k_per_command;
    }

    /// From the first request to the first fold.
    [[nodiscard]] double start() const {
        const double tiles =
            (as_double(m_plan.mb) + busy_lanes() * as_double(m_plan.nb)) * as_double(m_plan.kb * m_e.operand);
        const double panel =
            as_double((m_plan.rows + m_plan.columns) * m_plan.kb * m_e.operand) / m_tile.stream_bytes_per_cycle;
        return k_dram_latency + tiles / m_dram_rate + step_moves() + panel + 3 * k_hop_latency;
    }

    /// From the last fold to the last byte in DRAM.
    [[nodiscard]] double finish() const {
        const double last_row = as_double(m_plan.rows * m_plan.nb * m_e.result) * busy_lanes();
        return as_double(2 * m_plan.rows + m_plan.columns) + last_row * (1 / m_mover_rate + 1 / m_dram_rate) +
               k_dram_latency + 4 * k_hop_latency;
    }

  private:
    [[nodiscard]] std::uint64_t blocks() const { return m_plan.row_blocks * m_plan.column_blocks * m_work.batch; }
    [[nodiscard]] std::uint64_t folds_down(std::uint64_t mb) const { return ceil_div(mb, m_plan.rows); }
    [[nodiscard]] double busy_lanes() const { return as_double(std::min<std::uint64_t>(m_plan.lanes, blocks())); }

    /// True where all tiles of an operand that has `across` of them per slice stay in L3.
    [[nodiscard]] bool stays(std::uint64_t across) const {
        return !m_plan.partial_sums_in_l3() && across * m_plan.k_slices + 2 * m_plan.lanes < m_plan.l3_tiles;
    }

    /// Cycles from one fold's entry to the next in steady state.
    [[nodiscard]] double fold_period(std::uint64_t depth) const {
        const double k = as_double(depth);
        const double rate = m_tile.stream_bytes_per_cycle;
        const double rows = as_double(m_plan.rows);
        const double columns = as_double(m_plan.columns);
        const double b_stream = columns * k * as_double(m_e.operand) / rate + k_per_move;
        const double a_stream = rows * k * as_double(m_e.operand) / rate + k_per_move;
        const double executing = k + 2 * rows + columns + 2 * k_hop_latency;
        const double folds_per_a = as_double(ceil_div(m_plan.nb, m_plan.columns));
        const double cell = rows * columns * as_double(m_e.accumulator) / rate;
        const double result_turn = executing + 2 * cell + 2 * k_hop_latency;
        return std::max({k, rows, b_stream, (executing + b_stream) / as_double(m_plan.column_slots),
                         (executing + a_stream) / as_double(m_plan.row_slots) / folds_per_a,
                         result_turn / as_double(m_plan.result_slots), cell + k_per_move});
    }

    /// Cycles until both tiles of a step are in L2, on the lane's share of the block movers.
    [[nodiscard]] double step_moves() const {
        const double share = m_mover_rate / busy_lanes();
        return as_double((m_plan.mb + m_plan.nb) * m_plan.kb * m_e.operand) / share + 2 * k_hop_latency +
               2 * k_per_move;
    }

    /// Cycles that one lane needs for one block over all of k. L2 holds two steps' tiles, so a step lasts at least as
    /// long as the next one's tiles take to come.
    [[nodiscard]] double block_cycles(std::uint64_t mb, std::uint64_t nb) const {
        const double folds = as_double(folds_down(mb) * ceil_div(nb, m_plan.columns));
        const double moves = step_moves() + k_turn_around;
        const auto step = [&](std::uint64_t depth) {
            const double compute = folds * fold_period(depth);
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
