// Whole-tensor operators: every rule of the verifier by a program that keeps it and one that breaks it; round trips.

#include "compiler/dfx/text.h"
#include "compiler/object/object.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/object_bytes.h"
#include "tests/dfx/operator_programs.h"
#include "tests/dfx/programs.h"
#include "tests/dfx/refused.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace kpu;
using dfx::compute_type;
using dfx::element_function;
using object::format;
using test::operator_of;
using test::refused;
using test::reshape;

namespace {

const std::string k_op = "kernels[0].body[0]";

dfx::tensor_descriptor& tensor_of(dfx::program& p, const std::string& name) {
    return *std::find_if(p.tensors.begin(), p.tensors.end(), [&](const auto& t) { return t.name == name; });
}

/// Another type of the same size, so that nothing else is wrong.
void retype(dfx::program& p, const std::string& name, dtype type) {
    tensor_of(p, name).type = type;
    reshape(p, name, tensor_of(p, name).dims);
}

/// Refused by a message about the operator.
void operator_refused(dfx::program p, const std::string& message, const std::string& part,
                      const std::function<void(dfx::compute_op&)>& change) {
    refused(std::move(p), message, k_op + part, [&](dfx::program& q) { change(operator_of(q)); });
}

} // namespace

BOOST_AUTO_TEST_CASE(operators_need_their_version) {
    for (const auto& [name, p] : test::operator_programs())
        BOOST_TEST_CONTEXT(name)
    refused(p, "need DFX version 2.1", "", [](dfx::program& q) { q.version = "2.0"; });
}

BOOST_AUTO_TEST_CASE(regions) {
    const dfx::program p = test::biased_product();
    operator_refused(p, "an operator has inputs", ".inputs", [](auto& op) { op.inputs.clear(); });
    operator_refused(p, "no such tensor", ".inputs[1].tensor", [](auto& op) { op.inputs[1].tensor_name = "?"; });
    operator_refused(p, "no such tensor", ".output.tensor", [](auto& op) { op.output.tensor_name = "?"; });
    operator_refused(p, "works on all of W", ".inputs[1]", [](auto& op) { op.inputs[1].tile_shape[0] = 2; });
    operator_refused(p, "works on all of W", ".inputs[1]", [](auto& op) { op.inputs[1].tile_indices[0].offset = 1; });
    operator_refused(p, "works on all of W", ".inputs[1]",
                     [](auto& op) { op.inputs[1].tile_indices[0].coefficients = {1}; });
    operator_refused(p, "works on all of W", ".inputs[1]", [](auto& op) { op.inputs[1].tile_indices.pop_back(); });
    operator_refused(p, "works on all of W", ".inputs[1]",
                     [](auto& op) { op.inputs[1].level = dfx::memory_level::l3; });
    operator_refused(p, "works on all of Y", ".output", [](auto& op) { op.output.tile_shape[1] = 1; });
    operator_refused(p, "element size differs", ".inputs[0].element_size",
                     [](auto& op) { op.inputs[0].element_size = 4; });
    operator_refused(p, "has no step before", ".accumulate",
                     [](auto& op) { op.accumulate.when = dfx::accumulate_rule::kind::always; });
    operator_refused(p, "has no step before", ".accumulate", [](auto& op) { op.accumulate.loop = "tk"; });
    operator_refused(p, "its kernel's only operation", ".depends_on", [](auto& op) { op.depends_on = {{1, {}}}; });
}

BOOST_AUTO_TEST_CASE(a_kernel_of_its_own) {
    // beside anything else, or into another level, it is no whole-tensor operator
    refused(test::pool(), "operation is not supported", k_op, [](dfx::program& p) {
        p.kernels[0].body.emplace_back(dfx::barrier_op{9, {}, "end"});
    });
    refused(test::pool(), "operation is not supported", k_op,
            [](dfx::program& p) { operator_of(p).output.level = dfx::memory_level::l3; });
}

