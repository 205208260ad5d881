#include "compiler/passes/lower.h"

#include "compiler/dfg/interface.h"
#include "compiler/dfg/ops/resolve.h"
#include "compiler/dfx/verify.h"
#include "compiler/passes/fuse.h"
#include "compiler/passes/matmul_nest.h"
#include "compiler/passes/node_operator.h"
#include "compiler/passes/numbers.h"
#include "compiler/passes/patterns.h"
#include "platforms/common/diagnostic.h"

#include <fmt/format.h>
#include <map>
#include <set>
#include <variant>

namespace kpu::passes {

namespace {

/// Operators on whole tensors that together compute a node; none where its result is a view of its operand.
struct node_work {
    dfg::node_id id;
    dfg::value_ref shown; ///< where it is a view
    std::vector<node_operator> operators;
};
/// What a compute node becomes: a loop nest over the tiles of a matmul, or operators.
using work_item = std::variant<dfg::matmul, node_work>;

bool is_product(const dfx::compute_op& op) {
    return op.type == dfx::compute_type::matmul_tile || op.type == dfx::compute_type::conv_tile;
}

class lowering {
  public:
    lowering(const dfg::graph& g, const dfg::binding& bound, const lower_options& options)
        : m_graph(g), m_bound(bound), m_options(options) {}

    lowered run() {
        m_out.program.graph_name = m_graph.name;
        m_out.program.compiler = m_options.compiler;
        m_out.program.tuned_for = m_options.on.platform;
        const std::vector<work_item> items = find_work();
        const dfg::graph_interface interface = find_interface();
        m_problems.throw_if_errors();
        find_layouts(items, interface);
        declare_inputs(interface);
        check_outputs(interface);
        m_problems.throw_if_errors();
        for (const work_item& item : items)
            std::visit([&](const auto& one) { lower_item(one); }, item);
        m_out.program.version = dfx::lowest_version(m_out.program);
        dfx::require_valid(m_out.program, m_graph.file);
        return std::move(m_out);
    }

  private:
    std::vector<work_item> find_work() {
        std::vector<work_item> items;
        for (const dfg::node_id id : m_bound.compute) {
            const dfg::node& n = m_graph.nodes.at(id);
            try {
                const dfg::resolved_op op = resolve(m_graph, m_bound, id);
                if (const auto* product = std::get_if<dfg::matmul>(&op.parameters)) {
                    check_size(n, *product);
                    items.emplace_back(*product);
                } else {
                    items.emplace_back(node_work{id, op.operands.front().value, operators_of(m_graph, op)});
                }
            } catch (const input_error& problem) {
                m_problems.append(problem.problems());
            }
        }
        return items;
    }

    void check_size(const dfg::node& n, const dfg::matmul& product) {
        std::uint64_t macs = product.batch;
        for (const std::uint64_t extent : {product.m, product.n, product.k})
            if (__builtin_mul_overflow(macs, extent, &macs) || macs > dfx::k_max_macs)
                return m_problems.error(place_of(m_graph, n), describe(n) + ": more than 2^56 multiply-accumulates");
    }

    dfg::graph_interface find_interface() {
        try {
            return interface_of(m_graph, m_bound);
        } catch (const input_error& problem) {
            m_problems.append(problem.problems());
            return {};
        }
    }

    // ---- tensors

    /// A name that no tensor has yet: the wanted one, else the node's id.
    std::string fresh_name(const std::string& wanted, const dfg::value_ref& value) {
        std::string name = wanted;
        if (name.empty() || m_names.count(name) != 0)
            name = "n" + std::to_string(value.node.value());
        while (m_names.count(name) != 0)
            name += "." + std::to_string(value.at);
        m_names.insert(name);
        return name;
    }

