#include "fw/loader/program_plan.h"

#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace kpu::fw {

namespace {

/// Eighths of L3 that intermediate tensors may take, largest first.
constexpr std::uint64_t k_eighths[] = {7, 6, 4, 2};

struct cost {
    double cycles = 0;
    std::uint64_t bytes = 0;
};

/// DRAM bytes of all kernels, without those of resident tensors: each of these is written once and read once at least.
cost cost_of(const program_plan& plan, const dfx::program& program) {
    cost sum;
    for (const planned_work& work : plan.fitted.work) {
        sum.cycles += work.estimated_cycles();
        sum.bytes += work.estimated_dram_bytes();
    }
    for (const auto& [name, place] : plan.residents.place) {
        const dfx::tensor_descriptor& t = *program.find(name);
        sum.bytes -= std::min(sum.bytes, 2 * element_count(t.dims) * size_of(t.type));
    }
    return sum;
}

/// Nothing where the chip is too small for it.
std::optional<program_plan> plan_beside(const machine& chip, const dfx::program& program, resident_tensors residents) {
    program_plan plan;
    plan.residents = std::move(residents);
    plan.chip = beside(chip, plan.residents);
    try {
        plan.fitted.work = plan_program(plan.chip, program);
    } catch (const input_error&) {
        return std::nullopt;
    }
    return plan;
}

} // namespace

program_plan plan_whole(const machine& chip, const dfx::program& program) {
    program_plan best{chip, {}, fit_program(chip, program)};
    const dfx::program& runs = best.runs(program);
    if (runs.kernels.size() < 2)
        return best;
    std::map<std::string, address> tried;
    for (const std::uint64_t eighths : k_eighths) {
        resident_tensors residents = place_intermediates(chip.l3, runs, chip.l3.size / 8 * eighths);
        if (residents.place.empty() || residents.place == tried)
            continue;
        tried = residents.place;
        std::optional<program_plan> plan = plan_beside(chip, runs, std::move(residents));
        if (!plan)
            continue;
        const cost before = cost_of(best, runs);
        const cost after = cost_of(*plan, runs);
        if (after.bytes < before.bytes && after.cycles <= 1.01 * before.cycles) {
            best.chip = std::move(plan->chip);
            best.residents = std::move(plan->residents);
            best.fitted.work = std::move(plan->fitted.work);
        }
    }
    return best;
}

std::string describe_residents(const dfx::program& runs, const program_plan& plan) {
    std::string text;
    std::uint64_t through_dram = 0;
    for (const dfx::tensor_descriptor& t : runs.tensors) {
        if (t.role != dfx::tensor_role::intermediate || !t.view_of.empty())
            continue;
        const std::uint64_t size = element_count(t.dims) * size_of(t.type);
        if (const auto found = plan.residents.place.find(t.name); found != plan.residents.place.end())
            text += fmt::format("{} stays in L3 ({} bytes)\n", t.name, size);
        else
            text += fmt::format("{} goes through DRAM ({} bytes)\n", t.name, size);
        through_dram += plan.residents.place.count(t.name) == 0 ? size : 0;
    }
    if (!text.empty())
        text += fmt::format("{} bytes of L3 are kept for tensors, {} bytes of tensors go through DRAM\n",
                            plan.residents.reserved.value(), through_dram);
    return text;
}

} // namespace kpu::fw
