// Rules of whole-tensor operators: a program of one operator that keeps them, and the same with one thing changed.

#include "compiler/dfx/verify.h"

#include <boost/test/unit_test.hpp>
#include <functional>

using namespace kpu;
using dfx::compute_type;

namespace {

/// What an operator's test may change: regions follow the tensors.
struct operation {
    std::vector<dfx::tensor_descriptor> inputs;
    dfx::tensor_descriptor output;
    dfx::compute_op op;
};

dfx::tensor_descriptor given(const std::string& name, const shape& dims, dtype type = dtype::f32) {
    return {name, dims, type, dfx::tensor_role::input, {name}, {}, {}};
}
dfx::tensor_descriptor result(const shape& dims, dtype type = dtype::f32) {
    return {"y", dims, type, dfx::tensor_role::output, {"y"}, {}, {}};
}

std::string problems(const operation& o, const std::string& version = "2.2") {
    dfx::program p;
    p.version = version;
    dfx::compute_op op = o.op;
    op.op_id = op.produces = 1;
    for (const dfx::tensor_descriptor& t : o.inputs) {
        p.tensors.push_back(t);
        op.inputs.push_back(whole(t));
    }
    p.tensors.push_back(o.output);
    op.output = whole(o.output);
    dfx::kernel k;
    k.name = "k";
    k.body.emplace_back(op);
    p.kernels.push_back(k);
    return to_string(dfx::verify(p));
}

void refused(operation o, const std::string& message, const std::string& path,
             const std::function<void(operation&)>& change) {
    BOOST_TEST_CONTEXT(message) {
        BOOST_TEST(problems(o) == "");
        change(o);
        const std::string after = problems(o);
        BOOST_TEST(after.find(message) != std::string::npos, after);
        BOOST_TEST(after.find(path) != std::string::npos, after);
    }
}

operation depthwise() {
    operation o;
    o.op.type = compute_type::depthwise_conv2d_tile;
    o.op.window = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    o.op.biased = true;
    o.inputs = {given("x", {1, 8, 8, 4}), given("w", {3, 3, 12}), given("b", {12})};
    o.output = result({1, 8, 8, 12});
    return o;
}

operation spread() {
    operation o;
    o.op.type = compute_type::spread_tile;
    o.op.window.stride = {2, 1};
    o.op.window.before = {3, 0};
    o.inputs = {given("x", {2, 4, 5, 6})};
    o.output = result({2, 10, 5, 6});
    return o;
}

operation gather() {
    operation o;
    o.op.type = compute_type::gather_tile;
    o.inputs = {given("x", {2, 9, 5}), given("i", {2, 7}, dtype::i32)};
    o.output = result({2, 7, 5});
    return o;
}

operation layer_norm() {
    operation o;
    o.op.type = compute_type::layernorm_tile;
    o.op.axes = {1};
    o.inputs = {given("x", {4, 9}), given("f", {1, 1}), given("g", {1, 1}), given("e", {1, 1})};
    o.output = result({4, 9});
    return o;
}

operation spreading_copy() {
    operation o;
    o.op.type = compute_type::elementwise;
    o.op.steps.emplace_back();
    o.inputs = {given("x", {4, 1})};
    o.output = result({4, 9});
    return o;
}

} // namespace

BOOST_AUTO_TEST_CASE(results_per_channel) {
    refused(depthwise(), "not as many results for each channel", "output",
            [](operation& o) { o.output.dims[3] = o.inputs[1].dims[2] = o.inputs[2].dims[0] = 13; });
    refused(depthwise(), "wrong extents", "inputs[1]", [](operation& o) { o.inputs[1].dims[2] = 4; });
    refused(depthwise(), "wrong extents", "inputs[2]", [](operation& o) { o.inputs[2].dims[0] = 4; });
}

BOOST_AUTO_TEST_CASE(operators_of_version_2_2) {
    BOOST_TEST(problems(depthwise(), "2.1") == "");
    for (const operation& o : {spread(), gather(), layer_norm()}) {
        const std::string expected = "kernels[0]: error: " + std::string(name_of(o.op.type)) + " needs DFX version 2.2";
        for (const char* older : {"2.0", "2.1"})
            BOOST_TEST(problems(o, older).find(expected) == 0U, problems(o, older));
        BOOST_TEST(problems(o, "2.3") == "");
    }
}

