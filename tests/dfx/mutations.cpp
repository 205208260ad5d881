#include "tests/dfx/mutations.h"

#include "tests/dfx/programs.h"

#include <algorithm>

namespace kpu::test {

namespace {

using dfx::compute_op;
using dfx::data_move_op;
using dfx::dependence;
using dfx::loop_nest;
using dfx::statement;
using dfx::tensor_region;

/// A body and a position in it.
struct place {
    std::vector<statement>* body;
    std::size_t at;
    [[nodiscard]] statement& get() const { return (*body)[at]; }
};

void add_places(std::vector<statement>& body, std::vector<place>& out) {
    for (std::size_t i = 0; i < body.size(); ++i) {
        out.push_back({&body, i});
        if (auto* nest = std::get_if<loop_nest>(&body[i]))
            add_places(nest->body, out);
    }
}

std::vector<place> places_of(dfx::program& p) {
    std::vector<place> out;
    for (dfx::kernel& k : p.kernels)
        add_places(k.body, out);
    return out;
}

std::vector<tensor_region*> regions_of(statement& s) {
    if (auto* move = std::get_if<data_move_op>(&s))
        return {&move->source, &move->destination};
    std::vector<tensor_region*> out;
    if (auto* op = std::get_if<compute_op>(&s)) {
        for (tensor_region& r : op->inputs)
            out.push_back(&r);
        out.push_back(&op->output);
    }
    return out;
}

std::vector<dependence>* dependences_of(statement& s) {
    if (auto* move = std::get_if<data_move_op>(&s))
        return &move->depends_on;
    auto* op = std::get_if<compute_op>(&s);
    return op != nullptr ? &op->depends_on : nullptr;
}

std::uint64_t* id_of(statement& s) {
    return std::visit(
        [](auto& one) -> std::uint64_t* {
            if constexpr (std::is_same_v<std::decay_t<decltype(one)>, loop_nest>)
                return nullptr;
            else
                return &one.op_id;
        },
        s);
}

constexpr std::uint64_t k_fresh_id = 1000000000;

class generator {
  public:
    explicit generator(const dfx::program& p) : m_program(p) {}

    std::vector<mutation> run() {
        const std::size_t n = places_of(m_program).size();
        for (m_at = 0; m_at < n; ++m_at) {
            statement& s = places_of(m_program)[m_at].get();
            if (const auto* nest = std::get_if<loop_nest>(&s))
                loop(*nest);
            if (const auto* barrier = std::get_if<dfx::barrier_op>(&s))
                wait_list(*barrier);
            if (const auto* all = dependences_of(s))
                dependences(*all);
            if (const auto* move = std::get_if<data_move_op>(&s))
                moves(*move);
            if (const auto* op = std::get_if<compute_op>(&s))
                computes(*op);
            regions(regions_of(s));
            if (id_of(s) != nullptr)
                identity();
            structure();
        }
        for (std::size_t t = 0; t < m_program.tensors.size(); ++t)
            tensors(t);
        return std::move(m_out);
    }

  private:
    /// A change of the statement at the current place.
    void add(const std::string& kind, const std::function<void(statement&)>& change) {
        m_out.push_back({kind, [at = m_at, change](dfx::program& p) { change(places_of(p)[at].get()); }});
    }
    template <class Op>
    void change(const std::string& kind, const std::function<void(Op&)>& edit) {
        add(kind, [edit](statement& s) { edit(std::get<Op>(s)); });
    }

    void loop(const loop_nest& nest) {
        const auto edit = [&](const std::string& kind, const std::function<void(dfx::tile_loop&)>& f) {
            change<loop_nest>(kind, [f](loop_nest& n) { f(n.loop); });
        };
        edit("loop bound", [](dfx::tile_loop& l) { l.start += 1; });
        edit("loop bound", [](dfx::tile_loop& l) { l.end += 1; });
        edit("loop bound", [](dfx::tile_loop& l) { l.end -= 1; });
        edit("loop bound", [](dfx::tile_loop& l) { l.step += 1; });
        edit("loop bound", [](dfx::tile_loop& l) { l.step = 0; });
        edit("loop kind", [](dfx::tile_loop& l) {
            l.kind = l.kind == dfx::loop_kind::parallel ? dfx::loop_kind::reduction : dfx::loop_kind::parallel;
        });
        edit("loop name", [](dfx::tile_loop& l) { l.induction_var = "ti"; });
        const std::string kind = nest.loop.kind == dfx::loop_kind::reduction ? "reduction order" : "loop order";
        for (const dfx::iteration_order order : dfx::all_of<dfx::iteration_order>())
            edit(kind, [order](dfx::tile_loop& l) { l.order = order; });
        edit(kind, [](dfx::tile_loop& l) {
            l.order = dfx::iteration_order::explicit_sequence;
            l.sequence.clear();
            for (std::uint64_t v = l.end; v-- > l.start;)
                l.sequence.push_back(v);
        });
        edit("sequence", [](dfx::tile_loop& l) {
            l.order = dfx::iteration_order::explicit_sequence;
            l.sequence.assign(l.end - l.start, l.start);
        });
        // Both the tiles of k that are loaded and those that are summed, from the last to the first.
        const std::size_t depth = depth_of(nest);
        change<loop_nest>("reduction order", [depth](loop_nest& n) {
            for_each_statement(n.body, [&](statement& s) {
                for (tensor_region* r : regions_of(s))
                    for (dfx::affine& form : r->tile_indices)
                        if (coefficient(form, depth) == 1) {
                            form.coefficients[depth] = -1;
                            form.offset += static_cast<std::int64_t>(n.loop.end - 1);
                        }
            });
        });
        m_out.back().kind = nest.loop.kind == dfx::loop_kind::reduction ? "reduction order" : "loop order";
    }

