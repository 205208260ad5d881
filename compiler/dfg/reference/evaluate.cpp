#include "compiler/dfg/reference/evaluate.h"

#include "compiler/dfg/ops/resolve.h"
#include "compiler/dfg/reference/operators.h"

#include <map>
#include <variant>

namespace kpu::dfg {

namespace {

/// All operators of the graph, by node; what cannot be evaluated is reported for every node at once.
std::map<node_id, resolved_op> check(const graph& g, const binding& bound) {
    diagnostics problems;
    std::map<node_id, resolved_op> out;
    for (const node_id id : bound.compute)
        try {
            out.emplace(id, resolve(g, bound, id));
        } catch (const input_error& problem) {
            problems.append(problem.problems());
        }
    problems.throw_if_errors();
    return out;
}

tensor run(const graph& g, const resolved_op& op, const operand_list& in) {
    try {
        return std::visit([&](const auto& parameters) { return apply(op, parameters, in); }, op.parameters);
    } catch (const input_error& problem) {
        diagnostic placed = problem.problems().items().front();
        placed.where = place_of(g, g.nodes.at(op.id));
        throw input_error(std::move(placed));
    }
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
        out.push_back({input.keys, input.type, input.dims, input.below});
    return out;
}

void check_evaluable(const graph& g, const binding& bound) {
    (void)check(g, bound);
}

tensor_map evaluate(const graph& g, const binding& bound, const graph_interface& interface, const tensor_map& inputs) {
    const std::map<node_id, resolved_op> operators = check(g, bound);
    std::map<value_ref, const tensor*> values;
    for (const graph_input& input : interface.inputs)
        values[input.value] = &input_tensor(input, inputs);
    // A result lives until its last reader has run; outputs live to the end.
    std::map<value_ref, std::size_t> readers;
    for (const auto& [id, op] : operators)
        for (const op_operand& operand : op.operands)
            ++readers[operand.value];
    for (const graph_output& output : interface.outputs)
        ++readers[output.value];
    std::map<value_ref, tensor> results;
    for (const node_id id : bound.compute) {
        const resolved_op& op = operators.at(id);
        operand_list in;
        for (const op_operand& operand : op.operands)
            in.push_back(values.at(operand.value));
        const value_ref result{id, 0};
        values[result] = &(results[result] = run(g, op, in));
        for (const op_operand& operand : op.operands)
            if (--readers[operand.value] == 0)
                results.erase(operand.value);
    }
    tensor_map out;
    for (const graph_output& output : interface.outputs)
        out.emplace(output.key, *values.at(output.value));
    return out;
}

} // namespace kpu::dfg
