#include "fw/loader/block_cost.h"

#include "compiler/dfx/bounds.h"
#include "fw/loader/element_code.h"
#include "fw/loader/fold_time.h"
#include "fw/loader/padded_input.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

namespace kpu::fw {

namespace {

/// Cycles that a memory's latency does not cover between one mover's completion and the next one's first request.
constexpr double k_hand_over = 12;
/// Of equally fast blockings the one wins that leaves the other resources freer: the share of their hidden cycles that
/// counts. A byte of DRAM costs some thirty times the energy of one between L3 and L2, and other work may want it. In a
/// short run it is more important to be right about what is not hidden.
constexpr double k_weight_of_dram = 0.3;
constexpr double k_weight_of_dram_in_long_runs = 0.6;
constexpr double k_weight_of_movers = 0.02;
constexpr double k_weight_of_firmware = 0.025;
/// Cycles that an event less is worth in a long run, and the bytes of a piece of a copy.
constexpr double k_weight_of_event = 0.5;
constexpr double k_piece = 8192;

/// DRAM bytes, over those of the best blocking, up to which only time counts.
constexpr double k_tolerable_traffic = 1.098;

/// By what more traffic than that makes a blocking worse: it must be two to four times as fast to be preferred.
double weight_of_excess(double excess) {
    if (excess <= 1)
        return 1;
    const double fourth = excess * excess * excess * excess;
    return excess * std::min(4.0, 2 * fourth * fourth);
}

double best_dram_bytes_of(const machine& chip, const dfx::contraction& work) {
    const std::optional<dfx::blocking> best = dfx::best_blocking(work, chip.l3.size.value());
    return static_cast<double>(best ? best->bytes : dfx::compulsory_bytes(work));
}

double as_double(std::uint64_t n) {
    return static_cast<double>(n);
}

double rate_of(const machine& chip, const std::vector<engine_id>& movers) {
    double rate = 0;
    for (const engine_id id : movers)
        rate += chip.engine(id).capabilities[iface::mover_cap::bytes_cycle];
    return rate;
}

/// Beats that a mover takes for runs of that length ÷ those that their bytes fill.
double stretch_of(const machine& chip, engine_id mover, double run) {
    const double width = chip.engine(mover).capabilities[iface::mover_cap::bytes_cycle];
    return std::ceil(run / width) * width / run;
}

/// Bytes that bursts move in vain per byte of runs that lie `pitch` apart: none where runs adjoin or are whole bursts;
/// else a run that begins at any multiple of g = gcd(run, pitch, burst) touches (run + burst - g) / burst of them on
/// average.
/// And the part of a run in each channel takes a cycle at least.
double waste_of(const machine& chip, std::uint64_t run, std::uint64_t pitch) {
    if (run >= pitch)
        return 0;
    const std::uint64_t burst = chip.dram.burst.value();
    const std::uint64_t step = std::gcd(std::gcd(run, pitch), burst);
    const double a_cycle = chip.dram.bytes_per_cycle() / as_double(chip.dram.units);
    const double least = as_double(ceil_div(run, chip.dram.interleave.value())) * a_cycle;
    return std::max(as_double(burst - step), least - as_double(run)) / as_double(run);
}

/// How many of the DMA engines to keep for stores that take that share: the only one does both.
std::size_t storers_among(std::size_t engines, double share) {
    if (engines < 2)
        return 0;
    const long wanted = std::lround(as_double(engines) * share);
    return std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, engines - 1);
}

} // namespace

chip_rates::chip_rates(const machine& chip)
    : movers(std::min(rate_of(chip, chip.block_movers), chip.l3.bytes_per_cycle())),
      dram(std::min(chip.dram.bytes_per_cycle(), rate_of(chip, chip.dma))), dma(rate_of(chip, chip.dma)) {}

