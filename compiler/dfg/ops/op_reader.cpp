#include "compiler/dfg/ops/op_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace kpu::dfg {

namespace {

constexpr const char* k_types = "f64, f32, f16, bf16, f8, i8 or i32";

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The text before ` : type`.
std::string without_type(const std::string& text) {
    return trimmed(text.substr(0, text.find(':')));
}

std::optional<std::int64_t> whole_number(const std::string& text) {
    char* end = nullptr;
    errno = 0;
    const std::int64_t value = std::strtoll(text.c_str(), &end, 10);
    return text.empty() || *end != '\0' || errno != 0 ? std::nullopt : std::optional(value);
}

std::optional<double> real_number(const std::string& text, const std::string& type) {
    if (text.compare(0, 2, "0x") == 0) { // the bits, as MLIR prints what is not finite
        char* end = nullptr;
        const std::uint64_t bits = std::strtoull(text.c_str(), &end, 16);
        if (*end != '\0')
            return std::nullopt;
        if (type == "f64") {
            double value = 0;
            std::memcpy(&value, &bits, sizeof value);
            return value;
        }
        const auto narrow = static_cast<std::uint32_t>(bits);
        float value = 0;
        std::memcpy(&value, &narrow, sizeof value);
        return type == "f32" && narrow == bits ? std::optional<double>(value) : std::nullopt;
    }
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    return text.empty() || *end != '\0' ? std::nullopt : std::optional(value);
}

} // namespace

op_reader::op_reader(const graph& g, const binding& bound, node_id id) : m_graph(g), m_node(g.nodes.at(id)) {
    m_op.id = id;
    m_op.op = m_node.op;
    const auto found = bound.operands.find(id);
    if (found != bound.operands.end())
        for (const auto& [at, value] : found->second)
            read_operand(at, value);
    read_result();
    stop_on_errors();
}

void op_reader::error(const std::string& message, std::string text, std::string expected) {
    m_problems.error(place_of(m_graph, m_node), describe(m_node) + ": " + message, std::move(text),
                     std::move(expected));
}

bool op_reader::require(bool ok, const std::string& message, std::string text, std::string expected) {
    if (!ok)
        error(message, std::move(text), std::move(expected));
    return ok;
}

void op_reader::fail(const std::string& message, std::string text, std::string expected) {
    error(message, std::move(text), std::move(expected));
    m_problems.throw_if_errors();
    std::abort();
}

void op_reader::read_operand(slot at, const value_ref& value) {
    const tensor_type& type = type_of(m_graph, value);
    const auto declared = m_node.operand_types.find(at);
    if (declared != m_node.operand_types.end() && declared->second != type)
        error("operand " + std::to_string(at) + " is declared otherwise than it is produced",
              to_string(declared->second), to_string(type));
    if (!type.is_static() || !type.type())
        return error("operand " + std::to_string(at) + " is no tensor of a known type and shape", to_string(type),
                     k_types);
    try {
        (void)element_count(type.extents());
    } catch (const input_error&) {
        return error("too many elements", to_string(type), "at most 2^48");
    }
    m_slots.push_back(at);
    m_op.operands.push_back({value, *type.type(), type.extents()});
}

void op_reader::read_result() {
    const auto found = m_node.result_types.find(0);
    if (found == m_node.result_types.end() || m_node.result_types.size() != 1)
        return error("a compute node has one result, in slot 0");
    if (!found->second.is_static() || !found->second.type())
        return error("the result is no tensor of a known type and shape", to_string(found->second), k_types);
    m_op.result = *found->second.type();
    m_op.dims = found->second.extents();
    try {
        (void)element_count(m_op.dims);
    } catch (const input_error&) {
        error("too many elements", to_string(found->second), "at most 2^48");
    }
}

void op_reader::need_operands(std::size_t least, std::size_t most) {
    bool dense = true;
    for (std::size_t i = 0; i < m_slots.size(); ++i)
        dense = dense && m_slots[i] == i;
    if (dense && operands() >= least && operands() <= most)
        return;
    fail("wrong number of operands", std::to_string(operands()),
         least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most));
}

void op_reader::need_rank(std::size_t i, std::size_t rank) {
    if (in(i).dims.size() != rank)
        fail("operand " + std::to_string(i) + " has another rank", to_string(make_type(in(i).type, in(i).dims)),
             "rank " + std::to_string(rank));
}

