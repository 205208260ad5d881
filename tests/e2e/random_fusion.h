#pragma once
// Random graphs of one product or convolution, or two, and element-wise operators with operands behind them.

#include "compiler/dfg/graph_builder.h"

#include <fmt/format.h>
#include <random>
#include <string>
#include <vector>

namespace kpu::test {

class fusible_graph {
  public:
    fusible_graph(std::uint64_t seed, dtype type)
        : m_random(seed), m_builder("fusible"), m_type(type), m_sum(type == dtype::i8 ? dtype::i32 : type) {}

    dfg::graph make() {
        m_kind = pick(0, 4);
        switch (m_kind) {
        case 0:
            m_dims = {pick(1, 70), pick(1, 70)};
            break;
        case 1:
            m_dims = {pick(2, 3), pick(1, 40), pick(1, 40)};
            break;
        case 2:
            m_dims = {pick(1, 50), pick(1, 70)};
            break;
        case 3:
            m_dims = {pick(1, 2), pick(1, 12), pick(1, 12), pick(1, 40)};
            break;
        default:
            m_dims = {pick(1, 2), 2 * pick(1, 5) + 1, 2 * pick(1, 5) + 1, pick(1, 20)};
        }
        dfg::node_id value = product();
        for (std::uint64_t n = pick(1, 3); n > 0; --n)
            value = pick(0, 3) == 0 ? unary(value) : binary(value);
        m_builder.give_back(value, "y");
        return m_builder.finish();
    }

  private:
    using kind = dfg::operator_kind;

    std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
        return std::uniform_int_distribution<std::uint64_t>(low, high)(m_random);
    }
    dfg::node_id op(kind k, const std::vector<dfg::node_id>& operands,
                    const std::map<std::string, std::string>& attributes = {}) {
        const std::string name = "v" + std::to_string(++m_values);
        return m_builder.compute(k, name, operands, name, dfg::make_type(m_sum, m_dims), attributes);
    }
    dfg::node_id constant(dtype type, const shape& dims) {
        return m_builder.constant("c" + std::to_string(++m_values), type, dims);
    }

    /// Of the graph's dimensions.
    dfg::node_id product() {
        const std::uint64_t depth = pick(1, 90);
        if (m_kind == 3)
            return convolution();
        if (m_kind == 4)
            return transposed_convolution();
        if (m_kind == 2) {
            std::vector<dfg::node_id> operands{constant(m_type, {m_dims[0], depth}),
                                               constant(m_type, {m_dims[1], depth})};
            if (pick(0, 1) == 1)
                operands.push_back(constant(m_sum, {m_dims[1]}));
            return op(kind::fc, operands);
        }
        shape a = m_dims;
        shape b = m_dims;
        a.back() = depth;
        b[b.size() - 2] = depth;
        std::vector<dfg::node_id> operands{constant(m_type, a), constant(m_type, b)};
        if (pick(0, 3) == 0)
            operands.push_back(constant(m_sum, m_dims));
        return op(kind::matmul, operands);
    }
    dfg::node_id convolution() {
        const std::uint64_t channels = pick(1, 20);
        const std::uint64_t kernel = pick(0, 1) == 1 ? 3 : 1;
        const std::uint64_t pad = kernel / 2;
        const dfg::node_id x = constant(m_type, {m_dims[0], m_dims[1], m_dims[2], channels});
        const dfg::node_id w = constant(m_type, {m_dims[3], kernel, kernel, channels});
        return op(kind::conv2d, {x, w, constant(m_sum, {m_dims[3]})},
                  {{"dilation", "array<i64: 1, 1>"},
                   {"pad", fmt::format("array<i64: {0}, {0}, {0}, {0}>", pad)},
                   {"stride", "array<i64: 1, 1>"}});
    }

    /// Of 3x3 taps and stride 2.
    dfg::node_id transposed_convolution() {
        const std::uint64_t channels = pick(1, 12);
        const dfg::node_id x = constant(m_type, {m_dims[0], m_dims[1] / 2, m_dims[2] / 2, channels});
        const dfg::node_id w = constant(m_type, {m_dims[3], 3, 3, channels});
        return op(kind::transpose_conv2d, {x, w, constant(m_sum, {m_dims[3]})},
                  {{"out_pad", "array<i64: 0, 0, 0, 0>"}, {"stride", "array<i64: 2, 2>"}});
    }

    dfg::node_id unary(dfg::node_id x) {
        static constexpr kind k_any[] = {kind::abs, kind::negate, kind::relu};
        return op(k_any[pick(0, 2)], {x});
    }

    dfg::node_id binary(dfg::node_id x) {
        static constexpr kind k_any[] = {kind::add, kind::sub, kind::mul};
        const kind k = k_any[pick(0, is_integer(m_sum) ? 1 : 2)];
        dfg::node_id other = pick(0, 4) == 0 ? product() : constant(m_sum, operand_dims());
        return pick(0, 1) == 1 ? op(k, {x, other}) : op(k, {other, x});
    }
    /// A row, a column, all, one element, or now and then what no array's drain can take.
    shape operand_dims() {
        shape dims = m_dims;
        const std::uint64_t form = pick(0, 5);
        if (form == 5)
            dims.front() = 1;
        if (form == 1 || form == 3 || form == 4)
            std::fill(dims.begin(), dims.end() - 1, 1);
        if (form == 2 || form == 3)
            dims.back() = 1;
        return dims;
    }

    std::mt19937_64 m_random;
    dfg::graph_builder m_builder;
    dtype m_type, m_sum;
    std::uint64_t m_kind = 0;
    shape m_dims; ///< of all values behind products
    unsigned m_values = 0;
};

} // namespace kpu::test