BOOST_AUTO_TEST_CASE(elements_apart) {
    refused(spread(), "one input is spread", "inputs", [](operation& o) { o.inputs.push_back(given("z", {1})); });
    refused(spread(), "have rank 4", "", [](operation& o) { o.inputs[0].dims = {2, 4, 5}; });
    refused(spread(), "the other lists none", "window", [](operation& o) { o.op.window.kernel = {1, 1}; });
    refused(spread(), "the other lists none", "window", [](operation& o) { o.op.window.stride = {1}; });
    refused(spread(), "strides are 1 to 2^20", "window", [](operation& o) { o.op.window.stride[1] = 0; });
    refused(spread(), "strides are 1 to 2^20", "window", [](operation& o) { o.op.window.before[0] = 1 << 20; });
    refused(spread(), "behind the output's end", "output", [](operation& o) { o.op.window.before[0] = 4; });
    refused(spread(), "wrong extents", "output", [](operation& o) { o.output.dims[3] = 7; });
    refused(spread(), "keeps their type", "inputs", [](operation& o) { o.output.type = dtype::f16; });
    refused(spread(), "attributes of another operation", "", [](operation& o) { o.op.along = 1; });
    refused(spread(), "attributes of another operation", "", [](operation& o) { o.op.steps.emplace_back(); });
}

BOOST_AUTO_TEST_CASE(rows_by_index) {
    refused(gather(), "rows and indices", "inputs", [](operation& o) { o.inputs.pop_back(); });
    refused(gather(), "rows have rank 3", "inputs", [](operation& o) { o.inputs[0].dims = {9, 5}; });
    refused(gather(), "indices are integers", "inputs[1]", [](operation& o) { o.inputs[1].type = dtype::f32; });
    refused(gather(), "wrong extents", "inputs[1]", [](operation& o) { o.inputs[1].dims[0] = 1; });
    refused(gather(), "wrong extents", "output", [](operation& o) { o.output.dims[1] = 9; });
    refused(gather(), "keeps their type", "inputs", [](operation& o) { o.output.type = dtype::f16; });
    refused(gather(), "attributes of another operation", "", [](operation& o) { o.op.biased = true; });
}

BOOST_AUTO_TEST_CASE(normed_rows) {
    refused(layer_norm(), "too few inputs", "inputs", [](operation& o) { o.inputs.pop_back(); });
    refused(layer_norm(), "wrong extents", "inputs[2]", [](operation& o) { o.inputs[2].dims = {4, 1}; });
    refused(layer_norm(), "names one dimension", "axes", [](operation& o) { o.op.axes = {2}; });
    refused(layer_norm(), "along the last dimension", "axes", [](operation& o) { o.op.axes = {0}; });
    refused(layer_norm(), "operands have different types", "inputs[3]",
            [](operation& o) { o.inputs[3].type = dtype::f16; });
    refused(layer_norm(), "are of floats", "inputs[0]", [](operation& o) {
        for (dfx::tensor_descriptor& t : o.inputs)
            t.type = dtype::i32;
        o.output.type = dtype::i32;
    });
    refused(layer_norm(), "attributes of another operation", "",
            [](operation& o) { o.op.combine = dfx::element_function::maximum; });
}

BOOST_AUTO_TEST_CASE(shifted_products) {
    operation shifted = spreading_copy();
    shifted.inputs = {given("x", {4, 9}, dtype::i32), given("z", {4, 1}, dtype::i32)};
    shifted.output.type = dtype::i32;
    dfx::element_step& step = shifted.op.steps[0];
    step.function = dfx::element_function::multiply_shifted;
    step.operand = 1;
    step.low = 7;
    step.result = dtype::i32;
    refused(shifted, "shifted by 1 to 62", "steps[0]", [](operation& o) { o.op.steps[0].low = 0; });
    refused(shifted, "shifted by 1 to 62", "steps[0]", [](operation& o) { o.op.steps[0].low = 63; });
    refused(shifted, "shifted by 1 to 62", "steps[0]", [](operation& o) { o.op.steps[0].low = 1.5; });
    refused(shifted, "shifted by 1 to 62", "steps[0]", [](operation& o) { o.op.steps[0].high = 1; });
    refused(shifted, "has two arguments", "steps[0]", [](operation& o) { o.op.steps[0].operand.reset(); });
}

BOOST_AUTO_TEST_CASE(a_first_input_that_is_broadcast) {
    refused(spreading_copy(), "wrong extents", "output", [](operation& o) { o.inputs[0].dims = {4, 3}; });
    refused(spreading_copy(), "wrong extents", "output", [](operation& o) { o.inputs[0].dims = {4}; });
    refused(spreading_copy(), "a function of floats", "steps[0]", [](operation& o) {
        o.inputs[0].type = o.output.type = dtype::i32;
        o.op.steps[0].result = dtype::i32;
        o.op.steps[0].function = dfx::element_function::reciprocal_root;
    });
}
