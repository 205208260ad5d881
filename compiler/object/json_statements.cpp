#include "compiler/object/json_statements.h"

#include "compiler/object/encodings.h"

#include <algorithm>

namespace kpu::object {

std::vector<dfx::statement> statement_reader::body(const json_value::array_t& items, const std::string& pointer) {
    std::vector<dfx::statement> out;
    for (std::size_t i = 0; i < items.size(); ++i)
        out.push_back(statement(items[i], join(pointer, i)));
    return out;
}

dfx::statement statement_reader::statement(const json_value& value, const std::string& pointer) {
    const auto type = value.is_object() ? value.find("type") : value.end();
    const std::string name =
        value.is_object() && type != value.end() && type->is_string() ? type->get<std::string>() : "";
    if (name == "DATA_MOVE")
        return move(value, pointer);
    if (name == "COMPUTE")
        return compute(value, pointer);
    if (name == "BARRIER")
        return barrier(value, pointer);
    if (name == "LOOP")
        return loop(value, pointer);
    m_errors.add(pointer, "not an operation: unknown type", name, "DATA_MOVE, COMPUTE, BARRIER or LOOP",
                 suggestion(name, {"DATA_MOVE", "COMPUTE", "BARRIER", "LOOP"}));
    return dfx::barrier_op{};
}

dfx::data_move_op statement_reader::move(const json_value& value, const std::string& pointer) {
    const json_object o(
        value, pointer, m_errors,
        {"op_id", "type", "subtype", "source", "dest", "transpose", "broadcast", "depends_on", "produces"});
    dfx::data_move_op op;
    op.op_id = o.number("op_id");
    op.type = o.choice<dfx::data_move_type>("subtype");
    op.source = region(o.get("source"), o.at("source"));
    op.destination = region(o.get("dest"), o.at("dest"));
    op.transpose = o.flag("transpose", false);
    op.broadcast = o.flag("broadcast", false);
    op.depends_on = dependences(o);
    op.produces = o.number("produces", op.op_id);
    return op;
}

dfx::compute_op statement_reader::compute(const json_value& value, const std::string& pointer) {
    const json_object o(value, pointer, m_errors,
                        {"op_id", "type", "subtype", "inputs", "output", "accumulate", "depends_on", "produces",
                         "biased", "combine", "window", "axes", "pad", "along", "steps"});
    dfx::compute_op op;
    op.op_id = o.number("op_id");
    const std::size_t errors_before = m_errors.problems.items().size();
    op.type = o.choice<dfx::compute_type>("subtype");
    if (m_errors.problems.items().size() == errors_before)
        refuse_unused(o, op.type);
    const json_value::array_t& inputs = o.list("inputs");
    for (std::size_t i = 0; i < inputs.size(); ++i)
        op.inputs.push_back(region(&inputs[i], join(o.at("inputs"), i)));
    op.output = region(o.get("output"), o.at("output"));
    op.accumulate = accumulate(o);
    op.depends_on = dependences(o);
    op.produces = o.number("produces", op.op_id);
    attributes(o, op);
    return op;
}

/// Attributes whose values may be those of an operation that does not have them, which the verifier cannot tell apart.
void statement_reader::refuse_unused(const json_object& o, dfx::compute_type type) {
    for (const auto& [key, used] :
         {std::pair{"combine", dfx::combines(type)}, std::pair{"along", type == dfx::compute_type::rearrange_tile}})
        if (!used && o.has(key))
            m_errors.add(o.at(key), std::string(name_of(type)) + " has no use for this");
}

void statement_reader::attributes(const json_object& o, dfx::compute_op& op) {
    op.biased = o.flag("biased", false);
    op.combine = o.choice<dfx::element_function>("combine", dfx::element_function::add);
    if (const json_value* value = o.get("window", false)) {
        const json_object w(*value, o.at("window"), m_errors, {"kernel", "stride", "dilation", "before", "after"});
        op.window = {w.numbers("kernel"), w.numbers("stride"), w.numbers("dilation"), w.numbers("before"),
                     w.numbers("after")};
    }
    op.axes = o.numbers("axes", false);
    op.before = o.numbers("pad", false);
    op.along = o.number("along", 0);
    const json_value::array_t& steps = o.list("steps", false);
    for (std::size_t i = 0; i < steps.size(); ++i)
        op.steps.push_back(step(steps[i], join(o.at("steps"), i)));
}

dfx::element_step statement_reader::step(const json_value& value, const std::string& pointer) {
    const json_object o(value, pointer, m_errors, {"function", "dtype", "operand", "operand_first", "low", "high"});
    dfx::element_step s;
    s.function = o.choice<dfx::element_function>("function");
    s.result = o.choice<dtype>("dtype");
    if (o.has("operand"))
        s.operand = o.number("operand");
    s.operand_first = o.flag("operand_first", false);
    s.low = bound(o, "low");
    s.high = bound(o, "high");
    return s;
}

/// A number as text; 0 where it is left out.
double statement_reader::bound(const json_object& o, const char* key) {
    const std::string text = o.text(key, "0");
    const std::optional<double> value = dfx::bound_of(text);
    if (!value)
        m_errors.add(o.at(key), "not a number", text);
    return value.value_or(0);
}

dfx::barrier_op statement_reader::barrier(const json_value& value, const std::string& pointer) {
    const json_object o(value, pointer, m_errors, {"op_id", "type", "wait_for", "label"});
    return {o.number("op_id"), o.numbers("wait_for", false), o.text("label", "")};
}

dfx::loop_nest statement_reader::loop(const json_value& value, const std::string& pointer) {
    const json_object o(value, pointer, m_errors,
                        {"type", "var", "start", "end", "step", "kind", "order", "sequence", "body"});
    dfx::loop_nest nest;
    nest.loop.induction_var = o.text("var");
    nest.loop.start = o.number("start", 0);
    nest.loop.end = o.number("end");
    nest.loop.step = o.number("step", 1);
    nest.loop.kind = o.choice<dfx::loop_kind>("kind");
    nest.loop.order = o.choice<dfx::iteration_order>("order", dfx::iteration_order::row_major);
    nest.loop.sequence = o.numbers("sequence", false);
    if (m_loops.size() >= k_read_depth) {
        m_errors.add(pointer, "loops are nested more than " + std::to_string(k_read_depth) + " deep");
        return nest;
    }
    const std::string& name = nest.loop.induction_var;
    if (!name.empty() && std::find(m_loops.begin(), m_loops.end(), name) != m_loops.end()) {
        m_errors.add(o.at("var"), "an enclosing loop has the same induction variable", name);
        m_loop_lost = true;
    }
    m_loops.push_back(nest.loop.induction_var);
    nest.body = body(o.list("body"), o.at("body"));
    m_loops.pop_back();
    return nest;
}

dfx::tensor_region statement_reader::region(const json_value* value, const std::string& pointer) {
    dfx::tensor_region r;
    if (value == nullptr)
        return r;
    const json_object o(*value, pointer, m_errors, {"tensor", "level", "tile", "shape", "element_size"});
    r.tensor_name = o.text("tensor");
    r.level = o.choice<dfx::memory_level>("level");
    const json_value::array_t& tile = o.list("tile");
    for (std::size_t d = 0; d < tile.size(); ++d)
        r.tile_indices.push_back(index(tile[d], join(o.at("tile"), d)));
    r.tile_shape = o.numbers("shape", false);
    r.element_size = o.number("element_size", 0);
    return r;
}

dfx::affine statement_reader::index(const json_value& value, const std::string& pointer) {
    dfx::affine form;
    if (value.is_number_integer()) {
        form.offset = to_signed(value, pointer, m_errors);
    } else if (value.is_string()) {
        add_term(form, value.get<std::string>(), 1, pointer);
    } else if (value.is_object()) {
        const json_object o(value, pointer, m_errors, {"terms", "offset"});
        const json_value* terms = o.get("terms");
        if (terms != nullptr && terms->is_object())
            for (const auto& item : terms->items())
                add_term(form, item.key(), to_signed(item.value(), join(o.at("terms"), item.key()), m_errors),
                         join(o.at("terms"), item.key()));
        else if (terms != nullptr)
            m_errors.add(o.at("terms"), "not an object", excerpt(*terms));
        if (const json_value* offset = o.get("offset", false))
            form.offset = to_signed(*offset, o.at("offset"), m_errors);
    } else {
        m_errors.add(pointer, "not a tile index", excerpt(value), "a number, a loop's name, or terms and offset");
    }
    return form;
}

void statement_reader::add_term(dfx::affine& form, const std::string& loop_name, std::int64_t factor,
                                const std::string& pointer) {
    const auto found = std::find(m_loops.rbegin(), m_loops.rend(), loop_name);
    if (found == m_loops.rend()) {
        if (!m_loop_lost)
            m_errors.add(pointer, "no enclosing loop has this name", loop_name);
        return;
    }
    const auto depth = static_cast<std::size_t>(m_loops.rend() - found) - 1;
    if (form.coefficients.size() <= depth)
        form.coefficients.resize(depth + 1, 0);
    form.coefficients[depth] = factor;
}

std::vector<dfx::dependence> statement_reader::dependences(const json_object& o) {
    std::vector<dfx::dependence> out;
    const json_value::array_t& items = o.list("depends_on", false);
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string pointer = join(o.at("depends_on"), i);
        dfx::dependence d;
        if (items[i].is_object()) {
            const json_object entry(items[i], pointer, m_errors, {"op", "distance"});
            d.op = entry.number("op");
            const json_value::array_t& distance = entry.list("distance", false);
            for (std::size_t n = 0; n < distance.size(); ++n)
                d.distance.push_back(to_signed(distance[n], join(entry.at("distance"), n), m_errors));
        } else {
            d.op = to_unsigned(items[i], pointer, m_errors);
        }
        out.push_back(std::move(d));
    }
    return out;
}

dfx::accumulate_rule statement_reader::accumulate(const json_object& o) {
    using kind = dfx::accumulate_rule::kind;
    const json_value* value = o.get("accumulate", false);
    if (value != nullptr && value->is_object()) {
        const json_object rule(*value, o.at("accumulate"), m_errors, {"after_first"});
        return {kind::after_first, rule.text("after_first")};
    }
    return {o.flag("accumulate", false) ? kind::always : kind::never, ""};
}

} // namespace kpu::object
