#include "compiler/dfx/text_statement.h"

#include <algorithm>

namespace kpu::dfx {

namespace {

class operation_reader {
  public:
    operation_reader(text_line& line, const known_names& known) : m_line(line), m_known(known) {}

    statement run() {
        m_line.require("%");
        const std::uint64_t id = m_line.number("an operation's number");
        m_line.require("=");
        const std::vector<data_move_type>& moves = all_of<data_move_type>();
        const std::vector<compute_type>& computes = all_of<compute_type>();
        const std::size_t found = m_line.choose(operations(), "operation");
        if (found < moves.size())
            return move(id, moves[found]);
        if (found < moves.size() + computes.size())
            return compute(id, computes[found - moves.size()]);
        return barrier(id);
    }

  private:
    /// Moves, computes, barrier.
    static const std::vector<std::string>& operations() {
        static const std::vector<std::string> all = [] {
            std::vector<std::string> names = names_of<data_move_type>();
            names.insert(names.end(), names_of<compute_type>().begin(), names_of<compute_type>().end());
            names.emplace_back("BARRIER");
            return names;
        }();
        return all;
    }

    statement move(std::uint64_t id, data_move_type type) {
        data_move_op op;
        op.op_id = id;
        op.type = type;
        op.source = region();
        m_line.require("->");
        op.destination = m_line.sees("[", 1) ? region() : at_level(op.source);
        op.transpose = m_line.accept("transpose");
        op.broadcast = m_line.accept("broadcast");
        op.depends_on = after();
        op.produces = produces(id);
        return op;
    }

    statement compute(std::uint64_t id, compute_type type) {
        compute_op op;
        op.op_id = id;
        op.type = type;
        op.output = region();
        m_line.require("<-");
        do
            op.inputs.push_back(region());
        while (m_line.accept(","));
        if (m_line.accept("accumulate"))
            op.accumulate = rule();
        attributes(op);
        op.depends_on = after();
        op.produces = produces(id);
        return op;
    }

    void attributes(compute_op& op) {
        op.biased = m_line.accept("biased");
        if (accept_attribute("combine", op, combines(op.type)))
            op.combine = choice<element_function>(m_line, "function");
        if (m_line.accept("window")) {
            sliding_window& w = op.window;
            for (const auto& [name, list] :
                 {std::pair{"kernel", &w.kernel}, std::pair{"stride", &w.stride}, std::pair{"dilation", &w.dilation},
                  std::pair{"before", &w.before}, std::pair{"after", &w.after}}) {
                m_line.require(name);
                *list = numbers();
            }
        }
        if (m_line.accept("axes"))
            op.axes = numbers();
        if (m_line.accept("pad"))
            op.before = numbers();
        if (accept_attribute("along", op, op.type == compute_type::rearrange_tile))
            op.along = m_line.number("a dimension");
        if (m_line.accept("steps"))
            m_line.list([&] { op.steps.push_back(step()); });
    }

    /// One whose value may be that of an operation that does not have it, which the verifier cannot tell apart.
    bool accept_attribute(const char* word, const compute_op& op, bool has_it) {
        const unsigned from = m_line.column();
        const bool here = m_line.accept(word);
        if (here && !has_it)
            throw line_error{from, std::string(name_of(op.type)) + " has no use for this", word, ""};
        return here;
    }

    std::vector<std::uint64_t> numbers() {
        std::vector<std::uint64_t> all;
        m_line.list([&] { all.push_back(m_line.number("a number")); });
        return all;
    }

    element_step step() {
        element_step s;
        s.function = choice<element_function>(m_line, "function");
        s.result = choice<dtype>(m_line, "element type");
        if (m_line.accept("with")) {
            s.operand = m_line.number("an input's number");
            s.operand_first = m_line.accept("first");
        }
        if (m_line.accept("from")) {
            s.low = bound();
            m_line.require("to");
            s.high = bound();
        }
        return s;
    }

    double bound() {
        const unsigned from = m_line.column();
        const std::string text = m_line.quoted("a number in quotes");
        const std::optional<double> value = bound_of(text);
        if (!value)
            throw line_error{from, "not a number", text, ""};
        return *value;
    }

    statement barrier(std::uint64_t id) {
        barrier_op op;
        op.op_id = id;
        if (m_line.accept("after")) {
            do {
                m_line.require("%");
                op.wait_for.push_back(m_line.number("an operation's number"));
            } while (m_line.accept(","));
        }
        op.label = m_line.quoted("a label");
        m_line.finish();
        return op;
    }