BOOST_AUTO_TEST_CASE(products) {
    const dfx::program p = test::biased_product();
    operator_refused(p, "too few inputs", ".inputs", [](auto& op) {
        op.inputs.resize(2);
        op.steps.clear();
    });
    refused(p, "wrong extents", ".inputs[2]", [](dfx::program& q) { reshape(q, "B", {4}); });
    refused(p, "wrong extents", ".inputs[1]", [](dfx::program& q) { reshape(q, "W", {3, 5}); });
    refused(p, "wrong extents", ".output", [](dfx::program& q) { reshape(q, "Y", {4, 5}); });
    refused(p, "have rank 2", k_op, [](dfx::program& q) { reshape(q, "X", {1, 3, 4}); });
    refused(p, "have rank 2", k_op, [](dfx::program& q) { reshape(q, "W", {4, 5, 1}); });
    refused(p, "more than 2^56 multiply-accumulates", k_op, [](dfx::program& q) {
        const std::uint64_t n = 1U << 20;
        reshape(q, "X", {n, n});
        reshape(q, "W", {n, n});
        reshape(q, "B", {n});
        reshape(q, "Y", {n, n});
    });
}

BOOST_AUTO_TEST_CASE(windows) {
    const dfx::program p = test::convolution_2d();
    operator_refused(p, "too few inputs", ".inputs", [](auto& op) { op.inputs.pop_back(); });
    operator_refused(p, "a window has a dimension less", ".window", [](auto& op) { op.window = {}; });
    operator_refused(p, "a window has a dimension less", ".window", [](auto& op) { op.window.kernel = {3}; });
    operator_refused(p, "a window has a dimension less", ".window", [](auto& op) { op.window.kernel = {1, 1, 1, 1}; });
    refused(p, "a window has a dimension less", ".window", [](dfx::program& q) { reshape(q, "X", {2, 5, 8}); });
    refused(p, "a window has a dimension less", ".window", [](dfx::program& q) { reshape(q, "Y", {2, 3, 15}); });
    refused(test::depthwise(), "a window has a dimension less", ".window", [](dfx::program& q) {
        operator_of(q).window = {{3}, {1}, {1}, {1}, {1}};
        reshape(q, "X", {1, 4, 3});
        reshape(q, "Y", {1, 4, 3});
        reshape(q, "W", {3, 3});
    });
    for (const auto list : {&dfx::sliding_window::stride, &dfx::sliding_window::dilation, &dfx::sliding_window::before,
                            &dfx::sliding_window::after}) {
        operator_refused(p, "one entry per spatial dimension", ".window",
                         [&](auto& op) { (op.window.*list).push_back(1); });
        operator_refused(p, "one entry per spatial dimension", ".window",
                         [&](auto& op) { (op.window.*list).pop_back(); });
        operator_refused(p, "are 1 to 2^20, padding less", ".window",
                         [&](auto& op) { (op.window.*list)[1] = std::numeric_limits<std::uint64_t>::max(); });
        operator_refused(p, "are 1 to 2^20, padding less", ".window",
                         [&](auto& op) { (op.window.*list)[0] = (1U << 20) + 1; });
    }
    operator_refused(p, "are 1 to 2^20, padding less", ".window", [](auto& op) { op.window.before[0] = 1U << 20; });
    for (const auto list : {&dfx::sliding_window::kernel, &dfx::sliding_window::stride, &dfx::sliding_window::dilation})
        operator_refused(p, "are 1 to 2^20, padding less", ".window", [&](auto& op) { (op.window.*list)[0] = 0; });
    operator_refused(p, "larger than the padded input", ".window", [](auto& op) { op.window.dilation[0] = 4; });
    operator_refused(p, "wrong extents", ".output", [](auto& op) { op.window.stride[0] = 1; });
    operator_refused(p, "wrong extents", ".output", [](auto& op) { op.window.after[1] = 2; });
    operator_refused(p, "wrong extents", ".output", [](auto& op) { op.window.before[1] = 1; });
    operator_refused(p, "wrong extents", ".output", [](auto& op) { op.window.dilation[1] = 1; });
    refused(p, "wrong extents", ".output", [](dfx::program& q) { reshape(q, "X", {1, 5, 4, 2}); });
    refused(p, "wrong extents", ".inputs[1]", [](dfx::program& q) { reshape(q, "W", {11, 3}); });
    refused(p, "wrong extents", ".inputs[1]", [](dfx::program& q) { reshape(q, "W", {12, 4}); });
    refused(test::depthwise(), "wrong extents", ".inputs[1]", [](dfx::program& q) { reshape(q, "W", {2, 3, 3}); });
    refused(test::depthwise(), "wrong extents", ".output", [](dfx::program& q) { reshape(q, "Y", {1, 4, 4, 3}); });
    operator_refused(test::pool(), "a pool adds or takes the maximum", ".combine",
                     [](auto& op) { op.combine = element_function::minimum; });
}

