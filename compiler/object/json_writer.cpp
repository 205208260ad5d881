#include "compiler/object/encodings.h"
#include "compiler/tensor/base64.h"
#include "compiler/tensor/crc32c.h"
#include "platforms/common/diagnostic.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace kpu::object {

namespace {

using json_value = nlohmann::ordered_json;
using names = std::vector<std::string>;

json_value index_to_json(const dfx::affine& form, const names& loops) {
    json_value terms = json_value::object();
    for (std::size_t d = 0; d < form.coefficients.size(); ++d)
        if (form.coefficients[d] != 0)
            terms[loops.at(d)] = form.coefficients[d];
    if (terms.empty())
        return form.offset;
    if (terms.size() == 1 && form.offset == 0 && terms.begin().value() == 1)
        return terms.begin().key();
    json_value out = {{"terms", terms}};
    if (form.offset != 0)
        out["offset"] = form.offset;
    return out;
}

json_value region_to_json(const dfx::tensor_region& r, const names& loops) {
    json_value tile = json_value::array();
    for (const dfx::affine& form : r.tile_indices)
        tile.push_back(index_to_json(form, loops));
    return {{"tensor", r.tensor_name},
            {"level", name_of(r.level)},
            {"tile", tile},
            {"shape", r.tile_shape},
            {"element_size", r.element_size}};
}

json_value dependences_to_json(const std::vector<dfx::dependence>& all) {
    json_value out = json_value::array();
    for (const dfx::dependence& d : all) {
        if (d.distance.empty())
            out.push_back(d.op);
        else
            out.push_back({{"op", d.op}, {"distance", d.distance}});
    }
    return out;
}

json_value accumulate_to_json(const dfx::accumulate_rule& rule) {
    if (rule.when == dfx::accumulate_rule::kind::after_first)
        return {{"after_first", rule.loop}};
    return rule.when == dfx::accumulate_rule::kind::always;
}

json_value body_to_json(const std::vector<dfx::statement>& body, names& loops);

json_value step_to_json(const dfx::element_step& s) {
    json_value out = {{"function", name_of(s.function)}, {"dtype", name_of(s.result)}};
    if (s.operand)
        out["operand"] = *s.operand;
    if (s.operand_first)
        out["operand_first"] = true;
    if (dfx::has_bounds(s)) {
        // as text: JSON has no infinities
        out["low"] = fmt::format("{}", s.low);
        out["high"] = fmt::format("{}", s.high);
    }
    return out;
}

/// Those that are not as they are where nothing is said.
void add_attributes(const dfx::compute_op& op, json_value& out) {
    const dfx::compute_op none;
    if (op.biased)
        out["biased"] = true;
    if (op.combine != none.combine)
        out["combine"] = name_of(op.combine);
    if (!(op.window == none.window))
        out["window"] = {{"kernel", op.window.kernel},
                         {"stride", op.window.stride},
                         {"dilation", op.window.dilation},
                         {"before", op.window.before},
                         {"after", op.window.after}};
    if (!op.axes.empty())
        out["axes"] = op.axes;
    if (!op.before.empty())
        out["pad"] = op.before;
    if (op.along != 0)
        out["along"] = op.along;
    for (const dfx::element_step& s : op.steps)
        out["steps"].push_back(step_to_json(s));
}

struct statement_writer {
    names& loops;

    json_value operator()(const dfx::data_move_op& op) const {
        json_value out = {{"op_id", op.op_id},
                          {"type", "DATA_MOVE"},
                          {"subtype", name_of(op.type)},
                          {"source", region_to_json(op.source, loops)},
                          {"dest", region_to_json(op.destination, loops)}};
        if (op.transpose)
            out["transpose"] = true;
        if (op.broadcast)
            out["broadcast"] = true;
        out["depends_on"] = dependences_to_json(op.depends_on);
        out["produces"] = op.produces;
        return out;
    }

    json_value operator()(const dfx::compute_op& op) const {
        json_value inputs = json_value::array();
        for (const dfx::tensor_region& r : op.inputs)
            inputs.push_back(region_to_json(r, loops));
        json_value out = {{"op_id", op.op_id},
                          {"type", "COMPUTE"},
                          {"subtype", name_of(op.type)},
                          {"inputs", inputs},
                          {"output", region_to_json(op.output, loops)},
                          {"accumulate", accumulate_to_json(op.accumulate)},
                          {"depends_on", dependences_to_json(op.depends_on)},
                          {"produces", op.produces}};
        add_attributes(op, out);
        return out;
    }

