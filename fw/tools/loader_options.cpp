#include "fw/tools/loader_options.h"

#include "platforms/common/number_option.h"

namespace kpu::fw {

void add_options(CLI::App& app, loader_options& o) {
    app.add_option("program", o.program, "compiled program (.kpu)")->required();
    app.add_option("--config", o.platform, "platform (.yaml or .json)")->required();
    CLI::Option* const with_data[] = {
        app.add_option("--tensors", o.inputs.tensors, "inputs by name (.npz)"),
        app.add_option("--input-a", o.inputs.input_a,
                       "first input that the program does not carry (.npy, or raw elements)"),
        app.add_option("--input-b", o.inputs.input_b, "second such input (.npy, or raw elements)"),
        app.add_option("--outputs", o.outputs.tensors, "where the outputs go (.npz)"),
        app.add_option("--output-c", o.outputs.output_c, "where the first output goes (.npy, or raw elements)"),
        app.add_flag("--verify", o.verify, "compare every output bit with a functional interpretation of the program")};
    add_number(app, "--random", o.inputs.seed,
               "fill inputs that are not given: number i in the program's list of inputs from SEED + i");
    CLI::Option* const no_data =
        app.add_flag("--no-data", o.no_data, "times and statistics only: no tensors, nothing is computed");
    for (CLI::Option* const option : with_data)
        no_data->excludes(option);
    CLI::Option* const of_a_run[] = {
        app.add_option("--stats", o.stats, "write statistics (JSON)"),
        app.add_option("--trace-output", o.trace, "write a timeline (Chrome/Perfetto JSON)"),
        app.add_option("--vcd", o.vcd, "write waves (VCD, with a GTKWave save file beside it)"),
        add_number(app, "--stalls", o.stall_seed, "random stalls at every port, from this seed"),
        app.add_flag("--check", o.check, "hazard, conservation and protocol checkers on"),
        app.add_flag("--profile", o.profile, "print a table by engine")};
    CLI::Option* const dry_run = app.add_flag(
        "--dry-run", o.dry_run, "print the bound schedule and execute nothing: without tensors and what a run leaves");
    for (CLI::Option* const option : with_data)
        dry_run->excludes(option);
    for (CLI::Option* const option : of_a_run)
        dry_run->excludes(option);
    app.add_flag("--verbose", o.verbose, "say how the program was cut for the chip");
}

} // namespace kpu::fw
