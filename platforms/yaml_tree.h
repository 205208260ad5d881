#pragma once
// A YAML file (JSON is a subset) as plain data with positions. yaml-cpp's own nodes accept duplicate keys, do not
// expand merge keys and lose positions, so only its event parser is used.

#include "platforms/common/diagnostic.h"

#include <deque>
#include <string>
#include <vector>

namespace kpu::platform {

/// 1-based line and column in the file.
struct yaml_position {
    unsigned line = 0;
    unsigned column = 0;
};

struct yaml_node;

struct yaml_entry {
    std::string key;
    yaml_position where;              ///< of the key
    const yaml_node* value = nullptr; ///< owned by the tree; an alias shares its anchor's node
};

enum class yaml_kind { null, scalar, sequence, mapping };

struct yaml_node {
    yaml_kind kind = yaml_kind::null;
    yaml_position where;
    std::string text;                    ///< of a scalar
    bool quoted = false;                 ///< a scalar in quotes or block style: text, whatever it looks like
    std::vector<yaml_entry> entries;     ///< of a mapping, keys distinct
    std::vector<const yaml_node*> items; ///< of a sequence
};

/// One document. Owns its nodes in a flat list, so that neither building nor destroying it recurses.
class yaml_tree {
  public:
    [[nodiscard]] const std::string& file() const { return m_file; }
    [[nodiscard]] const yaml_node& root() const { return *m_root; }
    /// Where a key or value lies, named by its key path as the walk reached it.
    [[nodiscard]] location at(yaml_position where, std::string path) const;

  private:
    friend yaml_tree parse_yaml(const std::string& text, const std::string& file, diagnostics& problems);
    std::string m_file;
    std::deque<yaml_node> m_nodes;
    const yaml_node* m_root = nullptr;
};

/// Parses one document. Anchors and aliases are supported. Duplicate keys, merge keys (`<<`), keys that are not text
/// and aliases within their own anchor are added to `problems` with their key path, and parsing goes on. Throws
/// input_error with `problems` and the position for what ends parsing: a syntax error, nesting that is too deep, no
/// document or a second one, a text of more than 1 MiB.
[[nodiscard]] yaml_tree parse_yaml(const std::string& text, const std::string& file, diagnostics& problems);

} // namespace kpu::platform