double commands_of(const dfx::contraction& work, const blocking& plan) {
    // per column of a strip: a B panel, a drain, and a seed where sums re-enter; per row of folds an A panel
    const double per_column = plan.k_slices > 1 || work.seed ? 3 : 2;
    const std::uint64_t rows = ceil_div(plan.mb, plan.fold_rows);
    const std::uint64_t columns = ceil_div(plan.nb, plan.fold_columns);
    const double per_step =
        as_double(rows * columns) + as_double(ceil_div(rows, plan.strip) * columns) * per_column + as_double(rows) + 4;
    const double visits = as_double(plan.row_blocks * plan.column_blocks * work.batch);
    const double steps =
        as_double(ceil_div(rows, plan.strip) * columns * (work.steps.size() + work.step_operands.size()));
    return visits * (as_double(plan.k_slices) * per_step + 2 * as_double(rows) + steps);
}

task::task(const machine& on, const dfx::contraction& what, preference why)
    : chip(on), work(what), e(sizes_of(what)), rates(on), wanted(why), best_dram_bytes(best_dram_bytes_of(on, what)) {}

cost_model::cost_model(const task& t, const blocking& base)
    : m_chip(t.chip), m_tile(t.chip.tiles.front()), m_rates(t.rates), m_work(t.work), m_e(t.e), m_wanted(t.wanted),
      m_tolerable_bytes(k_tolerable_traffic * t.best_dram_bytes), m_plan(base), m_commands(commands_of(t.work, base)),
      m_firmware(m_commands * as_double(t.chip.descriptor_cost)), m_period(fold_period(base.kb)),
      m_rest_period(t.work.k % base.kb == 0 ? 0 : fold_period(t.work.k % base.kb)), m_around(start() + finish()),
      m_tiles(tiles_of_a()), m_ring(t.work.windows ? ring_of_a() : m_tiles) {}

way_of_a cost_model::tiles_of_a() const {
    way_of_a a;
    a.dram_bytes = m_work.batch * m_work.m * m_work.k * m_e.operand;
    const std::uint64_t row = m_plan.kb * m_e.operand;
    a.dram_waste = waste_of(m_chip, row, m_work.k * m_e.operand);
    if (m_work.windows) {
        const std::uint64_t run = std::min(row, padded_input(*m_work.windows, m_e.operand).run_bytes());
        a.dram_waste = as_double(m_chip.dram.burst.value()) / 2 / as_double(run);
        a.dma_stretch = stretch_of(m_chip, m_chip.dma.front(), as_double(run));
    }
    return a;
}

way_of_a cost_model::ring_of_a() const {
    const padded_input input(*m_work.windows, m_e.operand);
    way_of_a a;
    a.dram_bytes = m_work.a_bytes();
    a.dram_waste = as_double(m_chip.dram.burst.value()) / 2 / as_double(input.slab_bytes());
    const double run = as_double(std::min(m_plan.kb * m_e.operand, input.run_bytes()));
    a.mover_stretch = stretch_of(m_chip, m_chip.block_movers.front(), run);
    return a;
}

/// Of DRAM bytes count, not beats: energy, and what others may want.
double cost_model::cost_of_hidden(double movers, std::uint64_t dram_bytes, std::uint64_t k_groups) const {
    const double dram = as_double(dram_bytes) / m_rates.dram;
    const double hidden = k_weight_of_movers * movers + k_weight_of_firmware * m_firmware;
    if (m_wanted == preference::few_events)
        return hidden + k_weight_of_dram_in_long_runs * dram + k_weight_of_event * events(k_groups);
    return hidden + k_weight_of_dram * dram;
}

/// Commands, and the pieces in which copies between L3, L2 and L1 move.
double cost_model::events(std::uint64_t k_groups) const {
    return m_commands + (moved_to_l2(k_groups, {}) + streamed_to_l1()) / k_piece;
}

/// A lane works on several blocks of a row, or of a column, before their tile leaves L2: slice by slice of k, or where
/// all slices stay there.
cost_model::tile_uses cost_model::uses_in_l2(const blocking& plan) const {
    // below windows, whose gathers wait for more than the movers' rate, blocks that ask less of them do better
    if (!plan.partial_sums_in_l3() && (plan.k_slices > plan.l2_a || m_work.windows))
        return {};
    const auto per_lane = [&](std::uint64_t blocks) {
        return std::max(1.0, as_double(blocks) / as_double(plan.lanes));
    };
    const bool rows_outer = plan.order == block_order::rows_outer;
    const bool one_a_time = (rows_outer ? plan.column_group : plan.row_group) == 1;
    // a group of one: the next block shares the other operand's tile
    const double a = rows_outer ? per_lane(plan.column_group) : one_a_time ? per_lane(plan.column_blocks) : 1;
    const double b = !rows_outer ? per_lane(plan.row_group) : one_a_time ? per_lane(plan.row_blocks) : 1;
    return {a, b};
}

