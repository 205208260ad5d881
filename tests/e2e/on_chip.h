#pragma once
// Compiles graphs and runs them on shipped platforms with every checker on, in one process.

#include "compiler/dfg/build.h"
#include "compiler/dfg/interface.h"
#include "compiler/dfg/reader.h"
#include "compiler/dfg/reference/evaluate.h"
#include "compiler/passes/lower.h"
#include "fw/tools/checked_run.h"
#include "fw/tools/run_report.h"
#include "platforms/reader.h"

#include <string>
#include <vector>

namespace kpu::test {

inline const std::vector<std::string>& shipped_platforms() {
    static const std::vector<std::string> names = {"minimal", "edge_ai", "workstation", "datacenter"};
    return names;
}
[[nodiscard]] platform::platform shipped(const std::string& name);

/// A graph with all that is needed to run it and to know the right answer.
struct compiled_graph {
    dfg::graph graph;
    dfg::binding bound;
    dfg::graph_interface interface;
    dfx::program program;
};
[[nodiscard]] compiled_graph compile(dfg::graph graph, const passes::lower_options& options = {});
/// Options with which no kernels are merged.
[[nodiscard]] passes::lower_options without_fusion();
/// A sample of ../shared/dfg.
[[nodiscard]] dfg::graph sample_graph(const std::string& file);
/// Inputs as `--random SEED` would fill them, under their first keys.
[[nodiscard]] tensor_map random_inputs(const compiled_graph& g, std::uint64_t seed);
[[nodiscard]] tensor_map reference_outputs(const compiled_graph& g, const tensor_map& inputs);

/// A chip that stays for any number of programs, all checkers attached. SystemC warnings and errors become exceptions.
class checked_chip {
  public:
    explicit checked_chip(const platform::platform& p, std::optional<std::uint64_t> stall_seed = std::nullopt);

    struct outcome {
        tensor_map outputs;
        std::vector<std::string> findings; ///< of the checkers, since the chip was made
        std::vector<fw::planned_work> plan;
        std::string splits; ///< of kernels without room
        cycles taken;
    };
    [[nodiscard]] outcome run(const dfx::program& program, const tensor_map& inputs);
    [[nodiscard]] hw::chip& chip() { return m_chip; }

  private:
    hw::chip m_chip;
    fw::run_checks m_checks;
};

/// Statistics of one run without checkers, simulated in a context of its own.
[[nodiscard]] trace::run_statistics measure(const platform::platform& p, const dfx::program& program,
                                            const tensor_map& inputs);

/// Extents and operands of A·B.
struct matmul_shape {
    std::uint64_t m, n, k;
    dtype type = dtype::f32;
};
/// "17x65x200", with the type where it is not f32.
[[nodiscard]] std::string to_string(const matmul_shape& shape);

/// Statistics of one matmul that runs without data, simulated in a context of its own.
[[nodiscard]] trace::run_statistics measure_matmul(const platform::platform& p, const matmul_shape& shape,
                                                   const passes::lower_options& options = {});
/// What the loader's cost models expected of a run over what was measured; rearrangements, which have none, left out.
struct estimate_ratios {
    double cycles = 0, dram_bytes = 0;
    double l2_bytes = 0; ///< of contractions only
};
[[nodiscard]] estimate_ratios estimates_of(const trace::run_statistics& run);
/// Between 1/factor and factor.
[[nodiscard]] bool within(double ratio, double factor);

/// DRAM bytes moved / those of the best blocking.
[[nodiscard]] double traffic_of(const trace::run_statistics& run);

} // namespace kpu::test
