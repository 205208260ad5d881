#include "compiler/dfg/reader.h"

#include "compiler/dfg/legacy.h"
#include "compiler/dfg/lines.h"
#include "compiler/dfg/text.h"
#include "platforms/common/files.h"
#include "platforms/common/utf8.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

namespace kpu::dfg {

namespace {

/// The parts of a file, in their order.
enum class part : std::size_t { start, type, running, nodes, edges, adjacency, source, sink };

constexpr std::array<std::string_view, 8> k_keywords{"",      "DIRECTED",  "RUNNING_NODE_ID", "NODES",
                                                     "EDGES", "ADJACENCY", "SOURCE:",         "SINK:"};

/// Errors of one file that are listed before the rest is left out.
constexpr std::size_t k_most_errors = 200;

struct section {
    std::uint64_t declared = 0;
    std::uint64_t found = 0;
    unsigned line = 0; ///< of its keyword; 0: missing
};

class file_reader {
  public:
    file_reader(const std::string& file, const read_options& options, diagnostics& problems)
        : m_options(options), m_problems(problems) {
        m_graph.file = file;
    }

    graph read(std::string_view text) {
        for (const std::string_view line : lines_of(text)) {
            ++m_number;
            if (m_stopped || too_many_errors())
                break;
            take(line);
        }
        if (!m_stopped && !too_many_errors())
            finish();
        m_problems.throw_if_errors();
        return std::move(m_graph);
    }

  private:
    /// Without line ends, and without blank lines at the end.
    static std::vector<std::string_view> lines_of(std::string_view text) {
        std::vector<std::string_view> lines = split(text, '\n');
        for (std::string_view& line : lines)
            if (!line.empty() && line.back() == '\r')
                line.remove_suffix(1);
        while (!lines.empty() && trimmed(lines.back()).empty())
            lines.pop_back();
        return lines;
    }

    /// Warnings do not count: a file that has no errors is read to its end.
    bool too_many_errors() {
        for (; m_counted < m_problems.items().size(); ++m_counted)
            m_errors += m_problems.items()[m_counted].level == severity::error ? 1 : 0;
        return m_errors > k_most_errors;
    }

    line_reader at(std::string_view line) { return {line, m_number, m_graph.file, m_problems}; }
    section& section_of(part p) { return m_sections.at(static_cast<std::size_t>(p)); }

    void take(std::string_view line) {
        if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos)
            return at(line).error(line, "control character within a line");
        if (!is_utf8(line))
            return at(line).error({}, "line is not UTF-8");
        const std::string_view keyword = line.substr(0, line.find(' '));
        if (keyword == "UNDIRECTED") {
            m_stopped = true;
            return at(line).error(line, "undirected graph", "DIRECTED");
        }
        if (m_part == part::start && keyword != "DIRECTED")
            return take_header(line);
        for (std::size_t i = 1; i < k_keywords.size(); ++i)
            if (keyword == k_keywords[i])
                return enter(static_cast<part>(i), line);
        if (keyword == "NODE" && m_part == part::nodes)
            return take_node(line);
        if (keyword == "EDGE" && m_part == part::edges)
            return take_edge(line);
        if (keyword == "ADJ" && m_part == part::adjacency)
            return take_adjacency(line);
        at(line).error(line, trimmed(line).empty() ? "blank line" : "unexpected line");
    }

    void take_header(std::string_view line) {
        const std::size_t colon = line.find(':');
        if (m_has_header || colon == std::string_view::npos) {
            m_stopped = true;
            return at(line).error(line, "not a domain flow graph", "a header line or DIRECTED");
        }
        m_has_header = true;
        const std::string_view name = line.substr(colon + 1);
        m_graph.name = std::string(name.substr(std::min(name.find_first_not_of(" \t"), name.size())));
    }

    void enter(part next, std::string_view line) {
        const auto index = static_cast<std::size_t>(next);
        if (next <= m_part)
            return at(line).error(line, "section out of order or repeated");
        for (std::size_t skipped = static_cast<std::size_t>(m_part) + 1; skipped < index; ++skipped) {
            if (skipped < static_cast<std::size_t>(part::source))
                at(line).error(line, "missing section before this line", std::string(k_keywords.at(skipped)));
            section_of(static_cast<part>(skipped)).line = m_number; // reported here, not again at the end
        }
        m_part = next;
        section_of(next).line = m_number;
        if (next == part::source)
            m_graph.sources = at(line).read_ids(m_sources_complete);
        else if (next == part::sink)
            m_graph.sinks = at(line).read_ids(m_sinks_complete);
        else if (next != part::type)
            section_of(next).declared = at(line).read_count(largest_count(next)).value_or(0);
    }

    static std::uint64_t largest_count(part p) {
        if (p == part::running)
            return std::numeric_limits<std::uint32_t>::max();
        return p == part::edges ? k_most_edges : k_most_nodes;
    }

    /// True where the line may be used. An older layout that nobody asked for is reported once, and reading stops.
    bool accept_layout(const std::string& legacy, std::string_view line) {
        if (legacy.empty())
            return true;
        if (!m_options.legacy) {
            m_stopped = true;
            at(line).error(line, "legacy layout " + legacy, "the current layout, with slots",
                           "--legacy reads it, binding operands by type");
            return false;
        }
        if (!m_legacy)
            at(line).warning(line, "legacy layout " + legacy + ": operands are bound by type");
        m_legacy = true;
        return true;
    }

    void take_node(std::string_view line) {
        ++section_of(part::nodes).found;
        auto parsed = at(line).read_node();
        if (!parsed || !accept_layout(parsed->legacy, line))
            return;
        const node_id id = parsed->value.id;
        const auto [known, is_new] = m_graph.nodes.emplace(id, std::move(parsed->value));
        if (!is_new)
            at(line).error(line, "node id used twice", {}, "first used in line " + std::to_string(known->second.line));
    }

