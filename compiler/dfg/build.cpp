#include "compiler/dfg/build.h"

#include <optional>

namespace kpu::dfg {

namespace {

class graph_builder {
  public:
    explicit graph_builder(const matmul_graph_spec& spec) : m_batch(spec.batch) { m_graph.name = spec.name; }

    node_id constant(const std::string& label, dtype t, std::uint64_t rows, std::uint64_t columns) {
        node& n = add("const." + label, operator_kind::constant);
        set_result(n, label, matrix(t, rows, columns));
        m_graph.sources.push_back(n.id);
        return n.id;
    }

    node_id multiply(const std::vector<node_id>& operands, const std::string& label, const tensor_type& result) {
        node& n = add("matmul", operator_kind::matmul);
        set_result(n, label, result);
        slot at = 0;
        for (const node_id from : operands)
            connect(from, n, at++);
        return n.id;
    }

    void give_back(node_id value, const std::string& label) {
        const tensor_type type = m_graph.nodes.at(value).result_types.at(0);
        node& n = add(label, operator_kind::function_return);
        n.attributes["target"] = "memory";
        set_result(n, label, type);
        connect(value, n, 0);
        m_graph.sinks.push_back(n.id);
    }

    [[nodiscard]] tensor_type matrix(dtype t, std::uint64_t rows, std::uint64_t columns) const {
        return m_batch ? make_type(t, {*m_batch, rows, columns}) : make_type(t, {rows, columns});
    }

    graph finish() {
        const auto depths = depths_of(m_graph);
        for (auto& [id, n] : m_graph.nodes)
            n.depth = depths->at(id);
        sort_edges(m_graph);
        return std::move(m_graph);
    }

  private:
    node& add(const std::string& name, operator_kind op) {
        node n;
        n.id = node_id(static_cast<node_id::rep>(m_graph.nodes.size()));
        n.name = name;
        n.op = op;
        return m_graph.nodes.emplace(n.id, std::move(n)).first->second;
    }

    static void set_result(node& n, const std::string& label, const tensor_type& type) {
        n.result_labels[0] = label;
        n.result_types[0] = type;
    }

    void connect(node_id from, node& to, slot at) {
        const node& producer = m_graph.nodes.at(from);
        const tensor_type& type = producer.result_types.at(0);
        to.operand_types[at] = type;
        edge e;
        e.from = from;
        e.to = to.id;
        e.stationary = producer.op == operator_kind::constant && at < 2;
        e.shape_text = to_string(type);
        e.bits = static_cast<std::uint32_t>(8 * size_of(*type.type()));
        e.to_slot = at;
        e.schedule = {1, 1, 1};
        m_graph.edges.push_back(std::move(e));
    }

    std::optional<std::uint64_t> m_batch;
    graph m_graph;
};

void check_extents(const matmul_graph_spec& spec) {
    diagnostics problems;
    std::vector<std::uint64_t> extents{spec.m, spec.n, spec.k, spec.batch.value_or(1)};
    extents.insert(extents.end(), spec.chain.begin(), spec.chain.end());
    for (const std::uint64_t extent : extents)
        if (extent == 0 || extent > k_largest_extent)
            problems.error({}, "extent out of range", std::to_string(extent), "1 to 2^48");
    problems.throw_if_errors();
}

} // namespace

graph matmul_graph(const matmul_graph_spec& spec) {
    check_extents(spec);
    graph_builder builder(spec);
    const dtype result = spec.result.value_or(spec.type == dtype::i8 ? dtype::i32 : spec.type);
    const node_id a = builder.constant("A", spec.type, spec.m, spec.k);
    const node_id b = builder.constant("B", spec.type, spec.k, spec.n);
    std::vector<node_id> operands{a, b};
    if (spec.seeded)
        operands.push_back(builder.constant("Cin", result, spec.m, spec.n));
    std::vector<node_id> factors;
    std::uint64_t rows = spec.n;
    for (const std::uint64_t columns : spec.chain) {
        factors.push_back(builder.constant("B" + std::to_string(factors.size() + 2), result, rows, columns));
        rows = columns;
    }
    node_id value = builder.multiply(operands, factors.empty() ? "C" : "C1", builder.matrix(result, spec.m, spec.n));
    for (std::size_t i = 0; i < factors.size(); ++i)
        value = builder.multiply({value, factors[i]}, "C" + std::to_string(i + 2),
                                 builder.matrix(result, spec.m, spec.chain[i]));
    builder.give_back(value, "Cout");
    return builder.finish();
}

} // namespace kpu::dfg
