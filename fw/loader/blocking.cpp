#include "fw/loader/blocking.h"

#include "compiler/dfx/bounds.h"
#include "fw/loader/block_cost.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_slot_alignment = 64;
constexpr std::size_t k_most_l3_tiles = 1024;
constexpr std::uint64_t k_most_folds_per_side = 16;
constexpr std::uint64_t k_least_depth = 32;

bytes slot_bytes(std::uint64_t size) {
    return bytes(round_up(size, k_slot_alignment));
}

std::size_t slots_within(bytes capacity, bytes slot, std::size_t at_most) {
    return std::min<std::size_t>(at_most, static_cast<std::size_t>(capacity / slot));
}

/// L1: panels of A and B and result cells. False where one of each does not fit.
bool fit_l1(const compute_tile& tile, const element_sizes& e, blocking& plan) {
    plan.row_slot = slot_bytes(plan.rows * plan.kb * e.operand);
    plan.column_slot = slot_bytes(plan.columns * plan.kb * e.operand);
    const std::uint64_t staging = e.seed == 0 || e.seed == e.accumulator ? 0 : e.seed;
    plan.result_slot = bytes(slot_bytes(plan.rows * plan.columns * e.accumulator).value() +
                             slot_bytes(plan.rows * plan.columns * staging).value());
    plan.row_slots = slots_within(tile.row.size, plan.row_slot, 4);
    plan.column_slots = slots_within(tile.column.size, plan.column_slot, 4);
    plan.result_slots = slots_within(tile.result.size, plan.result_slot, 8);
    return plan.row_slots > 0 && plan.column_slots > 0 && plan.result_slots > 0;
}

/// L2: two tiles of each operand where they fit, one where not. False where one of each does not fit.
bool fit_l2(bytes share, const element_sizes& e, blocking& plan) {
    plan.l2_a_slot = slot_bytes(plan.mb * plan.kb * e.operand);
    plan.l2_b_slot = slot_bytes(plan.nb * plan.kb * e.operand);
    // cells keep the array's full size, so that a ragged block's cells stay where a full one's would be
    const std::uint64_t cells = ceil_div(plan.mb, plan.rows) * ceil_div(plan.nb, plan.columns);
    plan.l2_c_slot = slot_bytes(cells * plan.rows * plan.columns * e.accumulator);
    plan.l2_seed_slot = slot_bytes(e.seed == 0 ? 0 : cells * plan.rows * plan.columns * e.seed);
    for (const std::size_t count : {std::size_t{2}, std::size_t{1}}) {
        const bytes need = (plan.l2_a_slot + plan.l2_b_slot + plan.l2_c_slot + plan.l2_seed_slot) * count;
        if (need <= share) {
            plan.l2_a = plan.l2_b = plan.l2_c = count;
            plan.l2_seed = e.seed == 0 ? 0 : count;
            return true;
        }
    }
    return false;
}

/// L3 slots for a superblock that keeps `partials` blocks of sums. Nothing where fewer than two tiles are left for A
/// and B.
bool fit_l3(const machine& chip, const element_sizes& e, std::uint64_t partials, blocking& plan) {
    plan.l3_tile_slot = std::max(plan.l2_a_slot, plan.l2_b_slot);
    plan.l3_c_slot = plan.l2_c_slot;
    plan.l3_seed_slot = plan.l2_seed_slot;
    for (const std::size_t spare : {2 * plan.lanes, plan.lanes, std::size_t{1}}) {
        const bytes c_bytes = plan.l3_c_slot * (partials + spare);
        const bytes seed_bytes = plan.l3_seed_slot * (e.seed == 0 ? 0 : spare);
        if (c_bytes + seed_bytes > chip.l3.size)
            continue;
        plan.l3_c = static_cast<std::size_t>(partials) + spare;
        plan.l3_seed = e.seed == 0 ? 0 : spare;
        plan.l3_tiles = slots_within(chip.l3.size - c_bytes - seed_bytes, plan.l3_tile_slot, k_most_l3_tiles);
        if (plan.l3_tiles >= std::min<std::size_t>(2 * plan.lanes, 2))
            return true;
    }
    return false;
}

/// Superblocks whose operands fit in L3: sums complete in L2 (k_group = k_slices), or partial sums in L3.
class superblock_search {
  public:
    superblock_search(const machine& chip, const dfx::contraction& work, const element_sizes& e, const blocking& base)
        : m_chip(chip), m_work(work), m_e(e), m_base(base), m_compute(compute_cycles(chip, work, e, base)) {}

