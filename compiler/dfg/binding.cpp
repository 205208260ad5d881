#include "compiler/dfg/binding.h"

#include "compiler/dfg/order.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace kpu::dfg {

bool operator<(const value_ref& a, const value_ref& b) {
    return std::tie(a.node, a.at, a.open_operand) < std::tie(b.node, b.at, b.open_operand);
}

std::optional<value_ref> binding::operand(node_id id, slot at) const {
    const auto of_node = operands.find(id);
    if (of_node == operands.end())
        return std::nullopt;
    const auto found = of_node->second.find(at);
    return found == of_node->second.end() ? std::nullopt : std::optional(found->second);
}

void bind_batch(graph& g, std::uint64_t batch) {
    diagnostics problems;
    if (batch == 0 || batch > k_largest_extent)
        problems.error({}, "batch out of range", std::to_string(batch), "1 to 2^48");
    for (auto& [id, n] : g.nodes)
        for (auto* types : {&n.operand_types, &n.result_types})
            for (auto& [at, type] : *types) {
                if (!type.dims.empty() && !type.dims.front())
                    type.dims.front() = batch;
                if (!type.is_static())
                    problems.error(place_of(g, n), "dynamic dimension other than the first", to_string(type));
            }
    problems.throw_if_errors();
}

namespace {

const tensor_type* find_type(const graph& g, const value_ref& value) {
    const node& n = g.nodes.at(value.node);
    const auto& types = value.open_operand ? n.operand_types : n.result_types;
    const auto found = types.find(value.at);
    return found == types.end() ? nullptr : &found->second;
}

bool is_end(operator_kind op) {
    return op == operator_kind::function_return || op == operator_kind::function_result;
}

class binder {
  public:
    binder(const graph& g, diagnostics& problems) : m_graph(g), m_problems(problems) {}

    binding run() {
        find_arguments();
        for (const edge& e : m_graph.edges)
            bind_edge(e);
        for (const auto& [id, n] : m_graph.nodes)
            complete(n);
        for (const auto& [id, operands] : m_out.operands)
            for (const auto& [at, value] : operands)
                check_type(m_graph.nodes.at(id), at, value);
        order();
        return std::move(m_out);
    }

  private:
    /// A FUNCTION's arguments are the FUNCTION_ARGUMENT nodes without edges between the FUNCTION before it and itself.
    void find_arguments() {
        std::set<node_id> with_edges;
        for (const edge& e : m_graph.edges)
            with_edges.insert(e.from);
        std::vector<node_id> arguments;
        for (const auto& [id, n] : m_graph.nodes) {
            if (n.op == operator_kind::function_argument && with_edges.count(id) == 0)
                arguments.push_back(id);
            if (n.op != operator_kind::function)
                continue;
            if (arguments.size() != n.operand_types.size())
                m_problems.error(place_of(m_graph, n), describe(n) + " declares " +
                                                           std::to_string(n.operand_types.size()) +
                                                           " arguments and has " + std::to_string(arguments.size()) +
                                                           " FUNCTION_ARGUMENT nodes");
            m_arguments[id] = std::move(arguments);
            arguments.clear();
        }
    }

    std::optional<value_ref> value_on(const edge& e) {
        const node& from = m_graph.nodes.at(e.from);
        if (from.op != operator_kind::function)
            return value_ref{e.from, e.from_slot};
        const std::vector<node_id>& arguments = m_arguments[e.from];
        if (e.from_slot >= arguments.size()) {
            m_problems.error(place_of(m_graph, e), "edge from an argument that the function does not have",
                             std::to_string(e.from_slot));
            return std::nullopt;
        }
        return value_ref{arguments[e.from_slot], 0};
    }

    void bind_edge(const edge& e) {
        const node& to = m_graph.nodes.at(e.to);
        const bool has_slot = to.operand_types.count(e.to_slot) != 0 || to.op == operator_kind::function_result ||
                              (to.op == operator_kind::function_return && to.operand_types.empty());
        if (!has_slot || to.op == operator_kind::function) {
            m_problems.error(place_of(m_graph, e), "edge into an operand slot that " + describe(to) + " does not have",
                             std::to_string(e.to_slot));
            return;
        }
        const auto value = value_on(e);
        if (!value)
            return;
        if (!m_out.operands[e.to].emplace(e.to_slot, *value).second)
            m_problems.error(place_of(m_graph, e), "operand slot fed by two edges: " + describe(to),
                             std::to_string(e.to_slot));
    }

