#include "tests/bench/measure.h"

#include "compiler/dfg/binding.h"
#include "compiler/dfg/build.h"
#include "compiler/passes/lower.h"
#include "fw/tools/checked_run.h"
#include "fw/tools/tensor_files.h"
#include "platforms/common/diagnostic.h"
#include "platforms/reader.h"
#include "tests/bench/activations.h"
#include "tests/bench/apart.h"
#include "tests/bench/clocks.h"
#include "tests/component/interconnect/allocation_counter.h"
#include "tests/support/fresh_context.h"
#include "tests/support/process.h"

#include <string_view>
#include <sys/resource.h>

namespace kpu::bench {

namespace {

dfx::program compile(std::uint64_t size) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = size;
    const dfg::graph graph = dfg::matmul_graph(spec);
    diagnostics warnings;
    return passes::lower(graph, dfg::bind_operands(graph, warnings), {}).program;
}

tensor_map random_inputs(const dfx::program& program) {
    fw::input_files files;
    files.seed = 1;
    diagnostics warnings;
    return fw::gather_inputs(program, files, warnings);
}

/// What listens, kept alive for the run.
class listeners {
  public:
    listeners(hw::chip& chip, fw::device& host, listener who) {
        const hw::observed_names names = fw::names_of(chip);
        if (who == listener::hazards) {
            hw::hazard_options options;
            options.engines = static_cast<std::uint32_t>(chip.engines().size());
            options.allocatable = chip.addresses().dram;
            m_hazards = std::make_unique<hw::hazard_checker>(options);
            chip.attach(*m_hazards);
            host.report_allocations_to(*m_hazards);
        }
        if (who == listener::conservation) {
            m_conservation = std::make_unique<hw::conservation_checker>(names.engines);
            chip.attach(*m_conservation);
        }
        m_recorders =
            std::make_unique<fw::run_recorders>(chip, who == listener::trace ? m_files.file("t.json") : std::string(),
                                                who == listener::vcd ? m_files.file("w.vcd") : std::string(),
                                                trace::provenance{"kpu-benchmark", "", "matmul", ""});
    }
    void finish() { m_recorders->finish(); }

  private:
    test::temp_directory m_files;
    std::unique_ptr<hw::hazard_checker> m_hazards;
    std::unique_ptr<hw::conservation_checker> m_conservation;
    std::unique_ptr<fw::run_recorders> m_recorders;
};

void count_work(const hw::chip& chip, cost& c) {
    for (const hw::command_engine* engine : chip.engines()) {
        c.macs += engine->counter(iface::perf_counter::macs);
        c.commands += engine->counter(iface::perf_counter::commands);
        const iface::engine_kind kind = engine->config().kind;
        if (kind != iface::engine_kind::array && kind != iface::engine_kind::vector)
            c.moved_bytes += engine->counter(iface::perf_counter::read_bytes);
    }
    for (const hw::memory_module* memory : chip.memories())
        if (std::string_view(memory->basename()) == "row") // read once per fold
            c.folds += memory->stats().reads;
}

} // namespace

std::uint64_t tensor_bytes(const workload& w) {
    return w.data ? 3 * w.size * w.size * sizeof(float) : 0;
}

cost simulate(const workload& w) {
    const dfx::program program = compile(w.size);
    const tensor_map inputs = w.data ? random_inputs(program) : tensor_map();
    const test::fresh_context context;
    hw::chip_options options;
    options.data = w.data;
    options.monitors = w.who == listener::monitors;
    hw::chip chip("chip", platform::read_platform(KPU_SOURCE_DIR "/platforms/" + w.platform + ".yaml"), options);
    fw::device host(chip, program);
    listeners all(chip, host, w.who);
    chip.elaborate();

    cost c;
    test::forget_peak_heap();
    const std::size_t allocations = test::allocations();
    const std::uint64_t activations = thread_activations();
    const double processor = processor_seconds();
    const double wall = wall_seconds();
    tensor_map outputs;
    if (w.data)
        outputs = host.run(inputs);
    else
        host.run_without_data();
    all.finish();
    c.wall_seconds = wall_seconds() - wall;
    c.seconds = processor_seconds() - processor;
    c.activations = thread_activations() - activations;
    c.allocations = test::allocations() - allocations;
    c.peak_heap = test::peak_heap();
    c.deltas = sc_core::sc_delta_count();
    c.cycles = host.run_cycles().value();
    c.tensor_bytes = tensor_bytes(w);
    count_work(chip, c);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    c.peak_rss = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    return c;
}

cost simulate_apart(const workload& w) {
    return in_a_child([&] { return simulate(w); });
}

} // namespace kpu::bench
