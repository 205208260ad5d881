#pragma once
// A node while it is being resolved: its operands, attributes and result, and the problems found.

#include "compiler/dfg/ops/resolved.h"
#include "platforms/common/diagnostic.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace kpu::dfg {

using kpu::to_string; // of a shape, beside that of a tensor_type

class op_reader {
  public:
    /// Reads operands and result. Throws input_error where they are no static tensors of the project's types, where the
    /// node has other results than slot 0, and where an operand is declared otherwise than it is produced.
    op_reader(const graph& g, const binding& bound, node_id id);

    [[nodiscard]] const node& source() const { return m_node; }
    [[nodiscard]] resolved_op& op() { return m_op; }
    [[nodiscard]] const op_operand& in(std::size_t i) const { return m_op.operands.at(i); }
    [[nodiscard]] std::size_t operands() const { return m_op.operands.size(); }

    void error(const std::string& message, std::string text = {}, std::string expected = {});
    /// Reports where `ok` is false; returns it.
    bool require(bool ok, const std::string& message, std::string text = {}, std::string expected = {});
    /// Operands in slots 0, 1, …, at least `least` and at most `most` of them. Throws otherwise.
    void need_operands(std::size_t least, std::size_t most);
    /// Throws unless operand `i` has this rank.
    void need_rank(std::size_t i, std::size_t rank);
    /// The stated result has these extents; reports otherwise.
    void need_result(const shape& dims);
    /// Operands (or the first `count` of them) and result have one element type, the result possibly the accumulator's.
    void need_one_type(std::size_t count);
    void need_accumulation();
    void need_bias(std::size_t i, dtype accumulator);
    void need_float();
    /// Reports every attribute that is not among these.
    void know_attributes(std::initializer_list<const char*> keys);

    [[nodiscard]] bool has(const std::string& key) const { return m_node.attributes.count(key) != 0; }
    /// Numbers of `array<i64: ...>`, `count` of them (0: any). Throws where the attribute is missing or malformed.
    [[nodiscard]] std::vector<std::int64_t> integers(const std::string& key, std::size_t count);
    /// `1 : i32`. Throws likewise.
    [[nodiscard]] std::int64_t integer(const std::string& key);
    /// `6.0e+00 : f32`, or the bits in hexadecimal. Throws likewise.
    [[nodiscard]] double real(const std::string& key);
    /// A dimension of operand 0 in the attribute `axis`. Throws likewise.
    [[nodiscard]] std::size_t axis();

    void stop_on_errors() const { m_problems.throw_if_errors(); }
    /// The resolved operator. Throws input_error if there was a problem.
    [[nodiscard]] resolved_op finish(op_parameters parameters);

  private:
    [[noreturn]] void fail(const std::string& message, std::string text = {}, std::string expected = {});
    const std::string& text_of(const std::string& key);
    void read_operand(slot at, const value_ref& value);
    void read_result();

    const graph& m_graph;
    const node& m_node;
    diagnostics m_problems;
    resolved_op m_op;
    std::vector<slot> m_slots;
};

} // namespace kpu::dfg
