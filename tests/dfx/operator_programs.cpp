#include "tests/dfx/operator_programs.h"

#include "compiler/dfx/leaves.h"
#include "compiler/tensor/dtype.h"

#include <algorithm>
#include <variant>

namespace kpu::test {

using dfx::compute_op;
using dfx::compute_type;
using dfx::element_function;
using dfx::element_step;
using dfx::tensor_descriptor;
using dfx::tensor_role;

namespace {} // namespace

tensor_descriptor input(const std::string& name, const shape& dims, dtype type) {
    return {name, dims, type, tensor_role::input, {name}};
}

tensor_descriptor constant(const std::string& name, const shape& dims, dtype type) {
    return {name, dims, type, tensor_role::constant, {name}};
}

tensor_descriptor intermediate(const std::string& name, const shape& dims, dtype type) {
    return {name, dims, type, tensor_role::intermediate, {}};
}

tensor_descriptor output(const std::string& name, const shape& dims, dtype type) {
    return {name, dims, type, tensor_role::output, {name}};
}

element_step step(element_function f, dtype result, std::optional<std::uint64_t> operand) {
    element_step s;
    s.function = f;
    s.result = result;
    s.operand = operand;
    return s;
}

compute_op of_type(compute_type type) {
    compute_op op;
    op.type = type;
    return op;
}

compute_op elementwise(std::vector<element_step> steps) {
    compute_op op = of_type(compute_type::elementwise);
    op.steps = std::move(steps);
    return op;
}

compute_op reduce(element_function combine, std::uint64_t axis) {
    compute_op op = of_type(compute_type::reduction);
    op.combine = combine;
    op.axes = {axis};
    return op;
}

void add_operator(dfx::program& p, const operator_spec& spec) {
    std::uint64_t last = 0;
    for (const dfx::kernel& k : p.kernels)
        for (const dfx::leaf& l : dfx::leaves_of(k, ""))
            last = std::max(last, l.id());
    compute_op op = spec.op;
    op.op_id = op.produces = last + 1;
    for (const std::string& name : spec.inputs)
        op.inputs.push_back(whole(*p.find(name)));
    op.output = whole(*p.find(spec.output));
    dfx::kernel k;
    k.name = "k" + std::to_string(op.op_id);
    k.body.emplace_back(std::move(op));
    p.kernels.push_back(std::move(k));
}

dfx::program operator_program(std::vector<tensor_descriptor> tensors, const std::vector<operator_spec>& operators) {
    dfx::program p;
    p.graph_name = "operators";
    p.tensors = std::move(tensors);
    for (const operator_spec& spec : operators)
        add_operator(p, spec);
    p.version = dfx::lowest_version(p);
    return p;
}

compute_op& operator_of(dfx::program& p, std::size_t i) {
    return std::get<compute_op>(p.kernels.at(i).body.front());
}

void reshape(dfx::program& p, const std::string& name, const shape& dims) {
    for (tensor_descriptor& t : p.tensors)
        if (t.name == name)
            t.dims = dims;
    const auto renew = [&](dfx::tensor_region& r) {
        if (r.tensor_name == name)
            r = whole(*p.find(name));
    };
    for (std::size_t k = 0; k < p.kernels.size(); ++k) {
        for (dfx::tensor_region& r : operator_of(p, k).inputs)
            renew(r);
        renew(operator_of(p, k).output);
    }
}

dfx::program biased_product() {
    compute_op op = of_type(compute_type::matmul_tile);
    op.biased = true;
    op.steps = {step(element_function::add, dtype::f16, 3), step(element_function::clamp, dtype::f16)};
    op.steps[1].low = -0.0;
    op.steps[1].high = 6;
    return operator_program({input("X", {3, 4}, dtype::f16), constant("W", {4, 5}, dtype::f16),
                             constant("B", {5}, dtype::f32), input("R", {3, 1}, dtype::f16),
                             output("Y", {3, 5}, dtype::f16)},
                            {{{"X", "W", "B", "R"}, "Y", op}});
}

dfx::program convolution_2d() {
    compute_op op = of_type(compute_type::conv_tile);
    op.window = {{3, 2}, {2, 1}, {1, 2}, {1, 0}, {1, 3}};
    return operator_program({input("X", {2, 5, 4, 2}), constant("W", {12, 3}), output("Y", {2, 3, 5, 3})},
                            {{{"X", "W"}, "Y", op}});
}

dfx::program convolution_3d() {
    compute_op op = of_type(compute_type::conv_tile);
    op.window = {{1, 2, 2}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    return operator_program({input("X", {1, 2, 3, 3, 1}, dtype::i8), constant("W", {4, 2}, dtype::i8),
                             output("Y", {1, 2, 2, 2, 2}, dtype::i32)},
                            {{{"X", "W"}, "Y", op}});
}

dfx::program depthwise() {
    compute_op op = of_type(compute_type::depthwise_conv2d_tile);
    op.biased = true;
    op.window = {{3, 2}, {1, 2}, {1, 1}, {1, 0}, {1, 0}};
    op.steps = {step(element_function::relu, dtype::f32)};
    return operator_program(
        {input("X", {1, 4, 6, 3}), constant("W", {3, 2, 3}), constant("B", {3}), output("Y", {1, 4, 3, 3})},
        {{{"X", "W", "B"}, "Y", op}});
}

dfx::program pool() {
    compute_op op = of_type(compute_type::pool2d_tile);
    op.combine = element_function::maximum;
    op.window = {{2, 3}, {2, 1}, {1, 1}, {0, 0}, {0, 0}};
    return operator_program({input("X", {1, 4, 5, 2}, dtype::i8), output("Y", {1, 2, 3, 2}, dtype::i8)},
                            {{{"X"}, "Y", op}});
}

dfx::program averaging_pool() {
    compute_op op = of_type(compute_type::pool2d_tile);
    op.window = {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}};
    op.steps = {step(element_function::multiply, dtype::bf16, 1)};
    return operator_program({input("X", {1, 4, 4, 2}, dtype::bf16), input("R", {1, 1, 1, 1}, dtype::bf16),
                             output("Y", {1, 2, 2, 2}, dtype::bf16)},
                            {{{"X", "R"}, "Y", op}});
}

dfx::program elementwise_steps() {
    compute_op op =
        elementwise({step(element_function::subtract, dtype::f32, 1), step(element_function::sigmoid, dtype::f32),
                     step(element_function::identity, dtype::f16)});
    op.steps[0].operand_first = true;
    return operator_program({input("X", {2, 3}), input("R", {1, 3}), output("Y", {2, 3}, dtype::f16)},
                            {{{"X", "R"}, "Y", op}});
}

dfx::program reduction() {
    return operator_program({input("X", {4, 3}), output("Y", {1, 3})},
                            {{{"X"}, "Y", reduce(element_function::multiply, 0)}});
}

dfx::program softmax_rows() {
    compute_op op = of_type(compute_type::softmax_tile);
    op.axes = {1};
    return operator_program({input("X", {2, 5}, dtype::f16), output("Y", {2, 5}, dtype::f16)}, {{{"X"}, "Y", op}});
}

dfx::program transposition() {
    compute_op op = of_type(compute_type::rearrange_tile);
    op.axes = {2, 0, 1};
    return operator_program({input("X", {2, 3, 4}), output("Y", {4, 2, 3})}, {{{"X"}, "Y", op}});
}

dfx::program padding() {
    compute_op op = of_type(compute_type::rearrange_tile);
    op.before = {1, 0};
    return operator_program({input("X", {2, 3}, dtype::i8), output("Y", {4, 5}, dtype::i8)}, {{{"X"}, "Y", op}});
}

dfx::program concatenation() {
    compute_op op = of_type(compute_type::rearrange_tile);
    op.along = 1;
    return operator_program({input("X", {2, 3}), input("R", {2, 1}), output("Y", {2, 7})},
                            {{{"X", "R", "X"}, "Y", op}});
}

dfx::program network() {
    compute_op first = of_type(compute_type::conv_tile);
    first.window = {{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    const compute_op second = of_type(compute_type::matmul_tile);
    std::vector<tensor_descriptor> tensors = {input("X", {1, 3, 3, 2}),        constant("W", {8, 1}),
                                              intermediate("H", {1, 2, 2, 1}), intermediate("V", {1, 4}),
                                              constant("W2", {4, 2}),          output("Y", {1, 2})};
    tensors[0].host = dfx::host_layout{{1, 2, 3, 3}, {0, 2, 3, 1}};
    tensors[3].view_of = "H";
    dfx::program p = operator_program(tensors, {{{"X", "W"}, "H", first}, {{"V", "W2"}, "Y", second}});
    p.constants["W2"] = random_tensor(dtype::f32, {4, 2}, 3);
    p.kernels[0].hints = {10, 20, 3};
    return p;
}

std::vector<named_program> operator_programs() {
    return {{"biased product", biased_product()},
            {"convolution 2-D", convolution_2d()},
            {"convolution 3-D", convolution_3d()},
            {"depthwise", depthwise()},
            {"pool", pool()},
            {"averaging pool", averaging_pool()},
            {"element-wise", elementwise_steps()},
            {"reduction", reduction()},
            {"softmax", softmax_rows()},
            {"transposition", transposition()},
            {"padding", padding()},
            {"concatenation", concatenation()},
            {"network", network()}};
}

} // namespace kpu::test
