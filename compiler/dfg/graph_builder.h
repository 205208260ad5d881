#pragma once
// Builds a graph node by node, in the order in which it is computed.

#include "compiler/dfg/graph.h"

#include <map>
#include <string>
#include <vector>

namespace kpu::dfg {

class graph_builder {
  public:
    explicit graph_builder(const std::string& name) { m_graph.name = name; }

    /// A CONSTANT "const.<label>".
    node_id constant(const std::string& label, dtype t, const shape& dims);
    /// A compute node fed by the first results of `operands`.
    node_id compute(operator_kind op, const std::string& name, const std::vector<node_id>& operands,
                    const std::string& label, const tensor_type& result,
                    const std::map<std::string, std::string>& attributes = {});
    /// A FUNCTION_RETURN of a value.
    void give_back(node_id value, const std::string& label);
    [[nodiscard]] const tensor_type& type_of(node_id value) const { return m_graph.nodes.at(value).result_types.at(0); }
    /// The graph with its depths. The builder is empty afterwards.
    [[nodiscard]] graph finish();

  private:
    node& add(const std::string& name, operator_kind op);
    void connect(node_id from, node& to, slot at);

    graph m_graph;
};

} // namespace kpu::dfg
