#pragma once
// The public sample graphs, which lie beside the project and not in it.

#include "compiler/dfg/reader.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace kpu::test {

inline std::string samples_directory() {
    return std::string(KPU_SOURCE_DIR) + "/../shared/dfg";
}
inline std::string sample(const std::string& name) {
    return samples_directory() + "/" + name;
}

inline std::vector<std::string> all_samples() {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(samples_directory()))
        if (entry.path().extension() == ".dfg")
            out.push_back(entry.path().string());
    return out;
}

/// Decorates the cases that need them: where they are absent the case is reported as skipped, with this reason.
inline boost::test_tools::assertion_result samples_present(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result out(std::filesystem::is_directory(samples_directory()));
    if (!out)
        out.message() << samples_directory() << " is absent";
    return out;
}

/// A complete small graph to vary: A[4,16] · B[16,4] with nodes out of order.
inline std::string small_graph() {
    return "Domain Flow Graph: small\n"
           "DIRECTED\n"
           "RUNNING_NODE_ID 3\n"
           "NODES 4\n"
           "NODE 3 : |out|FUNCTION_RETURN|2|0:tensor<4x4xf32>|target:memory|0:C|0:tensor<4x4xf32>\n"
           "NODE 0 : |const.A|CONSTANT|0|||0:A|0:tensor<4x16xf32>\n"
           "NODE 2 : |matmul|MATMUL|1|0:tensor<4x16xf32>,1:tensor<16x4xf32>||0:C|0:tensor<4x4xf32>\n"
           "NODE 1 : |const.B|CONSTANT|0|||0:B|0:tensor<16x4xf32>\n"
           "EDGES 3\n"
           "EDGE 2 -> 3 : 0|false|tensor<4x4xf32>|32|0|0|1,1,1\n"
           "EDGE 1 -> 2 : 0|true|tensor<16x4xf32>|32|0|1|1,1,1\n"
           "EDGE 0 -> 2 : 0|true|tensor<4x16xf32>|32|0|0|1,1,1\n"
           "ADJACENCY 3\n"
           "ADJ 2 : 3\n"
           "ADJ 0 : 2\n"
           "ADJ 1 : 2\n"
           "SOURCE: 0, 1\n"
           "SINK: 3";
}

/// `text` with the first occurrence of `from` replaced, which must exist.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos)
        throw std::logic_error("test text lacks " + from);
    return text.replace(at, from.size(), to);
}

/// The warnings of a graph that is accepted, or the problems of one that is refused.
struct parse_outcome {
    bool accepted = false;
    dfg::graph graph;
    std::string text;
    [[nodiscard]] bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

inline parse_outcome parse(const std::string& text, bool legacy = false) {
    parse_outcome out;
    diagnostics warnings;
    dfg::read_options options;
    options.legacy = legacy;
    try {
        out.graph = dfg::parse_dfg(text, "g.dfg", options, warnings);
        out.accepted = true;
        out.text = to_string(warnings);
    } catch (const input_error& problem) {
        out.text = problem.what();
    }
    return out;
}

} // namespace kpu::test
