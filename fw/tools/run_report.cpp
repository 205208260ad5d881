#include "fw/tools/run_report.h"

#include "compiler/dfx/bounds.h"
#include "compiler/dfx/savings.h"
#include "fw/loader/element_code.h"

#include <algorithm>
#include <sys/resource.h>

namespace kpu::fw {

namespace {

using iface::perf_counter;

trace::engine_statistics engine_report(const hw::chip& chip, const hw::command_engine& engine,
                                       std::uint64_t run_cycles) {
    trace::engine_statistics s;
    s.name = chip.name_of(engine.config().engine);
    s.kind = std::string(name_of(engine.config().kind));
    s.commands = engine.counter(perf_counter::commands);
    s.busy = engine.counter(perf_counter::busy);
    s.stalled.dma = engine.counter(perf_counter::stall_dma);
    s.stalled.block_mover = engine.counter(perf_counter::stall_mover);
    s.stalled.streamer = engine.counter(perf_counter::stall_streamer);
    s.stalled.array = engine.counter(perf_counter::stall_array);
    s.stalled.vector = engine.counter(perf_counter::stall_vector);
    s.stalled.read = engine.counter(perf_counter::stall_read);
    s.stalled.write = engine.counter(perf_counter::stall_write);
    s.idle = engine.counter(perf_counter::idle);
    // counters run from the engine's reset during boot on, when nothing is queued: that time is no part of the run
    const std::uint64_t counted = s.busy + s.stalled.total() + s.idle;
    s.idle -= std::min(s.idle, counted - std::min(counted, run_cycles));
    s.total = run_cycles;
    s.read_bytes = engine.counter(perf_counter::read_bytes);
    s.write_bytes = engine.counter(perf_counter::write_bytes);
    s.macs = engine.counter(perf_counter::macs);
    return s;
}

void add_level(trace::run_statistics& run, const std::string& name, const hw::memory_level& level,
               double bytes_per_cycle) {
    const hw::memory_stats stats = level.stats();
    run.resources.push_back({name + " read", "B", stats.read_bytes.value(), bytes_per_cycle});
    run.resources.push_back({name + " write", "B", stats.write_bytes.value(), bytes_per_cycle});
}

double on_chip_rate(const platform::memory_params& unit, std::uint32_t units) {
    return static_cast<double>(unit.port_width.value()) * unit.read_ports * units;
}

/// MACs per cycle of all arrays, for the mix of element types that the program multiplies.
double peak_rate(const hw::chip& chip, const device& host) {
    double macs = 0;
    double cycles_at_peak = 0;
    for (const planned_work& part : host.plan()) {
        const planned_contraction* c = part.contraction();
        if (c == nullptr)
            continue;
        const auto type = static_cast<std::size_t>(code_of(c->work.operand));
        const double work = static_cast<double>(c->work.macs());
        macs += work;
        cycles_at_peak += work / static_cast<double>(platform::peak_macs(chip.params(), type));
    }
    return cycles_at_peak > 0 ? macs / cycles_at_peak : 0;
}

struct operand_bytes {
    std::string tensor;
    std::uint64_t size; ///< bytes
};

std::uint64_t size_of_operand(const vector_operand& x) {
    return x.dims[0] * x.dims[1] * x.dims[2] * x.dims[3] * size_of(x.type);
}

/// All operands and the result, once each.
std::vector<operand_bytes> operands_of(const planned_work& part, const device& host) {
    std::vector<operand_bytes> all;
    const auto add = [&](const vector_operand& x) { all.push_back({x.tensor, size_of_operand(x)}); };
    if (const vector_plan* vector = part.vector()) {
        add(vector->work.output);
        std::for_each(vector->work.inputs.begin(), vector->work.inputs.end(), add);
        return all;
    }
    if (const rearrange_plan* moves = part.rearrangement()) {
        add(moves->output);
        for (const rearranged_input& input : moves->inputs)
            add(input.from);
        if (moves->gather)
            all.push_back({moves->gather->indices, host.tensors().at(moves->gather->indices).size.value()});
        return all;
    }
    const dfx::contraction& work = part.contraction()->work;
    all = {{work.a, work.a_bytes()}, {work.b, work.b_bytes()}, {work.c, work.c_bytes()}};
    if (work.seed)
        all.push_back({*work.seed, work.seed_bytes()});
    for (const dfx::step_operand& o : work.step_operands)
        all.push_back({o.tensor, work.bytes_of(o)});
    return all;
}

/// Bytes of those that come from DRAM or go there, and of those that stay on the chip.
struct due_bytes {
    std::uint64_t dram = 0, on_chip = 0;
};

due_bytes due_of(const planned_work& part, const device& host) {
    due_bytes due;
    for (const operand_bytes& o : operands_of(part, host))
        (host.tensors().at(o.tensor).on_chip ? due.on_chip : due.dram) += o.size;
    return due;
}

void add_kernel(trace::run_statistics& run, const planned_work& part, const device& host, const platform::platform& p) {
    if (run.kernels.empty() || run.kernels.back().name != part.kernel)
        run.kernels.emplace_back().name = part.kernel;
    trace::kernel_statistics& kernel = run.kernels.back();
    const due_bytes due = due_of(part, host);
    const auto to_dram = [&](std::uint64_t all) { return all - std::min(all, due.on_chip); };
    kernel.estimated_cycles += part.estimated_cycles();
    kernel.estimated_dram_bytes += to_dram(part.estimated_dram_bytes());
    if (part.contraction() == nullptr) {
        kernel.lower_bound_bytes += due.dram;
        kernel.best_blocking_bytes += due.dram;
        return;
    }
    const dfx::contraction& work = part.contraction()->work;
    const std::uint64_t l3 = p.l3.tile.capacity.value() * p.l3.tiles;
    const std::uint64_t l2 = p.l2.bank.capacity.value() * p.l2.banks;
    const dfx::traffic_bounds bounds = dfx::bounds_of(work, l3, l2);
    kernel.macs += work.macs();
    kernel.lower_bound_bytes += to_dram(bounds.lower_bound_bytes);
    kernel.best_blocking_bytes += to_dram(bounds.best_blocking_bytes);
}

trace::activity::traffic bus_traffic(const hw::memory_stats& stats) {
    return {stats.read_bus_bytes, stats.write_bus_bytes};
}

trace::activity::traffic l1_traffic(const hw::chip& chip) {
    const std::size_t shared =
        chip.dram().units().size() + chip.l3().units().size() + chip.l2().units().size(); // the first in the list
    trace::activity::traffic sum;
    for (std::size_t i = shared; i < chip.memories().size(); ++i) {
        const trace::activity::traffic one = bus_traffic(chip.memories()[i]->stats());
        sum.read += one.read;
        sum.written += one.written;
    }
    return sum;
}

/// Through the crossbars of DRAM, L3 and L2. What routes to the L1 buffers is part of the buffers.
bytes crossbar_traffic(const hw::chip& chip) {
    constexpr std::size_t k_shared = 3;
    bytes sum;
    for (std::size_t x = 0; x < k_shared; ++x) {
        const hw::crossbar& crossbar = *chip.crossbars().at(x);
        for (std::uint32_t t = 0; t < crossbar.routes().targets(); ++t)
            sum += crossbar.target_port(t).read_bytes + crossbar.target_port(t).write_bytes;
    }
    return sum;
}

void add_engine(trace::activity& done, const hw::command_engine& engine) {
    const bytes moved(engine.counter(perf_counter::write_bytes));
    switch (engine.config().kind) {
    case iface::engine_kind::dma:
        done.dma += moved;
        break;
    case iface::engine_kind::block_mover:
        done.block_mover += moved;
        break;
    case iface::engine_kind::streamer:
        done.streamer += moved;
        break;
    case iface::engine_kind::vector:
        done.vector += elements(engine.counter(perf_counter::elements));
        break;
    case iface::engine_kind::array:
        break; // does not know types by themselves: the plan does
    }
}

trace::activity activity_of(const hw::chip& chip, const device& host) {
    trace::activity done;
    for (const planned_work& part : host.plan())
        if (const planned_contraction* c = part.contraction())
            done.macs.at(static_cast<std::size_t>(code_of(c->work.operand))) += c->work.macs();
    for (const hw::command_engine* engine : chip.engines())
        add_engine(done, *engine);
    done.dram = bus_traffic(chip.dram().stats());
    done.dram_activations = chip.dram().stats().activations;
    done.l3 = bus_traffic(chip.l3().stats());
    done.l2 = bus_traffic(chip.l2().stats());
    done.l1 = l1_traffic(chip);
    done.interconnect = crossbar_traffic(chip);
    done.time = host.run_time();
    return done;
}

} // namespace

trace::run_statistics report_on(const hw::chip& chip, const device& host, const dfx::program& program) {
    const platform::platform& p = chip.params();
    trace::run_statistics run;
    run.tool = "kpu-loader 0.1.0";
    run.platform = p.name;
    run.program = program.graph_name;
    run.time_ps = host.run_time().value();
    run.cycles = host.run_cycles().value();
    for (const hw::command_engine* engine : chip.engines())
        run.engines.push_back(engine_report(chip, *engine, run.cycles));
    for (const planned_work& part : host.plan()) {
        run.macs += part.contraction() != nullptr ? part.contraction()->work.macs() : 0;
        add_kernel(run, part, host, p);
    }
    const dfx::fusion_savings saved = dfx::savings_of(program, host.runs());
    run.fusion = {saved.kernels, saved.bytes_not_written, saved.bytes_not_read};
    const double period = static_cast<double>(p.clock.period().value());
    const double dram_rate = static_cast<double>(p.dram.bandwidth.value()) * p.dram.channels * period / 1e12;
    const double peak = peak_rate(chip, host);
    run.resources.push_back({"arrays", "MAC", run.macs, peak});
    const hw::memory_stats dram = chip.dram().stats();
    run.dram.read_bytes = dram.read_bytes.value();
    run.dram.write_bytes = dram.write_bytes.value();
    run.dram.banks = {dram.row_hits, dram.row_misses, dram.row_conflicts, dram.activations, dram.refreshes};
    for (const auto& channel : chip.dram().units()) {
        const hw::memory_stats one = channel->stats();
        run.dram.channel_busy_ps.push_back((one.read_busy + one.write_busy).value());
    }
    run.resources.push_back({"dram", "B", run.dram.read_bytes + run.dram.write_bytes, dram_rate});
    add_level(run, "l3", chip.l3(), on_chip_rate(p.l3.tile, p.l3.tiles));
    add_level(run, "l2", chip.l2(), on_chip_rate(p.l2.bank, p.l2.banks));
    derive(run, peak, dram_rate);
    if (p.energy)
        run.energy = energy_of(activity_of(chip, host), *p.energy);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    run.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    return run;
}

void add_kernel_times(trace::run_statistics& run, const kernel_times& times, const hw::chip& chip, const device& host) {
    const platform::platform& p = chip.params();
    const auto period = static_cast<double>(p.clock.period().value());
    const double dram_rate = static_cast<double>(p.dram.bandwidth.value()) * p.dram.channels * period / 1e12;
    const double peak = peak_rate(chip, host);
    const double lanes = static_cast<double>(p.vector.lanes) * p.array.count;
    const std::vector<kernel_time> of_kernels = times.of(host.runs());
    picoseconds before = host.boot_time();
    for (std::size_t k = 0; k < run.kernels.size(); ++k) {
        trace::kernel_statistics& kernel = run.kernels[k];
        const kernel_time& seen = of_kernels.at(k);
        const picoseconds took = seen.end > before ? seen.end - before : picoseconds();
        before = std::max(before, seen.end);
        kernel.cycles = took / p.clock.period();
        kernel.dram_bytes = seen.dram.value();
        if (kernel.cycles == 0)
            continue;
        const auto cycles = static_cast<double>(kernel.cycles);
        const double on_arrays = peak > 0 ? static_cast<double>(kernel.macs) / peak : 0;
        kernel.bound_cycles = std::max({on_arrays, static_cast<double>(seen.vector_elements) / lanes,
                                        static_cast<double>(kernel.lower_bound_bytes) / dram_rate});
        kernel.arrays = on_arrays / cycles;
        kernel.vector = static_cast<double>(seen.vector_busy.value()) / period / p.array.count / cycles;
        kernel.dram = static_cast<double>(kernel.dram_bytes) / dram_rate / cycles;
    }
}

void add_critical_path(trace::run_statistics& run, const hw::critical_path& seen, const hw::chip& chip) {
    std::vector<trace::path_statistics> parts;
    std::uint64_t firmware = run.cycles;
    for (std::uint32_t kind = 1; kind <= iface::k_engine_kinds; ++kind) {
        const auto of = static_cast<iface::engine_kind>(kind);
        const std::uint64_t spent = seen.longest()[hw::critical_path::index_of(of)] / chip.params().clock.period();
        firmware -= std::min(firmware, spent);
        parts.push_back({std::string(name_of(of)), spent});
    }
    run.critical_path = {{"firmware", firmware}};
    run.critical_path.insert(run.critical_path.end(), parts.begin(), parts.end());
}

} // namespace kpu::fw
