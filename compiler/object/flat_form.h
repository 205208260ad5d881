#pragma once
// What the flat form (version 1) leaves out follows from its metadata and its operations.

#include "compiler/object/json_fields.h"

#include <optional>
#include <string>
#include <vector>

namespace kpu::object {

/// The object `metadata`; 0 where a number is not given.
struct flat_metadata {
    std::uint64_t m = 0, n = 0, k = 0;
    std::uint64_t ti = 0, tj = 0, tk = 0;
    std::optional<dtype> element_type;
    dfx::dataflow flow = dfx::dataflow::output_stationary;
    dfx::tile_policy tiles = dfx::tile_policy::suggested;
    std::optional<std::string> kernel_name;
    std::vector<std::uint64_t> graph_nodes;
};

[[nodiscard]] flat_metadata read_flat_metadata(const json_object& root);

/// Fills in: tile shapes from a tensor's place in the MATMUL_TILE operations and Ti, Tj, Tk; element sizes from the
/// types; roles (only loaded from EXTERNAL: input; stored there: output) where `has_role` says that none is given; keys
/// (the tensor's name). Reports metadata that contradict the tensors.
void complete_flat(dfx::program& p, const flat_metadata& metadata, const std::vector<bool>& has_role,
                   json_errors& errors);

} // namespace kpu::object
