#pragma once
// Which value feeds each operand, and in what order nodes can run.

#include "compiler/dfg/graph.h"
#include "platforms/common/diagnostic.h"

#include <map>
#include <optional>
#include <vector>

namespace kpu::dfg {

/// A value that flows in the graph: a result of a node, or (where `open_operand` is set) an operand that no edge feeds,
/// which then is an input of the graph. Values of a FUNCTION's slots are given as those of its FUNCTION_ARGUMENT nodes.
struct value_ref {
    node_id node;
    slot at = 0;
    bool open_operand = false;

    friend bool operator==(const value_ref& a, const value_ref& b) {
        return a.node == b.node && a.at == b.at && a.open_operand == b.open_operand;
    }
    friend bool operator!=(const value_ref& a, const value_ref& b) { return !(a == b); }
    friend bool operator<(const value_ref& a, const value_ref& b);
};

using operand_map = std::map<slot, value_ref>;

/// The graph's data flow, checked.
struct binding {
    std::map<node_id, operand_map> operands; ///< of every node but FUNCTIONs; nodes without operands have no entry
    std::vector<node_id> order;              ///< all nodes, producers first, smallest id first among the ready
    std::vector<node_id> compute;            ///< compute nodes that lead to an output, in that order

    /// The value at an operand slot; nothing where the node has no such operand.
    [[nodiscard]] std::optional<value_ref> operand(node_id id, slot at) const;
};

/// Replaces every dynamic leading dimension by `batch` (from 1 upwards). Throws input_error for a dynamic dimension
/// elsewhere.
void bind_batch(graph& g, std::uint64_t batch);

/// The type of a value. Throws input_error if the node declares none.
[[nodiscard]] const tensor_type& type_of(const graph& g, const value_ref& value);

/// Binds every operand to the value on its edge and orders the nodes. An operand without an edge takes another
/// operand's producer of equal type, else a FUNCTION argument of equal type, else becomes an input of the graph; each
/// with a warning. Compute nodes that lead to no output are left out with a warning; constants and arguments without
/// uses silently. Throws input_error with all problems: two edges into one operand, slots that a node does not have,
/// cycles (with the nodes on them), and operands declared otherwise than produced: shapes must be equal and element
/// types equal or, for compute nodes, an exact widening (kpu::widens).
[[nodiscard]] binding bind_operands(const graph& g, diagnostics& warnings);

} // namespace kpu::dfg
