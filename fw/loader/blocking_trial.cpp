#include "fw/loader/blocking_trial.h"

#include "compiler/dfx/bounds.h"
#include "fw/loader/blocking_fit.h"
#include "fw/loader/rehearsal.h"

#include <algorithm>
#include <cmath>

namespace kpu::fw {

namespace {

constexpr std::size_t k_varied = 2;
constexpr double k_commands = 8000; ///< that may be rehearsed of plans as they are
constexpr double k_fewest = 3;

bool walks_alike(const blocking& x, const blocking& y) {
    return x.order == y.order && x.row_group == y.row_group && x.column_group == y.column_group;
}

/// Where all operands stay in L3 anyway the same plan with its lanes spread over rows and columns of blocks: at the
/// start they share more.
std::vector<blocking> with_spread_lanes(const task& t, const blocking& plan) {
    std::vector<blocking> all;
    const bool a_stays = plan.ring.slabs == 0 || plan.ring.whole;
    const bool stays = a_stays && plan.estimated_dram_bytes == compulsory_bytes(t.work) && !plan.partial_sums_in_l3();
    const bool one_line = plan.row_blocks == 1 || plan.column_blocks == 1; // there is but one way along it
    for (std::uint64_t side = 2; stays && !one_line && side * side <= plan.lanes; side *= 2) {
        blocking spread = plan;
        spread.order = block_order::columns_outer;
        spread.row_group = std::min(side, plan.row_blocks);
        spread.column_group = plan.column_blocks;
        if (walks_alike(spread, plan) || (!all.empty() && walks_alike(spread, all.back())))
            continue;
        cost_model(t, spread).estimate(spread);
        if (spread.estimated_dram_bytes == plan.estimated_dram_bytes)
            all.push_back(spread);
    }
    return all;
}

/// Plans whose cycles are a rehearsal's instead of the closed form's, best first.
class rehearsed_plans {
  public:
    rehearsed_plans(const task& t, const trial_bar& bar) : m_task(t), m_bar(bar), m_rehearsal(t.chip) {}

    /// Unless it is worse than those that are there already. True if it is the best.
    bool consider(blocking plan) {
        const double most = m_found.best.size() < k_varied ? m_bar.cost : m_found.best.back().cost();
        const double hidden = k_hidden_when_rehearsed * plan.hidden;
        const double give_up = std::min(most / plan.traffic_weight - hidden, m_bar.time / plan.traffic_weight);
        const double cycles = rehearsed_cycles(m_rehearsal, m_task.work, plan, give_up);
        const bool given_up = std::isinf(cycles);
        plan.rehearsed = {given_up ? give_up : cycles, given_up};
        if (m_found.rehearsed++ == 0)
            m_found.first = plan;
        if (given_up || plan.cost() >= most || plan.time() >= m_bar.time)
            return false;
        std::vector<blocking>& best = m_found.best;
        best.insert(std::upper_bound(best.begin(), best.end(), plan, by_cost), plan);
        best.resize(std::min(best.size(), k_varied));
        return best.front().cost() == plan.cost();
    }
    [[nodiscard]] const trial& found() const { return m_found; }

  private:
    static bool by_cost(const blocking& x, const blocking& y) { return x.cost() < y.cost(); }

    const task& m_task;
    trial_bar m_bar;
    rehearsal m_rehearsal;
    trial m_found;
};

/// With lower strips, as long as that helps.
void lower_strips(const task& t, blocking plan, rehearsed_plans& best) {
    for (bool better = true; better && plan.strip > 1;) {
        plan.strip /= 2;
        (void)fit_tile(t.chip, t.e, plan);
        if (!plan.partial_sums_in_l3())
            (void)fit_l3(t.chip, t.e, {0, plan.l3_tiles}, plan); // slots for lower strips take no more than before
        cost_model(t, plan).estimate(plan);
        better = best.consider(plan);
    }
}

} // namespace

trial rehearse(const task& t, const std::vector<blocking>& plans, const trial_bar& bar) {
    rehearsed_plans all(t, bar);
    const double affordable = std::max(k_fewest, k_commands / commands_of(t.work, plans.front()));
    for (std::size_t i = 0; i < plans.size() && static_cast<double>(i) < affordable; ++i)
        all.consider(plans[i]);
    for (const blocking& plan : std::vector<blocking>(all.found().best))
        for (const blocking& variant : with_spread_lanes(t, plan))
            all.consider(variant);
    if (!all.found().best.empty())
        lower_strips(t, all.found().best.front(), all);
    return all.found();
}

trial rehearse(const task& t, const blocking& plan, const trial_bar& bar) {
    rehearsed_plans one(t, bar);
    one.consider(plan);
    return one.found();
}

} // namespace kpu::fw