BOOST_AUTO_TEST_CASE(huge_windows) {
    // 2^40 results of 2^4 x 2^14 taps: below 2^56 by the first extent of the window alone
    const auto enlarge = [](dfx::program& p) {
        operator_of(p).window = {{16, 16384}, {1, 1}, {1, 1}, {15, 16383}, {0, 0}};
        const shape dims{1, 1U << 19, 1U << 19, 4};
        reshape(p, "X", dims);
        reshape(p, "Y", dims);
    };
    refused(test::pool(), "more than 2^56 multiply-accumulates", k_op, enlarge);
    refused(test::depthwise(), "more than 2^56 multiply-accumulates", k_op, [&](dfx::program& p) {
        enlarge(p);
        reshape(p, "W", {16, 16384, 4});
        reshape(p, "B", {4});
    });
    refused(test::convolution_2d(), "more than 2^56 multiply-accumulates", k_op, [&](dfx::program& p) {
        enlarge(p);
        reshape(p, "W", {16 * 16384 * 4, 4});
    });
    refused(test::convolution_2d(), "more than 2^48 elements below a window", ".window", [](dfx::program& p) {
        const std::uint64_t n = 1U << 20;
        operator_of(p).window = {{n, n}, {1, 1}, {1, 1}, {n - 1, n - 1}, {0, 0}};
        reshape(p, "X", {1, 1, 1, 1U << 9});
        reshape(p, "Y", {1, 1, 1, 3});
    });
}

BOOST_AUTO_TEST_CASE(axes) {
    const dfx::program p = test::reduction();
    operator_refused(p, "names one dimension", ".axes", [](auto& op) { op.axes.clear(); });
    operator_refused(p, "names one dimension", ".axes", [](auto& op) { op.axes = {0, 1}; });
    operator_refused(p, "names one dimension", ".axes", [](auto& op) { op.axes = {2}; });
    operator_refused(p, "wrong extents", ".output", [](auto& op) { op.axes = {1}; });
    operator_refused(p, "a reduction adds, multiplies, or takes", ".combine",
                     [](auto& op) { op.combine = element_function::subtract; });
    operator_refused(test::softmax_rows(), "along the last dimension", ".axes", [](auto& op) { op.axes = {0}; });
    operator_refused(test::softmax_rows(), "names one dimension", ".axes", [](auto& op) { op.axes = {7}; });
    refused(test::softmax_rows(), "wrong extents", ".output", [](dfx::program& q) { reshape(q, "Y", {2, 1}); });
}