    [[nodiscard]] std::optional<blocking> best() {
        complete_sums(block_order::rows_outer);
        complete_sums(block_order::columns_outer);
        if (!m_best || m_best->estimated_dram_bytes > compulsory_bytes(m_work))
            partial_sums();
        return m_best;
    }

  private:
    /// Slots that the streaming operand and prefetch need beside the resident one.
    [[nodiscard]] std::uint64_t margin() const { return 2 * m_base.lanes + 2; }

    void complete_sums(block_order order) {
        blocking plan = m_base;
        plan.order = order;
        plan.k_group = plan.k_slices;
        plan.row_group = plan.row_blocks;
        plan.column_group = plan.column_blocks;
        if (!fit_l3(m_chip, m_e, 0, plan))
            return;
        const std::uint64_t all = (plan.row_blocks + plan.column_blocks) * plan.k_slices;
        if (plan.l3_tiles < all) {
            const std::uint64_t room = plan.l3_tiles > margin() ? plan.l3_tiles - margin() : 0;
            std::uint64_t& group = order == block_order::rows_outer ? plan.column_group : plan.row_group;
            group = std::clamp<std::uint64_t>(room / plan.k_slices, 1, group);
        }
        consider(plan);
    }

    void partial_sums() {
        if (m_base.k_slices < 2)
            return;
        for (std::uint64_t rows = 1; rows <= m_base.row_blocks; rows = grow(rows, m_base.row_blocks)) {
            for (std::uint64_t columns = 1; columns <= m_base.column_blocks;
                 columns = grow(columns, m_base.column_blocks)) {
                blocking plan = m_base;
                plan.row_group = rows;
                plan.column_group = columns;
                plan.k_group = 1;
                plan.order = block_order::rows_outer;
                if (fit_l3(m_chip, m_e, rows * columns, plan) && plan.l3_tiles >= columns + margin())
                    consider(plan);
                if (columns == m_base.column_blocks)
                    break;
            }
            if (rows == m_base.row_blocks)
                break;
        }
    }

    /// The next group size whose number of groups differs: other sizes only leave a smaller rest.
    static std::uint64_t grow(std::uint64_t group, std::uint64_t all) {
        const std::uint64_t groups = ceil_div(all, group);
        return groups == 1 ? all : ceil_div(all, groups - 1);
    }

    void consider(blocking& plan) {
        estimate(m_chip, m_work, m_e, m_compute, plan);
        if (!m_best || plan.cost < m_best->cost)
            m_best = plan;
    }

    const machine& m_chip;
    const dfx::contraction& m_work;
    const element_sizes& m_e;
    const blocking& m_base;
    double m_compute;
    std::optional<blocking> m_best;
};

std::optional<blocking> evaluate(const machine& chip, const dfx::contraction& work, const element_sizes& e,
                                 blocking plan) {
    plan.row_blocks = ceil_div(work.m, plan.mb);
    plan.column_blocks = ceil_div(work.n, plan.nb);
    plan.k_slices = ceil_div(work.k, plan.kb);
    const bytes share = share_of_l2(chip.l2, plan.lanes, 0).size;
    if (!fit_l1(chip.tiles.front(), e, plan) || !fit_l2(share, e, plan))
        return std::nullopt;
    return superblock_search(chip, work, e, plan).best();
}

/// Depths worth trying: k cut into equal slices of whole DRAM bursts, from the fewest that fit L1 on.
std::vector<std::uint64_t> depths(const compute_tile& tile, const element_sizes& e, std::uint64_t k) {
    const std::uint64_t deepest = std::min(tile.row.size.value() / (tile.rows * e.operand),
                                           tile.column.size.value() / (tile.columns * e.operand));
    std::vector<std::uint64_t> all;
    if (deepest == 0)
        return all;
    const std::uint64_t burst = k_slot_alignment / e.operand;
    const std::uint64_t fewest = ceil_div(k, deepest);
    const std::uint64_t most = std::max(fewest, k / k_least_depth);
    for (std::uint64_t slices = fewest; slices <= most; slices += std::max<std::uint64_t>(1, slices / 6)) {
        const std::uint64_t depth = std::min({round_up(ceil_div(k, slices), burst), deepest, k});
        if (all.empty() || depth != all.back())
            all.push_back(depth);
    }
    return all;
}

blocking start_from(const machine& chip) {
    blocking plan;
    plan.rows = chip.tiles.front().rows;
    plan.columns = chip.tiles.front().columns;
    plan.lanes = chip.tiles.size();
    return plan;
}

