#include "tests/dfx/programs.h"

#include "compiler/dfg/binding.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <random>

namespace kpu::test {

namespace {

std::string region(const std::string& tensor, const std::string& level) {
    return R"({"tensor": ")" + tensor + R"(", "level": ")" + level + R"(", "tile": [0, 0]})";
}

std::string move(int id, const std::string& subtype, const std::string& tensor, const std::string& from,
                 const std::string& to, const std::string& after) {
    const std::string number = std::to_string(id);
    return R"({"op_id": )" + number + R"(, "type": "DATA_MOVE", "subtype": ")" + subtype + R"(", "source": )" +
           region(tensor, from) + R"(, "dest": )" + region(tensor, to) + R"(, "depends_on": [)" + after +
           R"(], "produces": )" + number + "}";
}

dfx::affine constant(std::uint64_t value) {
    dfx::affine form;
    form.offset = static_cast<std::int64_t>(value);
    return form;
}

/// Appends operations to a flat program.
class flat_builder {
  public:
    flat_builder(dfx::program& p, const std::array<std::uint64_t, 3>& t) : m_program(p), m_tile(t) {}

    dfx::tensor_region tile(const std::string& tensor, dfx::memory_level level, std::uint64_t row,
                            std::uint64_t column) const {
        const std::uint64_t rows = tensor == "B" ? m_tile[2] : m_tile[0];
        const std::uint64_t columns = tensor == "A" ? m_tile[2] : m_tile[1];
        return {
            tensor, level, {constant(row), constant(column)}, {rows, columns}, size_of(m_program.find(tensor)->type)};
    }

    std::uint64_t move(dfx::data_move_type type, const dfx::tensor_region& from, const dfx::tensor_region& to,
                       std::uint64_t after) {
        dfx::data_move_op op;
        op.op_id = op.produces = m_next++;
        op.type = type;
        op.source = from;
        op.destination = to;
        if (after != 0)
            op.depends_on.push_back({after, {}});
        m_program.kernels.front().body.emplace_back(op);
        return op.op_id;
    }

    std::uint64_t load(const std::string& tensor, std::uint64_t row, std::uint64_t column) {
        using dfx::memory_level;
        const memory_level levels[] = {memory_level::external, memory_level::l3, memory_level::l2, memory_level::l1};
        std::uint64_t last = 0;
        for (int i = 0; i < 3; ++i)
            last = move(dfx::data_move_type::load, tile(tensor, levels[i], row, column),
                        tile(tensor, levels[i + 1], row, column), last);
        return last;
    }

    std::uint64_t multiply(std::uint64_t ti, std::uint64_t tj, std::uint64_t tk, std::uint64_t before) {
        dfx::compute_op op;
        const std::uint64_t a = load("A", ti, tk);
        const std::uint64_t b = load("B", tk, tj);
        op.op_id = op.produces = m_next++;
        op.inputs = {tile("A", dfx::memory_level::l1, ti, tk), tile("B", dfx::memory_level::l1, tk, tj)};
        op.output = tile("C", dfx::memory_level::reg, ti, tj);
        op.accumulate.when = tk == 0 ? dfx::accumulate_rule::kind::never : dfx::accumulate_rule::kind::always;
        op.depends_on = {{a, {}}, {b, {}}};
        if (before != 0)
            op.depends_on.push_back({before, {}});
        m_program.kernels.front().body.emplace_back(op);
        return op.op_id;
    }

  private:
    dfx::program& m_program;
    std::array<std::uint64_t, 3> m_tile;
    std::uint64_t m_next = 1;
};

} // namespace

std::string flat_matmul_json() {
    return R"({"dfx_version": "1.0", "graph_name": "flat", "metadata": {"M": 4, "N": 4, "K": 16, "Ti": 4, "Tj": 4, "Tk": 16,
 "dataflow": "output_stationary", "element_type": "float32"},
 "tensors": [{"name": "A", "shape": [4, 16], "dtype": "f32"}, {"name": "B", "shape": [16, 4], "dtype": "f32"},
  {"name": "C", "shape": [4, 4], "dtype": "f32"}],
 "operations": [)" +
           move(1, "LOAD", "A", "EXTERNAL", "L3", "") + ",\n" + move(2, "LOAD", "B", "EXTERNAL", "L3", "") + ",\n" +
           move(3, "LOAD", "A", "L3", "L2", "1") + ",\n" + move(4, "LOAD", "B", "L3", "L2", "2") + ",\n" +
           move(5, "LOAD", "A", "L2", "L1", "3") + ",\n" + move(6, "LOAD", "B", "L2", "L1", "4") + ",\n" +
           R"({"op_id": 7, "type": "COMPUTE", "subtype": "MATMUL_TILE", "inputs": [)" + region("A", "L1") + ", " +
           region("B", "L1") + R"(], "output": )" + region("C", "REGISTER") +
           R"(, "accumulate": false, "depends_on": [5, 6], "produces": 7},)" + "\n" +
           move(8, "STORE", "C", "REGISTER", "EXTERNAL", "7") +
           R"(],
 "hints": {"estimated_dram_bytes": 416, "estimated_compute_cycles": 1024, "parallelism_degree": 1}})";
}