/// Bytes of operands, partial sums and results between L3 and L2.
double cost_model::moved_to_l2(std::uint64_t k_groups, const tile_uses& uses) const {
    const double lines = as_double(m_plan.mb) / uses.a + as_double(m_plan.nb) / uses.b;
    return as_double(blocks()) * lines * as_double(m_work.k * m_e.operand) +
           as_double(m_work.seed_bytes() + step_bytes()) +
           as_double(m_work.batch * m_work.m * m_work.n * (m_e.result + 2 * (k_groups - 1) * m_e.accumulator));
}

/// Bytes of panels and sums between L2 and L1.
double cost_model::streamed_to_l1() const {
    const double rows = as_double(folds_down(m_plan.mb));
    const double columns = as_double(ceil_div(m_plan.nb, m_plan.fold_columns));
    const double b_panels = std::ceil(rows / as_double(m_plan.strip)) * columns;
    const double panels = rows * as_double(m_plan.fold_rows) + b_panels * as_double(m_plan.fold_columns);
    const double sums =
        as_double(m_work.batch * m_work.m * m_work.n * (2 * m_plan.k_slices - 1) * m_e.accumulator + step_bytes());
    return as_double(blocks()) * panels * as_double(m_work.k * m_e.operand) + sums;
}

double cost_model::at_least(std::uint64_t k_groups) const {
    const tile_uses most{as_double(m_plan.column_blocks), as_double(m_plan.row_blocks)};
    const auto with = [&](const way_of_a& a) {
        const dram_traffic once = traffic(a, 1, 1);
        const double dram = std::max(dram_cycles(a, once), dma_cycles(dma_work_of(a, once), 0));
        const double movers =
            mover_cycles(a, k_groups, k_groups == 1 && m_plan.k_slices > m_plan.l2_a ? tile_uses{} : most);
        const cost_terms least{even_share(a, false), movers, dram, m_firmware, m_around};
        return least.cycles() + cost_of_hidden(movers, once.all(), k_groups);
    };
    return m_work.windows ? std::min(with(m_tiles), with(m_ring)) : with(m_tiles);
}

void cost_model::estimate(blocking& plan) {
    const way_of_a& a = way(plan);
    const dram_traffic moved = traffic_of(plan);
    plan.estimated_dram_bytes = moved.all();
    const dma_work dma = dma_work_of(a, moved);
    // loads come first, and all engines store what is left behind the last one: in doubt more of them load
    const double of_bytes = as_double(m_work.c_bytes()) / as_double(moved.all());
    plan.storers = storers_among(m_chip.dma.size(), std::min(of_bytes, dma.stores / (dma.loads + dma.stores)));
    const double dram = std::max(dram_cycles(a, moved), dma_cycles(dma, plan.storers));
    const std::uint64_t k_groups = ceil_div(plan.k_slices, plan.k_group);
    const tile_uses uses = uses_in_l2(plan);
    plan.estimated_l2_bytes = moved_to_l2(k_groups, uses);
    const double movers = mover_cycles(a, k_groups, uses);
    const double with_idle = dram + idle_dram(plan, k_groups, dram);
    plan.terms = {compute_in_turns(plan, k_groups), movers, with_idle, m_firmware, m_around};
    plan.hidden = cost_of_hidden(movers, moved.all(), k_groups);
    plan.traffic_weight = weight_of_excess(as_double(plan.estimated_dram_bytes) / m_tolerable_bytes);
    plan.rehearsed.reset();
}