    json_value operator()(const dfx::barrier_op& op) const {
        return {{"op_id", op.op_id}, {"type", "BARRIER"}, {"wait_for", op.wait_for}, {"label", op.label}};
    }

    json_value operator()(const dfx::loop_nest& nest) const {
        const dfx::tile_loop& l = nest.loop;
        json_value out = {{"type", "LOOP"}, {"var", l.induction_var},  {"start", l.start},         {"end", l.end},
                          {"step", l.step}, {"kind", name_of(l.kind)}, {"order", name_of(l.order)}};
        if (!l.sequence.empty())
            out["sequence"] = l.sequence;
        loops.push_back(l.induction_var);
        out["body"] = body_to_json(nest.body, loops);
        loops.pop_back();
        return out;
    }
};

json_value body_to_json(const std::vector<dfx::statement>& body, names& loops) {
    json_value out = json_value::array();
    for (const dfx::statement& s : body)
        out.push_back(std::visit(statement_writer{loops}, s));
    return out;
}

json_value hints_to_json(const dfx::kernel_hints& h) {
    return {{"estimated_dram_bytes", h.estimated_dram_bytes},
            {"estimated_compute_cycles", h.estimated_compute_cycles},
            {"parallelism_degree", h.parallelism_degree}};
}

json_value tensor_to_json(const dfx::tensor_descriptor& t) {
    json_value out = {{"name", t.name}, {"shape", t.dims}, {"dtype", name_of(t.type)}, {"role", name_of(t.role)}};
    if (!t.keys.empty())
        out["keys"] = t.keys;
    if (!t.view_of.empty())
        out["view_of"] = t.view_of;
    if (t.host)
        out["host"] = {{"shape", t.host->dims}, {"permutation", t.host->permutation}};
    return out;
}

/// Version 1: one kernel without loops, whose attributes stand in the metadata.
void write_flat(const dfx::program& p, json_value& out, names& loops) {
    const dfx::kernel& k = p.kernels.front();
    json_value& metadata = out["metadata"];
    metadata["dataflow"] = name_of(k.flow);
    if (k.tiles != dfx::tile_policy::suggested)
        metadata["tiles"] = name_of(k.tiles);
    if (k.name != p.graph_name)
        metadata["kernel_name"] = k.name;
    if (!k.graph_nodes.empty())
        metadata["graph_nodes"] = k.graph_nodes;
    out["operations"] = body_to_json(k.body, loops);
    out["hints"] = hints_to_json(k.hints);
}

void write_kernels(const dfx::program& p, json_value& out, names& loops) {
    json_value& kernels = out["kernels"] = json_value::array();
    for (const dfx::kernel& k : p.kernels)
        kernels.push_back({{"name", k.name},
                           {"graph_nodes", k.graph_nodes},
                           {"dataflow", name_of(k.flow)},
                           {"tiles", name_of(k.tiles)},
                           {"hints", hints_to_json(k.hints)},
                           {"body", body_to_json(k.body, loops)}});
}

void write_constants(const dfx::program& p, json_value& out) {
    for (const auto& [name, value] : p.constants)
        out["constants"][name] = to_base64(value.data);
    if (!dfx::has_checksums(p.version))
        return;
    for (const auto& [name, value] : p.constants)
        out["constants_crc32c"][name] = crc32c(value.data);
}

} // namespace

std::string to_json(const dfx::program& p) {
    json_value out = {{"dfx_version", p.version}, {"graph_name", p.graph_name}};
    if (!p.compiler.empty())
        out["compiler"] = p.compiler;
    if (!p.tuned_for.empty())
        out["tuned_for"] = p.tuned_for;
    names loops;
    const bool flat = p.version.rfind("1.", 0) == 0;
    if (flat)
        out["metadata"] = json_value::object();
    json_value& tensors = out["tensors"] = json_value::array();
    for (const dfx::tensor_descriptor& t : p.tensors)
        tensors.push_back(tensor_to_json(t));
    flat ? write_flat(p, out, loops) : write_kernels(p, out, loops);
    write_constants(p, out);
    try {
        return out.dump(1) + "\n";
    } catch (const json_value::type_error&) {
        diagnostic problem;
        problem.message = "a name in the program is not UTF-8";
        throw input_error(std::move(problem));
    }
}

} // namespace kpu::object