    /// Weights that all their users want in one other order lie in it from the start.
    void find_layouts(const std::vector<work_item>& items, const dfg::graph_interface& interface) {
        std::set<dfg::value_ref> plain;
        for (const dfg::graph_output& output : interface.outputs)
            plain.insert(output.value);
        for (const work_item& item : items) {
            if (const auto* product = std::get_if<dfg::matmul>(&item)) {
                plain.insert({product->a, product->b});
                if (product->seed)
                    plain.insert(*product->seed);
                continue;
            }
            const auto& node = std::get<node_work>(item);
            if (node.operators.empty())
                plain.insert(node.shown);
            for (const node_operator& one : node.operators)
                for (const operand_use& use : one.operands)
                    find_layout(use, plain);
        }
        for (const dfg::value_ref& value : plain)
            m_layouts.erase(value);
    }

    void find_layout(const operand_use& use, std::set<dfg::value_ref>& plain) {
        if (use.own || use.earlier)
            return;
        const operand_use& first = m_layouts.emplace(use.value, use).first->second;
        if (!use.host || !first.host || !(*first.host == *use.host) || first.dims != use.dims)
            plain.insert(use.value);
    }

    void declare_inputs(const dfg::graph_interface& interface) {
        for (const dfg::graph_input& input : interface.inputs) {
            const std::string name = fresh_name(input.keys.front(), input.value);
            const auto role =
                input.kind == dfg::input_kind::constant ? dfx::tensor_role::constant : dfx::tensor_role::input;
            dfx::tensor_descriptor t{name, input.dims, input.type, role, input.keys, {}, {}};
            if (const auto layout = m_layouts.find(input.value); layout != m_layouts.end()) {
                t.dims = layout->second.dims;
                t.host = layout->second.host;
            }
            m_out.program.tensors.push_back(std::move(t));
            m_tensor_of[input.value] = name;
        }
    }

    void check_outputs(const dfg::graph_interface& interface) {
        for (const dfg::graph_output& output : interface.outputs) {
            const location where = place_of(m_graph, m_graph.nodes.at(output.end));
            if (m_tensor_of.count(output.value) != 0)
                m_problems.error(where,
                                 "output " + output.key + " is an input that is passed through: nothing computes it",
                                 m_tensor_of.at(output.value));
            else if (!m_output_key.emplace(output.value, output.key).second)
                m_problems.error(where, "output " + output.key + " returns the same value as output " +
                                            m_output_key.at(output.value));
        }
    }

    [[nodiscard]] dfg::value_ref result_of(dfg::node_id id) const {
        const auto& types = m_graph.nodes.at(id).result_types;
        return {id, types.empty() ? 0 : types.begin()->first, false};
    }

    std::string declare_result(dfg::node_id id, const shape& dims, dtype type, const std::string& view_of = {}) {
        const dfg::value_ref value = result_of(id);
        const dfg::node& n = m_graph.nodes.at(id);
        const auto label = n.result_labels.find(value.at);
        const auto key = m_output_key.find(value);
        const bool output = key != m_output_key.end();
        std::string name = fresh_name(output                           ? key->second
                                      : label != n.result_labels.end() ? label->second
                                                                       : "",
                                      value);
        const auto role = output ? dfx::tensor_role::output : dfx::tensor_role::intermediate;
        const auto keys = output ? std::vector<std::string>{key->second} : std::vector<std::string>{};
        m_out.program.tensors.push_back({name, dims, type, role, keys, view_of, {}});
        m_tensor_of[value] = name;
        return name;
    }

    std::string declare_intermediate(const std::string& wanted, const shape& dims, dtype type,
                                     const std::string& view_of) {
        std::string name = wanted;
        while (m_names.count(name) != 0)
            name += "_";
        m_names.insert(name);
        m_out.program.tensors.push_back({name, dims, type, dfx::tensor_role::intermediate, {}, view_of, {}});
        return name;
    }

