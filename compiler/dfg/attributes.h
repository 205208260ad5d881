#pragma once
// Attributes of a node as values: what MLIR prints, `array<i64: 0, 1>`, `6.0e+00 : f32`, `1 : i32`.

#include "compiler/dfg/graph.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu::dfg {

/// Reads the attributes of one node. Each method throws input_error at the node's line where the value is not of its
/// kind; a missing attribute is nothing.
class attribute_reader {
  public:
    attribute_reader(const graph& g, const node& n) : m_graph(g), m_node(n) {}

    [[nodiscard]] std::optional<std::vector<std::int64_t>> integers(const std::string& key) const;
    [[nodiscard]] std::optional<std::int64_t> integer(const std::string& key) const;
    [[nodiscard]] std::optional<double> number(const std::string& key) const;
    [[nodiscard]] std::optional<std::string> word(const std::string& key) const;

  private:
    [[nodiscard]] const std::string* find(const std::string& key) const;
    [[noreturn]] void refuse(const std::string& key, const std::string& text, const std::string& expected) const;

    const graph& m_graph;
    const node& m_node;
};

} // namespace kpu::dfg
