#include "tests/e2e/on_chip.h"

#include "tests/support/fresh_context.h"

namespace kpu::test {

platform::platform shipped(const std::string& name) {
    return platform::read_platform(std::string(KPU_SOURCE_DIR) + "/platforms/" + name + ".yaml");
}

compiled_graph compile(dfg::graph graph, const passes::lower_options& options) {
    compiled_graph g;
    diagnostics warnings;
    g.graph = std::move(graph);
    dfg::bind_batch(g.graph, 1);
    g.bound = dfg::bind_operands(g.graph, warnings);
    g.interface = dfg::interface_of(g.graph, g.bound);
    g.program = passes::lower(g.graph, g.bound, options).program;
    return g;
}

passes::lower_options without_fusion() {
    passes::lower_options options;
    options.fusion = false;
    return options;
}

dfg::graph sample_graph(const std::string& file) {
    diagnostics warnings;
    return dfg::read_dfg(std::string(KPU_SOURCE_DIR) + "/../shared/dfg/" + file, {}, warnings);
}

tensor_map random_inputs(const compiled_graph& g, std::uint64_t seed) {
    diagnostics warnings;
    return select_tensors(dfg::expected_inputs(g.interface), {}, seed, {}, warnings);
}

tensor_map reference_outputs(const compiled_graph& g, const tensor_map& inputs) {
    return dfg::evaluate(g.graph, g.bound, g.interface, inputs);
}

namespace {

void refuse_warnings(const sc_core::sc_report& report, const sc_core::sc_actions& /*actions*/) {
    if (report.get_severity() != sc_core::SC_INFO)
        throw report;
}

hw::chip_options checked_options(std::optional<std::uint64_t> stall_seed) {
    hw::chip_options options;
    options.monitors = true;
    if (stall_seed) {
        options.stalls.emplace();
        options.stalls->seed = *stall_seed;
    }
    return options;
}

} // namespace

checked_chip::checked_chip(const platform::platform& p, std::optional<std::uint64_t> stall_seed)
    : m_chip("chip", p, checked_options(stall_seed)), m_checks(m_chip) {
    sc_core::sc_report_handler::set_handler(&refuse_warnings);
}

checked_chip::outcome checked_chip::run(const dfx::program& program, const tensor_map& inputs) {
    fw::device host(m_chip, program);
    host.report_allocations_to(m_checks.hazards());
    outcome o;
    o.outputs = host.run(inputs);
    o.findings = m_checks.findings();
    o.plan = host.plan();
    o.splits = host.splits();
    o.taken = host.run_cycles();
    return o;
}

trace::run_statistics measure(const platform::platform& p, const dfx::program& program, const tensor_map& inputs) {
    const fresh_context context;
    hw::chip chip("chip", p);
    fw::device host(chip, program);
    (void)host.run(inputs);
    return fw::report_on(chip, host, program);
}

std::string to_string(const matmul_shape& shape) {
    const std::string type = shape.type == dtype::f32 ? "" : " " + std::string(name_of(shape.type));
    return std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" + std::to_string(shape.k) + type;
}

trace::run_statistics measure_matmul(const platform::platform& p, const matmul_shape& shape,
                                     const passes::lower_options& options) {
    const fresh_context context;
    dfg::matmul_graph_spec spec;
    spec.m = shape.m;
    spec.n = shape.n;
    spec.k = shape.k;
    spec.type = shape.type;
    const compiled_graph graph = compile(dfg::matmul_graph(spec), options);
    hw::chip_options without_data;
    without_data.data = false;
    hw::chip chip("chip", p, without_data);
    fw::device host(chip, graph.program);
    host.run_without_data();
    return fw::report_on(chip, host, graph.program);
}

estimate_ratios estimates_of(const trace::run_statistics& run) {
    estimate_ratios all;
    for (const trace::kernel_statistics& k : run.kernels) {
        all.cycles += k.estimated_cycles;
        all.dram_bytes += static_cast<double>(k.estimated_dram_bytes);
        all.l2_bytes += static_cast<double>(k.estimated_l2_bytes);
    }
    double moved = 0;
    for (const trace::engine_statistics& e : run.engines)
        moved += e.kind == "block_mover" ? static_cast<double>(e.read_bytes) : 0;
    all.l2_bytes /= moved;
    all.cycles /= static_cast<double>(run.cycles);
    all.dram_bytes /= static_cast<double>(run.dram.read_bytes + run.dram.write_bytes);
    return all;
}

bool within(double ratio, double factor) {
    return ratio <= factor && ratio * factor >= 1;
}

double traffic_of(const trace::run_statistics& run) {
    return static_cast<double>(run.dram.read_bytes + run.dram.write_bytes) /
           static_cast<double>(run.dram.best_blocking_bytes);
}

} // namespace kpu::test
