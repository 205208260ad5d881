#pragma once
// Graphs of one operator, for tests of operators.

#include "compiler/dfg/ops/resolve.h"
#include "compiler/dfg/reference/evaluate.h"
#include "compiler/tensor/number_format.h"
#include "tests/dfg/samples.h"

#include <string>
#include <vector>

namespace kpu::test {

struct one_op {
    std::string op;                    ///< or the name of an UNKNOWN: "tosa.rsqrt"
    std::vector<std::string> operands; ///< "2x3xf32"
    std::string attributes;
    std::string result;
};

/// Constants a0, a1, … into node k, whose line is 4 + k (after three lines of head), k being the number of operands.
inline dfg::graph graph_of(const one_op& o) {
    const std::size_t k = o.operands.size();
    const std::string id = std::to_string(k);
    std::string types;
    std::string text = "DIRECTED\nRUNNING_NODE_ID " + std::to_string(k + 1) + "\nNODES " + std::to_string(k + 2) + "\n";
    std::string edges = "EDGES " + std::to_string(k + 1) + "\n";
    for (std::size_t i = 0; i < k; ++i) {
        const std::string n = std::to_string(i);
        text.append("NODE ").append(n).append(" : |c|CONSTANT|0|||0:a").append(n).append("|0:tensor<");
        text.append(o.operands[i]).append(">\n");
        types.append(i == 0 ? "" : ",").append(n).append(":tensor<").append(o.operands[i]).append(">");
        edges.append("EDGE ").append(n).append(" -> ").append(id).append(" : 0|true|x|32|0|").append(n).append("|\n");
    }
    const bool dialect = o.op.find('.') != std::string::npos;
    text += "NODE " + id + " : |" + (dialect ? o.op + "|UNKNOWN" : "op|" + o.op) + "|1|" + types + "|" + o.attributes +
            "|0:r|0:tensor<" + o.result + ">\n";
    text += "NODE " + std::to_string(k + 1) + " : |end|FUNCTION_RETURN|2|0:tensor<" + o.result + ">||0:out|0:tensor<" +
            o.result + ">\n";
    edges += "EDGE " + id + " -> " + std::to_string(k + 1) + " : 0|true|x|32|0|0|\n";
    auto got = parse(text + edges + "ADJACENCY 0\n");
    BOOST_REQUIRE_MESSAGE(got.accepted, got.text);
    return got.graph;
}

inline dfg::resolved_op resolved(const one_op& o) {
    const dfg::graph g = graph_of(o);
    diagnostics warnings;
    return resolve(g, dfg::bind_operands(g, warnings), dfg::node_id(static_cast<unsigned>(o.operands.size())));
}

/// The result for operands a0, a1, …
inline tensor run(const one_op& o, const std::vector<tensor>& operands) {
    const dfg::graph g = graph_of(o);
    diagnostics warnings;
    const auto bound = dfg::bind_operands(g, warnings);
    const auto interface = dfg::interface_of(g, bound);
    tensor_map inputs;
    for (std::size_t i = 0; i < operands.size(); ++i)
        inputs["a" + std::to_string(i)] = operands[i];
    return dfg::evaluate(g, bound, interface, inputs).at("out");
}

inline tensor tensor_of(dtype t, const shape& dims, const std::vector<double>& values) {
    tensor out(t, dims);
    BOOST_REQUIRE(values.size() == element_count(dims));
    for (std::size_t i = 0; i < values.size(); ++i)
        store(t, values[i], &out.data[i * size_of(t)]);
    return out;
}

} // namespace kpu::test
