#include "compiler/passes/lower.h"

#include "compiler/dfg/interface.h"
#include "compiler/dfg/matmul.h"
#include "compiler/dfx/verify.h"
#include "compiler/passes/matmul_nest.h"
#include "platforms/common/diagnostic.h"

#include <map>
#include <set>

namespace kpu::passes {

namespace {

class lowering {
  public:
    lowering(const dfg::graph& g, const dfg::binding& bound, const lower_options& options)
        : m_graph(g), m_bound(bound), m_options(options) {}

    lowered run() {
        m_out.program.graph_name = m_graph.name;
        m_out.program.compiler = m_options.compiler;
        std::vector<dfg::matmul> products = find_products();
        const dfg::graph_interface interface = find_interface();
        m_problems.throw_if_errors();
        declare_inputs(interface);
        check_outputs(interface);
        m_problems.throw_if_errors();
        for (const dfg::matmul& product : products)
            declare_result(product);
        for (const dfg::matmul& product : products)
            add_kernel(product);
        dfx::require_valid(m_out.program, m_graph.file);
        return std::move(m_out);
    }

  private:
    std::vector<dfg::matmul> find_products() {
        std::vector<dfg::matmul> products;
        for (const dfg::node_id id : m_bound.compute) {
            const dfg::node& n = m_graph.nodes.at(id);
            if (n.op != dfg::operator_kind::matmul) {
                m_problems.error(place_of(m_graph, n), describe(n) + ": this operator is not compiled yet");
                continue;
            }
            try {
                products.push_back(matmul_at(m_graph, m_bound, id));
                check_size(n, products.back());
            } catch (const input_error& problem) {
                m_problems.append(problem.problems());
            }
        }
        return products;
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

    void declare_inputs(const dfg::graph_interface& interface) {
        for (const dfg::graph_input& input : interface.inputs) {
            const std::string name = fresh_name(input.keys.front(), input.value);
            const auto role =
                input.kind == dfg::input_kind::constant ? dfx::tensor_role::constant : dfx::tensor_role::input;
            m_out.program.tensors.push_back({name, input.dims, input.type, role, input.keys, {}, {}});
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

    void declare_result(const dfg::matmul& product) {
        const dfg::value_ref value{product.id, result_slot(product.id), false};
        const dfg::node& n = m_graph.nodes.at(product.id);
        const auto label = n.result_labels.find(value.at);
        const auto key = m_output_key.find(value);
        const bool output = key != m_output_key.end();
        const std::string name = fresh_name(output                           ? key->second
                                            : label != n.result_labels.end() ? label->second
                                                                             : "",
                                            value);
        shape dims = {product.m, product.n};
        if (product.batched)
            dims.insert(dims.begin(), product.batch);
        m_out.program.tensors.push_back({name, dims, product.result,
                                         output ? dfx::tensor_role::output : dfx::tensor_role::intermediate,
                                         output ? std::vector<std::string>{key->second} : std::vector<std::string>{},
                                         {},
                                         {}});
        m_tensor_of[value] = name;
    }

    [[nodiscard]] dfg::slot result_slot(dfg::node_id id) const {
        const auto& types = m_graph.nodes.at(id).result_types;
        return types.empty() ? 0 : types.begin()->first;
    }

    void add_kernel(const dfg::matmul& product) {
        dfx::contraction c;
        c.a = m_tensor_of.at(product.a);
        c.b = m_tensor_of.at(product.b);
        c.c = m_tensor_of.at({product.id, result_slot(product.id), false});
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
        report.tiles = choose_tiles(c, m_options.tiles);
        report.flow = choose_dataflow(c, m_options.flow);
        c.tile = report.tiles.tile;
        c.tiles = report.tiles.policy;
        c.flow = report.flow.flow;
        dfx::kernel k = matmul_nest(m_out.program, c, m_next_id);
        k.name = c.c;
        k.graph_nodes = {product.id.value()};
        k.hints = hints_for(c);
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
    std::uint64_t m_next_id = 1;
};

} // namespace

lowered lower(const dfg::graph& g, const dfg::binding& bound, const lower_options& options) {
    return lowering(g, bound, options).run();
}

} // namespace kpu::passes
