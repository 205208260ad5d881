#include "compiler/dfg/interface.h"

#include <algorithm>
#include <set>

namespace kpu::dfg {

namespace {

/// "n12": reserved for node 12.
bool is_numbered_key(const std::string& label) {
    return label.size() > 1 && label.front() == 'n' &&
           std::all_of(label.begin() + 1, label.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

class interface_builder {
  public:
    interface_builder(const graph& g, const binding& bound) : m_graph(g), m_bound(bound) {
        for (const auto& [id, n] : g.nodes)
            for (const auto& [at, label] : n.result_labels)
                ++m_uses[label];
    }

    graph_interface run() {
        collect_outputs();
        std::set<value_ref> taken;
        for (const node_id id : m_bound.compute)
            if (const auto operands = m_bound.operands.find(id); operands != m_bound.operands.end())
                for (const auto& [at, value] : operands->second)
                    taken.insert(value);
        for (const graph_output& output : m_out.outputs)
            taken.insert(output.value);
        for (const value_ref& value : taken)
            if (value.open_operand || !is_compute(m_graph.nodes.at(value.node).op))
                add_input(value);
        for (const node_id id : m_bound.compute)
            if (m_graph.nodes.at(id).op == operator_kind::gather)
                bound_indices(id);
        m_problems.throw_if_errors();
        return std::move(m_out);
    }

  private:
    [[nodiscard]] std::vector<node_id> nodes_of(operator_kind op) const {
        std::vector<node_id> out;
        for (const auto& [id, n] : m_graph.nodes)
            if (n.op == op)
                out.push_back(id);
        return out;
    }

    /// Element type and extents, or an error at the node that declares them.
    template <class Tensor>
    void set_type(Tensor& tensor, const value_ref& value) {
        const node& n = m_graph.nodes.at(value.node);
        const tensor_type& type = type_of(m_graph, value);
        const auto element = type.type();
        if (!element || !type.is_static()) {
            m_problems.error(place_of(m_graph, n),
                             describe(n) + (element ? " has a dynamic shape" : " has an unsupported element type"),
                             to_string(type), element ? "" : "f64, f32, f16, bf16, f8, i8 or i32");
            return;
        }
        tensor.type = *element;
        tensor.dims = type.extents();
        try {
            (void)element_count(tensor.dims);
        } catch (const input_error&) {
            m_problems.error(place_of(m_graph, n), describe(n) + ": too many elements", to_string(type),
                             "at most 2^48");
        }
    }

    void collect_outputs() {
        std::vector<node_id> ends = nodes_of(operator_kind::function_return);
        if (ends.empty())
            ends = nodes_of(operator_kind::function_result);
        std::map<std::string, unsigned> labels;
        for (const node_id end : ends)
            for (const auto& [at, label] : m_graph.nodes.at(end).result_labels)
                ++labels[label];
        for (const node_id end : ends) {
            const auto operands = m_bound.operands.find(end);
            if (operands == m_bound.operands.end())
                continue;
            const auto& own = m_graph.nodes.at(end).result_labels;
            for (const auto& [at, value] : operands->second) {
                graph_output output;
                output.value = value;
                output.end = end;
                set_type(output, value);
                const auto label = own.find(at);
                const bool named = label != own.end() && !label->second.empty() && labels[label->second] == 1;
                output.key = named ? label->second : "result" + std::to_string(m_out.outputs.size());
                m_out.outputs.push_back(std::move(output));
            }
        }
        check_outputs();
    }

    void check_outputs() {
        if (m_out.outputs.empty()) {
            location where;
            where.file = m_graph.file;
            m_problems.error(where, "graph has no outputs", {}, "a FUNCTION_RETURN that something feeds");
        }
        std::set<std::string> keys;
        for (const graph_output& output : m_out.outputs)
            if (!keys.insert(output.key).second)
                m_problems.error(place_of(m_graph, m_graph.nodes.at(output.end)), "two outputs of one name",
                                 output.key);
        for (const node_id end : nodes_of(operator_kind::function_result))
            for (const auto& [at, value] : operands_of(end))
                if (std::none_of(m_out.outputs.begin(), m_out.outputs.end(),
                                 [&, returned = value](const graph_output& o) { return o.value == returned; }))
                    m_problems.error(place_of(m_graph, m_graph.nodes.at(end)),
                                     describe(m_graph.nodes.at(end)) + " is fed by a value that is not returned");
    }

    [[nodiscard]] operand_map operands_of(node_id id) const {
        const auto found = m_bound.operands.find(id);
        return found == m_bound.operands.end() ? operand_map{} : found->second;
    }

    void add_input(const value_ref& value) {
        const node& n = m_graph.nodes.at(value.node);
        graph_input input;
        input.value = value;
        set_type(input, value);
        const std::string numbered = "n" + std::to_string(value.node.value());
        if (value.open_operand) {
            input.kind = input_kind::open_operand;
            input.keys = {numbered + "." + std::to_string(value.at)};
        } else {
            input.kind = n.op == operator_kind::constant ? input_kind::constant : input_kind::argument;
            const auto label = n.result_labels.find(value.at);
            if (label != n.result_labels.end() && !label->second.empty() && m_uses[label->second] == 1 &&
                !is_numbered_key(label->second))
                input.keys.push_back(label->second);
            input.keys.push_back(numbered);
        }
        m_out.inputs.push_back(std::move(input));
    }

    /// Indices of a GATHER that are an input, or a view of one. What is wrong with the node is for others to say.
    void bound_indices(node_id gather) {
        std::optional<value_ref> value = m_bound.operand(gather, 1);
        while (value && !value->open_operand && m_graph.nodes.at(value->node).op == operator_kind::reshape)
            value = m_bound.operand(value->node, 0);
        const auto rows = m_bound.operand(gather, 0);
        const auto input = std::find_if(m_out.inputs.begin(), m_out.inputs.end(),
                                        [&](const graph_input& i) { return value && i.value == *value; });
        if (!rows || input == m_out.inputs.end() || input->type != dtype::i32)
            return;
        const tensor_type& type = type_of(m_graph, *rows);
        if (type.is_static() && type.extents().size() == 3)
            input->below = std::min(input->below.value_or(std::uint64_t{1} << 31U), type.extents()[1]);
    }

    const graph& m_graph;
    const binding& m_bound;
    std::map<std::string, unsigned> m_uses; ///< of result labels
    diagnostics m_problems;
    graph_interface m_out;
};

} // namespace

graph_interface interface_of(const graph& g, const binding& bound) {
    return interface_builder(g, bound).run();
}

} // namespace kpu::dfg
