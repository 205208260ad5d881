#pragma once
// The tensors that a graph takes and gives, and the names by which users know them.

#include "compiler/dfg/binding.h"
#include "compiler/dfg/graph.h"

#include <optional>
#include <string>
#include <vector>

namespace kpu::dfg {

enum class input_kind { constant, argument, open_operand };

/// keys.front() is the name under which the tensor is documented and written; the others are accepted too. A CONSTANT's
/// or argument's key is its result label where no other result of the graph has that label, else `n<node id>`; `n<node
/// id>` is always among the keys. An operand that nothing feeds has the key `n<consumer id>.<slot>`.
struct graph_input {
    value_ref value;
    input_kind kind = input_kind::constant;
    dtype type = dtype::f32;
    shape dims;
    std::vector<std::string> keys;
    std::optional<std::uint64_t> below = {}; ///< where a GATHER takes it as indices: the rows that there are
};

/// The key is the label of FUNCTION_RETURN's result where there is one (and no other output has it), else `result<i>`,
/// counting the returned operands of all FUNCTION_RETURN nodes in the order of ids and slots.
struct graph_output {
    value_ref value; ///< what is returned: a compute node's result, or an input passed through
    node_id end;     ///< the FUNCTION_RETURN or FUNCTION_RESULT
    dtype type = dtype::f32;
    shape dims;
    std::string key;
};

struct graph_interface {
    std::vector<graph_input> inputs;   ///< that lead to an output, ascending by value
    std::vector<graph_output> outputs; ///< in the order of their numbers
};

/// The interface of a graph whose batch is bound. FUNCTION_RESULT nodes are outputs only where the graph has no
/// FUNCTION_RETURN: they repeat what is returned. Throws input_error for a graph without outputs, dynamic shapes and
/// element types that are none of the project's, with their lines.
[[nodiscard]] graph_interface interface_of(const graph& g, const binding& bound);

} // namespace kpu::dfg