    /// A tensor's elements with other dimensions: itself, or a view, of which there is one for all who want it.
    std::string seen_as(const std::string& tensor, const shape& dims) {
        const dfx::tensor_descriptor& t = *m_out.program.find(tensor);
        if (t.dims == dims)
            return tensor;
        std::string& view = m_views[{tensor, dims}];
        if (view.empty())
            view = declare_intermediate(tensor + "." + to_string(dims), dims, t.type, tensor);
        return view;
    }

    /// The tensor that holds an operand as its operator wants it; where dimensions have to be reordered on the chip, a
    /// kernel does that.
    std::string tensor_for(const operand_use& use, const std::vector<std::string>& earlier) {
        if (use.earlier)
            return earlier.at(*use.earlier);
        if (use.own)
            return own_tensor(*use.own);
        const std::string& given = m_tensor_of.at(use.value);
        if (!use.host || m_layouts.count(use.value) != 0)
            return seen_as(given, use.dims);
        std::string& ordered = m_ordered[use.value];
        if (ordered.empty()) {
            shape dims;
            for (const std::uint64_t axis : use.host->permutation)
                dims.push_back(use.host->dims[axis]);
            ordered = declare_intermediate(given + ".reordered", dims, m_out.program.find(given)->type, "");
            dfx::compute_op op;
            op.type = dfx::compute_type::rearrange_tile;
            op.axes = use.host->permutation;
            add_operator(std::move(op), {given}, ordered, "REORDER." + given, {use.value.node.value()});
        }
        return seen_as(ordered, use.dims);
    }

    std::string own_tensor(const tensor& values) {
        std::string name = constant_tensor(m_out.program, values);
        m_names.insert(name);
        return name;
    }

    // ---- kernels

    void lower_item(const node_work& node) {
        if (node.operators.empty()) {
            const dfg::tensor_type& type = dfg::type_of(m_graph, result_of(node.id));
            const std::string shown = m_tensor_of.at(node.shown);
            declare_result(node.id, type.extents(), *type.type(), shown);
            return;
        }
        const dfg::node& n = m_graph.nodes.at(node.id);
        const std::string name = fmt::format("{}.{}", name_of(n.op), node.id.value());
        std::vector<std::string> results;
        for (std::size_t i = 0; i < node.operators.size(); ++i) {
            const node_operator& one = node.operators[i];
            std::vector<std::string> inputs;
            inputs.reserve(one.operands.size());
            for (const operand_use& use : one.operands)
                inputs.push_back(tensor_for(use, results));
            const bool last = i + 1 == node.operators.size();
            const std::string result =
                last ? declare_result(node.id, one.result, one.type)
                     : declare_intermediate(name + "." + std::to_string(i), one.result, one.type, "");
            add_operator(one.op, inputs, result, last ? name : name + "." + std::to_string(i), {node.id.value()});
            results.push_back(result);
        }
    }

    void add_operator(dfx::compute_op op, const std::vector<std::string>& inputs, const std::string& result,
                      std::string name, std::vector<std::uint64_t> nodes) {
        op.op_id = op.produces = m_next_id++;
        dfx::kernel k;
        for (const std::string& input : inputs)
            op.inputs.push_back(dfx::whole(*m_out.program.find(input)));
        op.output = dfx::whole(*m_out.program.find(result));
        k.name = std::move(name);
        k.graph_nodes = std::move(nodes);
        if (m_options.flow && is_product(op)) {
            k.flow = *m_options.flow;
            k.tiles = dfx::tile_policy::required_dataflow;
        }
        k.body.emplace_back(std::move(op));
        k.hints = hints_for(m_out.program, k, m_options.on);
        m_out.program.kernels.push_back(std::move(k));
    }

