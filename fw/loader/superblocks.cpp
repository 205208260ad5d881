#include "fw/loader/superblocks.h"

#include "fw/loader/blocking_fit.h"
#include "fw/loader/input_ring.h"
#include "fw/loader/step_walk.h"

#include <algorithm>

namespace kpu::fw {

namespace {

/// Superblocks whose operands fit in L3: sums complete in L2 (k_group = k_slices), or partial sums in L3.
class superblock_search {
  public:
    superblock_search(const task& t, const blocking& base, cost_model& model, double bar)
        : m_task(t), m_base(base), m_model(model), m_bar(bar) {}

    [[nodiscard]] std::optional<blocking> best() {
        // windows that overlap are not worth comparing where their tensor can come as it is: gathering them from
        // DRAM takes the same short runs, and more of them
        if (m_task.work.windows && rings())
            return m_best;
        for (const block_order order : {block_order::rows_outer, block_order::columns_outer}) {
            blocking plan = m_base;
            plan.order = order;
            complete_sums(plan);
            // short visits leave no time for a block's results to go before it is needed again
            add_blocks_in_l2(m_task.chip, plan);
            if (plan.l2_c > m_base.l2_c)
                complete_sums(plan);
        }
        if (m_base.k_slices > 1 && m_model.at_least(m_base.k_slices) < m_bar)
            for (const block_order order : {block_order::rows_outer, block_order::columns_outer})
                partial_sums(order);
        return m_best;
    }

  private:
    void complete_sums(blocking plan) {
        plan.k_group = plan.k_slices;
        plan.row_group = plan.row_blocks;
        plan.column_group = plan.column_blocks;
        if (!fit_l3(m_task.chip, m_task.e, {}, plan))
            return;
        const std::uint64_t all = (plan.row_blocks + plan.column_blocks) * plan.k_slices;
        if (plan.l3_tiles >= all)
            return consider(plan);
        const bool rows_outer = plan.order == block_order::rows_outer;
        const std::uint64_t largest = largest_group(plan);
        if (largest == 0) {
            one_at_a_time(plan);
            return one_round(plan);
        }
        std::uint64_t& group = rows_outer ? plan.column_group : plan.row_group;
        group = std::min(largest, group);
        consider(plan);
        // a smaller group leaves room for all tiles of the other operand
        const std::uint64_t others = rows_outer ? plan.row_blocks : plan.column_blocks;
        const std::uint64_t lines = plan.l3_tiles / plan.k_slices;
        if (lines > others + 1 && lines - others - 1 < group) {
            group = lines - others - 1;
            consider(plan);
        }
    }

    /// Where L3 has room for a block's tiles all along k, but for few others: those come one by one.
    void one_at_a_time(blocking plan) {
        (plan.order == block_order::rows_outer ? plan.column_group : plan.row_group) = 1;
        if (fit_l3(m_task.chip, m_task.e, {0, plan.k_slices + plan.lanes}, plan))
            consider(plan);
    }

    /// Where not even one block's tiles stay all along k: what the lanes work on at once shares tiles slice by slice.
    void one_round(blocking plan) {
        for (std::uint64_t down = 1; down <= plan.lanes; ++down) {
            plan.row_group = std::min(down, plan.row_blocks);
            plan.column_group = std::min(plan.lanes / down, plan.column_blocks);
            if (plan.l3_tiles >= plan.row_group + plan.column_group)
                consider(plan);
        }
    }

    /// The tensor below windows in L3: all of it, or as much as the lanes work on, and what comes next.
    /// True where that moves less from DRAM than any tiles of windows would.
    bool rings() {
        const padded_input input(*m_task.work.windows, m_task.e.operand);
        if (!input.has_elements())
            return false;
        const std::uint64_t rounds = ceil_div(m_base.lanes, m_base.column_blocks);
        const std::uint64_t rows = std::min(m_task.work.m, (2 * rounds + 1) * m_base.mb);
        const bool whole = with_ring(ring_for(input, input.slabs()));
        return with_ring(ring_for(input, input.most_slabs_of(rows))) || whole;
    }

