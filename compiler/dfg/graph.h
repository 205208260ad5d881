#pragma once
// A domain flow graph as it stands in a .dfg file.

#include "compiler/dfg/operators.h"
#include "compiler/tensor/tensor.h"
#include "platforms/common/diagnostic.h"
#include "platforms/common/units.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kpu::dfg {

using node_id = index_of<struct node_tag>;
/// Number of an operand or a result of a node. Slots may be sparse.
using slot = std::uint32_t;

/// Largest extent, rank and slot number that a file may use.
constexpr std::uint64_t k_largest_extent = std::uint64_t{1} << 48U;
constexpr std::size_t k_largest_rank = 16;
constexpr slot k_largest_slot = 65535;

/// `tensor<4x?xf32>`. A dimension without a value is dynamic. The element type is any identifier; type() says which of
/// the project's types it is.
struct tensor_type {
    std::vector<std::optional<std::uint64_t>> dims;
    std::string element;

    /// Truth values (i1) are held as i8: false is 0, all else is true.
    [[nodiscard]] std::optional<dtype> type() const { return dtype_named(element == "i1" ? "i8" : element); }
    [[nodiscard]] bool is_static() const;
    /// The extents. Throws input_error if one of them is dynamic.
    [[nodiscard]] shape extents() const;
    friend bool operator==(const tensor_type& a, const tensor_type& b) {
        return a.dims == b.dims && a.element == b.element;
    }
    friend bool operator!=(const tensor_type& a, const tensor_type& b) { return !(a == b); }
};

[[nodiscard]] tensor_type make_type(dtype element, const shape& dims);
/// "tensor<4x?xf32>".
[[nodiscard]] std::string to_string(const tensor_type& type);

struct node {
    node_id id;
    std::string name; ///< of the dialect or the user; not unique
    operator_kind op = operator_kind::unknown;
    std::int64_t depth = 0; ///< longest path from a node without in-edges
    std::map<slot, tensor_type> operand_types;
    std::map<std::string, std::string> attributes; ///< values verbatim
    std::map<slot, std::string> result_labels;
    std::map<slot, tensor_type> result_types;
    unsigned line = 0; ///< in the file, 0 where there is none; not part of the value

    friend bool operator==(const node& a, const node& b);
};

/// Data flow from a result of `from` to operand `to_slot` of `to`. A FUNCTION's `from_slot` is the number of its
/// argument.
struct edge {
    node_id from;
    node_id to;
    std::int64_t flow = 0;
    bool stationary = true;
    std::string shape_text; ///< verbatim; a placeholder in imported files, never used for shapes
    std::uint32_t bits = 32;
    slot from_slot = 0;
    slot to_slot = 0;
    std::vector<std::int64_t> schedule;
    unsigned line = 0; ///< as in node

    friend bool operator==(const edge& a, const edge& b);
};

struct graph {
    std::string name;
    std::map<node_id, node> nodes;
    std::vector<edge> edges; ///< ascending by (from, to, to_slot, from_slot)
    std::vector<node_id> sources;
    std::vector<node_id> sinks;
    std::string file; ///< where it was read from; not part of the value

    friend bool operator==(const graph& a, const graph& b);
};

/// The place of a node or an edge, for diagnostics.
[[nodiscard]] location place_of(const graph& g, const node& n);
[[nodiscard]] location place_of(const graph& g, const edge& e);
/// "node 3 '2-input MATMUL' (MATMUL)".
[[nodiscard]] std::string describe(const node& n);

/// Brings the edges into the order that graph promises.
void sort_edges(graph& g);
/// Longest path in edges from any node without in-edges, per node. Nothing if the graph has a cycle.
[[nodiscard]] std::optional<std::map<node_id, std::int64_t>> depths_of(const graph& g);
/// Nodes without out-edges, except those that have no edges at all and are no return or result.
[[nodiscard]] std::vector<node_id> sinks_of(const graph& g);

} // namespace kpu::dfg
