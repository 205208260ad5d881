#pragma once
// From a graph to DFX: one kernel per node, a loop nest over tiles for a MATMUL, an operator on whole tensors for all
// others; then passes that merge kernels.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/graph.h"
#include "compiler/dfx/program.h"
#include "compiler/passes/dataflow.h"
#include "compiler/passes/tiling.h"
#include "platforms/common/diagnostic.h"

#include <optional>
#include <string>
#include <vector>

namespace kpu::passes {

struct lower_options {
    std::optional<dfx::dataflow> flow; ///< not given: chosen per matmul
    tile_request tiles;
    target on = nominal_target(); ///< the chips that tiles, dataflow and hints are chosen for
    bool fusion = true;           ///< merge kernels; results do not depend on it
    std::string compiler;         ///< for the program's record
};

/// How a matmul's kernel came to be what it is.
struct kernel_report {
    std::string kernel;
    std::uint64_t node = 0;   ///< its id
    std::string merged_into;  ///< the kernel that computes it on whole tensors, since steps follow; empty: none
    dfx::contraction product; ///< with its final tiles and dataflow
    tile_choice tiles;
    dataflow_choice flow;
};

struct lowered {
    dfx::program program;
    std::vector<kernel_report> kernels; ///< of MATMUL nodes
    diagnostics warnings;               ///< kernels that do not get what the options ask for
};

/// Lowers a graph whose batch is bound. Loops: [tb] ti tj (or tj ti, weight stationary) parallel, tk reduction within;
/// A and B come tile by tile EXTERNAL -> L3 -> L2 -> L1 in the tk loop, a seed outside of it, the result goes back the
/// same way. RESHAPE becomes a view. The result passes dfx::verify(). Throws input_error with all problems, each at its
/// node's line: operators that are not compiled, malformed matmuls, outputs that no kernel computes or that are
/// returned more than once.
/// Warns of each kernel that fixed tiles do not apply to: they cut a MATMUL's loops.
[[nodiscard]] lowered lower(const dfg::graph& g, const dfg::binding& bound, const lower_options& options);

} // namespace kpu::passes
