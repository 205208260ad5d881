// The choice of a blocking: candidates, ranked by the cost model; the best few are rehearsed where that is affordable.

#include "fw/loader/blocking.h"
#include "fw/loader/blocking_fit.h"
#include "fw/loader/blocking_trial.h"
#include "fw/loader/element_code.h"
#include "fw/loader/superblocks.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_most_folds_per_side = 16;
constexpr std::uint64_t k_least_depth = 16;
constexpr std::uint64_t k_highest_strip = 8;
constexpr std::uint64_t k_burst = 64; ///< slices of k are whole bursts of DRAM
constexpr std::size_t k_candidates = 16;
constexpr std::size_t k_shown = 5; ///< by --verbose
constexpr std::ptrdiff_t k_depths_of_a_shape = 3;
// of the cost model, between dataflows; a rehearsal sees what it takes for more than it is
constexpr double k_doubt = 1.4;
constexpr double k_doubt_of_rehearsed = 4;
constexpr std::uint64_t k_share_of_results = 16;    ///< of L3, that a strip may take before lower ones are tried
constexpr double k_faster = 0.95;                   ///< by the cost model alone, which is right within some percent
constexpr double k_as_good_as_any = 0.995;          ///< share of a plan's cycles that none can do without
constexpr double k_hidden_more = 1.1;               ///< by what hidden work may raise the cost of the faster dataflow
constexpr double k_most_compared_commands = 30'000; ///< of a plan that is rehearsed once
// folds as deep as L1 has room for two panels of each operand
constexpr std::uint64_t k_most_folds_of_short_runs = 600;
constexpr std::uint64_t k_most_rehearsed_folds = 1100;

/// The candidates of least cost, best first.
class shortlist {
  public:
    explicit shortlist(std::size_t most) : m_most(most) {}

    void count_one() { ++m_evaluated; }
    void consider(const blocking& plan) {
        if (plan.cost() >= bar())
            return;
        const auto place = std::upper_bound(m_plans.begin(), m_plans.end(), plan.cost(),
                                            [](double cost, const blocking& p) { return cost < p.cost(); });
        m_plans.insert(place, plan);
        drop_worst_of_many_depths(plan);
        if (m_plans.size() > m_most)
            m_plans.pop_back();
    }
    /// What a plan must cost less than.
    [[nodiscard]] double bar() const {
        return m_plans.size() < m_most ? std::numeric_limits<double>::infinity() : m_plans.back().cost();
    }
    [[nodiscard]] const std::vector<blocking>& plans() const { return m_plans; }
    [[nodiscard]] std::uint64_t evaluated() const { return m_evaluated; }

  private:
    /// Blocks of one shape differ little by their depth: a few stand for all.
    void drop_worst_of_many_depths(const blocking& shape) {
        const auto alike = [&](const blocking& p) { return p.mb == shape.mb && p.nb == shape.nb; };
        if (std::count_if(m_plans.begin(), m_plans.end(), alike) > k_depths_of_a_shape)
            m_plans.erase(std::find_if(m_plans.rbegin(), m_plans.rend(), alike).base() - 1);
    }

    std::size_t m_most;
    std::vector<blocking> m_plans;
    std::uint64_t m_evaluated = 0;
};

/// The highest strip with which folds follow each other as fast as the array can: higher ones take fewer commands.
/// Where there is none, none at all. 0 where not even that fits.
std::uint64_t strip_for(const task& t, blocking plan) {
    plan.strip = plan.flow == dfx::dataflow::output_stationary ? k_highest_strip : 1;
    for (; plan.strip > 1; plan.strip /= 2)
        if (plan.strip <= ceil_div(plan.mb, plan.fold_rows) && fit_tile(t.chip, t.e, plan) &&
            cost_model(t, plan).keeps_arrays_busy())
            return plan.strip;
    return fit_tile(t.chip, t.e, plan) ? 1 : 0;
}

/// The best superblocks of those blocks in such strips, unless they cannot cost less than `bar`.
std::optional<blocking> evaluate_strips(const task& t, blocking plan, double bar) {
    if (!fit_tile(t.chip, t.e, plan))
        return std::nullopt;
    cost_model model(t, plan);
    if (model.at_least() >= bar)
        return std::nullopt;
    return best_superblocks(t, plan, model, bar);
}

