#include "compiler/dfg/writer.h"

#include "compiler/dfg/text.h"
#include "platforms/common/files.h"

#include <fmt/format.h>
#include <set>

namespace kpu::dfg {

namespace {

[[noreturn]] void fail(const std::string& message, const std::string& text) {
    diagnostic problem;
    problem.message = message;
    problem.text = text;
    throw input_error(std::move(problem));
}

const std::string& plain(const std::string& text, std::string_view forbidden = "|\n\r") {
    if (text.find_first_of(forbidden) != std::string::npos)
        fail("text cannot be written to a .dfg file, which has no escapes", text);
    return text;
}

std::string id_text(node_id id) {
    return std::to_string(id.value());
}

std::string ids_text(const std::vector<node_id>& ids) {
    std::string out;
    for (const node_id id : ids)
        out += (out.empty() ? "" : ", ") + id_text(id);
    return out;
}

std::string types_text(const std::map<slot, tensor_type>& types) {
    std::string out;
    for (const auto& [at, type] : types)
        out += (out.empty() ? "" : ",") + std::to_string(at) + ":" + plain(to_string(type));
    return out;
}

/// Labels may hold commas within brackets and quotes that balance.
std::string labels_text(const std::map<slot, std::string>& labels) {
    std::vector<std::string> items;
    items.reserve(labels.size());
    for (const auto& [at, label] : labels)
        items.push_back(std::to_string(at) + ":" + plain(label));
    const std::optional<std::string> out = joined_list(items);
    if (!out)
        fail("labels with bare commas cannot be written", fmt::format("{}", fmt::join(items, ",")));
    return *out;
}

std::string attributes_text(const std::map<std::string, std::string>& attributes) {
    std::string out;
    for (const auto& [key, value] : attributes) {
        const list_pieces pieces = split_list(value);
        if (!pieces.balanced || pieces.items.size() > 1)
            fail("attribute value with unbalanced brackets or a bare comma cannot be written", value);
        out += (out.empty() ? "" : ",") + plain(key, "|\n\r,:") + ":" + plain(value);
    }
    return out;
}

std::string node_line(const node& n) {
    return "NODE " + id_text(n.id) + " : |" + plain(n.name) + "|" + std::string(name_of(n.op)) + "|" +
           std::to_string(n.depth) + "|" + types_text(n.operand_types) + "|" + attributes_text(n.attributes) + "|" +
           labels_text(n.result_labels) + "|" + types_text(n.result_types) + "\n";
}

std::string edge_line(const edge& e) {
    std::string schedule;
    for (const std::int64_t t : e.schedule)
        schedule += (schedule.empty() ? "" : ",") + std::to_string(t);
    return "EDGE " + id_text(e.from) + " -> " + id_text(e.to) + " : " + std::to_string(e.flow) + "|" +
           (e.stationary ? "true" : "false") + "|" + plain(e.shape_text) + "|" + std::to_string(e.bits) + "|" +
           std::to_string(e.from_slot) + "|" + std::to_string(e.to_slot) + "|" + schedule + "\n";
}

} // namespace

std::string to_dfg(const graph& g) {
    graph ordered = g;
    sort_edges(ordered);
    std::map<node_id, std::set<node_id>> successors;
    for (const edge& e : ordered.edges)
        successors[e.from].insert(e.to);

    std::string out = "Domain Flow Graph: " + plain(g.name, "\n\r") + "\nDIRECTED\n";
    out += "RUNNING_NODE_ID " + (g.nodes.empty() ? "0" : id_text(g.nodes.rbegin()->first)) + "\n";
    out += "NODES " + std::to_string(g.nodes.size()) + "\n";
    for (const auto& [id, n] : g.nodes)
        out += node_line(n);
    out += "EDGES " + std::to_string(ordered.edges.size()) + "\n";
    for (const edge& e : ordered.edges)
        out += edge_line(e);
    out += "ADJACENCY " + std::to_string(successors.size()) + "\n";
    for (const auto& [from, to] : successors)
        out += "ADJ " + id_text(from) + " : " + ids_text({to.begin(), to.end()}) + "\n";
    out += "SOURCE: " + ids_text(g.sources) + "\n";
    out += "SINK: " + ids_text(g.sinks) + "\n";
    return out;
}

void write_dfg(const std::string& path, const graph& g) {
    write_file(path, to_dfg(g));
}

} // namespace kpu::dfg
