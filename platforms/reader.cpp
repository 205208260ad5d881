#include "platforms/reader.h"

#include "platforms/common/files.h"
#include "platforms/common/utf8.h"
#include "platforms/schema.h"
#include "platforms/yaml_tree.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace kpu::platform {

namespace {

std::string joined(const std::string& prefix, const std::string& key) {
    return prefix.empty() ? key : prefix + "." + key;
}

const char* name_of(yaml_kind kind) {
    switch (kind) {
    case yaml_kind::null:
        return "nothing";
    case yaml_kind::scalar:
        return "a single value";
    case yaml_kind::sequence:
        return "a list";
    case yaml_kind::mapping:
        break;
    }
    return "a mapping";
}

/// Walks the tree along the schema.
class reading {
  public:
    reading(const yaml_tree& tree, diagnostics& problems) : m_tree(tree), m_problems(problems) {}

    platform run() {
        read_section(m_tree.root(), {});
        // From below: a section's own keys may follow from those of its nested sections.
        for (auto f = m_keys.fields().rbegin(); f != m_keys.fields().rend(); ++f)
            if (f->derive && m_given.count(f->path) == 0)
                f->set(m_platform, default_of(*f, m_platform));
        // A key that was refused has its default now; relations with it would only repeat the first problem in other
        // words.
        if (!m_problems.has_errors())
            require_whole_sections();
        if (!m_problems.has_errors())
            m_problems.append(check(m_platform, [this](const std::string& path) { return locate_key(path); }));
        return std::move(m_platform);
    }
    [[nodiscard]] bool gives(const std::string& path) const { return m_given.count(path) != 0; }

  private:
    void read_section(const yaml_node& node, const std::string& path);
    void read_field(const yaml_node& node, const field& f);
    void read_number(const yaml_node& node, const field& f);
    void read_text(const yaml_node& node, const field& f);
    void unknown(const yaml_entry& entry, const std::string& section_path);
    void require_whole_sections();
    [[nodiscard]] location locate_key(std::string path) const;