/// The best superblocks of those blocks, unless they cannot cost less than `bar`.
std::optional<blocking> evaluate(const task& t, blocking plan, double bar) {
    plan.row_blocks = ceil_div(t.work.m, plan.mb);
    plan.column_blocks = ceil_div(t.work.n, plan.nb);
    plan.k_slices = ceil_div(t.work.k, plan.kb);
    plan.strip = strip_for(t, plan);
    if (plan.strip == 0)
        return std::nullopt;
    std::optional<blocking> best = evaluate_strips(t, plan, bar);
    // results leave strip by strip: lower ones leave more of a small L3 to the operands
    while (plan.strip > 1 && strip_slot(t.e, plan) > t.chip.l3.size / k_share_of_results) {
        plan.strip /= 2;
        if (std::optional<blocking> lower = evaluate_strips(t, plan, best ? best->cost() : bar))
            best = lower;
    }
    return best;
}

/// Depths of an output stationary fold worth trying: k cut into equal slices of whole DRAM bursts, from the fewest that
/// fit L1 on.
std::vector<std::uint64_t> depths(const compute_tile& tile, const element_sizes& e, std::uint64_t k) {
    const std::uint64_t deepest = std::min(tile.row.size.value() / (tile.rows * e.operand),
                                           tile.column.size.value() / (tile.columns * e.operand));
    std::vector<std::uint64_t> all;
    if (deepest == 0)
        return all;
    const std::uint64_t burst = k_burst / e.operand;
    const auto add = [&](std::uint64_t wanted) {
        const std::uint64_t depth = std::min({round_up(wanted, burst), deepest, k});
        if (all.empty() || depth < all.back())
            all.push_back(depth);
    };
    const std::uint64_t fewest = ceil_div(k, deepest);
    for (std::uint64_t slices = fewest; slices * k_least_depth < k; slices += std::max<std::uint64_t>(1, slices / 6))
        add(ceil_div(k, slices));
    add(k_least_depth);
    return all;
}

/// What a sum takes of L1, with a narrower seed and the operands of its steps.
std::uint64_t bytes_per_sum(const element_sizes& e) {
    std::uint64_t size = e.accumulator + e.staged_seed();
    for (const operand_size& o : e.steps)
        size += o.element;
    return size;
}

/// How far an operand streams past a stationary one of `lines` lines in one fold: four results of that length fit L1,
/// and two panels of the operand.
std::uint64_t streamed(const l1_buffer& results, const l1_buffer& panels, std::uint64_t lines, std::uint64_t depth,
                       const element_sizes& e) {
    const std::uint64_t by_results = results.size.value() / (4 * lines * bytes_per_sum(e));
    const std::uint64_t by_panels = panels.size.value() / (2 * depth * e.operand);
    return std::max<std::uint64_t>(1, std::min(by_results, by_panels));
}

blocking start_from(const task& t, dfx::dataflow flow) {
    const compute_tile& tile = t.chip.tiles.front();
    blocking plan;
    plan.flow = flow;
    plan.lanes = t.chip.tiles.size();
    plan.fold_rows = tile.rows;
    plan.fold_columns = tile.columns;
    if (flow == dfx::dataflow::output_stationary)
        return plan;
    const std::uint32_t macs = tile.macs_per_pe[static_cast<std::size_t>(code_of(t.work.operand))];
    plan.kb = std::min<std::uint64_t>(t.work.k, std::uint64_t{tile.rows} * macs);
    const bool weights_stay = flow == dfx::dataflow::weight_stationary;
    const std::uint64_t length =
        streamed(tile.result, weights_stay ? tile.row : tile.column, tile.columns, plan.kb, t.e);
    plan.fold_rows = weights_stay ? std::min(length, t.work.m) : tile.columns;
    plan.fold_columns = weights_stay ? tile.columns : std::min(length, t.work.n);
    return plan;
}

std::uint64_t folds_within(std::uint64_t extent, std::uint64_t fold) {
    return std::min(k_most_folds_per_side, ceil_div(extent, fold));
}

void search(const task& t, dfx::dataflow flow, shortlist& found) {
    blocking plan = start_from(t, flow);
    const std::vector<std::uint64_t> all_depths = flow == dfx::dataflow::output_stationary
                                                      ? depths(t.chip.tiles.front(), t.e, t.work.k)
                                                      : std::vector<std::uint64_t>{plan.kb};
    // large and deep ones first: they are the better ones more often, and what cannot beat them is soon put aside
    for (std::uint64_t fm = folds_within(t.work.m, plan.fold_rows); fm > 0; --fm) {
        plan.mb = std::min(t.work.m, fm * plan.fold_rows);
        for (std::uint64_t fn = folds_within(t.work.n, plan.fold_columns); fn > 0; --fn) {
            plan.nb = std::min(t.work.n, fn * plan.fold_columns);
            for (const std::uint64_t depth : all_depths) {
                plan.kb = depth;
                found.count_one();
                if (const std::optional<blocking> candidate = evaluate(t, plan, found.bar()))
                    found.consider(*candidate);
            }
        }
    }
}

