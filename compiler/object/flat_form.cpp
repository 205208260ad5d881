#include "compiler/object/flat_form.h"

#include <algorithm>
#include <map>

namespace kpu::object {

namespace {

/// "float32" or "f32".
std::optional<dtype> element_type_named(const std::string& text) {
    static const std::map<std::string, dtype> k_long_names = {
        {"float64", dtype::f64}, {"float32", dtype::f32}, {"float16", dtype::f16}, {"bfloat16", dtype::bf16},
        {"float8", dtype::f8},   {"int8", dtype::i8},     {"int32", dtype::i32}};
    const auto found = k_long_names.find(text);
    return found == k_long_names.end() ? dtype_named(text) : std::optional<dtype>(found->second);
}

class completer {
  public:
    completer(dfx::program& p, const flat_metadata& metadata, json_errors& errors)
        : m_program(p), m_metadata(metadata), m_errors(errors) {}

    void run(const std::vector<bool>& has_role) {
        std::vector<dfx::statement>& body = m_program.kernels.front().body;
        for (std::size_t i = 0; i < body.size(); ++i)
            learn_shapes(body[i], join("/operations", i));
        for (std::size_t i = 0; i < body.size(); ++i)
            complete(body[i], join("/operations", i));
        infer_roles(body, has_role);
    }

  private:
    [[nodiscard]] dfx::tensor_descriptor* find(const std::string& name) {
        const auto found = std::find_if(m_program.tensors.begin(), m_program.tensors.end(),
                                        [&](const dfx::tensor_descriptor& t) { return t.name == name; });
        return found == m_program.tensors.end() ? nullptr : &*found;
    }

    /// Remembers the tile extents that a tensor has as operand (rows, columns) of a MATMUL_TILE.
    void learn(const dfx::tensor_region& r, std::uint64_t rows, std::uint64_t columns, const std::string& pointer) {
        if (rows == 0 || columns == 0 || r.tile_indices.size() < 2)
            return;
        shape tile(r.tile_indices.size() - 2, 1);
        tile.push_back(rows);
        tile.push_back(columns);
        const auto [known, fresh] = m_shapes.emplace(r.tensor_name, tile);
        if (!fresh && known->second != tile && r.tile_shape.empty())
            m_errors.add(pointer, "tile shape of " + r.tensor_name + " is ambiguous",
                         to_string(known->second) + " or " + to_string(tile), "a field \"shape\"");
    }

    void learn_shapes(const dfx::statement& s, const std::string& pointer) {
        const auto* op = std::get_if<dfx::compute_op>(&s);
        if (op == nullptr || op->type != dfx::compute_type::matmul_tile || op->inputs.size() < 2)
            return;
        const flat_metadata& t = m_metadata;
        learn(op->inputs[0], t.ti, t.tk, pointer);
        learn(op->inputs[1], t.tk, t.tj, pointer);
        if (op->inputs.size() > 2)
            learn(op->inputs[2], t.ti, t.tj, pointer);
        learn(op->output, t.ti, t.tj, pointer);
        check(op->inputs[0], op->output, pointer);
    }

    /// The first MATMUL_TILE is what M, N, K and element_type speak of.
    void check(const dfx::tensor_region& a, const dfx::tensor_region& c, const std::string& pointer) {
        const dfx::tensor_descriptor* ta = find(a.tensor_name);
        const dfx::tensor_descriptor* tc = find(c.tensor_name);
        if (m_checked || ta == nullptr || tc == nullptr || ta->dims.size() < 2 || tc->dims.size() < 2)
            return;
        m_checked = true;
        const auto compare = [&](const char* name, std::uint64_t given, std::uint64_t actual) {
            if (given != 0 && given != actual)
                m_errors.add(join("/metadata", name), "contradicts the tensors of " + pointer, std::to_string(given),
                             std::to_string(actual));
        };
        compare("M", m_metadata.m, tc->dims[tc->dims.size() - 2]);
        compare("N", m_metadata.n, tc->dims.back());
        compare("K", m_metadata.k, ta->dims.back());
        if (m_metadata.element_type && *m_metadata.element_type != ta->type)
            m_errors.add("/metadata/element_type", "contradicts tensor " + ta->name,
                         std::string(name_of(*m_metadata.element_type)), std::string(name_of(ta->type)));
    }

