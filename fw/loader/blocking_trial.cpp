#include "fw/loader/blocking_trial.h"

#include "compiler/dfx/bounds.h"
#include "fw/loader/blocking_fit.h"
#include "fw/loader/rehearsal.h"

#include <algorithm>

namespace kpu::fw {

namespace {

constexpr std::size_t k_varied = 2;
constexpr double k_commands = 8000; ///< that may be rehearsed of plans as they are
constexpr double k_fewest = 3;
constexpr double k_weight_of_hidden = 0.5; ///< a rehearsal sees what is not hidden

/// Where all operands stay in L3 anyway the same plan with its lanes spread over rows and columns of blocks: at the
/// start they share more.
std::vector<blocking> with_spread_lanes(const task& t, const blocking& plan) {
    std::vector<blocking> all;
    const bool a_stays = plan.ring.slabs == 0 || plan.ring.whole;
    const bool stays = a_stays && plan.estimated_dram_bytes == compulsory_bytes(t.work) && !plan.partial_sums_in_l3();
    for (std::uint64_t side = 2; stays && side * side <= plan.lanes; side *= 2) {
        blocking spread = plan;
        spread.order = block_order::columns_outer;
        spread.row_group = std::min(side, plan.row_blocks);
        spread.column_group = plan.column_blocks;
        cost_model(t, spread).estimate(spread);
        if (spread.estimated_dram_bytes == plan.estimated_dram_bytes)
            all.push_back(spread);
    }
    return all;
}

/// Plans whose cycles are a rehearsal's instead of the closed form's, best first.
class rehearsed {
  public:
    /// What costs more than `most` is of no interest.
    rehearsed(const task& t, double most) : m_task(t), m_most(most), m_rehearsal(t.chip) {}

    /// Unless it is worse than those that are there already. True if it is the best.
    bool consider(blocking plan) {
        const double bar = m_plans.size() < k_varied ? m_most : m_plans.back().cost();
        plan.hidden *= k_weight_of_hidden;
        const double give_up = bar / plan.traffic_weight - plan.hidden;
        plan.rehearsed = true;
        plan.estimated_cycles = rehearsed_cycles(m_rehearsal, m_task.work, plan, give_up);
        if (plan.cost() >= bar)
            return false;
        m_plans.insert(std::upper_bound(m_plans.begin(), m_plans.end(), plan, by_cost), plan);
        m_plans.resize(std::min(m_plans.size(), k_varied));
        return m_plans.front().cost() == plan.cost();
    }
    [[nodiscard]] const std::vector<blocking>& plans() const { return m_plans; }

  private:
    static bool by_cost(const blocking& x, const blocking& y) { return x.cost() < y.cost(); }

    const task& m_task;
    double m_most;
    rehearsal m_rehearsal;
    std::vector<blocking> m_plans;
};

/// With lower strips, as long as that helps.
void lower_strips(const task& t, blocking plan, rehearsed& best) {
    for (bool better = true; better && plan.strip > 1;) {
        plan.strip /= 2;
        (void)fit_tile(t.chip, t.e, plan);
        cost_model(t, plan).estimate(plan);
        better = best.consider(plan);
    }
}

} // namespace

std::vector<blocking> best_rehearsed(const task& t, const std::vector<blocking>& plans, double most) {
    rehearsed best(t, most);
    const double affordable = std::max(k_fewest, k_commands / commands_of(t.work, plans.front()));
    for (std::size_t i = 0; i < plans.size() && static_cast<double>(i) < affordable; ++i)
        best.consider(plans[i]);
    for (const blocking& plan : std::vector<blocking>(best.plans()))
        for (const blocking& variant : with_spread_lanes(t, plan))
            best.consider(variant);
    if (!best.plans().empty())
        lower_strips(t, best.plans().front(), best);
    return best.plans();
}

std::optional<blocking> as_rehearsed(const task& t, const blocking& plan, double most) {
    rehearsed one(t, most);
    return one.consider(plan) ? std::optional<blocking>(one.plans().front()) : std::nullopt;
}

} // namespace kpu::fw
