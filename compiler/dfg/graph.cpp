#include "compiler/dfg/graph.h"

#include <algorithm>
#include <deque>
#include <set>
#include <tuple>

namespace kpu::dfg {

bool tensor_type::is_static() const {
    return std::all_of(dims.begin(), dims.end(), [](const auto& d) { return d.has_value(); });
}

shape tensor_type::extents() const {
    shape out;
    for (const auto& extent : dims) {
        if (!extent) {
            diagnostic problem;
            problem.message = "dimension is dynamic";
            problem.text = to_string(*this);
            throw input_error(std::move(problem));
        }
        out.push_back(*extent);
    }
    return out;
}

tensor_type make_type(dtype element, const shape& dims) {
    return {{dims.begin(), dims.end()}, std::string(name_of(element))};
}

std::string to_string(const tensor_type& type) {
    std::string out = "tensor<";
    for (const auto& extent : type.dims)
        out += (extent ? std::to_string(*extent) : "?") + "x";
    return out + type.element + ">";
}

bool operator==(const node& a, const node& b) {
    return std::tie(a.id, a.name, a.op, a.depth, a.operand_types, a.attributes, a.result_labels, a.result_types) ==
           std::tie(b.id, b.name, b.op, b.depth, b.operand_types, b.attributes, b.result_labels, b.result_types);
}

bool operator==(const edge& a, const edge& b) {
    return std::tie(a.from, a.to, a.flow, a.stationary, a.shape_text, a.bits, a.from_slot, a.to_slot, a.schedule) ==
           std::tie(b.from, b.to, b.flow, b.stationary, b.shape_text, b.bits, b.from_slot, b.to_slot, b.schedule);
}

bool operator==(const graph& a, const graph& b) {
    return std::tie(a.name, a.nodes, a.edges, a.sources, a.sinks) ==
           std::tie(b.name, b.nodes, b.edges, b.sources, b.sinks);
}

location place_of(const graph& g, const node& n) {
    location out;
    out.file = g.file;
    out.line = n.line;
    return out;
}

location place_of(const graph& g, const edge& e) {
    location out;
    out.file = g.file;
    out.line = e.line;
    return out;
}

std::string describe(const node& n) {
    return "node " + std::to_string(n.id.value()) + " '" + n.name + "' (" + std::string(name_of(n.op)) + ")";
}

void sort_edges(graph& g) {
    std::stable_sort(g.edges.begin(), g.edges.end(), [](const edge& a, const edge& b) {
        return std::tie(a.from, a.to, a.to_slot, a.from_slot) < std::tie(b.from, b.to, b.to_slot, b.from_slot);
    });
}

std::optional<std::map<node_id, std::int64_t>> depths_of(const graph& g) {
    std::map<node_id, std::vector<node_id>> successors;
    std::map<node_id, std::size_t> waiting;
    for (const edge& e : g.edges) {
        successors[e.from].push_back(e.to);
        ++waiting[e.to];
    }
    std::map<node_id, std::int64_t> depths;
    std::deque<node_id> ready;
    for (const auto& [id, n] : g.nodes) {
        depths[id] = 0;
        if (waiting.count(id) == 0)
            ready.push_back(id);
    }
    std::size_t done = 0;
    for (; !ready.empty(); ready.pop_front(), ++done) {
        const node_id from = ready.front();
        for (const node_id to : successors[from]) {
            depths[to] = std::max(depths[to], depths[from] + 1);
            if (--waiting[to] == 0)
                ready.push_back(to);
        }
    }
    if (done != g.nodes.size())
        return std::nullopt;
    return depths;
}

std::vector<node_id> sinks_of(const graph& g) {
    std::set<node_id> with_out;
    std::set<node_id> with_in;
    for (const edge& e : g.edges) {
        with_out.insert(e.from);
        with_in.insert(e.to);
    }
    std::vector<node_id> out;
    for (const auto& [id, n] : g.nodes) {
        const bool is_end = n.op == operator_kind::function_return || n.op == operator_kind::function_result;
        if (with_out.count(id) == 0 && (is_end || with_in.count(id) != 0))
            out.push_back(id);
    }
    return out;
}

} // namespace kpu::dfg