    void complete(dfx::tensor_region& r, const std::string& pointer) {
        const dfx::tensor_descriptor* t = find(r.tensor_name);
        if (t == nullptr)
            return; // reported by the verifier
        if (r.element_size == 0)
            r.element_size = size_of(t->type);
        if (!r.tile_shape.empty())
            return;
        if (const auto known = m_shapes.find(r.tensor_name); known != m_shapes.end())
            r.tile_shape = known->second;
        else
            m_errors.add(pointer, "tile shape of " + r.tensor_name + " is not known", "",
                         "a field \"shape\", or Ti, Tj, Tk in the metadata");
    }

    void complete(dfx::statement& s, const std::string& pointer) {
        if (auto* move = std::get_if<dfx::data_move_op>(&s)) {
            complete(move->source, join(pointer, "source"));
            complete(move->destination, join(pointer, "dest"));
        } else if (auto* op = std::get_if<dfx::compute_op>(&s)) {
            for (std::size_t i = 0; i < op->inputs.size(); ++i)
                complete(op->inputs[i], join(join(pointer, "inputs"), i));
            complete(op->output, join(pointer, "output"));
        }
    }

    void infer_roles(const std::vector<dfx::statement>& body, const std::vector<bool>& has_role) {
        std::set<std::string> loaded;
        std::set<std::string> stored;
        for (const dfx::statement& s : body) {
            const auto* move = std::get_if<dfx::data_move_op>(&s);
            if (move != nullptr && move->source.level == dfx::memory_level::external)
                loaded.insert(move->source.tensor_name);
            if (move != nullptr && move->destination.level == dfx::memory_level::external)
                stored.insert(move->destination.tensor_name);
        }
        for (std::size_t i = 0; i < m_program.tensors.size(); ++i) {
            dfx::tensor_descriptor& t = m_program.tensors[i];
            if (!has_role[i])
                t.role = stored.count(t.name) != 0   ? dfx::tensor_role::output
                         : loaded.count(t.name) != 0 ? dfx::tensor_role::input
                                                     : dfx::tensor_role::intermediate;
            if (t.keys.empty() && t.role != dfx::tensor_role::intermediate)
                t.keys = {t.name};
        }
    }

    dfx::program& m_program;
    const flat_metadata& m_metadata;
    json_errors& m_errors;
    std::map<std::string, shape> m_shapes;
    bool m_checked = false;
};

} // namespace

flat_metadata read_flat_metadata(const json_object& root) {
    flat_metadata out;
    const json_value* value = root.get("metadata", false);
    if (value == nullptr)
        return out;
    const json_object o(
        *value, root.at("metadata"), root.errors(),
        {"M", "N", "K", "Ti", "Tj", "Tk", "dataflow", "element_type", "tiles", "kernel_name", "graph_nodes"});
    out.m = o.number("M", 0);
    out.n = o.number("N", 0);
    out.k = o.number("K", 0);
    out.ti = o.number("Ti", 0);
    out.tj = o.number("Tj", 0);
    out.tk = o.number("Tk", 0);
    out.flow = o.choice<dfx::dataflow>("dataflow", dfx::dataflow::output_stationary);
    out.tiles = o.choice<dfx::tile_policy>("tiles", dfx::tile_policy::suggested);
    out.graph_nodes = o.numbers("graph_nodes", false);
    if (o.has("kernel_name"))
        out.kernel_name = o.text("kernel_name");
    if (o.has("element_type")) {
        const std::string text = o.text("element_type");
        out.element_type = element_type_named(text);
        if (!out.element_type)
            root.errors().add(o.at("element_type"), "unknown element type", text, "float32, float16, int8, ...");
    }
    return out;
}

void complete_flat(dfx::program& p, const flat_metadata& metadata, const std::vector<bool>& has_role,
                   json_errors& errors) {
    completer(p, metadata, errors).run(has_role);
}

} // namespace kpu::object
