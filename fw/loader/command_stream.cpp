#include "fw/loader/command_stream.h"

#include "fw/loader/element_code.h"
#include "platforms/common/diagnostic.h"

#include <fmt/format.h>

namespace kpu::fw {

namespace {

/// Steps work in place, on cells that have room for sums; their operands have a place of their own.
void check_steps(const dfx::kernel& kernel, const dfx::contraction& work) {
    std::size_t room = size_of(work.accumulator);
    for (const dfx::element_step& step : work.steps) {
        const std::size_t size = size_of(step.result);
        if (size <= room) {
            room = size;
            continue;
        }
        diagnostic problem;
        problem.message = "kernel '" + kernel.name + "': a step behind the sums that cannot work in place";
        problem.text = std::string(name_of(step.function)) + " " + std::string(name_of(step.result));
        problem.expected = "steps whose results are no wider than what they work on";
        throw input_error(std::move(problem));
    }
}

void check_supported(const machine& chip, const dfx::kernel& kernel, const dfx::contraction& work) {
    check_steps(kernel, work);
    const auto& macs = chip.tiles.front().macs_per_pe;
    if (macs[static_cast<std::size_t>(code_of(work.operand))] != 0)
        return;
    diagnostic problem;
    problem.where.file = "chip";
    problem.message =
        "kernel '" + kernel.name + "' needs an array that multiplies " + std::string(name_of(work.operand));
    for (std::uint32_t t = 0; t < iface::k_element_types; ++t)
        if (macs[t] != 0)
            problem.expected += (problem.expected.empty() ? "one of " : ", ") +
                                std::string(iface::name_of(static_cast<iface::element_type>(t)));
    throw input_error(std::move(problem));
}

dram_operand operand(tensor_table& tensors, const std::string& name, const dfx::element_origin& origin) {
    const placed_tensor& tensor = tensors.at(name);
    return {view_of(tensor, origin.batch, origin.row, origin.column), tensor.use, {}};
}

std::string side(const iface::copy_side& s, const iface::copy_operands& copy) {
    std::string text = fmt::format("{:#x}", s.base.value());
    for (std::size_t d = 0; d < iface::k_copy_dims; ++d)
        if (copy.count[d] > 1)
            text += fmt::format("+{}", s.stride[d]);
    return text;
}

template <class Counts>
std::string extents(const Counts& counts) {
    std::string text;
    for (const std::uint32_t count : counts)
        if (count > 1)
            text += fmt::format(" x{}", count);
    return text;
}

std::string operands_of(const iface::vector_operands& x) {
    std::string text = fmt::format("{} {} -> {}{} {:#x}", iface::name_of(x.function), iface::name_of(x.from),
                                   iface::name_of(x.to), extents(x.count), x.source.base.value());
    if (iface::takes_operand(x.function))
        text += fmt::format(", {:#x}", x.operand.base.value());
    return text + fmt::format(" -> {:#x}", x.destination.base.value());
}

std::string operands_of(const iface::command_header& header, const iface::descriptor_words& words) {
    switch (header.op) {
    case iface::opcode::copy: {
        const iface::copy_operands copy = iface::decode_copy(words);
        return fmt::format("{} B{} ", copy.run, extents(copy.count)) + side(copy.source, copy) + " -> " +
               side(copy.destination, copy);
    }
    case iface::opcode::fold: {
        const iface::fold_operands fold = iface::decode_fold(words);
        return fmt::format("{} {}x{}x{}{} {:#x}, {:#x} -> {:#x}{}", iface::name_of(fold.type), fold.m, fold.n, fold.k,
                           extents(std::array{fold.count}), fold.a.value(), fold.b.value(), fold.c.value(),
                           fold.seeded ? " seeded" : "");
    }
    case iface::opcode::vector:
        return operands_of(iface::decode_vector(words));
    case iface::opcode::fill: {
        const iface::fill_operands fill = iface::decode_fill(words);
        return fmt::format("{:#x} in {} B{} {:#x}", fill.pattern, fill.run, extents(fill.count),
                           fill.destination.base.value());
    }
    case iface::opcode::gather: {
        const iface::gather_operands gather = iface::decode_gather(words);
        return fmt::format("{} B x{} {:#x}+[{:#x}] -> {:#x}", gather.run, gather.count, gather.source.value(),
                           gather.indices.value(), gather.destination.value());
    }
    case iface::opcode::join:
        break;
    }
    return "";
}

} // namespace

std::vector<planned_work> plan_kernel(const machine& chip, const dfx::program& program, const dfx::kernel& kernel) {
    const dfx::compute_op* only = dfx::whole_tensor_operator(kernel);
    if (only != nullptr && runs_on_vector_unit(*only)) {
        tile_choice choice = weigh_tiles(chip, vector_work_of(program, *only));
        return {{kernel.name, std::move(choice.plan), std::move(choice.weighed)}};
    }
    if (only != nullptr && dfx::only_moves(only->type))
        return {{kernel.name, plan_rearrangement(chip, program, *only)}};
    std::vector<planned_work> all;
    for (const dfx::contraction& work : dfx::contractions_of(program, kernel)) {
        check_supported(chip, kernel, work);
        blocking_choice choice = weigh_blockings(chip, work);
        all.push_back({kernel.name, planned_contraction{work, choice.plan}, std::move(choice.weighed)});
    }
    return all;
}

std::vector<planned_work> plan_program(const machine& chip, const dfx::program& program) {
    std::vector<planned_work> all;
    for (const dfx::kernel& kernel : program.kernels)
        for (planned_work& work : plan_kernel(chip, program, kernel))
            all.push_back(std::move(work));
    return all;
}

double planned_work::estimated_cycles() const {
    if (const planned_contraction* c = contraction())
        return c->plan.estimated_cycles();
    return vector() != nullptr ? vector()->estimated_cycles : 0;
}

std::uint64_t planned_work::estimated_dram_bytes() const {
    if (const planned_contraction* c = contraction())
        return c->plan.estimated_dram_bytes;
    return vector() != nullptr ? vector()->estimated_dram_bytes : 0;
}

std::string to_string(const planned_work& work) {
    if (const vector_plan* plan = work.vector())
        return to_string(*plan);
    if (const rearrange_plan* plan = work.rearrangement())
        return to_string(*plan);
    const planned_contraction& c = *work.contraction();
    return fmt::format("{}x{}x{}{} {}: {}", c.work.m, c.work.n, c.work.k,
                       c.work.batch > 1 ? fmt::format(" batch {}", c.work.batch) : "", name_of(c.work.operand),
                       to_string(c.plan));
}

command_stream::command_stream(const machine& chip, const std::vector<planned_work>& plan, tensor_table& tensors)
    : m_chip(chip), m_plan(plan), m_tensors(tensors), m_out(chip) {}

std::optional<bound_command> command_stream::next() {
    while (m_out.empty())
        if (!advance() && !start_next())
            return std::nullopt;
    return m_out.take();
}

/// False where nothing is running.
bool command_stream::advance() {
    if (m_contraction && !m_contraction->advance())
        m_contraction.reset();
    if (m_vector && !m_vector->advance())
        m_vector.reset();
    if (m_rearrangement && !m_rearrangement->advance())
        m_rearrangement.reset();
    return m_contraction || m_vector || m_rearrangement;
}

bool command_stream::start_next() {
    if (m_next == m_plan.size())
        return false;
    const planned_work& next = m_plan[m_next++];
    if (next.vector() != nullptr)
        m_vector = std::make_unique<vector_stream>(m_chip, *next.vector(), m_tensors, m_out);
    else if (next.rearrangement() != nullptr)
        m_rearrangement = std::make_unique<rearrange_stream>(m_chip, *next.rearrangement(), m_tensors, m_out);
    else
        start(*next.contraction());
    return true;
}

void command_stream::start(const planned_contraction& planned) {
    const dfx::contraction& work = planned.work;
    contraction_operands operands;
    operands.a = operand(m_tensors, work.a, work.a_origin);
    operands.b = operand(m_tensors, work.b, work.b_origin);
    operands.c = operand(m_tensors, work.c, work.c_origin);
    operands.c.before = earlier_uses(m_tensors.at(work.c), m_chip, m_out);
    if (work.seed)
        operands.seed = operand(m_tensors, *work.seed, work.seed_origin);
    for (const dfx::step_operand& o : work.step_operands)
        operands.steps.push_back(operand(m_tensors, o.tensor, {}));
    m_contraction = std::make_unique<contraction_stream>(m_chip, work, planned.plan, operands, m_out);
}

std::string describe(const machine& chip, const bound_command& command) {
    static constexpr const char* k_names[] = {"join", "copy", "fold", "vector", "fill", "gather"};
    const iface::command_header header = iface::decode_header(command.words);
    std::string text =
        fmt::format("{:<14} #{:<6} op {:<5} {:<8} {}", chip.engine(command.engine).name, command.number, header.tag,
                    k_names[static_cast<std::size_t>(header.op)], operands_of(header, command.words));
    for (const iface::wait_for& wait : header.waits)
        if (wait.count > 0)
            text += fmt::format(" wait {}>={}", chip.engine(wait.engine).name, wait.count);
    return text;
}

} // namespace kpu::fw
