// A simulation of your own: the chip from a YAML file beside a module of yours, running a .kpu.
//   own_simulation PLATFORM.yaml PROGRAM.kpu
#include "compiler/object/object.h"
#include "fw/tools/device.h"
#include "fw/tools/tensor_files.h"
#include "platforms/reader.h"

#include <iostream>
#include <systemc>

/// Samples what the first array is doing every microsecond.
SC_MODULE(probe) {
    SC_HAS_PROCESS(probe);
    probe(sc_core::sc_module_name name, const kpu::hw::chip& watched) : sc_module(name), chip(watched) {
        SC_THREAD(sample);
    }
    void sample() {
        const kpu::engine_id array = kpu::platform::number_engines(chip.params()).array(0);
        for (; !chip.finished(); wait(1, sc_core::SC_US))
            std::cout << sc_core::sc_time_stamp() << ": " << chip.engine(array).counter(kpu::iface::perf_counter::macs)
                      << " MACs\n";
    }
    const kpu::hw::chip& chip;
};

int sc_main(int argc, char* argv[]) {
    if (argc != 3)
        return 2;
    const kpu::dfx::program program = kpu::object::read_program(argv[2]);
    kpu::hw::chip chip("chip", kpu::platform::read_platform(argv[1]));
    probe watcher("probe", chip);
    kpu::fw::device device(chip, program);
    kpu::diagnostics warnings;
    kpu::fw::input_files inputs;
    inputs.seed = 1;
    for (const auto& [name, value] : device.run(kpu::fw::gather_inputs(program, inputs, warnings)))
        std::cout << name << ": " << kpu::to_string(value.dims) << " after " << device.run_cycles().value()
                  << " cycles\n";
    return 0;
}