std::uint64_t deep_folds(const machine& chip, const dfx::contraction& work) {
    const compute_tile& tile = chip.tiles.front();
    const std::uint64_t room = std::min(tile.row.size.value() / tile.rows, tile.column.size.value() / tile.columns);
    const std::uint64_t depth = std::max<std::uint64_t>(1, room / 2 / size_of(work.operand));
    return work.batch * ceil_div(work.m, tile.rows) * ceil_div(work.n, tile.columns) * ceil_div(work.k, depth);
}

/// Long runs are ruled by their steady state, which the closed form knows.
bool worth_rehearsing(const task& t) {
    return deep_folds(t.chip, t.work) <= k_most_rehearsed_folds;
}

preference preference_for(const machine& chip, const dfx::contraction& work) {
    return deep_folds(chip, work) <= k_most_folds_of_short_runs ? preference::little_traffic : preference::few_events;
}

[[noreturn]] void refuse(const task& t) {
    const compute_tile& tile = t.chip.tiles.front();
    const element_sizes& e = t.e;
    const std::uint64_t cell = std::uint64_t{tile.rows} * tile.columns;
    const std::uint64_t edges = std::uint64_t{tile.rows} + tile.columns;
    const std::uint64_t in_l1 = cell * bytes_per_sum(e);
    const std::uint64_t elsewhere = in_l1 + cell * (e.seed - e.staged_seed()); // seeds lie apart from sums there
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = "the platform is too small for one fold of " + t.work.c;
    problem.text = fmt::format("L1 row {} B, column {} B, result {} B; L2 per array {} B; L3 {} B",
                               tile.row.size.value(), tile.column.size.value(), tile.result.size.value(),
                               share_of_l2(t.chip.l2, t.chip.tiles.size(), 0).size.value(), t.chip.l3.size.value());
    problem.expected =
        fmt::format("for a {}x{} array and depth 1 at least: row {} B, column {} B, result {} B, L2 {} B, L3 {} B",
                    tile.rows, tile.columns, tile.rows * e.operand, tile.columns * e.operand, in_l1,
                    edges * e.operand + elsewhere, 2 * edges * e.operand + elsewhere);
    throw input_error(std::move(problem));
}

std::optional<blocking> as_required(const task& t) {
    blocking plan = start_from(t, t.work.flow);
    plan.mb = std::min(t.work.m, t.work.tile[0]);
    plan.nb = std::min(t.work.n, t.work.tile[1]);
    const std::uint64_t depth = std::min(t.work.k, t.work.tile[2]);
    plan.kb = t.work.flow == dfx::dataflow::output_stationary ? depth : std::min(plan.kb, depth);
    return evaluate(t, plan, std::numeric_limits<double>::infinity());
}

std::vector<dfx::dataflow> flows_for(const dfx::contraction& work) {
    using dfx::dataflow;
    std::vector<dataflow> flows = {work.flow};
    // how windows are gathered the cost model does not know well enough
    if (work.tiles == dfx::tile_policy::suggested && !work.windows)
        for (const dataflow other :
             {dataflow::output_stationary, dataflow::weight_stationary, dataflow::input_stationary})
            if (other != work.flow)
                flows.push_back(other);
    return flows;
}

/// The dataflows' best plans by the cost model, those that may win.
std::vector<shortlist> found_by_model(const task& t, const std::vector<dfx::dataflow>& flows, std::size_t most,
                                      weighing& weighed) {
    std::vector<shortlist> all;
    double least = std::numeric_limits<double>::infinity();
    for (const dfx::dataflow flow : flows) {
        shortlist found(most);
        search(t, flow, found);
        weighed.evaluated += found.evaluated();
        if (found.plans().empty())
            continue;
        least = std::min(least, found.plans().front().cost());
        all.push_back(std::move(found));
    }
    const double bar = least * (worth_rehearsing(t) ? k_doubt_of_rehearsed : k_doubt);
    const auto hopeless = [&](const shortlist& s) { return s.plans().front().cost() > bar; };
    all.erase(std::remove_if(all.begin(), all.end(), hopeless), all.end());
    return all;
}

