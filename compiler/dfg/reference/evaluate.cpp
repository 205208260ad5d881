#include "compiler/dfg/reference/evaluate.h"

#include "compiler/dfg/matmul.h"

namespace kpu::dfg {

namespace {

/// All matmuls of the graph, by node; what cannot be evaluated is reported for every node at once.
std::map<node_id, matmul> check(const graph& g, const binding& bound) {
    diagnostics problems;
    std::map<node_id, matmul> out;
    for (const node_id id : bound.compute) {
        const node& n = g.nodes.at(id);
        if (n.op != operator_kind::matmul) {
            problems.error(place_of(g, n),
                           "operator " + std::string(name_of(n.op)) + " is not yet supported: " + describe(n));
            continue;
        }
        try {
            out.emplace(id, matmul_at(g, bound, id));
        } catch (const input_error& problem) {
            problems.append(problem.problems());
        }
    }
    problems.throw_if_errors();
    return out;
}

const tensor& input_tensor(const graph_input& input, const tensor_map& inputs) {
    const auto found = inputs.find(input.keys.front());
    if (found != inputs.end() && found->second.type == input.type && found->second.dims == input.dims)
        return found->second;
    diagnostic problem;
    problem.message = found == inputs.end() ? "missing tensor" : "tensor of another type or shape";
    problem.text = input.keys.front();
    problem.expected = describe(input.type, input.dims);
    throw input_error(std::move(problem));
}

} // namespace

std::vector<expected_tensor> expected_inputs(const graph_interface& interface) {
    std::vector<expected_tensor> out;
    for (const graph_input& input : interface.inputs)
        out.push_back({input.keys, input.type, input.dims});
    return out;
}

void check_evaluable(const graph& g, const binding& bound) {
    (void)check(g, bound);
}

tensor_map evaluate(const graph& g, const binding& bound, const graph_interface& interface, const tensor_map& inputs) {
    const std::map<node_id, matmul> matmuls = check(g, bound);
    std::map<value_ref, const tensor*> values;
    for (const graph_input& input : interface.inputs)
        values[input.value] = &input_tensor(input, inputs);
    std::map<value_ref, tensor> results;
    for (const node_id id : bound.compute) {
        const matmul& mm = matmuls.at(id);
        const tensor* seed = mm.seed ? values.at(*mm.seed) : nullptr;
        const value_ref result{id, 0};
        values[result] = &(results[result] = multiply(*values.at(mm.a), *values.at(mm.b), seed, mm.result));
    }
    tensor_map out;
    for (const graph_output& output : interface.outputs)
        out.emplace(output.key, *values.at(output.value));
    return out;
}

} // namespace kpu::dfg
