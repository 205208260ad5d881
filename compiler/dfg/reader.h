#pragma once
// Reads .dfg files: the current layout (F2), F2 without header and trailer (F2a), and on request the older F0 and F1.

#include "compiler/dfg/graph.h"
#include "platforms/common/diagnostic.h"

#include <string>
#include <string_view>

namespace kpu::dfg {

struct read_options {
    /// Accept the layouts F0 and F1, which have no slots: operands are bound to edges by type, then by elimination.
    bool legacy = false;
};

/// Most nodes and edges of one graph.
constexpr std::uint64_t k_most_nodes = 1U << 20U;
constexpr std::uint64_t k_most_edges = 1U << 22U;

/// Parses a file's content. What could be mended or does not matter is added to `warnings`; throws input_error with all
/// problems of the file, each with its line, if any of them is an error. Node depths are recomputed, and sinks where
/// the file's are wrong.
[[nodiscard]] graph parse_dfg(std::string_view text, const std::string& file, const read_options& options,
                              diagnostics& warnings);
[[nodiscard]] graph read_dfg(const std::string& path, const read_options& options, diagnostics& warnings);

} // namespace kpu::dfg