/// Of runs of medium length one plan of each dataflow is rehearsed: estimates differ more in what is wrong with them
/// than the dataflows do.
bool worth_comparing(const task& t, const std::vector<shortlist>& found) {
    return found.size() > 1 && std::all_of(found.begin(), found.end(), [&](const shortlist& s) {
               return commands_of(t.work, s.plans().front()) < k_most_compared_commands;
           });
}

/// The plan that was taken, then others.
std::vector<candidate> cheapest_of(const blocking& taken, std::vector<blocking> others) {
    std::sort(others.begin(), others.end(), [](const blocking& x, const blocking& y) { return x.cost() < y.cost(); });
    std::vector<candidate> all{candidate_of(taken)};
    for (const blocking& other : others)
        if (other.mb != 0 && all.size() < k_shown)
            all.push_back(candidate_of(other));
    return all;
}

/// Cycles that no plan can do without: all arrays multiply all the time, but for what the first operands and the last
/// results take through the memories.
double fewest_cycles(const task& t) {
    const machine& chip = t.chip;
    const compute_tile& tile = chip.tiles.front();
    const double peak = static_cast<double>(tile.rows) * tile.columns * static_cast<double>(chip.tiles.size()) *
                        tile.macs_per_pe[static_cast<std::size_t>(code_of(t.work.operand))];
    const double products = static_cast<double>(t.work.batch) * static_cast<double>(t.work.m) *
                            static_cast<double>(t.work.n) * static_cast<double>(t.work.k);
    return products / peak + 2.0 * static_cast<double>(chip.dram.latency + chip.l3.latency + chip.l2.latency);
}

/// What is left of a dataflow's plans, best first, after a rehearsal where that is affordable. None where none stays
/// below the bar.
std::vector<blocking> tried(const task& t, const shortlist& of_flow, bool compare, const trial_bar& bar) {
    if (worth_rehearsing(t))
        return best_rehearsed(t, of_flow.plans(), bar);
    if (!compare)
        return {of_flow.plans().front()};
    const std::optional<blocking> plan = as_rehearsed(t, of_flow.plans().front(), bar);
    return plan ? std::vector<blocking>{*plan} : std::vector<blocking>();
}

/// The best of those dataflows, the first one unless another is faster.
std::optional<blocking_choice> best_of(const task& t, const std::vector<dfx::dataflow>& flows) {
    const bool rehearse = worth_rehearsing(t);
    blocking_choice best;
    const std::vector<shortlist> found = found_by_model(t, flows, rehearse ? k_candidates : 1, best.weighed);
    const bool compare = worth_comparing(t, found);
    const double ahead = rehearse || compare ? 1 : k_faster;
    std::vector<blocking> others;
    const double fewest = fewest_cycles(t);
    for (const shortlist& of_flow : found) {
        const blocking& modelled = of_flow.plans().front();
        const bool first = best.plan.mb == 0;
        const trial_bar bar = first ? trial_bar{} : trial_bar{k_hidden_more * best.plan.cost(), best.plan.time()};
        const bool hopeless = fewest > k_as_good_as_any * bar.time;
        std::vector<blocking> plans = hopeless ? std::vector<blocking>() : tried(t, of_flow, compare, bar);
        if (plans.empty())
            plans = {modelled};
        else if (first || plans.front().time() < ahead * best.plan.time())
            std::swap(best.plan, plans.front());
        others.insert(others.end(), plans.begin(), plans.end());
    }
    if (best.plan.mb == 0)
        return std::nullopt;
    best.weighed.cheapest = cheapest_of(best.plan, std::move(others));
    return best;
}

} // namespace

blocking choose_blocking(const machine& chip, const dfx::contraction& work) {
    return weigh_blockings(chip, work).plan;
}

blocking_choice weigh_blockings(const machine& chip, const dfx::contraction& work) {
    const task t(chip, work, preference_for(chip, work));
    if (work.tiles == dfx::tile_policy::required)
        if (const std::optional<blocking> plan = as_required(t))
            return {*plan, {1, {candidate_of(*plan)}}};
    if (const std::optional<blocking_choice> best = best_of(t, flows_for(work)))
        return *best;
    if (const std::optional<blocking_choice> best = best_of(t, {dfx::dataflow::output_stationary}))
        return *best;
    refuse(t);
}

} // namespace kpu::fw