dfx::program flat_matmul(std::uint64_t m, std::uint64_t n, std::uint64_t k, const std::array<std::uint64_t, 3>& t,
                         dtype type) {
    dfx::program p;
    p.version = "1.0";
    p.graph_name = "flat";
    const dtype result = type == dtype::i8 ? dtype::i32 : type;
    p.tensors = {{"A", {m, k}, type, dfx::tensor_role::input, {"A"}},
                 {"B", {k, n}, type, dfx::tensor_role::input, {"B"}},
                 {"C", {m, n}, result, dfx::tensor_role::output, {"C"}}};
    p.kernels.resize(1);
    p.kernels.front().name = "flat";
    flat_builder build(p, t);
    for (std::uint64_t ti = 0; ti * t[0] < m; ++ti) {
        for (std::uint64_t tj = 0; tj * t[1] < n; ++tj) {
            std::uint64_t last = 0;
            for (std::uint64_t tk = 0; tk * t[2] < k; ++tk)
                last = build.multiply(ti, tj, tk, last);
            build.move(dfx::data_move_type::store, build.tile("C", dfx::memory_level::reg, ti, tj),
                       build.tile("C", dfx::memory_level::external, ti, tj), last);
        }
    }
    return p;
}

passes::lowered compile(const dfg::matmul_graph_spec& spec, const passes::lower_options& options) {
    const dfg::graph g = dfg::matmul_graph(spec);
    diagnostics warnings;
    const dfg::binding bound = dfg::bind_operands(g, warnings);
    return passes::lower(g, bound, options);
}

dfx::program compiled(const dfg::matmul_graph_spec& spec, const std::string& tiles, std::optional<dfx::dataflow> flow) {
    passes::lower_options options;
    options.flow = flow;
    options.tiles = passes::parse_tile_request(tiles);
    return compile(spec, options).program;
}

dfx::program fused_chain(std::uint64_t m, const std::string& tiles) {
    dfg::matmul_graph_spec spec;
    spec.m = m;
    spec.n = 3;
    spec.k = 7;
    spec.chain = {4};
    dfx::program p = compiled(spec, tiles);
    std::vector<dfx::statement>& body = p.kernels[0].body;
    std::uint64_t store = 0;
    for_each_statement(body, [&](dfx::statement& s) {
        if (const auto* move = std::get_if<dfx::data_move_op>(&s))
            store = move->op_id;
    });
    for_each_statement(p.kernels[1].body, [&](dfx::statement& s) {
        auto* move = std::get_if<dfx::data_move_op>(&s);
        if (move != nullptr && move->source.level == dfx::memory_level::external &&
            p.find(move->source.tensor_name)->role == dfx::tensor_role::intermediate)
            move->depends_on.push_back({store, {}});
    });
    std::move(p.kernels[1].body.begin(), p.kernels[1].body.end(), std::back_inserter(body));
    p.kernels.pop_back();
    return p;
}

void for_each_statement(std::vector<dfx::statement>& body, const std::function<void(dfx::statement&)>& visit) {
    for (dfx::statement& s : body) {
        visit(s);
        if (auto* nest = std::get_if<dfx::loop_nest>(&s))
            for_each_statement(nest->body, visit);
    }
}

namespace {

/// Draws a program and then varies what leaves it valid.
class random_builder {
  public:
    explicit random_builder(std::uint64_t seed) : m_random(seed) {}

    dfx::program build() {
        m_program = draw(4) == 0 ? flat() : nest();
        for (dfx::kernel& k : m_program.kernels)
            vary(k);
        name_tensors();
        m_program.graph_name = name();
        m_program.compiler = draw(2) == 0 ? "" : name();
        m_program.tuned_for = draw(3) == 0 ? name() : "";
        for (const dfx::tensor_descriptor& t : m_program.tensors)
            if (t.role == dfx::tensor_role::constant && draw(2) == 0)
                m_program.constants[t.name] = random_tensor(t.type, t.dims, draw(1000));
        if (m_program.version != "1.0" && draw(2) == 0)
            m_program.version = dfx::lowest_version(m_program);
        return std::move(m_program);
    }

  private:
    std::uint64_t draw(std::uint64_t n) { return m_random() % n; }
    std::uint64_t extent() { return 1 + draw(40); }

    dfx::program flat() {
        return flat_matmul(extent(), extent(), extent(), {4 + draw(20), 4 + draw(20), 4 + draw(20)},
                           draw(2) == 0 ? dtype::f32 : dtype::i8);
    }

