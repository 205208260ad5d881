#pragma once
// One line of a .dfg file.

#include "compiler/dfg/graph.h"
#include "platforms/common/diagnostic.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpu::dfg {

/// A line as far as it could be read, and the older layout that it turned out to have ("F0", "F1"; empty for the
/// current one).
struct parsed_node {
    node value;
    std::string legacy;
};
struct parsed_edge {
    edge value;
    std::string legacy;
};
struct parsed_adjacency {
    node_id from;
    std::vector<node_id> to;
};

/// Reads lines and adds what is wrong with them to the diagnostics, with line and column.
class line_reader {
  public:
    line_reader(std::string_view line, unsigned number, const std::string& file, diagnostics& problems)
        : m_line(line), m_number(number), m_file(file), m_problems(problems) {}

    /// Nothing where the line is too broken to be used; the diagnostics say why.
    [[nodiscard]] std::optional<parsed_node> read_node();
    [[nodiscard]] std::optional<parsed_edge> read_edge();
    [[nodiscard]] std::optional<parsed_adjacency> read_adjacency();
    /// The number after a section's keyword.
    [[nodiscard]] std::optional<std::uint64_t> read_count(std::uint64_t largest);
    /// The ids after "SOURCE:" or "SINK:". Text that is no id is reported as a warning and left out.
    [[nodiscard]] std::vector<node_id> read_ids(bool& complete);

    void error(std::string_view at, std::string message, std::string expected = {}, std::string hint = {});
    void warning(std::string_view at, std::string message);

  private:
    struct slotted_item {
        slot at = 0;
        std::string_view text;
    };

    [[nodiscard]] location place(std::string_view at) const;
    /// The two parts at the first ':', after the keyword.
    [[nodiscard]] std::optional<std::pair<std::string_view, std::string_view>> head_and_body();
    [[nodiscard]] std::optional<node_id> read_id(std::string_view text);
    [[nodiscard]] std::vector<slotted_item> read_slots(std::string_view field, bool& legacy);
    [[nodiscard]] std::map<slot, tensor_type> read_types(std::string_view field, bool& legacy);
    [[nodiscard]] std::map<slot, std::string> read_labels(std::string_view field, bool& legacy);
    [[nodiscard]] std::map<std::string, std::string> read_attributes(std::string_view field);
    [[nodiscard]] operator_kind read_operator(std::string_view field);
    [[nodiscard]] std::uint64_t read_number(std::string_view field, const char* what, std::uint64_t largest);
    [[nodiscard]] std::vector<std::int64_t> read_schedule(std::string_view field);

    std::string_view m_line;
    unsigned m_number;
    const std::string& m_file;
    diagnostics& m_problems;
};

} // namespace kpu::dfg