/// Those of the busiest lane's folds.
double cost_model::busiest_lane(const blocking& plan, bool sums_stay) {
    if (plan.ring.slabs > 0)
        return makespan(m_ring, plan.column_group, sums_stay);
    double& known = m_compute[sums_stay ? 1 : 0];
    if (known == 0)
        known = makespan(m_tiles, plan.column_blocks, sums_stay);
    return known;
}

/// Those of the busiest lane when its blocks in L2 take turns, from their sums' way in, where they come from L3, to
/// their way out.
double cost_model::compute_in_turns(const blocking& plan, std::uint64_t k_groups) {
    const double visits = as_double(blocks() * k_groups) / busy_lanes();
    const double folding = busiest_lane(plan, sums_stay(k_groups)) / visits;
    const auto sums = as_double(plan.l2_c_slot.value());
    const double one_way = sums * busy_lanes() / m_rates.movers + sums / m_tile.stream_bytes_per_cycle +
                           as_double(m_chip.l3.latency + 2 * m_chip.l2.latency) + 2 * k_hand_over;
    const double turn = (k_groups == 1 ? 1 : 2) * one_way + folding + fold(m_plan.kb).latency;
    // a block's next slice of k follows when all others of the superblock have had theirs
    const double others = as_double(plan.row_group * plan.column_group) / as_double(plan.lanes);
    const double at_once = k_groups == 1 ? as_double(plan.l2_c) : std::min(as_double(plan.l2_c), std::max(1.0, others));
    return visits * std::max(folding, turn / at_once);
}

/// Cycles of folds when nothing but L1 and L2 holds them up and every lane has an equal part of the blocks.
double cost_model::even_share(const way_of_a& a, bool sums_stay) const {
    const std::uint64_t last_m = m_work.m - (m_plan.row_blocks - 1) * m_plan.mb;
    const std::uint64_t last_n = m_work.n - (m_plan.column_blocks - 1) * m_plan.nb;
    const double inner = as_double((m_plan.row_blocks - 1) * (m_plan.column_blocks - 1));
    const double all = inner * block_cycles(a, m_plan.mb, m_plan.nb, sums_stay) +
                       as_double(m_plan.column_blocks - 1) * block_cycles(a, last_m, m_plan.nb, sums_stay) +
                       as_double(m_plan.row_blocks - 1) * block_cycles(a, m_plan.mb, last_n, sums_stay) +
                       block_cycles(a, last_m, last_n, sums_stay);
    return as_double(m_work.batch) * all / as_double(m_plan.lanes);
}

/// Those of the busiest lane when blocks are dealt out in order, that many columns of them together.
double cost_model::makespan(const way_of_a& a, std::uint64_t together, bool sums_stay) const {
    constexpr std::uint64_t k_dealt_out_exactly = 512;
    if (m_plan.lanes == 1)
        return even_share(a, sums_stay);
    if (blocks() > k_dealt_out_exactly)
        return even_share(a, sums_stay) + block_cycles(a, m_plan.mb, m_plan.nb, sums_stay) / 2;
    const std::uint64_t last_m = m_work.m - (m_plan.row_blocks - 1) * m_plan.mb;
    const std::uint64_t last_n = m_work.n - (m_plan.column_blocks - 1) * m_plan.nb;
    const double full = block_cycles(a, m_plan.mb, m_plan.nb, sums_stay);
    const double low = block_cycles(a, last_m, m_plan.nb, sums_stay);
    const double narrow = block_cycles(a, m_plan.mb, last_n, sums_stay);
    const double corner = block_cycles(a, last_m, last_n, sums_stay);
    std::vector<double> lane(m_plan.lanes, 0);
    std::size_t next = 0;
    const auto deal = [&](std::uint64_t row, std::uint64_t column) {
        const bool last_column = column + 1 == m_plan.column_blocks;
        lane[next] += row + 1 == m_plan.row_blocks ? (last_column ? corner : low) : (last_column ? narrow : full);
        next = next + 1 < lane.size() ? next + 1 : 0;
    };
    for (std::uint64_t batch = 0; batch < m_work.batch; ++batch)
        for (std::uint64_t first = 0; first < m_plan.column_blocks; first += together)
            for (std::uint64_t row = 0; row < m_plan.row_blocks; ++row)
                for (std::uint64_t column = first; column < std::min(first + together, m_plan.column_blocks); ++column)
                    deal(row, column);
    return *std::max_element(lane.begin(), lane.end());
}

