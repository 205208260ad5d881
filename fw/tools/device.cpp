#include "fw/tools/device.h"

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/verify.h"
#include "fw/firmware/runtime.h"

#include <fmt/format.h>

namespace kpu::fw {

namespace {

struct operation_finder {
    std::uint64_t id;
    std::string found;

    void visit(const std::vector<dfx::statement>& body) {
        for (const dfx::statement& s : body)
            std::visit(*this, s);
    }
    void operator()(const dfx::data_move_op& op) {
        if (op.op_id == id)
            found = fmt::format("{} of {}", name_of(op.type), op.source.tensor_name);
    }
    void operator()(const dfx::compute_op& op) {
        if (op.op_id == id)
            found = fmt::format("{} into {}", name_of(op.type), op.output.tensor_name);
    }
    void operator()(const dfx::barrier_op& op) {
        if (op.op_id == id)
            found = "barrier " + op.label;
    }
    void operator()(const dfx::loop_nest& nest) { visit(nest.body); }
};

} // namespace

std::string describe_operation(const dfx::program& program, std::uint64_t op_id) {
    for (const dfx::kernel& kernel : program.kernels) {
        operation_finder finder{op_id, {}};
        finder.visit(kernel.body);
        if (!finder.found.empty())
            return fmt::format("operation {} ({}, kernel '{}')", op_id, finder.found, kernel.name);
    }
    return fmt::format("operation {}", op_id);
}

std::string explain(const hw::chip& chip, const dfx::program& program, const hw::deadlock& found) {
    if (found.waiting().empty())
        return found.what();
    const hw::command_ref& first = found.waiting().front();
    return fmt::format("{}\n  {}'s command {} is part of {}", found.what(), chip.name_of(first.engine), first.number,
                       describe_operation(program, first.tag));
}

void device::boot(mmio& bus) {
    dfx::require_valid(m_program, "");
    m_machine = discover(bus);
    prepare_engines(bus, m_machine);
    m_plan = plan_whole(m_machine, m_program);
    m_tensors.emplace(runs(), m_machine.dram, m_plan.residents);
    m_boot = m_chip.elapsed();
}

void device::upload(const tensor_map& inputs) {
    for (const auto& [name, value] : dfx::bind_inputs(m_program, inputs)) {
        const placed_tensor& place = m_tensors->at(name);
        m_chip.poke(place.base, value.value().data.data(), place.size);
    }
}

void device::declare_memory() {
    for (const auto& [name, place] : m_tensors->all()) {
        const dfx::tensor_role role = place.what->role;
        if (role == dfx::tensor_role::input || role == dfx::tensor_role::constant)
            m_checker->note_initialised({place.base, place.size});
        if (!place.on_chip)
            m_checker->allow({place.base, place.size});
    }
}

tensor_map device::download() {
    tensor_map outputs;
    for (const dfx::tensor_descriptor& t : m_program.tensors) {
        if (t.role != dfx::tensor_role::output)
            continue;
        tensor value(t.type, t.dims);
        const placed_tensor& place = m_tensors->at(t.name);
        m_chip.peek(place.base, value.data.data(), place.size);
        outputs[t.keys.front()] = std::move(value);
    }
    return outputs;
}

void device::execute(const std::function<void()>& upload) {
    m_chip.load_firmware([&](mmio& bus) {
        boot(bus);
        upload();
        if (m_checker != nullptr)
            declare_memory();
        command_stream stream(m_plan.chip, m_plan.fitted.work, *m_tensors);
        run_commands(bus, m_machine, [&] { return stream.next(); });
    });
    try {
        m_chip.run();
    } catch (const engine_fault& fault) {
        throw run_error(fmt::format("{} [{}]", fault.what(), describe_operation(runs(), fault.tag())));
    } catch (const hw::deadlock& found) {
        throw run_error(explain(m_chip, runs(), found));
    }
    if (m_checker != nullptr)
        m_checker->note_quiescent();
}

tensor_map device::run(const tensor_map& inputs) {
    return run_with([&]() -> const tensor_map& { return inputs; });
}

tensor_map device::run_with(const std::function<const tensor_map&()>& inputs) {
    execute([&] { upload(inputs()); });
    return download();
}

void device::run_without_data() {
    execute([] {});
}

void device::dry_run(const std::function<bool(const machine&, const bound_command&)>& show) {
    m_chip.load_firmware([&](mmio& bus) { boot(bus); });
    m_chip.run();
    command_stream stream(m_plan.chip, m_plan.fitted.work, *m_tensors);
    std::optional<bound_command> command = stream.next();
    while (command && show(m_machine, *command))
        command = stream.next();
}

} // namespace kpu::fw
