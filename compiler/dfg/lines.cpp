#include "compiler/dfg/lines.h"

#include "compiler/dfg/text.h"

#include <algorithm>
#include <limits>

namespace kpu::dfg {

namespace {

constexpr std::uint64_t k_largest_id = std::numeric_limits<node_id::rep>::max();

/// Offending text as it is quoted in a message.
std::string quoted(std::string_view text) {
    constexpr std::size_t k_longest = 60;
    return text.size() <= k_longest ? std::string(text) : std::string(text.substr(0, k_longest)) + "…";
}

bool is_blank(std::string_view text) {
    return trimmed(text).empty();
}

} // namespace

location line_reader::place(std::string_view at) const {
    location out;
    out.file = m_file;
    out.line = m_number;
    if (at.data() >= m_line.data() && at.data() <= m_line.data() + m_line.size())
        out.column = static_cast<unsigned>(at.data() - m_line.data()) + 1;
    return out;
}

void line_reader::error(std::string_view at, std::string message, std::string expected, std::string hint) {
    m_problems.error(place(at), std::move(message), quoted(at), std::move(expected), std::move(hint));
}

void line_reader::warning(std::string_view at, std::string message) {
    m_problems.warning(place(at), std::move(message), quoted(at));
}

std::optional<std::pair<std::string_view, std::string_view>> line_reader::head_and_body() {
    const std::size_t keyword = std::min(m_line.find(' '), m_line.size());
    const std::size_t colon = m_line.find(':', keyword);
    if (colon == std::string_view::npos || colon > m_line.find('|')) {
        error(m_line, "line without ':'", "KEYWORD <id> : <fields>");
        return std::nullopt;
    }
    return std::pair(trimmed(m_line.substr(keyword, colon - keyword)), m_line.substr(colon + 1));
}

std::optional<node_id> line_reader::read_id(std::string_view text) {
    const auto id = parse_unsigned(trimmed(text), k_largest_id);
    if (!id) {
        error(text, "not a node id", "an unsigned number");
        return std::nullopt;
    }
    return node_id(static_cast<node_id::rep>(*id));
}

std::uint64_t line_reader::read_number(std::string_view field, const char* what, std::uint64_t largest) {
    const auto number = parse_unsigned(trimmed(field), largest);
    if (!number)
        error(field, std::string("malformed ") + what, "a number from 0 to " + std::to_string(largest));
    return number.value_or(0);
}

std::optional<std::uint64_t> line_reader::read_count(std::uint64_t largest) {
    const std::string_view text = trimmed(m_line.substr(std::min(m_line.find(' '), m_line.size())));
    const auto count = parse_unsigned(text, largest);
    if (!count)
        error(text.empty() ? m_line : text, "malformed count", "a number from 0 to " + std::to_string(largest));
    return count;
}

std::vector<node_id> line_reader::read_ids(bool& complete) {
    complete = true;
    std::vector<node_id> out;
    const std::string_view text = trimmed(m_line.substr(std::min(m_line.find(':'), m_line.size() - 1) + 1));
    if (text.empty())
        return out;
    for (const std::string_view item : split(text, ',')) {
        const auto id = parse_unsigned(trimmed(item), k_largest_id);
        if (id) {
            out.emplace_back(static_cast<node_id::rep>(*id));
            continue;
        }
        complete = false;
        warning(item, "not a node id");
    }
    return out;
}

std::vector<line_reader::slotted_item> line_reader::read_slots(std::string_view field, bool& legacy) {
    std::vector<slotted_item> out;
    slot position = 0;
    for (const std::string_view item : split_list(field).items) {
        const std::size_t colon = item.find(':');
        const std::string_view head = item.substr(0, colon);
        if (colon == std::string_view::npos || head.find('<') != std::string_view::npos) {
            legacy = true; // a position instead of a slot
            out.push_back({position++, item});
            continue;
        }
        const auto at = parse_unsigned(head, k_largest_slot);
        if (!at) {
            error(item, "malformed slot", "<slot>:<text> with a slot up to " + std::to_string(k_largest_slot));
            continue;
        }
        const auto used = static_cast<slot>(*at);
        if (std::any_of(out.begin(), out.end(), [&](const slotted_item& i) { return i.at == used; }))
            warning(item, "slot given twice, the last one counts");
        out.push_back({used, item.substr(colon + 1)});
    }
    return out;
}

std::map<slot, tensor_type> line_reader::read_types(std::string_view field, bool& legacy) {
    std::map<slot, tensor_type> out;
    for (const slotted_item& item : read_slots(field, legacy)) {
        const parsed_type parsed = parse_type(item.text);
        if (!parsed.type) {
            error(item.text, parsed.problem, "such as tensor<4x16xf32>");
            continue;
        }
        if (!parsed.repair.empty())
            warning(item.text, parsed.repair);
        out[item.at] = *parsed.type;
    }
    return out;
}

std::map<slot, std::string> line_reader::read_labels(std::string_view field, bool& legacy) {
    std::map<slot, std::string> out;
    for (const slotted_item& item : read_slots(field, legacy))
        out[item.at] = std::string(item.text);
    std::vector<std::string> items;
    items.reserve(out.size());
    for (const auto& [at, label] : out)
        items.push_back(std::to_string(at) + ":" + label);
    if (!joined_list(items))
        error(field, "brackets do not balance: where one label ends and the next begins is open");
    return out;
}

std::map<std::string, std::string> line_reader::read_attributes(std::string_view field) {
    std::map<std::string, std::string> out;
    const list_pieces pieces = split_list(field);
    if (!pieces.balanced) {
        error(field, "truncated attribute: brackets do not balance", {},
              "written by a tool that splits attributes at every comma; import the graph again");
        return out;
    }
    for (const std::string_view item : pieces.items) {
        const std::size_t colon = item.find(':');
        if (colon == std::string_view::npos) {
            error(item, "attribute without a value", "<key>:<value>");
            continue;
        }
        std::string key(item.substr(0, colon));
        if (key.find_first_of("\"<>[](){},") != std::string::npos) {
            error(item, "malformed key of an attribute", "<key>:<value>");
            continue;
        }
        if (out.count(key) != 0)
            warning(item, "attribute given twice, the last one counts");
        out[std::move(key)] = std::string(item.substr(colon + 1));
    }
    return out;
}

operator_kind line_reader::read_operator(std::string_view field) {
    if (const auto kind = operator_named(field))
        return *kind;
    error(field, "unknown operator", {}, suggestion(std::string(field), operator_names()));
    return operator_kind::unknown;
}

std::optional<parsed_node> line_reader::read_node() {
    const auto parts = head_and_body();
    if (!parts)
        return std::nullopt;
    const auto id = read_id(parts->first);
    const std::vector<std::string_view> fields = split(parts->second, '|');
    // F2 and F1 have a blank piece, seven fields; the short-lived layout before them seven fields without the blank
    // piece; F0 has six, without attributes.
    const bool leading_blank = fields.size() == 8 && is_blank(fields[0]);
    if (!leading_blank && fields.size() != 7 && fields.size() != 6) {
        error(parts->second, "NODE with " + std::to_string(fields.size() - 1) + " '|'", "'| ' and seven fields");
        return std::nullopt;
    }
    if (!id)
        return std::nullopt;
    const std::size_t first = leading_blank ? 1 : 0;
    const std::size_t after_attributes = fields.size() == 6 ? 4 : first + 5;
    parsed_node out;
    out.legacy = leading_blank ? "" : "F0";
    bool without_slots = false;
    node& n = out.value;
    n.id = *id;
    n.line = m_number;
    n.name = std::string(trimmed(fields[first]));
    if (leading_blank)
        n.name = std::string(fields[first]);
    n.op = read_operator(fields[first + 1]);
    if (const auto depth = parse_signed(trimmed(fields[first + 2])))
        n.depth = *depth;
    else
        error(fields[first + 2], "malformed depth", "a number");
    n.operand_types = read_types(fields[first + 3], without_slots);
    if (fields.size() != 6)
        n.attributes = read_attributes(fields[first + 4]);
    n.result_labels = read_labels(fields[after_attributes], without_slots);
    n.result_types = read_types(fields[after_attributes + 1], without_slots);
    if (without_slots && leading_blank)
        out.legacy = "F1";
    return out;
}

std::vector<std::int64_t> line_reader::read_schedule(std::string_view field) {
    std::vector<std::int64_t> out;
    if (is_blank(field))
        return out;
    for (const std::string_view item : split(field, ',')) {
        const auto number = parse_signed(trimmed(item));
        if (!number)
            error(item, "malformed schedule", "integers separated by commas");
        out.push_back(number.value_or(0));
    }
    return out;
}

std::optional<parsed_edge> line_reader::read_edge() {
    const auto parts = head_and_body();
    if (!parts)
        return std::nullopt;
    const std::size_t arrow = parts->first.find("->");
    const std::vector<std::string_view> fields = split(parts->second, '|');
    if (arrow == std::string_view::npos || (fields.size() != 7 && fields.size() != 5)) {
        error(m_line, "malformed EDGE", "EDGE <from> -> <to> : and seven fields");
        return std::nullopt;
    }
    const auto from = read_id(parts->first.substr(0, arrow));
    const auto to = read_id(parts->first.substr(arrow + 2));
    if (!from || !to)
        return std::nullopt;
    parsed_edge out;
    edge& e = out.value;
    e.from = *from;
    e.to = *to;
    e.line = m_number;
    if (const auto flow = parse_signed(trimmed(fields[0])))
        e.flow = *flow;
    else
        error(fields[0], "malformed flow", "a number");
    e.stationary = fields[1] == "true";
    e.shape_text = std::string(fields[2]);
    e.bits = static_cast<std::uint32_t>(read_number(fields[3], "element size", 4096));
    if (fields.size() == 7) {
        e.from_slot = static_cast<slot>(read_number(fields[4], "source slot", k_largest_slot));
        e.to_slot = static_cast<slot>(read_number(fields[5], "destination slot", k_largest_slot));
    } else {
        out.legacy = "F0 or F1";
    }
    e.schedule = read_schedule(fields.back());
    return out;
}

std::optional<parsed_adjacency> line_reader::read_adjacency() {
    const auto parts = head_and_body();
    const auto from = parts ? read_id(parts->first) : std::nullopt;
    if (!from)
        return std::nullopt;
    parsed_adjacency out{*from, {}};
    if (is_blank(parts->second))
        return out;
    for (const std::string_view item : split(parts->second, ','))
        if (const auto id = read_id(item))
            out.to.push_back(*id);
    return out;
}

} // namespace kpu::dfg