cost_model::dram_traffic cost_model::traffic_of(const blocking& plan) const {
    const std::uint64_t row_groups = ceil_div(plan.row_blocks, plan.row_group);
    const std::uint64_t column_groups = ceil_div(plan.column_blocks, plan.column_group);
    if (plan.ring.slabs > 0) {
        const bool b_stays = plan.column_group * plan.k_slices + plan.lanes <= plan.l3_tiles;
        return traffic(m_ring, plan.ring.whole ? 1 : column_groups, b_stays ? 1 : plan.row_blocks);
    }
    // an operand is read again for every group of the other's blocks, unless all of it stays
    const std::uint64_t a_reads = stays(plan, plan.row_blocks, plan.column_group) ? 1 : column_groups;
    const std::uint64_t b_reads = stays(plan, plan.column_blocks, plan.row_group) ? 1 : row_groups;
    return traffic(m_tiles, a_reads, b_reads);
}

/// When A is read that many times, and B.
cost_model::dram_traffic cost_model::traffic(const way_of_a& a, std::uint64_t a_reads, std::uint64_t b_reads) const {
    return {a.dram_bytes * a_reads, m_work.batch * m_work.k * m_work.n * m_e.operand * b_reads,
            m_work.batch * m_work.m * m_work.n * m_e.result + m_work.seed_bytes() + step_bytes()};
}

/// Bytes of the operands of steps that blocks bring: what is the same for all rows or columns comes with each of them.
std::uint64_t cost_model::step_bytes() const {
    std::uint64_t sum = 0;
    for (const operand_size& o : m_e.steps)
        sum += (o.rows ? m_work.m : m_plan.row_blocks) * (o.columns ? m_work.n : m_plan.column_blocks) * o.element;
    return m_work.batch * sum;
}

/// Cycles of DRAM for that traffic; rows of tiles that are no whole bursts cost more.
double cost_model::dram_cycles(const way_of_a& a, const dram_traffic& moved) const {
    const auto rows_of = [&](std::uint64_t element) {
        return waste_of(m_chip, m_plan.nb * element, m_work.n * element);
    };
    const double vain = as_double(moved.a) * a.dram_waste + as_double(moved.b) * rows_of(m_e.operand) +
                        as_double(moved.others) * rows_of(m_e.result);
    return (as_double(moved.all()) + vain) / m_rates.dram;
}

cost_model::dma_work cost_model::dma_work_of(const way_of_a& a, const dram_traffic& moved) const {
    const double width = m_rates.dma / as_double(m_chip.dma.size());
    const auto lines_of = [&](std::uint64_t element) {
        const std::uint64_t columns = std::min(m_plan.nb, m_plan.fold_columns);
        return stretch_of(m_chip, m_chip.dma.front(), as_double(columns * element)) / width;
    };
    const std::uint64_t stored = m_work.c_bytes();
    return {as_double(moved.a) * a.dma_stretch / width + as_double(moved.b) * lines_of(m_e.operand) +
                as_double(moved.others - stored) / width,
            as_double(stored) * lines_of(m_e.result)};
}

/// Of the busier ones, when that many keep to stores; none: all do everything.
double cost_model::dma_cycles(const dma_work& all, std::size_t storers) const {
    const std::size_t engines = m_chip.dma.size();
    if (storers == 0)
        return (all.loads + all.stores) / as_double(engines);
    return std::max(all.loads / as_double(engines - storers), all.stores / as_double(storers));
}

/// Cycles in which DRAM has nothing to do: all operands have come, and no block's results are there yet.
double cost_model::idle_dram(const blocking& plan, std::uint64_t k_groups, double dram) const {
    if (plan.partial_sums_in_l3())
        return 0;
    const double stores = as_double(m_work.c_bytes()) / m_rates.dram;
    const bool last_visits = as_double(blocks()) <= busy_lanes();
    const double done = block_cycles(way(plan), m_plan.mb, m_plan.nb, sums_stay(k_groups)) /
                        (last_visits ? as_double(folds_down(m_plan.mb)) : 1); // the last visits' results go row by row
    return std::max(0.0, done - std::max(0.0, dram - stores));
}