    /// Position of the loop among its enclosing loops: all loops of the test programs have names of their own.
    [[nodiscard]] std::size_t depth_of(const loop_nest& wanted) {
        std::size_t depth = 0;
        for (dfx::kernel& k : m_program.kernels) {
            std::vector<statement>* body = &k.body;
            for (depth = 0; body != nullptr; ++depth) {
                std::vector<statement>* inner = nullptr;
                for (statement& s : *body)
                    if (auto* nest = std::get_if<loop_nest>(&s)) {
                        if (nest == &wanted)
                            return depth;
                        inner = &nest->body;
                    }
                body = inner;
            }
        }
        return depth;
    }

    void wait_list(const dfx::barrier_op& barrier) {
        for (std::size_t d = 0; d < barrier.wait_for.size(); ++d)
            change<dfx::barrier_op>("drop a dependence", [d](dfx::barrier_op& b) {
                b.wait_for.erase(b.wait_for.begin() + static_cast<std::ptrdiff_t>(d));
            });
    }

    void dependences(const std::vector<dependence>& all) {
        const auto edit = [&](const std::string& kind, std::size_t d, const std::function<void(dependence&)>& f) {
            add(kind, [d, f](statement& s) { f(dependences_of(s)->at(d)); });
        };
        for (std::size_t d = 0; d < all.size(); ++d) {
            add("drop a dependence", [d](statement& s) {
                auto& list = *dependences_of(s);
                list.erase(list.begin() + static_cast<std::ptrdiff_t>(d));
            });
            for (const std::int64_t by : {-1, 1})
                edit("another operation", d,
                     [by](dependence& x) { x.op = static_cast<std::uint64_t>(static_cast<std::int64_t>(x.op) + by); });
            edit("another operation", d, [](dependence& x) { x.op = k_fresh_id; });
            for (std::size_t n = 0; n < all[d].distance.size(); ++n)
                for (const std::int64_t by : {-1, 1})
                    edit("distance", d, [n, by](dependence& x) { x.distance[n] += by; });
            edit("distance", d, [](dependence& x) { x.distance.clear(); });
            for (std::size_t n = 0; n < 4; ++n)
                edit("distance", d, [n](dependence& x) {
                    x.distance.resize(std::max(x.distance.size(), n + 1));
                    x.distance[n] += 1;
                });
        }
    }

    void moves(const data_move_op& op) {
        for (const dfx::data_move_type type : dfx::all_of<dfx::data_move_type>())
            if (type != op.type)
                change<data_move_op>("move type", [type](data_move_op& m) { m.type = type; });
        change<data_move_op>("transpose", [](data_move_op& m) { m.transpose = true; });
        change<data_move_op>("swap operands", [](data_move_op& m) { std::swap(m.source, m.destination); });
        // The same change at both ends leaves a sound move, of another tile.
        for (std::size_t d = 0; d < op.source.tile_indices.size(); ++d) {
            for (std::size_t loop = 0; loop < 4; ++loop)
                both("tile index", [d, loop](tensor_region& r) { bump(r.tile_indices[d], loop, 1); });
            for (const std::int64_t by : {-1, 1})
                both("tile index", [d, by](tensor_region& r) { r.tile_indices[d].offset += by; });
            both("tile index", [d](tensor_region& r) { r.tile_indices[d].coefficients.clear(); });
            both("tile extent", [d](tensor_region& r) { r.tile_shape[d] += 1; });
            both("tile extent", [d](tensor_region& r) { r.tile_shape[d] -= 1; });
        }
        for (const dfx::tensor_descriptor& t : m_program.tensors)
            if (t.name != op.source.tensor_name)
                both("tensor", [name = t.name](tensor_region& r) { r.tensor_name = name; });
    }

