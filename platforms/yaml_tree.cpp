#include "platforms/yaml_tree.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace kpu::platform {

namespace {

constexpr std::size_t k_max_text = 1 << 20;

yaml_position position_of(const YAML::Mark& mark) {
    if (mark.is_null())
        return {};
    return {static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

/// Builds the tree from the parser's events.
class builder : public YAML::EventHandler {
  public:
    builder(const yaml_tree& tree, std::deque<yaml_node>& nodes, diagnostics& problems)
        : m_tree(tree), m_nodes(nodes), m_problems(problems) {}

    [[nodiscard]] const yaml_node* root() const { return m_root; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        scalar(mark, anchor, tag, value);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(yaml_kind::sequence, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(yaml_kind::mapping, mark, anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    /// A container that is being filled. In a mapping, keys and values alternate.
    struct frame {
        yaml_node* node;
        YAML::anchor_t anchor;
        bool has_key = false;
        bool skip = false; ///< the value belongs to a refused key
        yaml_entry entry;
        std::map<std::string, yaml_position> keys; ///< of a mapping, so far
    };

    void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag, const std::string& text);
    void open(yaml_kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
    void close();
    void deliver(const yaml_node* node, yaml_position where);
    void accept_key(frame& map, const yaml_node* node, yaml_position where);
    [[nodiscard]] std::string path_to(const std::string& key) const;
    void refuse(yaml_position where, const std::string& key, std::string message, std::string hint);

    const yaml_tree& m_tree;
    std::deque<yaml_node>& m_nodes;
    diagnostics& m_problems;
    const yaml_node* m_root = nullptr;
    std::vector<frame> m_open;
    std::map<YAML::anchor_t, const yaml_node*> m_anchors; ///< complete ones only
};

/// Nothing has no place of its own: the parser gives that of the next token. Its key's place is more helpful.
void builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    yaml_node& node = m_nodes.emplace_back();
    node.where = !m_open.empty() && m_open.back().has_key ? m_open.back().entry.where : position_of(mark);
    if (anchor != 0)
        m_anchors[anchor] = &node;
    deliver(&node, node.where);
}

void builder::scalar(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag, const std::string& text) {
    yaml_node& node = m_nodes.emplace_back();
    node.kind = yaml_kind::scalar;
    node.where = position_of(mark);
    node.text = text;
    node.quoted = tag == "!";
    if (anchor != 0)
        m_anchors[anchor] = &node;
    deliver(&node, node.where);
}

void builder::open(yaml_kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    yaml_node& node = m_nodes.emplace_back();
    node.kind = kind;
    node.where = position_of(mark);
    frame next{};
    next.node = &node;
    next.anchor = anchor;
    m_open.push_back(std::move(next));
}

void builder::close() {
    const frame done = std::move(m_open.back());
    m_open.pop_back();
    if (done.anchor != 0)
        m_anchors[done.anchor] = done.node;
    deliver(done.node, done.node->where);
}

void builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
    const auto found = m_anchors.find(anchor);
    if (found != m_anchors.end()) {
        deliver(found->second, position_of(mark));
        return;
    }
    refuse(position_of(mark), {}, "alias within its own anchor", {});
    deliver(&m_nodes.emplace_back(), position_of(mark));
}

void builder::deliver(const yaml_node* node, yaml_position where) {
    if (m_open.empty()) {
        m_root = node;
        return;
    }
    frame& top = m_open.back();
    if (top.node->kind == yaml_kind::sequence) {
        top.node->items.push_back(node);
    } else if (!top.has_key) {
        accept_key(top, node, where);
    } else {
        top.entry.value = node;
        if (!top.skip)
            top.node->entries.push_back(top.entry);
        top.has_key = top.skip = false;
    }
}

void builder::accept_key(frame& map, const yaml_node* node, yaml_position where) {
    const std::string& key = node->text;
    const auto same = map.keys.find(key);
    if (node->kind != yaml_kind::scalar) {
        refuse(where, {}, "a key must be text", {});
    } else if (key == "<<" && !node->quoted) {
        refuse(where, key, "merge keys are not supported", "write the keys out, or alias a whole mapping");
    } else if (same != map.keys.end()) {
        refuse(where, key, "duplicate key",
               "first given in line " + std::to_string(same->second.line) + ", column " +
                   std::to_string(same->second.column));
    } else {
        map.keys.emplace(key, where);
        map.entry = {key, where, nullptr};
        map.has_key = true;
        return;
    }
    map.entry = {key, where, nullptr};
    map.has_key = map.skip = true;
}

std::string builder::path_to(const std::string& key) const {
    std::string path;
    for (const frame& f : m_open)
        if (f.has_key)
            path += (path.empty() ? "" : ".") + f.entry.key;
    if (!key.empty())
        path += (path.empty() ? "" : ".") + key;
    return path;
}

void builder::refuse(yaml_position where, const std::string& key, std::string message, std::string hint) {
    m_problems.error(m_tree.at(where, path_to(key)), std::move(message), key, {}, std::move(hint));
}

[[noreturn]] void stop(diagnostics& problems, location where, std::string message, std::string hint = {}) {
    problems.error(std::move(where), std::move(message), {}, {}, std::move(hint));
    throw input_error(problems);
}

/// The parser's message and place; what it finds at the end marker, it finds at the end of the file.
[[noreturn]] void syntax_error(diagnostics& problems, const yaml_tree& tree, const std::string& text,
                               const YAML::Exception& e) {
    const yaml_position where = position_of(e.mark);
    const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n'));
    const unsigned marker_line = lines + (text.empty() || text.back() == '\n' ? 1 : 2);
    if (where.line < marker_line)
        stop(problems, tree.at(where, {}), "YAML syntax: " + e.msg);
    const bool in_text = e.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
    stop(problems, tree.at({marker_line - 1, 0}, {}),
         "YAML syntax: the file ends too early: " + (in_text ? "end of a quoted text not found" : e.msg));
}

} // namespace

location yaml_tree::at(yaml_position where, std::string path) const {
    location place;
    place.file = m_file;
    place.line = where.line;
    place.column = where.column;
    place.path = std::move(path);
    return place;
}

yaml_tree parse_yaml(const std::string& text, const std::string& file, diagnostics& problems) {
    yaml_tree tree;
    tree.m_file = file;
    if (text.size() > k_max_text)
        stop(problems, tree.at({}, {}), "the file has " + std::to_string(text.size()) + " bytes, more than 1 MiB",
             "is this a platform file?");
    // yaml-cpp takes a file that ends within a quoted text for a good one, and drops all keys in it. The end marker
    // makes it an error.
    const bool complete = text.empty() || text.back() == '\n';
    std::istringstream in(text + (complete ? "...\n" : "\n...\n"));
    builder events(tree, tree.m_nodes, problems);
    try {
        YAML::Parser parser(in);
        if (!parser.HandleNextDocument(events) || events.root() == nullptr || events.root()->kind == yaml_kind::null)
            stop(problems, tree.at({1, 1}, {}), "the file is empty");
        tree.m_root = events.root();
        builder second(tree, tree.m_nodes, problems);
        if (parser.HandleNextDocument(second))
            stop(problems, tree.at(second.root() != nullptr ? second.root()->where : yaml_position{}, {}),
                 "a second document in the file", "keep one platform per file");
    } catch (const YAML::DeepRecursion&) {
        stop(problems, tree.at({}, {}), "mappings and lists are nested too deeply"); // the parser does not know where
    } catch (const YAML::Exception& e) {
        syntax_error(problems, tree, text, e);
    }
    return tree;
}

} // namespace kpu::platform