    void complete(const node& n) {
        if (n.op == operator_kind::function)
            return;
        for (const auto& [at, type] : n.operand_types)
            if (m_out.operands[n.id].count(at) == 0)
                bind_open(n, at, type);
        if (m_out.operands[n.id].empty())
            m_out.operands.erase(n.id);
    }

    void bind_open(const node& n, slot at, const tensor_type& type) {
        if (is_end(n.op)) {
            m_problems.error(place_of(m_graph, n),
                             describe(n) + " has no edge into operand " + std::to_string(at) + ": nothing to return");
            return;
        }
        operand_map& operands = m_out.operands[n.id];
        const auto has_type = [&](const value_ref& value) {
            const tensor_type* found = find_type(m_graph, value);
            return found != nullptr && *found == type;
        };
        std::string taken = "taken from outside the graph";
        value_ref value{n.id, at, true};
        const auto other = std::find_if(operands.begin(), operands.end(),
                                        [&](const auto& o) { return !o.second.open_operand && has_type(o.second); });
        if (other != operands.end()) {
            value = other->second;
            taken = "taken from the producer of operand " + std::to_string(other->first) + ", of equal type";
        } else {
            for (const auto& [function, arguments] : m_arguments)
                for (const node_id argument : arguments)
                    if (value.open_operand && has_type({argument, 0})) {
                        value = {argument, 0};
                        taken = "taken from function argument " + std::to_string(argument.value()) + ", of equal type";
                    }
        }
        operands.emplace(at, value);
        m_problems.warning(place_of(m_graph, n),
                           describe(n) + " has no edge into operand " + std::to_string(at) + ": " + taken);
    }

    void check_type(const node& n, slot at, const value_ref& value) {
        const tensor_type* produced = find_type(m_graph, value);
        if (produced == nullptr) {
            m_problems.error(place_of(m_graph, m_graph.nodes.at(value.node)), describe(m_graph.nodes.at(value.node)) +
                                                                                  " has no type for result " +
                                                                                  std::to_string(value.at));
            return;
        }
        const auto declared = n.operand_types.find(at);
        if (declared == n.operand_types.end() || declared->second == *produced)
            return;
        const auto from = produced->type();
        const auto to = declared->second.type();
        const bool may_widen = is_compute(n.op) && from && to && widens(*from, *to);
        if (declared->second.dims != produced->dims || !may_widen)
            m_problems.error(place_of(m_graph, n),
                             describe(n) + " declares operand " + std::to_string(at) + " otherwise than node " +
                                 std::to_string(value.node.value()) + " produces it",
                             to_string(declared->second), to_string(*produced));
    }

    void order() {
        dependence_map needs;
        for (const auto& [id, operands] : m_out.operands)
            for (const auto& [at, value] : operands)
                if (!value.open_operand)
                    needs[id].insert(value.node);
        m_out.order = topological_order(m_graph, needs, m_problems);
        std::set<node_id> live;
        for (auto at = m_out.order.rbegin(); at != m_out.order.rend(); ++at) {
            if (!is_end(m_graph.nodes.at(*at).op) && live.count(*at) == 0)
                continue;
            live.insert(*at);
            live.insert(needs[*at].begin(), needs[*at].end());
        }
        for (const node_id id : m_out.order) {
            const node& n = m_graph.nodes.at(id);
            if (!is_compute(n.op))
                continue;
            if (live.count(id) != 0)
                m_out.compute.push_back(id);
            else
                m_problems.warning(place_of(m_graph, n), describe(n) + " leads to no output and is left out");
        }
    }

    const graph& m_graph;
    diagnostics& m_problems;
    binding m_out;
    std::map<node_id, std::vector<node_id>> m_arguments; ///< by FUNCTION
};

} // namespace

const tensor_type& type_of(const graph& g, const value_ref& value) {
    if (const tensor_type* type = find_type(g, value))
        return *type;
    const node& n = g.nodes.at(value.node);
    diagnostic problem;
    problem.where = place_of(g, n);
    problem.message = describe(n) + " has no type for result " + std::to_string(value.at);
    throw input_error(std::move(problem));
}

binding bind_operands(const graph& g, diagnostics& warnings) {
    diagnostics problems;
    binding out = binder(g, problems).run();
    problems.throw_if_errors();
    warnings.append(problems);
    return out;
}

} // namespace kpu::dfg