    const yaml_tree& m_tree;
    diagnostics& m_problems;
    const schema& m_keys = schema::get();
    platform m_platform;
    std::map<std::string, yaml_position> m_given; ///< values and sections by path
};

void reading::read_section(const yaml_node& node, const std::string& path) {
    if (node.kind != yaml_kind::mapping) {
        m_problems.error(m_tree.at(node.where, path), std::string(name_of(node.kind)) + " where keys are expected",
                         node.text, "a mapping of " + listed(m_keys.keys_of(path)));
        return;
    }
    for (const yaml_entry& entry : node.entries) {
        const std::string key_path = joined(path, entry.key);
        if (entry.key.find('.') != std::string::npos) { // would look like a path
            unknown(entry, path);
            continue;
        }
        m_given[key_path] = entry.value->where;
        if (const field* f = m_keys.find(key_path))
            read_field(*entry.value, *f);
        else if (m_keys.find_section(key_path) != nullptr)
            read_section(*entry.value, key_path);
        else
            unknown(entry, path);
    }
}

void reading::unknown(const yaml_entry& entry, const std::string& section_path) {
    const std::vector<std::string> siblings = m_keys.keys_of(section_path);
    std::string hint;
    if (const auto near = nearest(entry.key, siblings)) {
        hint = "did you mean '" + *near + "'?";
    } else {
        for (const field& f : m_keys.fields())
            if (f.path.size() > entry.key.size() && f.path.substr(f.path.rfind('.') + 1) == entry.key)
                hint += (hint.empty() ? "there is " : ", ") + f.path;
    }
    const std::string section_name = section_path.empty() ? "a platform" : "'" + section_path + "'";
    m_problems.error(m_tree.at(entry.where, joined(section_path, entry.key)), "unknown key", entry.key,
                     "in " + section_name + ": " + listed(siblings), hint);
}

void reading::read_field(const yaml_node& node, const field& f) {
    const location where = m_tree.at(node.where, f.path);
    if (node.kind != yaml_kind::scalar) {
        m_problems.error(where, std::string(name_of(node.kind)) + " where a value is expected", {}, expectation(f));
        return;
    }
    const field_value initial = f.get(m_platform);
    if (std::holds_alternative<std::uint64_t>(initial) || std::holds_alternative<std::monostate>(initial)) {
        read_number(node, f);
    } else if (std::holds_alternative<bool>(initial)) {
        if (node.text != "true" && node.text != "false")
            m_problems.error(where, "not a flag", node.text, expectation(f));
        else
            f.set(m_platform, node.text == "true");
    } else {
        read_text(node, f);
    }
}

void reading::read_text(const yaml_node& node, const field& f) {
    const location where = m_tree.at(node.where, f.path);
    if (!f.choices.empty() && std::find(f.choices.begin(), f.choices.end(), node.text) == f.choices.end()) {
        const auto near = nearest(node.text, f.choices);
        m_problems.error(where, "unknown value", node.text, expectation(f),
                         near ? "did you mean '" + *near + "'?" : std::string());
    } else if (node.text.empty() && f.path != "description") {
        m_problems.error(where, "empty text");
    } else {
        f.set(m_platform, node.text);
    }
}

void reading::read_number(const yaml_node& node, const field& f) {
    const location where = m_tree.at(node.where, f.path);
    const std::variant<std::uint64_t, quantity_error> parsed = parse_quantity(node.text, f.what);
    if (const auto* wrong = std::get_if<quantity_error>(&parsed)) {
        m_problems.error(where, wrong->message, node.text, expectation(f), wrong->hint);
        return;
    }
    const std::uint64_t value = std::get<std::uint64_t>(parsed);
    if (value < f.min)
        m_problems.error(where, "too small", node.text, expectation(f));
    else if (value > f.max)
        m_problems.error(where, "too large", node.text, expectation(f));
    else if (f.power_of_two && (value & (value - 1)) != 0)
        m_problems.error(where, "not a power of two", node.text, expectation(f));
    else
        f.set(m_platform, value);
}

/// A section that may be left out has no defaults: a key forgotten in it must not count as nothing.
void reading::require_whole_sections() {
    for (const field& f : m_keys.fields())
        if (f.required && gives(f.path.substr(0, f.path.find('.'))) && !gives(f.path))
            m_problems.error(locate_key(f.path), "missing key", {}, expectation(f));
}

/// A key that was not given is placed at the innermost section that was.
location reading::locate_key(std::string path) const {
    const std::string key = path;
    for (;;) {
        const auto given = m_given.find(path);
        if (given != m_given.end())
            return m_tree.at(given->second, key);
        const std::size_t dot = path.rfind('.');
        if (dot == std::string::npos)
            return m_tree.at(m_tree.root().where, key);
        path.resize(dot);
    }
}

/// The walk finds unknown keys after the parser found duplicate ones, and relations last.
diagnostics in_file_order(const diagnostics& problems) {
    std::vector<diagnostic> items = problems.items();
    std::stable_sort(items.begin(), items.end(), [](const diagnostic& a, const diagnostic& b) {
        return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    });
    diagnostics sorted;
    for (diagnostic& item : items)
        sorted.add(std::move(item));
    return sorted;
}

std::string stem(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string base = slash == std::string::npos ? path : path.substr(slash + 1);
    const std::size_t dot = base.rfind('.');
    return dot == std::string::npos || dot == 0 ? base : base.substr(0, dot);
}

/// The lines of the sections that a key is in and the one before it is not.
std::string headings(const std::string& before, const std::string& key) {
    std::string out;
    std::size_t depth = 0;
    for (std::size_t dot = key.find('.'), from = 0; dot != std::string::npos;
         from = dot + 1, dot = key.find('.', from), ++depth)
        if (before.compare(0, dot + 1, key, 0, dot + 1) != 0)
            out += std::string(2 * depth, ' ') + key.substr(from, dot - from) + ":\n";
    return out;
}

} // namespace

platform read_platform(const std::string& path) {
    return parse_platform(read_file(path), path);
}

platform parse_platform(const std::string& text, const std::string& name) {
    diagnostics problems;
    const yaml_tree tree = parse_yaml(text, name, problems);
    reading read(tree, problems);
    platform p = read.run();
    in_file_order(problems).throw_if_errors();
    if (!read.gives("name"))
        p.name = printable(stem(name));
    return p;
}

std::string to_yaml(const platform& p, defaults show) {
    const schema& keys = schema::get();
    std::string out;
    std::string before; // the key in the line above
    for (const field& f : keys.fields()) {
        if (std::holds_alternative<std::monostate>(f.get(p)))
            continue;
        out += headings(before, f.path);
        before = f.path;
        const auto depth = static_cast<std::size_t>(std::count(f.path.begin(), f.path.end(), '.'));
        std::string line =
            std::string(2 * depth, ' ') + f.path.substr(f.path.rfind('.') + 1) + ": " + format_value(f, f.get(p));
        if (show == defaults::marked && f.path != "name" && f.get(p) == default_of(f, p))
            line += std::string(line.size() < 36 ? 36 - line.size() : 1, ' ') + "# default";
        out += line + "\n";
    }
    return out;
}

} // namespace kpu::platform