/// Cycles of all block movers together, at their fixed cost per move.
double cost_model::mover_cycles(const way_of_a& a, std::uint64_t k_groups, const tile_uses& uses) const {
    const double strips = as_double(ceil_div(folds_down(m_plan.mb), m_plan.strip));
    const double tiles = (1 / uses.a + 1 / uses.b) * as_double(m_plan.k_slices);
    const double moves = as_double(blocks()) * (tiles + as_double(2 * k_groups - 1) * strips);
    const double a_moved = as_double(blocks() * m_plan.mb * m_work.k * m_e.operand) / uses.a;
    return (moved_to_l2(k_groups, uses) + (a.mover_stretch - 1) * a_moved) / m_rates.movers +
           moves * k_hand_over / as_double(m_chip.block_movers.size());
}

/// From the first request to the first fold: one panel of each operand for every lane through all memories. Then folds
/// wait for DRAM until two steps' tiles of every lane have come.
double cost_model::start() const {
    const double a_panel = as_double(m_plan.fold_rows * m_plan.kb * m_e.operand);
    const double b_panel = as_double(m_plan.fold_columns * m_plan.kb * m_e.operand);
    const double from_dram = (a_panel + busy_lanes() * b_panel) / m_rates.dram;
    const double to_l2 = (a_panel + b_panel) * busy_lanes() / m_rates.movers;
    const double to_l1 = std::max(a_panel, b_panel) / m_tile.stream_bytes_per_cycle;
    const double across = as_double(std::min<std::uint64_t>(m_plan.lanes, m_plan.column_blocks));
    const double lines = as_double(m_plan.mb) * std::ceil(busy_lanes() / across) + as_double(m_plan.nb) * across;
    const double two_steps = lines * as_double(2 * m_plan.kb * m_e.operand) / m_rates.dram;
    const double folds = as_double(folds_down(m_plan.mb) * ceil_div(m_plan.nb, m_plan.fold_columns));
    const double starved = std::max(0.0, two_steps - folds * m_period);
    return as_double(m_chip.dram.latency + m_chip.l3.latency + m_chip.l2.latency) + 3 * k_hand_over + from_dram +
           to_l2 + to_l1 + starved;
}

/// From the last fold's entry on: its own time, and its results' way to DRAM.
double cost_model::finish() const {
    const double cell = as_double(m_plan.fold_rows * m_plan.fold_columns * m_e.result);
    const fold_time last = fold(m_plan.kb);
    return last.latency - last.period + cell / m_tile.stream_bytes_per_cycle +
           cell * busy_lanes() * (1 / m_rates.movers + 1 / m_rates.dram) +
           as_double(m_chip.dram.latency + m_chip.l3.latency + m_chip.l2.latency) + 3 * k_hand_over;
}

fold_time cost_model::fold(std::uint64_t depth) const {
    iface::fold_operands full;
    full.m = static_cast<std::uint32_t>(m_plan.fold_rows);
    full.n = static_cast<std::uint32_t>(m_plan.fold_columns);
    full.k = static_cast<std::uint32_t>(depth);
    full.type = code_of(m_work.operand);
    full.flow = code_of(m_plan.flow);
    return time_of(m_tile, full);
}

double cost_model::busy_lanes() const {
    return as_double(std::min<std::uint64_t>(m_plan.lanes, blocks()));
}

/// True where all tiles of an operand that has `across` of them per slice stay in L3 beside the other's group.
bool cost_model::stays(const blocking& plan, std::uint64_t across, std::uint64_t others) const {
    return !plan.partial_sums_in_l3() && (across + others) * plan.k_slices + 2 * plan.lanes <= plan.l3_tiles;
}