void op_reader::need_result(const shape& dims) {
    require(m_op.dims == dims, "the stated result has another shape", to_string(make_type(m_op.result, m_op.dims)),
            to_string(make_type(m_op.result, dims)));
}

void op_reader::need_one_type(std::size_t count) {
    for (std::size_t i = 0; i < count && i < operands(); ++i)
        require(in(i).type == m_op.result, "operand " + std::to_string(i) + " and result differ in element type",
                std::string(name_of(in(i).type)), std::string(name_of(m_op.result)));
}

void op_reader::need_accumulation() {
    const dtype type = in(0).type;
    const dtype sum = accumulator_of(type);
    require(in(1).type == type, "element types of operands 0 and 1 differ", std::string(name_of(in(1).type)),
            std::string(name_of(type)));
    const bool own = type != dtype::i8 && m_op.result == type;
    require(own || m_op.result == sum, "the result's element type does not follow from the operands'",
            std::string(name_of(m_op.result)),
            std::string(name_of(sum)) + (type == dtype::i8 ? "" : " or as operands"));
}

void op_reader::need_bias(std::size_t i, dtype accumulator) {
    require(is_integer(in(i).type) == is_integer(accumulator) && widens(in(i).type, accumulator),
            "the bias does not widen exactly to the accumulator type", std::string(name_of(in(i).type)),
            std::string(name_of(accumulator)));
}

void op_reader::need_float() {
    require(!is_integer(in(0).type), "defined for floating-point numbers only", std::string(name_of(in(0).type)));
}

void op_reader::know_attributes(std::initializer_list<const char*> keys) {
    for (const auto& [key, value] : m_node.attributes) {
        const std::string& name = key;
        const bool known = std::any_of(keys.begin(), keys.end(), [&](const char* k) { return name == k; });
        require(known, "this operator has no such attribute", std::string(name).append(":").append(value));
    }
}

const std::string& op_reader::text_of(const std::string& key) {
    const auto found = m_node.attributes.find(key);
    if (found == m_node.attributes.end())
        fail("the file does not say the attribute " + key + ", without which the operator has no meaning");
    return found->second;
}

std::vector<std::int64_t> op_reader::integers(const std::string& key, std::size_t count) {
    const std::string& text = text_of(key);
    const std::string given = key + ":" + text;
    std::string wanted = "array<i64: ...>";
    if (count != 0)
        wanted += " of " + std::to_string(count) + " numbers";
    const std::size_t open = text.find('<');
    if (text.compare(0, 6, "array<") != 0 || text.back() != '>')
        fail("malformed attribute", given, wanted);
    std::vector<std::int64_t> out;
    const std::size_t colon = text.find(':');
    std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1, text.size() - colon - 2);
    while (open != std::string::npos && !rest.empty()) {
        const std::size_t comma = rest.find(',');
        const auto value = whole_number(trimmed(rest.substr(0, comma)));
        if (!value)
            fail("malformed attribute", given, wanted);
        out.push_back(*value);
        rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    }
    if (count != 0 && out.size() != count)
        fail("malformed attribute", given, wanted);
    return out;
}

std::int64_t op_reader::integer(const std::string& key) {
    const std::string& text = text_of(key);
    const auto value = whole_number(without_type(text));
    if (!value)
        fail("malformed attribute", key + ":" + text, "<number> : i32");
    return *value;
}

double op_reader::real(const std::string& key) {
    const std::string& text = text_of(key);
    const std::size_t colon = text.find(':');
    const auto value =
        real_number(without_type(text), colon == std::string::npos ? "f32" : trimmed(text.substr(colon + 1)));
    if (!value)
        fail("malformed attribute", key + ":" + text, "<number> : f32");
    return *value;
}

std::size_t op_reader::axis() {
    const std::int64_t value = integer("axis");
    if (value < 0 || static_cast<std::size_t>(value) >= in(0).dims.size())
        fail("the axis is no dimension of operand 0", std::to_string(value),
             "0 to " + std::to_string(static_cast<std::int64_t>(in(0).dims.size()) - 1));
    return static_cast<std::size_t>(value);
}

resolved_op op_reader::finish(op_parameters parameters) {
    stop_on_errors();
    m_op.parameters = std::move(parameters);
    return std::move(m_op);
}

} // namespace kpu::dfg