    void take_edge(std::string_view line) {
        ++section_of(part::edges).found;
        auto parsed = at(line).read_edge();
        if (!parsed || !accept_layout(parsed->legacy, line))
            return;
        edge& e = parsed->value;
        if (parsed->legacy.empty() && !m_edge_keys.emplace(e.from, e.to, e.from_slot, e.to_slot).second)
            return at(line).warning(line, "repeated edge ignored");
        m_graph.edges.push_back(std::move(e));
    }

    void take_adjacency(std::string_view line) {
        ++section_of(part::adjacency).found;
        if (auto parsed = at(line).read_adjacency())
            m_adjacency.emplace_back(m_number, std::move(*parsed));
    }

    location place(unsigned line) const {
        location out;
        out.file = m_graph.file;
        out.line = line;
        return out;
    }

    void finish() {
        if (m_number == 0)
            m_problems.error(place(0), "empty file", {}, "a domain flow graph");
        for (std::size_t i = static_cast<std::size_t>(part::type); i <= static_cast<std::size_t>(part::adjacency); ++i)
            if (m_number != 0 && m_sections.at(i).line == 0)
                m_problems.error(place(m_number), "missing section", {}, std::string(k_keywords.at(i)),
                                 "the file may be truncated");
        check_count(part::nodes, "NODE");
        check_count(part::edges, "EDGE");
        check_count(part::adjacency, "ADJ");
        check_edges();
        if (m_problems.has_errors())
            return;
        if (m_legacy)
            bind_legacy_edges(m_graph, m_problems);
        sort_edges(m_graph);
        check_adjacency();
        check_trailer();
        check_depths();
    }

    void check_count(part p, const std::string& keyword) {
        const section& s = section_of(p);
        if (s.line != 0 && s.declared != s.found)
            m_problems.error(place(s.line), "count mismatch: " + std::to_string(s.declared) + " " + keyword +
                                                " lines declared, " + std::to_string(s.found) + " found");
    }

    void check_edges() {
        for (const edge& e : m_graph.edges)
            for (const node_id id : {e.from, e.to})
                if (m_graph.nodes.count(id) == 0)
                    m_problems.error(place_of(m_graph, e), "edge to a node that does not exist",
                                     std::to_string(id.value()));
    }

    void check_adjacency() {
        std::map<node_id, std::set<node_id>> expected;
        for (const edge& e : m_graph.edges)
            expected[e.from].insert(e.to);
        for (const auto& [line, listed] : m_adjacency) {
            if (expected[listed.from] != std::set<node_id>(listed.to.begin(), listed.to.end()))
                m_problems.warning(place(line), "adjacency disagrees with the edges, which count",
                                   std::to_string(listed.from.value()));
            expected[listed.from].clear();
        }
        for (const auto& [from, to] : expected)
            if (!to.empty())
                m_problems.warning(place(section_of(part::adjacency).line), "adjacency lacks a node that has edges",
                                   std::to_string(from.value()));
    }

    bool all_known(const std::vector<node_id>& ids) const {
        return std::all_of(ids.begin(), ids.end(), [&](node_id id) { return m_graph.nodes.count(id) != 0; });
    }

    void check_trailer() {
        if (m_has_header && m_part < part::sink)
            m_problems.warning(place(m_number), "no SOURCE and SINK lines at the end of the file", {}, {},
                               "the file may be truncated");
        if (!m_sources_complete || !all_known(m_graph.sources)) {
            m_problems.warning(place(section_of(part::source).line), "sources name unknown nodes, which are ignored");
            auto& ids = m_graph.sources;
            ids.erase(std::remove_if(ids.begin(), ids.end(), [&](node_id id) { return m_graph.nodes.count(id) == 0; }),
                      ids.end());
        }
        if (!m_sinks_complete || !all_known(m_graph.sinks)) {
            m_graph.sinks = sinks_of(m_graph);
            m_problems.warning(place(section_of(part::sink).line), "sinks name unknown nodes and are recomputed");
        }
    }

    void check_depths() {
        const auto depths = depths_of(m_graph);
        if (!depths)
            return; // the cycle is reported where an order is needed
        for (auto& [id, n] : m_graph.nodes) {
            if (n.depth != depths->at(id))
                m_problems.warning(place_of(m_graph, n), "depth is not the longest path, which is used instead",
                                   std::to_string(n.depth), std::to_string(depths->at(id)));
            n.depth = depths->at(id);
        }
    }

    const read_options& m_options;
    diagnostics& m_problems;
    graph m_graph;
    unsigned m_number = 0;
    part m_part = part::start;
    std::size_t m_counted = 0; ///< problems
    std::size_t m_errors = 0;  ///< among them
    bool m_has_header = false;
    bool m_legacy = false;
    bool m_stopped = false;
    bool m_sources_complete = true;
    bool m_sinks_complete = true;
    std::array<section, k_keywords.size()> m_sections{};
    std::set<std::tuple<node_id, node_id, slot, slot>> m_edge_keys;
    std::vector<std::pair<unsigned, parsed_adjacency>> m_adjacency;
};

} // namespace

graph parse_dfg(std::string_view text, const std::string& file, const read_options& options, diagnostics& warnings) {
    diagnostics problems;
    graph out = file_reader(file, options, problems).read(text);
    warnings.append(problems);
    return out;
}

graph read_dfg(const std::string& path, const read_options& options, diagnostics& warnings) {
    return parse_dfg(read_file(path), path, options, warnings);
}

} // namespace kpu::dfg
