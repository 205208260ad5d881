// The choice of a blocking: candidates, ranked by the cost model; the best few are rehearsed where that is affordable.

#include "fw/loader/blocking.h"
#include "fw/loader/blocking_fit.h"
#include "fw/loader/blocking_trial.h"
#include "fw/loader/element_code.h"
#include "fw/loader/superblocks.h"
#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <optional>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_most_folds_per_side = 16;
constexpr std::uint64_t k_least_depth = 16;
constexpr std::uint64_t k_highest_strip = 8;
constexpr std::uint64_t k_burst = 64; ///< slices of k are that many bytes or multiples: whole bursts of any DRAM
constexpr std::size_t k_candidates = 16;
constexpr std::ptrdiff_t k_depths_of_a_shape = 3;
constexpr double k_doubt = 1.4;                     ///< of the cost model, between dataflows
constexpr double k_doubt_of_short_runs = 4;         ///< all of which can be rehearsed
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

/// One fold in a block, that deep.
blocking one_fold(const task& t, std::uint64_t depth) {
    blocking plan = start_from(t, dfx::dataflow::output_stationary);
    plan.mb = std::min(t.work.m, plan.fold_rows);
    plan.nb = std::min(t.work.n, plan.fold_columns);
    plan.kb = depth;
    return plan;
}

/// For chips that have no room for any depth worth trying: as deep as there is.
std::optional<blocking> shallow(const task& t) {
    for (std::uint64_t depth = std::min(t.work.k, k_least_depth); depth > 0; depth /= 2)
        if (const std::optional<blocking> plan =
                evaluate(t, one_fold(t, depth), std::numeric_limits<double>::infinity()))
            return plan;
    return std::nullopt;
}

/// The least L3 with which there is a plan of such folds, by trial: what waits there depends on their order.
/// `roomy` has more than enough.
bytes least_l3(machine roomy, const task& t, const blocking& fold) {
    constexpr std::uint64_t k_step = 64;
    const std::uint64_t most = roomy.l3.size.value() / k_step;
    std::uint64_t low = 0, high = 1;
    const auto fits = [&](std::uint64_t steps) {
        roomy.l3.size = bytes(steps * k_step);
        return evaluate(task(roomy, t.work, t.wanted), fold, std::numeric_limits<double>::infinity()).has_value();
    };
    for (; high < most && !fits(high); high *= 2)
        low = high;
    while (low + 1 < high)
        (fits((low + high) / 2) ? high : low) = (low + high) / 2;
    return bytes(high * k_step);
}

[[noreturn]] void refuse(const task& t) {
    constexpr bytes k_room{1ULL << 40};
    const compute_tile& tile = t.chip.tiles.front();
    machine roomy = t.chip;
    for (bytes* size : {&roomy.tiles.front().row.size, &roomy.tiles.front().column.size,
                        &roomy.tiles.front().result.size, &roomy.l2.size, &roomy.l3.size})
        *size = k_room;
    const task with_room(roomy, t.work, t.wanted);
    blocking fold = one_fold(with_room, 1);
    (void)fit_tile(roomy, t.e, fold); // its slots say what it takes
    const bytes in_l2 = fold.l2_a_slot + fold.l2_b_slot + fold.l2_seed_slot + fold.steps_slot + fold.l2_c_slot;
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = "the platform is too small for one fold of " + t.work.c;
    problem.text = fmt::format("L1 row {} B, column {} B, result {} B; L2 per array {} B; L3 {} B",
                               tile.row.size.value(), tile.column.size.value(), tile.result.size.value(),
                               share_of_l2(t.chip.l2, t.chip.tiles.size(), 0).size.value(), t.chip.l3.size.value());
    problem.expected = fmt::format(
        "enough for folds of depth 1 on a {}x{} array: row {} B, column {} B, result {} B, L2 {} B, L3 {} B", tile.rows,
        tile.columns, fold.row_slot.value(), fold.column_slot.value(), fold.result_slot.value(), in_l2.value(),
        least_l3(roomy, t, fold).value());
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

/// The dataflows' best plans by the cost model; counts what it looks at.
std::vector<shortlist> found_by_model(const task& t, const std::vector<dfx::dataflow>& flows, std::size_t most,
                                      std::uint64_t& evaluated) {
    std::vector<shortlist> all;
    for (const dfx::dataflow flow : flows) {
        shortlist found(most);
        search(t, flow, found);
        evaluated += found.evaluated();
        if (!found.plans().empty())
            all.push_back(std::move(found));
    }
    return all;
}

/// Takes those out that cost `doubt` times the least, and returns them.
std::vector<shortlist> take_hopeless(std::vector<shortlist>& found, double doubt) {
    double least = std::numeric_limits<double>::infinity();
    for (const shortlist& s : found)
        least = std::min(least, s.plans().front().cost());
    const auto may_win = [&](const shortlist& s) { return s.plans().front().cost() <= doubt * least; };
    const auto rest = std::stable_partition(found.begin(), found.end(), may_win);
    std::vector<shortlist> hopeless(std::make_move_iterator(rest), std::make_move_iterator(found.end()));
    found.erase(rest, found.end());
    return hopeless;
}

/// Of runs of medium length one plan of each dataflow is rehearsed: estimates differ more in what is wrong with them
/// than the dataflows do.
bool worth_comparing(const task& t, const std::vector<shortlist>& found) {
    return found.size() > 1 && std::all_of(found.begin(), found.end(), [&](const shortlist& s) {
               return commands_of(t.work, s.plans().front()) < k_most_compared_commands;
           });
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

/// What a dataflow's plans come to, after a rehearsal where that is affordable.
trial tried(const task& t, const shortlist& of_flow, bool compare, const trial_bar& bar) {
    if (worth_rehearsing(t))
        return rehearse(t, of_flow.plans(), bar);
    const blocking& modelled = of_flow.plans().front();
    return compare ? rehearse(t, modelled, bar) : trial{{modelled}, modelled};
}

/// A dataflow's best plan and the next one, and why another dataflow's was taken, where that is not their time.
struct contender {
    blocking plan;
    std::optional<blocking> next = {};
    std::string lost = {};
};

std::string slower_by(const blocking& plan, const blocking& taken) {
    return fmt::format("takes {:.1f}% more time", 100 * (plan.time() / taken.time() - 1));
}

/// What was taken, the next one of its dataflow, and the best of each other dataflow.
std::vector<candidate> shown(const std::vector<contender>& all, std::size_t taken) {
    std::vector<candidate> text{candidate_of(all[taken].plan)};
    if (all[taken].next)
        text.push_back(candidate_of(*all[taken].next));
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == taken)
            continue;
        candidate& other = text.emplace_back(candidate_of(all[i].plan));
        other.lost = all[i].lost.empty() ? slower_by(all[i].plan, all[taken].plan) : all[i].lost;
    }
    return text;
}