BOOST_AUTO_TEST_CASE(rearrangements) {
    const dfx::program turned = test::transposition();
    for (const std::vector<std::uint64_t>& axes :
         std::vector<std::vector<std::uint64_t>>{{2, 0, 0}, {2, 0}, {2, 0, 3}, {2, 0, 1, 3}})
        operator_refused(turned, "not a permutation", ".axes", [&](auto& op) { op.axes = axes; });
    operator_refused(turned, "extents are not the output's", ".output", [](auto& op) { op.axes = {0, 1, 2}; });
    operator_refused(turned, "extents are not the output's", ".output", [](auto& op) { op.axes.clear(); });
    operator_refused(turned, "one input follows none", ".along", [](auto& op) { op.along = 1; });
    refused(turned, "another rank than the output", ".inputs", [](dfx::program& q) { reshape(q, "X", {6, 4}); });

    const dfx::program padded = test::padding();
    operator_refused(padded, "an entry per dimension", ".before", [](auto& op) { op.before = {1}; });
    operator_refused(padded, "extents are not the output's", ".output", [](auto& op) { op.before = {3, 0}; });
    operator_refused(padded, "extents are not the output's", ".output", [](auto& op) { op.before = {0, 6}; });
    operator_refused(padded, "extents are not the output's", ".output", [](auto& op) { op.before.clear(); });

    const dfx::program joined = test::concatenation();
    operator_refused(joined, "no dimension of the output", ".along", [](auto& op) { op.along = 2; });
    operator_refused(joined, "several inputs are not permuted", ".axes", [](auto& op) { op.axes = {0, 1}; });
    operator_refused(joined, "padding has an entry per dimension, and one input", ".before", [](auto& op) {
        op.before = {0, 0};
    });
    operator_refused(joined, "extents are not the output's", ".output", [](auto& op) { op.along = 0; });
    operator_refused(joined, "the inputs do not add up", ".output", [](auto& op) { op.inputs.pop_back(); });
    refused(joined, "the inputs do not add up", ".output", [](dfx::program& q) { reshape(q, "R", {2, 2}); });
    refused(joined, "extents are not the output's", ".output", [](dfx::program& q) { reshape(q, "R", {1, 1}); });
}