    bool with_ring(const ring_plan& ring) {
        blocking plan = m_base;
        plan.ring = ring;
        plan.order = block_order::rows_outer;
        plan.k_group = plan.k_slices;
        plan.row_group = plan.row_blocks;
        if (!fit_l3(m_task.chip, m_task.e, {}, plan))
            return false;
        // columns whose tiles of B stay while all rows pass
        const std::uint64_t beside = plan.l3_tiles > plan.lanes ? plan.l3_tiles - plan.lanes : 0;
        plan.column_group = std::clamp<std::uint64_t>(beside / plan.k_slices, 1, plan.column_blocks);
        consider(plan);
        return plan.estimated_dram_bytes < m_model.least_dram_bytes_of_tiles();
    }

    /// Blocks whose tiles stay in L3 while the other operand streams past. Where they are more than the lanes work on
    /// at once, every line of the streaming operand stays, too, until it has met all of them.
    [[nodiscard]] static std::uint64_t largest_group(const blocking& plan) {
        const auto lines_within = [&](std::uint64_t spare) {
            return plan.l3_tiles > spare ? (plan.l3_tiles - spare) / plan.k_slices : 0;
        };
        const std::uint64_t group = lines_within(2 * plan.lanes + 2);
        if (group <= plan.lanes)
            return group;
        const std::uint64_t beside_line = lines_within(plan.lanes + plan.k_slices);
        return std::max<std::uint64_t>(plan.lanes, std::min(group, beside_line));
    }

    void partial_sums(block_order order) {
        for (std::uint64_t rows = 1; rows <= m_base.row_blocks; rows = grow(rows, m_base.row_blocks)) {
            // the more columns, the less traffic and the more blocks that take turns
            std::optional<blocking> largest;
            for (std::uint64_t columns = 1;; columns = grow(columns, m_base.column_blocks)) {
                const std::optional<blocking> plan = with_partial_sums(order, rows, columns);
                if (plan)
                    largest = plan;
                if (!plan || columns == m_base.column_blocks)
                    break;
            }
            if (largest)
                consider(*largest);
            if (rows == m_base.row_blocks)
                break;
        }
    }

    /// A superblock of that many blocks; nothing where it does not fit.
    [[nodiscard]] std::optional<blocking> with_partial_sums(block_order order, std::uint64_t rows,
                                                            std::uint64_t columns) const {
        blocking plan = m_base;
        plan.row_group = rows;
        plan.column_group = columns;
        plan.k_group = 1;
        plan.order = order;
        add_blocks_in_l2(m_task.chip, plan);
        if (!fit_l3(m_task.chip, m_task.e, {waiting(plan), tiles_of_a_slice(plan)}, plan))
            return std::nullopt;
        return plan;
    }

    /// Blocks of a superblock whose sums are in L3 at once, and room for one that arrives: of every lane one block at
    /// least is in L2, its present one or the next, for which the walk must be seen two rounds ahead.
    [[nodiscard]] static std::uint64_t waiting(const blocking& plan) {
        const std::uint64_t all = plan.row_group * plan.column_group;
        const bool next_is_fetched = plan.l2_a > 1 && plan.l2_c > 1 && all >= 3 * plan.lanes;
        return next_is_fetched && 2 * plan.lanes <= k_least_window ? all - plan.lanes : all;
    }

    /// While lines of blocks stream past the tiles of a slice that stay: those, a round's streaming ones, and one that
    /// is on its way.
    [[nodiscard]] static std::uint64_t tiles_of_a_slice(const blocking& plan) {
        const std::uint64_t stay = plan.order == block_order::rows_outer ? plan.column_group : plan.row_group;
        return stay + ceil_div(plan.lanes - 1, stay) + 2;
    }

    /// The next group size whose number of groups differs: other sizes only leave a smaller rest.
    static std::uint64_t grow(std::uint64_t group, std::uint64_t all) {
        const std::uint64_t groups = ceil_div(all, group);
        return groups == 1 ? all : ceil_div(all, groups - 1);
    }

    void consider(blocking& plan) {
        m_model.estimate(plan);
        if (plan.cost() >= m_bar)
            return;
        m_bar = plan.cost();
        m_best = plan;
    }

    const task& m_task;
    const blocking& m_base;
    cost_model& m_model;
    double m_bar; ///< the least cost so far
    std::optional<blocking> m_best;
};

} // namespace

std::optional<blocking> best_superblocks(const task& t, const blocking& base, cost_model& model, double bar) {
    return superblock_search(t, base, model, bar).best();
}

} // namespace kpu::fw