    accumulate_rule rule() {
        if (!m_line.sees("after") || !m_line.sees("first", 1))
            return {accumulate_rule::kind::always, {}};
        m_line.require("after");
        m_line.require("first");
        return {accumulate_rule::kind::after_first, m_line.name("a loop's name")};
    }

    tensor_region region() {
        tensor_region r;
        const unsigned from = m_line.column();
        r.tensor_name = m_line.name("a tensor's name");
        const tensor_descriptor* t = m_known.tensors.find(r.tensor_name);
        if (t == nullptr && !m_known.tensor_lost)
            throw line_error{from, "no such tensor", r.tensor_name, ""};
        r.element_size = t == nullptr ? 0 : size_of(t->type);
        m_line.require("[");
        do
            r.tile_indices.push_back(index());
        while (m_line.accept(","));
        m_line.require("]");
        r.tile_shape = m_line.extents();
        r.level = choice<memory_level>(m_line, "memory level");
        return r;
    }

    tensor_region at_level(tensor_region r) {
        r.level = choice<memory_level>(m_line, "memory level");
        return r;
    }

    affine index() {
        affine form;
        bool negative = m_line.accept("-");
        for (;;) {
            term(form, negative);
            if (m_line.accept("-"))
                negative = true;
            else if (m_line.accept("+"))
                negative = false;
            else
                return form;
        }
    }

    void term(affine& form, bool negative) {
        const unsigned from = m_line.column();
        std::uint64_t size = 1;
        const bool counted = m_line.sees_number();
        if (counted)
            size = m_line.number("a tile index");
        const std::int64_t value = signed_value(negative, size, from);
        if (counted && !m_line.accept("*")) {
            if (__builtin_add_overflow(form.offset, value, &form.offset))
                m_line.refuse("tile index overflows 64 bits");
            return;
        }
        const unsigned at = m_line.column();
        const std::string name = m_line.name("a loop's name");
        const std::vector<std::string>& loops = m_known.loops;
        const auto found = std::find(loops.begin(), loops.end(), name);
        if (found == loops.end()) {
            if (m_known.loop_lost)
                return;
            throw line_error{at, "no enclosing loop has this name", name, ""};
        }
        const auto loop = static_cast<std::size_t>(found - loops.begin());
        form.coefficients.resize(std::max(form.coefficients.size(), loop + 1));
        if (form.coefficients[loop] != 0)
            throw line_error{at, "loop has a coefficient already", name, ""};
        form.coefficients[loop] = value;
    }

    std::vector<dependence> after() {
        std::vector<dependence> all;
        if (!m_line.accept("after"))
            return all;
        do {
            m_line.require("%");
            dependence d;
            d.op = m_line.number("an operation's number");
            if (m_line.sees("("))
                m_line.list([&] { d.distance.push_back(m_line.integer("a distance")); });
            all.push_back(std::move(d));
        } while (m_line.accept(","));
        return all;
    }

    std::uint64_t produces(std::uint64_t id) {
        const std::uint64_t product = m_line.accept("produces") ? m_line.number("a synchronisation point") : id;
        m_line.finish();
        return product;
    }

    text_line& m_line;
    const known_names& m_known;
};

} // namespace

statement read_operation(text_line& line, const known_names& known) {
    return operation_reader(line, known).run();
}

tile_loop read_loop(text_line& line, const std::vector<std::string>& around) {
    tile_loop l;
    l.kind = choice<loop_kind>(line, "loop");
    const unsigned from = line.column();
    l.induction_var = line.name("a loop's name");
    if (!l.induction_var.empty() && std::find(around.begin(), around.end(), l.induction_var) != around.end())
        throw line_error{from, "an enclosing loop has the same induction variable", l.induction_var, ""};
    line.require("in");
    l.start = line.number("the first value");
    line.require("..");
    l.end = line.number("the end");
    if (line.accept("step"))
        l.step = line.number("the step");
    if (!line.sees("{"))
        l.order = choice<iteration_order>(line, "iteration order");
    if (line.sees("("))
        line.list([&] { l.sequence.push_back(line.number("a value of the loop")); });
    line.require("{");
    return l;
}

} // namespace kpu::dfx