/// The best plan of the dataflow that enters first, unless that of a later one is faster.
class dataflow_contest {
  public:
    dataflow_contest(const task& t, const std::vector<shortlist>& found)
        : m_task(t), m_compare(worth_comparing(t, found)), m_ahead(worth_rehearsing(t) || m_compare ? 1 : k_faster),
          m_fewest(fewest_cycles(t)) {}

    void enter(const shortlist& of_flow) {
        const blocking& modelled = of_flow.plans().front();
        const bool first = m_all.empty();
        if (!first && m_fewest > k_as_good_as_any * taken().time())
            return lose(modelled, fmt::format("no plan can be {:.1f}% faster", 100 * (1 - k_as_good_as_any)));
        const trial_bar bar = first ? trial_bar{} : trial_bar{k_hidden_more * taken().cost(), taken().time()};
        const trial tries = tried(m_task, of_flow, m_compare, bar);
        m_rehearsed += tries.rehearsed;
        if (tries.best.empty())
            return lose(tries.first, none_is_faster(tries.rehearsed));
        contender entered{tries.best.front()};
        if (tries.best.size() > 1)
            entered.next = tries.best[1];
        const bool faster = first || entered.plan.time() < m_ahead * taken().time();
        if (!faster && entered.plan.time() < taken().time())
            entered.lost = fmt::format("less than {:.0f}% faster", 100 * (1 - m_ahead));
        m_all.push_back(std::move(entered));
        if (faster)
            m_taken = m_all.size() - 1;
    }
    void lose(const blocking& plan, std::string why) { m_all.push_back({plan, {}, std::move(why)}); }

    [[nodiscard]] const blocking& taken() const { return m_all[m_taken].plan; }
    [[nodiscard]] weighing weighed() const { return {0, m_rehearsed, shown(m_all, m_taken)}; }

  private:
    static std::string none_is_faster(std::uint64_t rehearsed) {
        return fmt::format("none of {} rehearsed is faster at no more than {} times the cost", rehearsed,
                           k_hidden_more);
    }

    const task& m_task;
    bool m_compare;
    double m_ahead, m_fewest;
    std::vector<contender> m_all;
    std::size_t m_taken = 0;
    std::uint64_t m_rehearsed = 0;
};

/// The best of those dataflows, the first one unless another is faster.
std::optional<blocking_choice> best_of(const task& t, const std::vector<dfx::dataflow>& flows) {
    std::uint64_t evaluated = 0;
    std::vector<shortlist> found = found_by_model(t, flows, worth_rehearsing(t) ? k_candidates : 1, evaluated);
    if (found.empty())
        return std::nullopt;
    const double doubt = worth_rehearsing(t) ? k_doubt_of_short_runs : k_doubt;
    const std::vector<shortlist> hopeless = take_hopeless(found, doubt);
    dataflow_contest contest(t, found);
    for (const shortlist& of_flow : found)
        contest.enter(of_flow);
    for (const shortlist& of_flow : hopeless)
        contest.lose(of_flow.plans().front(), fmt::format("closed form over {} times the least cost", doubt));
    blocking_choice best{contest.taken(), contest.weighed()};
    best.weighed.evaluated = evaluated;
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
            return {*plan, {1, 0, {candidate_of(*plan)}}};
    if (const std::optional<blocking_choice> best = best_of(t, flows_for(work)))
        return *best;
    if (const std::optional<blocking_choice> best = best_of(t, {dfx::dataflow::output_stationary}))
        return *best;
    if (const std::optional<blocking> plan = shallow(t))
        return {*plan, {1, 0, {candidate_of(*plan)}}};
    refuse(t);
}

} // namespace kpu::fw
