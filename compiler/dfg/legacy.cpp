#include "compiler/dfg/legacy.h"

#include <algorithm>
#include <set>

namespace kpu::dfg {

namespace {

void name_ends(graph& g) {
    for (auto& [id, n] : g.nodes) {
        if (n.op != operator_kind::unknown)
            continue;
        if (n.name == "func.return")
            n.op = operator_kind::function_return;
        else if (n.name.rfind("result", 0) == 0)
            n.op = operator_kind::function_result;
    }
}

const tensor_type* result_type(const node& n) {
    return n.result_types.empty() ? nullptr : &n.result_types.begin()->second;
}

void bind_node(const graph& g, const node& consumer, const std::vector<edge*>& in, diagnostics& problems) {
    std::set<slot> open;
    for (const auto& [at, type] : consumer.operand_types)
        open.insert(at);
    if (open.empty()) // a result has one edge and no operand types
        open.insert(0);
    std::vector<edge*> left;
    for (edge* e : in) {
        const tensor_type* type = result_type(g.nodes.at(e->from));
        const auto match = std::find_if(open.begin(), open.end(), [&](slot at) {
            const auto declared = consumer.operand_types.find(at);
            return type != nullptr && declared != consumer.operand_types.end() && declared->second == *type;
        });
        if (match == open.end()) {
            left.push_back(e);
            continue;
        }
        e->to_slot = *match;
        open.erase(match);
    }
    for (edge* e : left) {
        if (open.empty()) {
            problems.error(place_of(g, *e), "edge without a free operand at its consumer", describe(consumer));
            return;
        }
        e->to_slot = *open.begin();
        open.erase(open.begin());
    }
}

} // namespace

void bind_legacy_edges(graph& g, diagnostics& problems) {
    name_ends(g);
    std::map<node_id, std::vector<edge*>> in;
    for (edge& e : g.edges)
        in[e.to].push_back(&e);
    for (const auto& [id, edges] : in)
        bind_node(g, g.nodes.at(id), edges, problems);
}

} // namespace kpu::dfg