std::optional<blocking> search(const machine& chip, const dfx::contraction& work, const element_sizes& e) {
    std::optional<blocking> best;
    blocking plan = start_from(chip);
    const std::vector<std::uint64_t> all_depths = depths(chip.tiles.front(), e, work.k);
    for (std::uint64_t fm = 1; fm <= k_most_folds_per_side; ++fm) {
        plan.mb = std::min(work.m, fm * plan.rows);
        for (std::uint64_t fn = 1; fn <= k_most_folds_per_side; ++fn) {
            plan.nb = std::min(work.n, fn * plan.columns);
            for (const std::uint64_t depth : all_depths) {
                plan.kb = depth;
                const std::optional<blocking> candidate = evaluate(chip, work, e, plan);
                if (candidate && (!best || candidate->cost < best->cost))
                    best = candidate;
            }
            if (plan.nb == work.n)
                break;
        }
        if (plan.mb == work.m)
            break;
    }
    return best;
}

std::optional<blocking> as_required(const machine& chip, const dfx::contraction& work, const element_sizes& e) {
    blocking plan = start_from(chip);
    plan.mb = std::min(work.m, work.tile[0]);
    plan.nb = std::min(work.n, work.tile[1]);
    plan.kb = std::min(work.k, work.tile[2]);
    return evaluate(chip, work, e, plan);
}

[[noreturn]] void refuse(const machine& chip, const dfx::contraction& work, const element_sizes& e) {
    const compute_tile& tile = chip.tiles.front();
    const std::uint64_t cell = std::uint64_t{tile.rows} * tile.columns;
    const std::uint64_t edges = std::uint64_t{tile.rows} + tile.columns;
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = "the platform is too small for one fold of " + work.c;
    problem.text = fmt::format("L1 row {} B, column {} B, result {} B; L2 per array {} B; L3 {} B",
                               tile.row.size.value(), tile.column.size.value(), tile.result.size.value(),
                               share_of_l2(chip.l2, chip.tiles.size(), 0).size.value(), chip.l3.size.value());
    problem.expected = fmt::format(
        "for a {}x{} array and depth 1 at least: row {} B, column {} B, result {} B, L2 {} B, L3 {} B", tile.rows,
        tile.columns, tile.rows * e.operand, tile.columns * e.operand, cell * (e.accumulator + e.seed),
        edges * e.operand + cell * (e.accumulator + e.seed), 2 * edges * e.operand + cell * (e.accumulator + e.seed));
    throw input_error(std::move(problem));
}

} // namespace

element_sizes sizes_of(const dfx::contraction& work) {
    return {size_of(work.operand), size_of(work.accumulator), size_of(work.result),
            work.seed ? size_of(work.seed_type) : 0};
}

l2_share share_of_l2(const memory_info& l2, std::size_t lanes, std::size_t lane) {
    const std::uint64_t bank = l2.size.value() / l2.units;
    if (l2.units >= lanes) {
        const std::uint64_t banks = l2.units / lanes;
        return {bytes(lane * banks * bank), bytes(banks * bank)};
    }
    const std::uint64_t size = l2.size.value() / lanes / k_slot_alignment * k_slot_alignment;
    return {bytes(lane * size), bytes(size)};
}

blocking choose_blocking(const machine& chip, const dfx::contraction& work) {
    const element_sizes e = sizes_of(work);
    std::optional<blocking> plan;
    if (work.tiles == dfx::tile_policy::required)
        plan = as_required(chip, work, e);
    if (!plan)
        plan = search(chip, work, e);
    if (!plan)
        refuse(chip, work, e);
    return *plan;
}

std::string to_string(const blocking& plan) {
    return fmt::format(
        "blocks {}x{}x{} ({}x{} of C, {} slices of k) on {} array(s); superblock {}x{}x{}, {}{}; "
        "slots L1 {}/{}/{}, L2 {}/{}/{}, L3 {} tiles + {} C; estimated {:.0f} cycles, {} DRAM bytes",
        plan.mb, plan.nb, plan.kb, plan.row_blocks, plan.column_blocks, plan.k_slices, plan.lanes, plan.row_group,
        plan.column_group, plan.k_group, plan.order == block_order::rows_outer ? "rows outer" : "columns outer",
        plan.partial_sums_in_l3() ? ", partial sums in L3" : "", plan.row_slots, plan.column_slots, plan.result_slots,
        plan.l2_a, plan.l2_b, plan.l2_c, plan.l3_tiles, plan.l3_c, plan.estimated_cycles, plan.estimated_dram_bytes);
}

} // namespace kpu::fw
