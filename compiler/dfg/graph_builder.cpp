#include "compiler/dfg/graph_builder.h"

namespace kpu::dfg {

namespace {

void set_result(node& n, const std::string& label, const tensor_type& type) {
    n.result_labels[0] = label;
    n.result_types[0] = type;
}

} // namespace

node_id graph_builder::constant(const std::string& label, dtype t, const shape& dims) {
    node& n = add("const." + label, operator_kind::constant);
    set_result(n, label, make_type(t, dims));
    m_graph.sources.push_back(n.id);
    return n.id;
}

node_id graph_builder::compute(operator_kind op, const std::string& name, const std::vector<node_id>& operands,
                               const std::string& label, const tensor_type& result,
                               const std::map<std::string, std::string>& attributes) {
    node& n = add(name, op);
    set_result(n, label, result);
    n.attributes = attributes;
    slot at = 0;
    for (const node_id from : operands)
        connect(from, n, at++);
    return n.id;
}

void graph_builder::give_back(node_id value, const std::string& label) {
    const tensor_type type = type_of(value);
    node& n = add(label, operator_kind::function_return);
    n.attributes["target"] = "memory";
    set_result(n, label, type);
    connect(value, n, 0);
    m_graph.sinks.push_back(n.id);
}

graph graph_builder::finish() {
    const auto depths = depths_of(m_graph);
    for (auto& [id, n] : m_graph.nodes)
        n.depth = depths->at(id);
    sort_edges(m_graph);
    return std::move(m_graph);
}

node& graph_builder::add(const std::string& name, operator_kind op) {
    node n;
    n.id = node_id(static_cast<node_id::rep>(m_graph.nodes.size()));
    n.name = name;
    n.op = op;
    return m_graph.nodes.emplace(n.id, std::move(n)).first->second;
}

void graph_builder::connect(node_id from, node& to, slot at) {
    const node& producer = m_graph.nodes.at(from);
    const tensor_type& type = producer.result_types.at(0);
    to.operand_types[at] = type;
    edge e;
    e.from = from;
    e.to = to.id;
    e.stationary = producer.op == operator_kind::constant && at < 2;
    e.shape_text = to_string(type);
    e.bits = static_cast<std::uint32_t>(8 * size_of(*type.type()));
    e.to_slot = at;
    e.schedule = {1, 1, 1};
    m_graph.edges.push_back(std::move(e));
}

} // namespace kpu::dfg