/// Cycles from one fold's entry to the next in steady state.
double cost_model::fold_period(std::uint64_t depth) const {
    const double rate = m_tile.stream_bytes_per_cycle;
    const double b_stream = as_double(m_plan.fold_columns * depth * m_e.operand) / rate + k_hand_over;
    const double a_stream = as_double(m_plan.fold_rows * depth * m_e.operand) / rate + k_hand_over;
    const double cells =
        as_double(m_plan.strip * m_plan.fold_rows * m_plan.fold_columns * m_e.accumulator) / rate + k_hand_over;
    const fold_time time = fold(depth);
    const double executing = time.latency + as_double(m_chip.l2.latency);
    const double strip = as_double(std::min(m_plan.strip, folds_down(m_plan.mb)));
    const double folds_per_a = as_double(ceil_div(m_plan.nb, m_plan.fold_columns));
    // a slot's turn: it is filled, its folds enter one after the other, and the last one ends; the slots of a kind take
    // turns
    const double column_turn = b_stream + (strip - 1) * time.period + executing;
    const double row_turn = a_stream + (folds_per_a - 1) * strip * time.period + executing;
    const double result_turn = (strip - 1) * time.period + executing + 2 * cells;
    return std::max({time.period, b_stream / strip, a_stream / folds_per_a, cells / strip,
                     column_turn / strip / as_double(m_plan.column_slots),
                     row_turn / folds_per_a / as_double(m_plan.row_slots),
                     result_turn / strip / as_double(m_plan.result_slots)});
}

/// Cycles until both tiles of a step of that depth are in L2, on the lane's share of the block movers.
double cost_model::step_moves(const way_of_a& a, std::uint64_t depth) const {
    const double share = m_rates.movers / busy_lanes();
    const double lines = as_double(m_plan.mb) * a.mover_stretch + as_double(m_plan.nb);
    return lines * as_double(depth * m_e.operand) / share + as_double(m_chip.l3.latency + m_chip.l2.latency) +
           2 * k_hand_over;
}

/// All panels of a step fit L1 beside those of the step before: tiles leave L2 for L1 before their folds begin.
bool cost_model::steps_overlap_in_l1() const {
    return m_plan.row_slots >= 2 * folds_down(m_plan.mb) &&
           m_plan.column_slots > ceil_div(m_plan.nb, m_plan.fold_columns);
}

/// Cycles that a strip's column of sums takes from L2 to L1, or back.
double cost_model::sums_between_l2_and_l1() const {
    const double cells = as_double(m_plan.strip * m_plan.fold_rows * m_plan.fold_columns * m_e.accumulator);
    return cells / m_tile.stream_bytes_per_cycle + as_double(m_chip.l2.latency) + 2 * k_hand_over;
}

/// Cycles that one lane needs for one block over all of k. A step lasts as long as its folds; and what its tiles take
/// to come and to be used, a slot of L2 at a time, is shared by the slots.
double cost_model::block_cycles(const way_of_a& a, std::uint64_t mb, std::uint64_t nb, bool sums_stay) const {
    const double folds = as_double(folds_down(mb) * ceil_div(nb, m_plan.fold_columns));
    const bool early = steps_overlap_in_l1();
    const auto step = [&](std::uint64_t depth, double period) {
        const double compute = folds * period;
        const double to_l1 = as_double(std::max(mb, nb) * depth * m_e.operand) / m_tile.stream_bytes_per_cycle;
        const double used = early ? to_l1 : compute + fold(depth).latency;
        const double around = sums_stay ? fold(depth).latency + 2 * sums_between_l2_and_l1() : 0;
        return std::max({compute, (step_moves(a, depth) + used) / as_double(m_plan.l2_a), around});
    };
    const std::uint64_t full = m_work.k / m_plan.kb;
    const std::uint64_t rest = m_work.k % m_plan.kb;
    // with one block of sums nothing is prepared for the next visit before the last one's have left
    const double between_visits = m_plan.l2_a > m_plan.l2_c ? step_moves(a, m_plan.kb) + fold(m_plan.kb).latency : 0;
    return as_double(full) * step(m_plan.kb, m_period) + (rest != 0 ? step(rest, m_rest_period) : 0) + between_visits;
}

} // namespace kpu::fw
