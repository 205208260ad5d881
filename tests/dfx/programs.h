#pragma once
// DFX programs for tests, made without the project's own reader and lowering where that matters.

#include "compiler/dfg/build.h"
#include "compiler/dfx/contraction.h"
#include "compiler/dfx/program.h"
#include "compiler/passes/lower.h"

#include <cstdint>
#include <functional>
#include <string>

namespace kpu::test {

/// The 4x4x16 matmul of the original plan's appendix A as JSON, written out from its description: eight operations, no
/// tile shapes, a STORE straight from REGISTER to EXTERNAL.
[[nodiscard]] std::string flat_matmul_json();

/// A flat program that multiplies m x k by k x n in tiles of t[0] x t[1] x t[2], k chained through `accumulate`; built
/// op by op.
[[nodiscard]] dfx::program flat_matmul(std::uint64_t m, std::uint64_t n, std::uint64_t k,
                                       const std::array<std::uint64_t, 3>& t, dtype type = dtype::f32);

/// An m x n x k product by its extents and types alone; i8 sums to i32, other types keep theirs.
[[nodiscard]] dfx::contraction product(std::uint64_t m, std::uint64_t n, std::uint64_t k, dtype type = dtype::f32);

/// A graph through binding and lowering.
[[nodiscard]] passes::lowered compile(const dfg::matmul_graph_spec& spec, const passes::lower_options& options = {});
[[nodiscard]] dfx::program compiled(const dfg::matmul_graph_spec& spec, const std::string& tiles = "analytical",
                                    std::optional<dfx::dataflow> flow = std::nullopt);

/// D = (A * B) * B2 in one kernel: the second product reads from EXTERNAL what the first has stored there.
[[nodiscard]] dfx::program fused_chain(std::uint64_t m, const std::string& tiles);

/// A valid program with everything that a program can hold, drawn at random: nests of random extents, types, tiles and
/// dataflows or flat, with iteration orders, shifted loops, barriers, odd names, free numbers, hints and constants.
[[nodiscard]] dfx::program random_program(std::uint64_t seed);

/// Calls `visit` with every statement of a body, loops before what they hold.
void for_each_statement(std::vector<dfx::statement>& body, const std::function<void(dfx::statement&)>& visit);

/// Random values for every input and constant, under its first key.
[[nodiscard]] tensor_map random_inputs(const dfx::program& p, std::uint64_t seed);

/// A file in the tests' own folder.
[[nodiscard]] std::string golden_path(const std::string& name);

} // namespace kpu::test