BOOST_AUTO_TEST_CASE(attributes_of_other_operations) {
    const std::string message = "has attributes of another operation";
    const dfx::sliding_window window{{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    for (const auto& [name, p] : test::operator_programs()) {
        if (name == "network")
            continue;
        BOOST_TEST_CONTEXT(name) {
            dfx::program q = p;
            const compute_type type = operator_of(q).type;
            const bool slides = !operator_of(q).window.kernel.empty();
            const bool sums = type == compute_type::matmul_tile || type == compute_type::conv_tile ||
                              type == compute_type::depthwise_conv2d_tile;
            if (!slides)
                operator_refused(p, message, "", [&](auto& op) { op.window = window; });
            if (!sums)
                operator_refused(p, name == "pool" ? "too few inputs" : message, "",
                                 [](auto& op) { op.biased = true; });
            if (type != compute_type::reduction && type != compute_type::pool2d_tile)
                operator_refused(p, message, "", [](auto& op) { op.combine = element_function::maximum; });
            if (type != compute_type::rearrange_tile) {
                operator_refused(p, message, "", [](auto& op) { op.along = 1; });
                operator_refused(p, message, "", [](auto& op) { op.before = {0, 0}; });
            } else {
                operator_refused(p, message, "", [](auto& op) { op.steps.emplace_back(); });
            }
            if (operator_of(q).axes.empty() && type != compute_type::rearrange_tile)
                operator_refused(p, message, "", [](auto& op) { op.axes = {0}; });
        }
    }
}

BOOST_AUTO_TEST_CASE(unused_inputs) {
    for (const auto& [name, p] : test::operator_programs()) {
        dfx::program q = p;
        if (operator_of(q).type == compute_type::rearrange_tile)
            continue;
        BOOST_TEST_CONTEXT(name)
        operator_refused(p, "no step uses this input", ".inputs[" + std::to_string(operator_of(q).inputs.size()) + "]",
                         [](auto& op) { op.inputs.push_back(op.inputs.front()); });
    }
}

BOOST_AUTO_TEST_CASE(tiles_have_no_attributes) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 4;
    const std::vector<std::function<void(dfx::compute_op&)>> changes = {
        [](auto& op) { op.biased = true; },       [](auto& op) { op.combine = element_function::maximum; },
        [](auto& op) { op.window.kernel = {1}; }, [](auto& op) { op.axes = {0}; },
        [](auto& op) { op.before = {0}; },        [](auto& op) { op.along = 1; },
        [](auto& op) { op.steps.emplace_back(); }};
    for (const auto& change : changes) {
        dfx::program p = test::compiled(spec);
        p.version = "2.1";
        refused(p, "attributes of a whole-tensor operator", "kernels[0]", [&](dfx::program& q) {
            test::for_each_statement(q.kernels[0].body, [&](dfx::statement& s) {
                if (auto* op = std::get_if<dfx::compute_op>(&s))
                    change(*op);
            });
        });
    }
}

BOOST_AUTO_TEST_CASE(types) {
    const dfx::program p = test::biased_product();
    refused(p, "operands have different types", ".inputs[1]", [](dfx::program& q) { retype(q, "W", dtype::bf16); });
    refused(p, "the bias' type does not widen", ".inputs[2]", [](dfx::program& q) { retype(q, "B", dtype::i32); });
    refused(p, "the bias' type does not widen", ".inputs[2]", [](dfx::program& q) { retype(q, "B", dtype::f64); });
    refused(p, "the last step has another type", ".output", [](dfx::program& q) { retype(q, "Y", dtype::bf16); });
    refused(test::concatenation(), "keeps their type", ".inputs", [](dfx::program& q) { retype(q, "R", dtype::i32); });
    refused(test::softmax_rows(), "softmax and layer norm are of floats", ".inputs[0]", [](dfx::program& q) {
        retype(q, "X", dtype::i8);
        retype(q, "Y", dtype::i8);
    });
    operator_refused(test::elementwise_steps(), "an element-wise operation has steps", ".steps", [](auto& op) {
        op.inputs.resize(1);
        op.steps.clear();
    });
    refused(test::reduction(), "cannot be stored as this type", ".output",
            [](dfx::program& q) { retype(q, "Y", dtype::i32); });
    refused(test::convolution_3d(), "cannot be stored as this type", ".output",
            [](dfx::program& q) { retype(q, "Y", dtype::f32); });
    refused(test::convolution_3d(), "cannot be stored as this type", ".output",
            [](dfx::program& q) { retype(q, "Y", dtype::i8); });
    refused(test::pool(), "the last step has another type", ".output",
            [](dfx::program& q) { retype(q, "Y", dtype::f8); });
}

BOOST_AUTO_TEST_CASE(steps) {
    const dfx::program p = test::biased_product();
    operator_refused(p, "only identity changes the type", ".steps[1]",
                     [](auto& op) { op.steps[1].result = dtype::bf16; });
    operator_refused(p, "the last step has another type", ".output", [](auto& op) {
        op.steps.push_back({element_function::identity, std::nullopt, false, 0, 0, dtype::f8});
    });
    refused(test::pool(), "a function of floats", k_op + ".steps[0]", [](dfx::program& q) {
        operator_of(q).steps.push_back({element_function::exponential, std::nullopt, false, 0, 0, dtype::i8});
    });
    operator_refused(p, "the function has two arguments", ".steps[0]", [](auto& op) { op.steps[0].operand.reset(); });
    operator_refused(p, "the function has one argument", ".steps[1]", [](auto& op) { op.steps[1].operand = 3; });
    operator_refused(p, "the function has one argument", ".steps[1]",
                     [](auto& op) { op.steps[1].operand_first = true; });
    for (const std::uint64_t number : {0U, 2U, 4U})
        operator_refused(p, "no further input", ".steps[0].operand", [&](auto& op) { op.steps[0].operand = number; });
    refused(p, "operand has another type", k_op + ".steps[0].operand",
            [](dfx::program& q) { retype(q, "R", dtype::bf16); });
    for (const shape& dims : std::vector<shape>{{3, 2}, {2, 5}, {5}, {3, 5, 1}})
        refused(p, "neither the output's nor 1", k_op + ".steps[0].operand",
                [&](dfx::program& q) { reshape(q, "R", dims); });
    const std::string bounds = "low and high are clamp's, in this order";
    operator_refused(p, bounds, ".steps[1]", [](auto& op) { op.steps[1].low = 7; });
    operator_refused(p, bounds, ".steps[1]", [](auto& op) { op.steps[1].high = std::nan(""); });
    operator_refused(p, bounds, ".steps[0]", [](auto& op) { op.steps[0].low = 1; });
    operator_refused(p, bounds, ".steps[0]", [](auto& op) { op.steps[0].high = -0.0; });
}

BOOST_AUTO_TEST_CASE(data) {
    const dfx::program p = test::network();
    refused(p, "reads elements of V that nothing has stored before", "kernels[1]",
            [](dfx::program& q) { q.tensors[3].view_of.clear(); });
    refused(p, "before it is stored completely", "kernels[0]",
            [](dfx::program& q) { std::swap(q.kernels[0], q.kernels[1]); });
    refused(p, "stores into V, a view", "kernels[1]", [](dfx::program& q) {
        operator_of(q, 1).output = operator_of(q, 1).inputs[0];
        reshape(q, "W2", {4, 4});
        q.constants.clear();
    });
    refused(test::elementwise_steps(), "stores into input R", k_op, [](dfx::program& q) {
        reshape(q, "R", {2, 3});
        retype(q, "R", dtype::f16);
        operator_of(q).output = operator_of(q).inputs[1];
        operator_of(q).inputs.resize(1);
        operator_of(q).steps.erase(operator_of(q).steps.begin());
    });
    refused(test::softmax_rows(), "stores elements of Y again", "kernels[1]", [](dfx::program& q) {
        q.kernels.push_back(q.kernels[0]);
        operator_of(q, 1).op_id = operator_of(q, 1).produces = 2;
    });
    refused(test::softmax_rows(), "reads elements of Y that nothing has stored before", "kernels[0]",
            [](dfx::program& q) { operator_of(q).inputs[0] = operator_of(q).output; });
}

BOOST_AUTO_TEST_CASE(views_and_host_layouts) {
    const dfx::program p = test::network();
    refused(p, "no earlier tensor has this name", "tensors[3].view_of",
            [](dfx::program& q) { q.tensors[3].view_of = "Y"; });
    refused(p, "a view is an intermediate or an output", "tensors[3].role", [](dfx::program& q) {
        q.tensors[3].role = dfx::tensor_role::input;
        q.tensors[3].keys = {"V"};
    });
    refused(p, "a view has the elements of the tensor that it shows", "tensors[3]", [](dfx::program& q) {
        reshape(q, "V", {1, 5});
    });
    refused(p, "a view has the elements of the tensor that it shows", "tensors[3]",
            [](dfx::program& q) { retype(q, "V", dtype::i32); });
    const std::string order = "not an order of the file's dimensions";
    refused(p, order, "tensors[0].host.permutation", [](dfx::program& q) {
        q.tensors[0].host->permutation = {0, 2, 3};
    });
    refused(p, order + ": '0, 2, 3, 3' (expected each of the 4 dimensions of 1x2x3x3, from 0 on, once",
            "tensors[0].host.permutation", [](dfx::program& q) {
                q.tensors[0].host->permutation = {0, 2, 3, 3};
            });
    const std::string elements = "the file's dimensions have another number of elements than the tensor";
    refused(p, elements, "tensors[0].host", [](dfx::program& q) { q.tensors[0].host->dims[1] = 3; });
    refused(p, elements, "tensors[0].host", [](dfx::program& q) { q.tensors[0].host->dims[1] = 0; });
    refused(p, "only inputs and constants come from files", "tensors[5].host", [](dfx::program& q) {
        q.tensors[5].host = dfx::host_layout{{1, 2}, {0, 1}};
    });
}

/// Extents whose product is beyond 64 bits are a violation with a path like any other.
BOOST_AUTO_TEST_CASE(too_many_elements_have_a_path) {
    const shape huge(3, 1ULL << 40);
    for (const std::size_t tensor : {2U, 3U}) // what a view shows, and a view
        refused(test::network(), "has more than 2^48 elements", "tensors[" + std::to_string(tensor) + "].shape",
                [&](dfx::program& p) { p.tensors[tensor].dims = huge; });
    refused(test::network(), "has more than 2^48 elements", "tensors[0].shape",
            [&](dfx::program& p) { p.tensors[0].dims = huge; });
    refused(test::network(), "another number of elements", "tensors[0].host", [&](dfx::program& p) {
        p.tensors[0].host = dfx::host_layout{huge, {0, 1, 2}};
    });
    refused(test::network(), "has more than 2^48 elements", "tensors[4].shape", [&](dfx::program& p) {
        p.tensors[4].dims = huge;
        p.constants["W2"].dims = huge;
    });
}

BOOST_AUTO_TEST_CASE(what_an_operation_has_no_use_for_is_not_dropped) {
    // The value that is meant where nothing is said: the verifier sees no difference.
    const auto text_refusal = [](const std::string& text) {
        try {
            (void)dfx::from_text(text, "p.dfx");
        } catch (const input_error& problem) {
            return std::string(problem.what());
        }
        return std::string("accepted");
    };
    const auto text_with = [](const std::string& words) {
        return test::with(dfx::to_text(test::convolution_2d()), " window kernel", " " + words + " window kernel");
    };
    BOOST_TEST(text_refusal(text_with("combine add")).find("CONV_TILE has no use for this: 'combine'") !=
               std::string::npos);
    const std::string axes = test::with(dfx::to_text(test::softmax_rows()), " axes(1)", " axes(1) along 0");
    BOOST_TEST(text_refusal(axes).find("SOFTMAX_TILE has no use for this: 'along'") != std::string::npos);
    const std::string json = object::serialise(test::convolution_2d(), object::format::json);
    for (const std::string field : {"\"combine\": \"add\"", "\"along\": 0"}) {
        const std::string found = test::refusal(test::with(json, "\"window\"", field + ", \"window\""));
        BOOST_TEST(found.find("CONV_TILE has no use for this") != std::string::npos, found);
    }
    // Where there is a use, the default may be said.
    dfx::program p = test::averaging_pool();
    const std::string text = dfx::to_text(p);
    BOOST_TEST((dfx::from_text(test::with(text, " window kernel", " combine add window kernel"), "p.dfx") == p));
}

BOOST_AUTO_TEST_CASE(round_trips_are_identities) {
    for (const auto& [name, p] : test::operator_programs())
        BOOST_TEST_CONTEXT(name) {
            const std::string json = object::serialise(p, format::json);
            const std::string binary = object::serialise(p, format::binary);
            const std::string text = dfx::to_text(p);
            const dfx::program from_text = dfx::from_text(text, "p.dfx");
            BOOST_TEST((object::parse_program(json, "p.kpu") == p));
            BOOST_TEST((object::parse_program(binary, "p.kpu") == p));
            BOOST_TEST((from_text == p), text);
            BOOST_TEST((object::serialise(object::parse_program(json, "p.kpu"), format::binary) == binary));
            BOOST_TEST((object::serialise(from_text, format::binary) == binary));
            BOOST_TEST((object::serialise(object::parse_program(binary, "p.kpu"), format::json) == json));
        }
}

/// clamp to -0..0 gives -0 for what is below, clamp to +0..0 gives +0: a file must tell them apart.
BOOST_AUTO_TEST_CASE(bounds_keep_their_bits) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (const auto& [low, high] : std::vector<std::pair<double, double>>{{-0.0, 0.0},
                                                                          {0.0, -0.0},
                                                                          {-0.0, -0.0},
                                                                          {0.0, 0.0},
                                                                          {-infinity, infinity},
                                                                          {0.1, 1.0 / 3},
                                                                          {5e-324, 1e308}}) {
        dfx::program p = test::biased_product();
        operator_of(p).steps[1].low = low;
        operator_of(p).steps[1].high = high;
        const std::vector<dfx::program> read = {object::parse_program(object::serialise(p, format::json), "p.kpu"),
                                                object::parse_program(object::serialise(p, format::binary), "p.kpu"),
                                                dfx::from_text(dfx::to_text(p), "p")};
        for (dfx::program q : read) {
            const dfx::element_step& s = operator_of(q).steps[1];
            BOOST_TEST((q == p), low << " to " << high);
            BOOST_TEST(s.low == low);
            BOOST_TEST(s.high == high);
            BOOST_TEST(std::signbit(s.low) == std::signbit(low));
            BOOST_TEST(std::signbit(s.high) == std::signbit(high));
        }
    }
    for (const char* bad : {"", "one", "1 ", "1,5", "0x"})
        BOOST_TEST(!dfx::bound_of(bad).has_value(), bad);
    BOOST_TEST(!dfx::bound_of(std::string("1\0", 2)).has_value());
}
