#include "compiler/dfg/order.h"

#include <algorithm>

namespace kpu::dfg {

namespace {

/// Walks against the flow from a node that is never ready, within such nodes, until one repeats.
std::vector<node_id> find_cycle(node_id start, const dependence_map& needs, const std::set<node_id>& done) {
    std::vector<node_id> path;
    std::map<node_id, std::size_t> position;
    node_id at = start;
    while (position.emplace(at, path.size()).second) {
        path.push_back(at);
        const std::set<node_id>& before = needs.at(at);
        at = *std::find_if(before.begin(), before.end(), [&](node_id id) { return done.count(id) == 0; });
    }
    path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(position.at(at)));
    std::reverse(path.begin(), path.end());
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
    return path;
}

void report_cycle(const graph& g, const std::vector<node_id>& cycle, diagnostics& problems) {
    constexpr std::size_t k_most_listed = 16;
    std::string text;
    for (std::size_t i = 0; i < std::min(cycle.size(), k_most_listed); ++i)
        text += std::to_string(cycle[i].value()) + " -> ";
    text += cycle.size() > k_most_listed ? "…" : std::to_string(cycle.front().value());
    problems.error(place_of(g, g.nodes.at(cycle.front())), "cyclic data flow", text, "an acyclic graph");
}

} // namespace

std::vector<node_id> topological_order(const graph& g, const dependence_map& needs, diagnostics& problems) {
    dependence_map users;
    std::map<node_id, std::size_t> waiting;
    for (const auto& [id, before] : needs) {
        waiting[id] = before.size();
        for (const node_id b : before)
            users[b].insert(id);
    }
    std::set<node_id> ready;
    for (const auto& [id, n] : g.nodes)
        if (waiting[id] == 0)
            ready.insert(id);
    std::vector<node_id> out;
    std::set<node_id> done;
    while (!ready.empty()) {
        const node_id id = *ready.begin();
        ready.erase(ready.begin());
        out.push_back(id);
        done.insert(id);
        for (const node_id user : users[id])
            if (--waiting[user] == 0)
                ready.insert(user);
    }
    for (const auto& [id, n] : g.nodes)
        if (done.count(id) == 0) {
            report_cycle(g, find_cycle(id, needs, done), problems);
            break;
        }
    return out;
}

} // namespace kpu::dfg