    void lower_item(const dfg::matmul& product) {
        shape dims = {product.m, product.n};
        if (product.batched)
            dims.insert(dims.begin(), product.batch);
        declare_result(product.id, dims, product.result);
        dfx::contraction c;
        c.a = m_tensor_of.at(product.a);
        c.b = m_tensor_of.at(product.b);
        c.c = m_tensor_of.at(result_of(product.id));
        if (product.seed) {
            c.seed = m_tensor_of.at(*product.seed);
            c.seed_type = m_out.program.find(*c.seed)->type;
        }
        c.batch = product.batch;
        c.m = product.m;
        c.n = product.n;
        c.k = product.k;
        c.operand = product.operand;
        c.accumulator = product.accumulator;
        c.result = product.result;

        kernel_report report;
        report.kernel = c.c;
        report.node = product.id.value();
        report.tiles = choose_tiles(c, m_options.tiles, m_options.on);
        report.flow = choose_dataflow(c, m_options.flow, m_options.on);
        c.tile = report.tiles.tile;
        const bool wants_flow = m_options.flow && report.tiles.policy == dfx::tile_policy::suggested;
        c.tiles = wants_flow ? dfx::tile_policy::required_dataflow : report.tiles.policy;
        c.flow = report.flow.flow;
        dfx::kernel k = matmul_nest(m_out.program, c, m_next_id);
        k.name = c.c;
        k.graph_nodes = {product.id.value()};
        k.hints = hints_for(c, m_options.on.typical);
        m_out.program.kernels.push_back(std::move(k));
        report.product = std::move(c);
        m_out.kernels.push_back(std::move(report));
    }

    const dfg::graph& m_graph;
    const dfg::binding& m_bound;
    const lower_options& m_options;
    diagnostics m_problems;
    lowered m_out;
    std::set<std::string> m_names;
    std::map<dfg::value_ref, std::string> m_tensor_of;
    std::map<dfg::value_ref, std::string> m_output_key;
    std::map<dfg::value_ref, operand_use> m_layouts; ///< of inputs that lie in another order than in their file
    std::map<dfg::value_ref, std::string> m_ordered; ///< brought into another order by a kernel
    std::map<std::pair<std::string, shape>, std::string> m_views;
    std::uint64_t m_next_id = 1;
};

/// Says of each report in which kernel its matmul has ended up, if not in one of its own.
void find_merged(lowered& result) {
    for (kernel_report& report : result.kernels) {
        for (const dfx::kernel& k : result.program.kernels) {
            const dfx::compute_op* whole = dfx::whole_tensor_operator(k);
            if (whole != nullptr && is_product(*whole) && k.graph_nodes.front() == report.node)
                report.merged_into = k.name;
        }
    }
}

std::string why_not_fixed(const dfx::compute_op& op) {
    return fmt::format(is_product(op) ? "its {} on whole tensors is cut by the loader" : "its {} is no product",
                       name_of(op.type));
}

/// Of tiles that the user insists on.
void warn_of_ignored_tiles(const dfg::graph& g, const tile_request& request, lowered& result) {
    if (request.strategy != tile_strategy::fixed)
        return;
    const auto& [ti, tj, tk] = request.fixed;
    for (const dfx::kernel& k : result.program.kernels) {
        if (k.tiles == dfx::tile_policy::required)
            continue;
        const auto node = static_cast<unsigned>(k.graph_nodes.front()); // as the graph's ids are
        const std::string why = why_not_fixed(*dfx::whole_tensor_operator(k));
        result.warnings.warning(place_of(g, g.nodes.at(dfg::node_id(node))),
                                fmt::format("fixed tiles are not applied to kernel {}: {}", k.name, why),
                                fmt::format("fixed:{},{},{}", ti, tj, tk));
    }
}

} // namespace

lowered lower(const dfg::graph& g, const dfg::binding& bound, const lower_options& options) {
    lowered result = lowering(g, bound, options).run();
    if (options.fusion) {
        recognise_patterns(result.program);
        fuse_steps(result.program);
        dfx::require_valid(result.program, g.file);
        find_merged(result);
    }
    warn_of_ignored_tiles(g, options.tiles, result);
    return result;
}

} // namespace kpu::passes