    static void bump(dfx::affine& form, std::size_t loop, std::int64_t by) {
        form.coefficients.resize(std::max(form.coefficients.size(), loop + 1));
        form.coefficients[loop] += by;
    }

    void both(const std::string& kind, const std::function<void(tensor_region&)>& f) {
        change<data_move_op>(kind, [f](data_move_op& m) {
            f(m.source);
            f(m.destination);
        });
    }

    void computes(const compute_op& op) {
        for (const dfx::compute_type type : dfx::all_of<dfx::compute_type>())
            if (type != op.type)
                change<compute_op>("compute type", [type](compute_op& c) { c.type = type; });
        for (const dfx::accumulate_rule::kind when : dfx::all_of<dfx::accumulate_rule::kind>())
            for (const char* loop : {"", "ti", "tk", "tj"})
                if (when != op.accumulate.when || loop != op.accumulate.loop)
                    change<compute_op>("accumulate", [=](compute_op& c) { c.accumulate = {when, loop}; });
        const auto of_steps = std::count_if(op.steps.begin(), op.steps.end(),
                                            [](const dfx::element_step& s) { return s.operand.has_value(); });
        const std::size_t told_apart = op.inputs.size() - (of_steps > 1 ? static_cast<std::size_t>(of_steps) - 1 : 0);
        for (std::size_t i = 0; i + 1 < told_apart; ++i)
            change<compute_op>("swap operands", [i](compute_op& c) { std::swap(c.inputs[i], c.inputs[i + 1]); });
        change<compute_op>("swap operands", [](compute_op& c) { std::swap(c.inputs[0], c.output); });
        for (std::size_t i = 0; i < 2; ++i)
            change<compute_op>("number of operands", [i](compute_op& c) {
                c.inputs.erase(c.inputs.begin() + static_cast<std::ptrdiff_t>(i));
            });
        change<compute_op>("number of operands", [](compute_op& c) { c.inputs.push_back(c.inputs.back()); });
        for (std::size_t i = 0; i < op.steps.size(); ++i)
            steps(op, i);
    }

    /// Which of several steps comes first, and which of several operands that fit is whose, nobody could tell.
    void steps(const compute_op& op, std::size_t i) {
        const auto edit = [&](const std::string& kind, const std::function<void(dfx::element_step&)>& f) {
            change<compute_op>(kind, [i, f](compute_op& c) { f(c.steps[i]); });
        };
        edit("step's operand", [](dfx::element_step& s) { s.operand.reset(); });
        for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{op.inputs.size()}})
            edit("step's operand", [number](dfx::element_step& s) { s.operand = number; });
        if (!op.steps[i].operand) {
            edit("step's operand", [last = op.inputs.size() - 1](dfx::element_step& s) { s.operand = last; });
            edit("step's operand", [](dfx::element_step& s) { s.operand_first = true; });
        }
        for (const dtype type : dfx::all_of<dtype>())
            if (type != op.steps[i].result)
                edit("step's type", [type](dfx::element_step& s) { s.result = type; });
        using dfx::element_function;
        const auto others = op.steps[i].operand
                                ? std::vector<element_function>{element_function::identity, element_function::clamp,
                                                                element_function::relu}
                                : std::vector<element_function>{element_function::add};
        for (const element_function f : others)
            edit("step's function", [f](dfx::element_step& s) { s.function = f; });
        if (op.steps[i].operand)
            change<compute_op>("drop a step",
                               [i](compute_op& c) { c.steps.erase(c.steps.begin() + static_cast<std::ptrdiff_t>(i)); });
    }