    dfx::program nest() {
        constexpr dtype k_types[] = {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32};
        dfg::matmul_graph_spec spec;
        spec.m = extent();
        spec.n = extent();
        spec.k = extent();
        spec.type = k_types[draw(7)];
        if (spec.type == dtype::i8)
            spec.result = dtype::i32;
        spec.seeded = draw(2) == 0;
        if (draw(3) == 0)
            spec.batch = 1 + draw(4);
        if (spec.type != dtype::i8 && draw(3) == 0)
            spec.chain = {extent(), extent()};
        passes::lower_options options;
        options.tiles = passes::parse_tile_request("fixed:" + std::to_string(extent()) + "," +
                                                   std::to_string(extent()) + "," + std::to_string(extent()));
        options.flow = dfx::all_of<dfx::dataflow>()[draw(3)];
        return compile(spec, options).program;
    }

    void vary(dfx::kernel& k) {
        k.name = name();
        k.graph_nodes.assign(draw(3), draw(UINT64_MAX));
        k.tiles = draw(2) == 0 ? dfx::tile_policy::required : dfx::tile_policy::suggested;
        k.hints = {draw(UINT64_MAX), draw(100), draw(UINT64_MAX)};
        for_each_statement(k.body, [&](dfx::statement& s) {
            if (auto* loop = std::get_if<dfx::loop_nest>(&s))
                reorder(*loop);
            else if (auto* move = std::get_if<dfx::data_move_op>(&s))
                move->produces = draw(2) == 0 ? move->produces : 0;
            if (auto* move = std::get_if<dfx::data_move_op>(&s))
                move->broadcast = draw(5) == 0;
        });
        if (draw(2) == 0)
            k.body.emplace_back(dfx::barrier_op{1000000 + draw(1000) + (m_barriers++ << 32U), {first_id(k)}, name()});
    }

    static std::uint64_t first_id(dfx::kernel& k) {
        std::uint64_t id = 0;
        for_each_statement(k.body, [&](dfx::statement& s) {
            if (const auto* move = std::get_if<dfx::data_move_op>(&s); move != nullptr && id == 0)
                id = move->op_id;
        });
        return id;
    }

    void reorder(dfx::loop_nest& nest) {
        dfx::tile_loop& loop = nest.loop;
        if (loop.kind == dfx::loop_kind::reduction || draw(3) != 0)
            return;
        loop.order = dfx::iteration_order::explicit_sequence;
        loop.sequence.clear();
        for (std::uint64_t v = loop.start; v < loop.end; v += loop.step)
            loop.sequence.insert(loop.sequence.begin() + static_cast<std::ptrdiff_t>(draw(loop.sequence.size() + 1)),
                                 v);
    }

    std::string name() {
        constexpr const char* k_parts[] = {"a",     "Matmul_1", " ",  "\"",  "\\",
                                           "\n",    "#",        "{",  "0",   "-1",
                                           "value", "dfx",      "%3", "[x]", "\xc3\xa4\xe2\x82\xac",
                                           "\x01",  "/",        "."};
        std::string text;
        for (std::uint64_t n = 1 + draw(4); n > 0; --n)
            text += k_parts[draw(std::size(k_parts))];
        return text;
    }

    void name_tensors() {
        std::map<std::string, std::string> names;
        for (dfx::tensor_descriptor& t : m_program.tensors) {
            const std::string fresh = draw(2) == 0 ? t.name : name() + std::to_string(names.size());
            names[t.name] = fresh;
            t.name = fresh;
            if (!t.keys.empty() && draw(2) == 0)
                t.keys.push_back(name() + " key " + std::to_string(names.size()));
        }
        const auto rename = [&](dfx::tensor_region& r) { r.tensor_name = names.at(r.tensor_name); };
        for (dfx::kernel& k : m_program.kernels)
            for_each_statement(k.body, [&](dfx::statement& s) {
                if (auto* move = std::get_if<dfx::data_move_op>(&s)) {
                    rename(move->source);
                    rename(move->destination);
                } else if (auto* op = std::get_if<dfx::compute_op>(&s)) {
                    std::for_each(op->inputs.begin(), op->inputs.end(), rename);
                    rename(op->output);
                }
            });
    }

    std::mt19937_64 m_random;
    dfx::program m_program;
    std::uint64_t m_barriers = 0;
};

} // namespace

dfx::program random_program(std::uint64_t seed) {
    return random_builder(seed).build();
}

tensor_map random_inputs(const dfx::program& p, std::uint64_t seed) {
    tensor_map out;
    for (const dfx::tensor_descriptor& t : p.tensors)
        if (t.role == dfx::tensor_role::input || t.role == dfx::tensor_role::constant)
            out.emplace(t.keys.front(), random_tensor(t.type, dfx::file_dims(t), ++seed));
    return out;
}

std::string golden_path(const std::string& name) {
    return std::string(KPU_SOURCE_DIR) + "/tests/dfx/golden/" + name;
}

dfx::contraction product(std::uint64_t m, std::uint64_t n, std::uint64_t k, dtype type) {
    dfx::contraction c;
    c.m = m;
    c.n = n;
    c.k = k;
    c.operand = type;
    c.accumulator = accumulator_of(type);
    c.result = type == dtype::i8 ? dtype::i32 : type;
    return c;
}

} // namespace kpu::test
