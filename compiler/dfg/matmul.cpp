#include "compiler/dfg/matmul.h"

#include <limits>

namespace kpu::dfg {

namespace {

/// Operand or result with its shape split as [batch,] rows, columns.
struct matrix {
    bool batched = false;
    std::uint64_t batch = 1;
    std::uint64_t rows = 0;
    std::uint64_t columns = 0;
    dtype type = dtype::f32;
};

class matmul_checker {
  public:
    matmul_checker(const graph& g, const binding& bound, node_id id)
        : m_graph(g), m_node(g.nodes.at(id)), m_bound(bound) {}

    matmul run() {
        for (const auto& [key, value] : m_node.attributes)
            error("attribute of MATMUL is not yet supported", std::string(key).append(":").append(value));
        const auto a = operand(0);
        const auto b = operand(1);
        if (!a || !b)
            error("MATMUL needs operands 0 and 1");
        for (const auto& [at, type] : m_node.operand_types)
            if (at > 2)
                error("MATMUL has at most three operands", std::to_string(at));
        m_problems.throw_if_errors();
        const matrix left = read(*a);
        const matrix right = read(*b);
        const matrix result = read({m_node.id, 0});
        m_problems.throw_if_errors();
        m_out.id = m_node.id;
        m_out.a = *a;
        m_out.b = *b;
        set_shape(left, right, result);
        set_types(left, right, result);
        if (const auto seed = operand(2))
            set_seed(*seed, result);
        m_problems.throw_if_errors();
        return m_out;
    }

  private:
    void error(const std::string& message, std::string text = {}, std::string expected = {}) {
        m_problems.error(place_of(m_graph, m_node), describe(m_node) + ": " + message, std::move(text),
                         std::move(expected));
    }

    [[nodiscard]] std::optional<value_ref> operand(slot at) const { return m_bound.operand(m_node.id, at); }

    matrix read(const value_ref& value) {
        const tensor_type& type = type_of(m_graph, value);
        const auto element = type.type();
        if (!element)
            error("unsupported element type", to_string(type), "f64, f32, f16, bf16, f8, i8 or i32");
        if (!type.is_static() || (type.dims.size() != 2 && type.dims.size() != 3)) {
            error("operands and result of MATMUL are matrices or batches of matrices", to_string(type),
                  "static shapes of rank 2 or 3");
            return {};
        }
        const shape dims = type.extents();
        try {
            (void)element_count(dims);
        } catch (const input_error&) {
            error("too many elements", to_string(type), "at most 2^48");
        }
        const bool batched = dims.size() == 3;
        return {batched, batched ? dims[0] : 1, dims[dims.size() - 2], dims.back(), element.value_or(dtype::f32)};
    }

    void set_shape(const matrix& a, const matrix& b, const matrix& c) {
        m_out.batched = c.batched;
        m_out.batch = c.batch;
        m_out.m = c.rows;
        m_out.n = c.columns;
        m_out.k = a.columns;
        const bool ranks = a.batched == c.batched && b.batched == c.batched;
        const bool batches = a.batch == c.batch && b.batch == c.batch;
        if (!ranks || !batches || a.rows != c.rows || b.columns != c.columns || a.columns != b.rows)
            error("shapes of MATMUL disagree",
                  to_string(type_of(m_graph, m_out.a)) + " · " + to_string(type_of(m_graph, m_out.b)) + " -> " +
                      to_string(type_of(m_graph, {m_node.id, 0})),
                  "[MxK] · [KxN] -> [MxN], or the same with one batch");
        std::uint64_t macs = 1;
        for (const std::uint64_t extent : {m_out.batch, m_out.m, m_out.n, m_out.k}) {
            if (extent > std::numeric_limits<std::uint64_t>::max() / macs) {
                error("MATMUL too large to count its operations");
                return;
            }
            macs *= extent;
        }
    }

    void set_types(const matrix& a, const matrix& b, const matrix& c) {
        m_out.operand = a.type;
        m_out.accumulator = accumulator_of(a.type);
        m_out.result = c.type;
        if (a.type != b.type)
            error("element types of A and B differ",
                  std::string(name_of(a.type)) + " and " + std::string(name_of(b.type)));
        for (const slot at : {slot{0}, slot{1}}) {
            const auto declared = m_node.operand_types.find(at);
            const value_ref& value = at == 0 ? m_out.a : m_out.b;
            if (declared != m_node.operand_types.end() && declared->second != type_of(m_graph, value))
                error("only operand 2 of MATMUL may be declared wider than it is produced", to_string(declared->second),
                      to_string(type_of(m_graph, value)));
        }
        const bool narrow_integer = a.type == dtype::i8;
        if (c.type != m_out.accumulator && (narrow_integer || c.type != a.type))
            error("result type of MATMUL is neither the operand type nor its accumulator's",
                  std::string(name_of(c.type)),
                  narrow_integer
                      ? "i32"
                      : std::string(name_of(a.type)) +
                            (a.type == m_out.accumulator ? "" : " or " + std::string(name_of(m_out.accumulator))));
    }

    void set_seed(const value_ref& value, const matrix& c) {
        const matrix seed = read(value);
        m_out.seed = value;
        m_out.seed_type = seed.type;
        if (seed.batched != c.batched || seed.batch != c.batch || seed.rows != c.rows || seed.columns != c.columns)
            error("shape of operand 2 is not that of the result", to_string(type_of(m_graph, value)));
        const auto declared = m_node.operand_types.find(2);
        const auto declared_type = declared == m_node.operand_types.end() ? std::nullopt : declared->second.type();
        for (const dtype from : {seed.type, declared_type.value_or(seed.type)})
            if (is_integer(from) != is_integer(m_out.accumulator) || !widens(from, m_out.accumulator)) {
                error("operand 2 does not widen exactly to the accumulator type", std::string(name_of(from)),
                      std::string(name_of(m_out.accumulator)));
                break;
            }
    }

    const graph& m_graph;
    const node& m_node;
    const binding& m_bound;
    diagnostics m_problems;
    matmul m_out;
};

} // namespace

matmul matmul_at(const graph& g, const binding& bound, node_id id) {
    return matmul_checker(g, bound, id).run();
}

} // namespace kpu::dfg