    void regions(const std::vector<tensor_region*>& all) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto edit = [&](const std::string& kind, const std::function<void(tensor_region&)>& f) {
                add(kind, [i, f](statement& s) { f(*regions_of(s)[i]); });
            };
            for (const dfx::memory_level level : dfx::all_of<dfx::memory_level>())
                if (level != all[i]->level)
                    edit("level", [level](tensor_region& r) { r.level = level; });
            for (const dfx::tensor_descriptor& t : m_program.tensors)
                if (t.name != all[i]->tensor_name)
                    edit("tensor", [name = t.name](tensor_region& r) { r.tensor_name = name; });
            for (const std::uint64_t size : {0U, 1U, 2U, 4U, 8U})
                if (size != all[i]->element_size)
                    edit("element size", [size](tensor_region& r) { r.element_size = size; });
            edit("tile index", [](tensor_region& r) { std::reverse(r.tile_indices.begin(), r.tile_indices.end()); });
            for (std::size_t d = 0; d < all[i]->tile_indices.size(); ++d) {
                edit("tile index", [d](tensor_region& r) { r.tile_indices[d].offset += 1; });
                edit("tile index", [d](tensor_region& r) { r.tile_indices[d].offset -= 1; });
                for (std::size_t loop = 0; loop < 4; ++loop)
                    edit("tile index", [d, loop](tensor_region& r) { bump(r.tile_indices[d], loop, -1); });
                edit("tile extent", [d](tensor_region& r) { r.tile_shape[d] += 1; });
                edit("tile extent", [d](tensor_region& r) { r.tile_shape[d] = 0; });
            }
        }
    }

    void identity() {
        add("operation id", [](statement& s) { *id_of(s) = 0; });
        add("operation id", [](statement& s) { *id_of(s) = k_fresh_id; });
        for (const std::uint64_t taken : {1U, 2U, 5U, 7U})
            add("duplicate id", [taken](statement& s) { *id_of(s) = *id_of(s) == taken ? taken + 1 : taken; });
        add("duplicate product", [](statement& s) {
            if (auto* move = std::get_if<data_move_op>(&s))
                move->produces = move->produces == 1 ? 2 : 1;
            else if (auto* op = std::get_if<compute_op>(&s))
                op->produces = 1;
        });
    }

    void structure() {
        const auto restructure = [&](const std::string& kind, const std::function<void(const place&)>& f) {
            m_out.push_back({kind, [at = m_at, f](dfx::program& p) { f(places_of(p)[at]); }});
        };
        restructure("remove a statement",
                    [](const place& x) { x.body->erase(x.body->begin() + static_cast<std::ptrdiff_t>(x.at)); });
        restructure("repeat a statement", [](const place& x) {
            statement again = x.get();
            std::uint64_t fresh = k_fresh_id;
            const auto renumber = [&](statement& s) {
                if (id_of(s) != nullptr)
                    *id_of(s) = ++fresh;
                if (auto* move = std::get_if<data_move_op>(&s))
                    move->produces = 0;
                if (auto* op = std::get_if<compute_op>(&s))
                    op->produces = 0;
            };
            std::vector<statement> one = {std::move(again)};
            for_each_statement(one, renumber);
            x.body->insert(x.body->begin() + static_cast<std::ptrdiff_t>(x.at) + 1, std::move(one.front()));
        });
        restructure("swap neighbours",
                    [](const place& x) { std::swap(x.get(), (*x.body)[(x.at + 1) % x.body->size()]); });
        restructure("into the loop before", [](const place& x) {
            auto* loop = x.at > 0 ? std::get_if<loop_nest>(&(*x.body)[x.at - 1]) : nullptr;
            if (loop == nullptr)
                return;
            loop->body.push_back(std::move(x.get()));
            x.body->erase(x.body->begin() + static_cast<std::ptrdiff_t>(x.at));
        });
        restructure("into a loop of its own", [](const place& x) {
            loop_nest twice;
            twice.loop.induction_var = "again";
            twice.loop.end = 2;
            twice.body.push_back(std::move(x.get()));
            x.get() = std::move(twice);
        });
    }

    void tensors(std::size_t t) {
        const auto edit = [&](const std::string& kind, const std::function<void(dfx::tensor_descriptor&)>& f) {
            m_out.push_back({kind, [t, f](dfx::program& p) { f(p.tensors[t]); }});
        };
        for (const dfx::tensor_role role : dfx::all_of<dfx::tensor_role>())
            edit("tensor role", [role](dfx::tensor_descriptor& d) { d.role = role; });
        const dfx::tensor_descriptor& was = m_program.tensors[t];
        const bool made = was.role == dfx::tensor_role::output || was.role == dfx::tensor_role::intermediate;
        for (const dtype type : dfx::all_of<dtype>())
            if (!made || size_of(type) != size_of(was.type) || is_integer(type) != is_integer(was.type))
                edit("tensor type", [type](dfx::tensor_descriptor& d) { d.type = type; });
        for (std::size_t d = 0; d < m_program.tensors[t].dims.size(); ++d)
            for (const std::uint64_t by : {std::uint64_t{1}, UINT64_MAX})
                edit("tensor extent", [d, by](dfx::tensor_descriptor& x) { x.dims[d] += by; });
    }

    dfx::program m_program;
    std::vector<mutation> m_out;
    std::size_t m_at = 0;
};

} // namespace

std::vector<mutation> mutations_of(const dfx::program& p) {
    return generator(p).run();
}

} // namespace kpu::test
