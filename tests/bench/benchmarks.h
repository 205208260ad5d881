#pragma once
// The measurements of kpu-benchmark. Each prints a table.

#include <vector>

namespace kpu::bench {

struct benchmark {
    const char* name;
    const char* what;
    void (*run)(bool quick); ///< quick: small sizes, one round
};

void against_sgemm(bool quick);
void activations_per_work(bool quick);
void steady_state(bool quick);
void time_per_mac(bool quick);
void memory_beside_tensors(bool quick);
void cost_of_listeners(bool quick);
void largest(bool quick);

[[nodiscard]] inline std::vector<benchmark> all_benchmarks() {
    return {{"sgemm", "timed and functional run ÷ one OpenBLAS sgemm on one thread", against_sgemm},
            {"activations", "SystemC activations for the work done", activations_per_work},
            {"allocations", "what one more fold allocates", steady_state},
            {"scaling", "simulation time per MAC, without data", time_per_mac},
            {"memory", "peak memory beside the tensors", memory_beside_tensors},
            {"listeners", "run with a checker or recorder ÷ plain run", cost_of_listeners},
            {"largest", "16384^3 f32 on datacenter without data", largest}};
}

} // namespace kpu::bench
