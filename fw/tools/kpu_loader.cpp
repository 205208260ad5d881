// kpu-loader: runs a compiled program on a modelled chip.

#include "compiler/dfx/interpreter.h"
#include "compiler/object/object.h"
#include "compiler/tensor/crc32c.h"
#include "fw/tools/checked_run.h"
#include "fw/tools/loader_options.h"
#include "fw/tools/run_report.h"
#include "platforms/common/files.h"
#include "platforms/common/option_files.h"
#include "platforms/common/tool.h"
#include "platforms/reader.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <fmt/format.h>
#include <iostream>
#include <systemc>

namespace {

using namespace kpu;

constexpr const char* k_tool = "kpu-loader";

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Compares bit for bit and says how many elements differ, and the first that does.
void verify(const dfx::program& program, const tensor_map& inputs, const tensor_map& outputs) {
    std::string differences;
    for (const auto& [key, expected] : dfx::interpret(program, inputs)) {
        const tensor& found = outputs.at(key);
        const std::size_t size = size_of(expected.type);
        std::size_t different = 0;
        std::size_t first = 0;
        for (std::size_t i = expected.data.size() / size; i-- > 0;) {
            if (!std::equal(&expected.data[i * size], &expected.data[i * size] + size, &found.data[i * size])) {
                ++different;
                first = i;
            }
        }
        if (different > 0)
            differences += fmt::format("\n  output '{}': {} of {} elements differ, the first is element {}", key,
                                       different, expected.data.size() / size, first);
    }
    if (!differences.empty())
        throw run_error("verification failed:" + differences);
    std::cerr << "verified: every output bit equals the functional interpretation\n";
}

/// An object that was specialised for one platform may not be at its best on another.
void note_other_platform(const dfx::program& program, const platform::platform& chip) {
    if (!program.tuned_for.empty() && program.tuned_for != chip.name)
        std::cerr << fmt::format("tuned for {}, runs on {}\n", program.tuned_for, chip.name);
}

/// `candidates`: and what each kernel's plan was chosen among.
void print_plan(const fw::device& host, bool candidates) {
    std::cerr << host.splits();
    for (const fw::planned_work& work : host.plan()) {
        std::cerr << fmt::format("{}: {}\n", work.kernel, fw::to_string(work));
        if (candidates)
            std::cerr << to_string(work.weighed, work.kernel + ": ");
    }
    std::cerr << host.residents();
}

void show_schedule(hw::chip& chip, const dfx::program& program, bool candidates) {
    fw::device host(chip, program);
    host.dry_run([](const fw::machine& machine, const fw::bound_command& command) {
        std::cout << fw::describe(machine, command) << "\n";
        return std::cout.good();
    });
    print_plan(host, candidates);
}

struct loaded {
    dfx::program program;
    std::string hash;
    platform::platform chip;
};

loaded load(const fw::loader_options& o) {
    const std::string bytes = read_file(o.program);
    return {object::parse_program(bytes, o.program), fmt::format("crc32c:{:08x}", crc32c(bytes)),
            platform::read_platform(o.platform)};
}

tensor_map inputs_of(const fw::loader_options& o, const dfx::program& program) {
    fw::require_host_memory(program, o.program);
    diagnostics warnings;
    tensor_map inputs = fw::gather_inputs(program, o.inputs, warnings);
    std::cerr << to_string(warnings);
    return inputs;
}

struct simulated {
    tensor_map inputs, outputs; ///< none on a chip without data
    double seconds = 0;         ///< without those for gathering the inputs
};

simulated simulate(fw::device& host, const fw::loader_options& o, const dfx::program& program) {
    using clock = std::chrono::steady_clock;
    simulated run;
    clock::time_point start = clock::now();
    if (o.no_data) {
        host.run_without_data();
    } else {
        run.outputs = host.run_with([&]() -> const tensor_map& {
            const clock::time_point gathering = clock::now();
            run.inputs = inputs_of(o, program);
            start += clock::now() - gathering;
            return run.inputs;
        });
    }
    run.seconds = seconds_since(start);
    return run;
}

void execute(const fw::loader_options& o, const loaded& in) {
    const auto elaboration = std::chrono::steady_clock::now();
    hw::chip_options chip_options;
    chip_options.data = !o.no_data;
    chip_options.monitors = o.check;
    if (o.stall_seed) {
        chip_options.stalls.emplace();
        chip_options.stalls->seed = *o.stall_seed;
    }
    hw::chip chip("chip", in.chip, chip_options);
    fw::device host(chip, in.program);
    std::unique_ptr<fw::run_checks> checks;
    if (o.check) {
        checks = std::make_unique<fw::run_checks>(chip);
        host.report_allocations_to(checks->hazards());
    }
    fw::run_recorders recorders(chip, o.trace, o.vcd,
                                {tool_version(k_tool), platform::to_yaml(in.chip), in.program.graph_name, in.hash});
    std::unique_ptr<fw::kernel_times> times;
    std::unique_ptr<hw::critical_path> path;
    if (o.profile || !o.stats.empty()) {
        times = std::make_unique<fw::kernel_times>(chip);
        path = fw::critical_path_of(chip);
        chip.attach(*times);
        chip.attach(*path);
    }
    chip.elaborate();
    const double elaborate_s = seconds_since(elaboration);
    const simulated tensors = simulate(host, o, in.program);
    recorders.finish();
    if (o.verbose)
        print_plan(host, true);

    if (checks) {
        const std::vector<std::string> findings = checks->findings();
        if (!findings.empty())
            throw run_error(fmt::format("the checkers found:\n{}", fmt::join(findings, "\n")));
        std::cerr << "checked: no hazards, nothing lost, protocols kept\n";
    }
    if (o.verify)
        verify(in.program, tensors.inputs, tensors.outputs);
    if (!o.no_data)
        fw::write_outputs(in.program, tensors.outputs, o.outputs);

    trace::run_statistics run = fw::report_on(chip, host, in.program);
    if (times) {
        fw::add_kernel_times(run, *times, chip, host);
        fw::add_critical_path(run, *path, chip);
    }
    run.program_hash = in.hash;
    run.wall.elaborate_s = elaborate_s;
    run.wall.simulate_s = tensors.seconds;
    if (!o.stats.empty())
        write_file(o.stats, to_json(run));
    std::cout << (o.profile ? to_profile(run) : to_table(run));
    const std::vector<std::string> wrong = check(run);
    if (!wrong.empty())
        throw run_error(fmt::format("the statistics contradict each other:\n{}", fmt::join(wrong, "\n")));
}

/// Every file that is written, also the one that nobody names.
std::vector<option_file> outputs_of(const fw::loader_options& o) {
    return {{"--outputs", o.outputs.tensors},
            {"--output-c", o.outputs.output_c},
            {"--stats", o.stats},
            {"--trace-output", o.trace},
            {"--vcd", o.vcd},
            {"--vcd's save file", o.vcd.empty() ? "" : hw::wave_writer::save_file_of(o.vcd)}};
}

int run(const fw::loader_options& o) {
    require_separate({{"the program", o.program},
                      {"--config", o.platform},
                      {"--tensors", o.inputs.tensors},
                      {"--input-a", o.inputs.input_a},
                      {"--input-b", o.inputs.input_b}},
                     outputs_of(o));
    const loaded in = load(o);
    if (o.verbose)
        note_other_platform(in.program, in.chip);
    if (o.dry_run) {
        hw::chip chip("chip", in.chip);
        show_schedule(chip, in.program, o.verbose);
    } else {
        execute(o, in);
    }
    return exit_success;
}

} // namespace

int sc_main(int argc, char** argv) {
    CLI::App app("Runs a compiled program on a modelled chip and says what it cost.", k_tool);
    fw::loader_options o;
    fw::add_options(app, o);
    return run_tool(app, argc, argv, [&] { return run(o); });
}
