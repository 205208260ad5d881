// Which kernels become one, and which must not. Whatever is merged gives the same bits.

#include "compiler/passes/fuse.h"
#include "compiler/passes/patterns.h"

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "tests/dfx/operator_programs.h"
#include "tests/dfx/programs.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>

using namespace kpu;
using dfx::compute_type;
using dfx::element_function;
using test::constant;
using test::elementwise;
using test::input;
using test::intermediate;
using test::operator_of;
using test::operator_spec;
using test::output;
using test::reduce;
using test::step;

namespace {

using pass = std::function<void(dfx::program&)>;

/// The program after a pass; it is valid before and after and gives the same values.
dfx::program after(const pass& run, const dfx::program& p) {
    BOOST_TEST(to_string(dfx::verify(p)) == "");
    dfx::program q = p;
    run(q);
    BOOST_TEST(to_string(dfx::verify(q)) == "", dfx::to_text(q));
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const tensor_map inputs = test::random_inputs(p, 10 * seed);
        BOOST_TEST((dfx::interpret(q, inputs) == dfx::interpret(p, inputs)), dfx::to_text(q));
    }
    return q;
}

dfx::program fused(const dfx::program& p) {
    return after(passes::fuse_steps, p);
}

/// Functions of the steps, in order.
std::vector<element_function> functions_of(dfx::program p, std::size_t kernel) {
    std::vector<element_function> all;
    for (const dfx::element_step& s : operator_of(p, kernel).steps)
        all.push_back(s.function);
    return all;
}

std::vector<std::string> names_of(const dfx::program& p) {
    std::vector<std::string> all;
    for (const dfx::tensor_descriptor& t : p.tensors)
        all.push_back(t.name);
    return all;
}

void untouched(const pass& run, const dfx::program& p) {
    BOOST_TEST((after(run, p) == p), dfx::to_text(p));
}

void unfused(const dfx::program& p) {
    untouched(passes::fuse_steps, p);
}

/// Y = f(X · W) through T.
dfx::program product_then(const std::vector<dfx::element_step>& steps, dtype between = dtype::f32,
                          dtype result = dtype::f32) {
    const dtype operand = is_integer(between) ? dtype::i8 : between;
    return test::operator_program(
        {input("X", {3, 4}, operand), constant("W", {4, 5}, operand), intermediate("T", {3, 5}, between),
         output("Y", {3, 5}, result)},
        {{{"X", "W"}, "T", test::of_type(compute_type::matmul_tile)}, {{"T"}, "Y", elementwise(steps)}});
}

/// T of two element-wise kernels in a row, the second of which is `second`; `before` makes U, another intermediate,
/// between them.
dfx::program chain(const operator_spec& second, const std::optional<operator_spec>& before = std::nullopt) {
    std::vector<operator_spec> all = {{{"X"}, "T", elementwise({step(element_function::relu)})}};
    std::vector<dfx::tensor_descriptor> tensors = {input("X", {2, 3}), input("Z", {2, 3}), intermediate("T", {2, 3}),
                                                   output("Y", {2, 3})};
    if (before) {
        all.push_back(*before);
        tensors.insert(tensors.begin() + 2, intermediate("U", {2, 3}));
    }
    all.push_back(second);
    return test::operator_program(tensors, all);
}

/// The softmax of X [2, 5] in six kernels, of the graph's nodes 10 to 15.
dfx::program six_kernels(dtype type = dtype::f32) {
    dfx::program p = test::operator_program(
        {input("X", {2, 5}, type), intermediate("M", {2, 1}, type), intermediate("S", {2, 5}, type),
         intermediate("E", {2, 5}, type), intermediate("T", {2, 1}, type), intermediate("I", {2, 1}, type),
         output("Y", {2, 5}, type)},
        {{{"X"}, "M", reduce(element_function::maximum, 1)},
         {{"X", "M"}, "S", elementwise({step(element_function::subtract, type, 1)})},
         {{"S"}, "E", elementwise({step(element_function::exponential, type)})},
         {{"E"}, "T", reduce(element_function::add, 1)},
         {{"T"}, "I", elementwise({step(element_function::reciprocal, type)})},
         {{"E", "I"}, "Y", elementwise({step(element_function::multiply, type, 1)})}});
    for (std::size_t k = 0; k < 6; ++k)
        p.kernels[k].graph_nodes = {10 + k};
    return p;
}

void no_softmax(const std::function<void(dfx::program&)>& change) {
    dfx::program p = six_kernels();
    change(p);
    untouched(passes::recognise_patterns, p);
}

/// One more reader of a tensor.
void read_again(dfx::program& p, const std::string& tensor) {
    const dtype type = p.find(tensor)->type;
    p.tensors.push_back(output("again", p.find(tensor)->dims, type));
    test::add_operator(p, {{tensor}, "again", elementwise({step(element_function::negate, type)})});
}

} // namespace

BOOST_AUTO_TEST_CASE(functions_of_a_product_are_its_steps) {
    dfx::program p = product_then({step(element_function::relu), step(element_function::negate)});
    p.kernels[0].graph_nodes = {4};
    p.kernels[1].graph_nodes = {5, 6};
    dfx::program q = fused(p);
    BOOST_REQUIRE(q.kernels.size() == 1U);
    BOOST_TEST((functions_of(q, 0) == std::vector{element_function::relu, element_function::negate}));
    BOOST_TEST((names_of(q) == std::vector<std::string>{"X", "W", "Y"}));
    BOOST_TEST(operator_of(q).output.tensor_name == "Y");
    BOOST_TEST(q.kernels[0].name == "k1+k2");
    BOOST_TEST((q.kernels[0].graph_nodes == std::vector<std::uint64_t>{4, 5, 6}));
}

BOOST_AUTO_TEST_CASE(long_chains_end_in_one_kernel) {
    dfx::program p = test::convolution_2d();
    for (dfx::tensor_descriptor& t : p.tensors)
        if (t.role == dfx::tensor_role::output)
            t = intermediate("Y", t.dims);
    p.tensors.push_back(intermediate("A", {2, 3, 5, 3}));
    p.tensors.push_back(output("B", {2, 3, 5, 3}));
    test::add_operator(p, {{"Y"}, "A", elementwise({step(element_function::relu)})});
    test::add_operator(p, {{"A"}, "B", elementwise({step(element_function::sigmoid)})});
    const dfx::program q = fused(p);
    BOOST_TEST(q.kernels.size() == 1U);
    BOOST_TEST((functions_of(q, 0) == std::vector{element_function::relu, element_function::sigmoid}));
    BOOST_TEST(q.kernels[0].name == "k1+k2+k3");
}

BOOST_AUTO_TEST_CASE(sums_are_rounded_to_the_type_between_first) {
    dfx::program q = fused(product_then({step(element_function::identity, dtype::f8)}, dtype::f16, dtype::f8));
    BOOST_REQUIRE(operator_of(q).steps.size() == 2U);
    BOOST_TEST((operator_of(q).steps[0].result == dtype::f16));
    BOOST_TEST((operator_of(q).steps[1].result == dtype::f8));
    q = fused(product_then({step(element_function::identity, dtype::i8)}, dtype::i32, dtype::i8));
    BOOST_TEST(operator_of(q).steps.size() == 2U);
    // a maximum is of its type already
    dfx::program p = test::pool();
    p.tensors[1] = intermediate("Y", p.tensors[1].dims, dtype::i8);
    p.tensors.push_back(output("Z", p.tensors[1].dims, dtype::i32));
    test::add_operator(p, {{"Y"}, "Z", elementwise({step(element_function::identity, dtype::i32)})});
    q = fused(p);
    BOOST_REQUIRE(q.kernels.size() == 1U);
    BOOST_TEST(operator_of(q).steps.size() == 1U);
}

BOOST_AUTO_TEST_CASE(results_of_arrays_do_not_grow) {
    unfused(product_then({step(element_function::identity, dtype::f32)}, dtype::f16, dtype::f32));
    unfused(product_then({step(element_function::identity, dtype::f8), step(element_function::identity, dtype::f16)},
                         dtype::f16, dtype::f16));
    // the vector unit's may
    const dfx::program p = test::operator_program(
        {input("X", {4, 3}, dtype::f16), intermediate("T", {1, 3}, dtype::f16), output("Y", {1, 3})},
        {{{"X"}, "T", reduce(element_function::add, 0)},
         {{"T"}, "Y", elementwise({step(element_function::identity, dtype::f32)})}});
    BOOST_TEST(fused(p).kernels.size() == 1U);
}

BOOST_AUTO_TEST_CASE(operands_come_along) {
    dfx::program q = fused(chain({{"T", "Z"}, "Y", elementwise({step(element_function::subtract, dtype::f32, 1)})}));
    BOOST_REQUIRE(q.kernels.size() == 1U);
    BOOST_REQUIRE(operator_of(q).inputs.size() == 2U);
    BOOST_TEST(operator_of(q).inputs[1].tensor_name == "Z");
    BOOST_TEST((operator_of(q).steps[1].operand == 1U));

    // behind operands that are there already they get further numbers
    dfx::program p = test::averaging_pool();
    p.tensors[2] = intermediate("Y", {1, 2, 2, 2}, dtype::bf16);
    p.tensors.push_back(input("Q", {1, 1, 2, 1}, dtype::bf16));
    p.tensors.push_back(output("Z", {1, 2, 2, 2}, dtype::bf16));
    dfx::compute_op minus = elementwise({step(element_function::subtract, dtype::bf16, 1)});
    minus.steps[0].operand_first = true;
    test::add_operator(p, {{"Y", "Q"}, "Z", minus});
    q = fused(p);
    BOOST_REQUIRE(q.kernels.size() == 1U);
    BOOST_REQUIRE(operator_of(q).inputs.size() == 3U);
    BOOST_TEST((operator_of(q).steps.back().operand == 2U));
    BOOST_TEST(operator_of(q).steps.back().operand_first);
}

BOOST_AUTO_TEST_CASE(what_others_read_stays) {
    const auto twice = [](const std::string& tensor) {
        dfx::program p = product_then({step(element_function::relu)});
        read_again(p, tensor);
        return p;
    };
    BOOST_TEST(fused(twice("X")).kernels.size() == 2U);
    unfused(twice("T"));
    // twice by the same kernel
    unfused(chain({{"T", "T"}, "Y", elementwise({step(element_function::add, dtype::f32, 1)})}));
    // through a view
    dfx::program p = product_then({step(element_function::relu)});
    p.tensors.push_back(output("V", {15}));
    p.tensors.back().view_of = "T";
    unfused(p);
    // by the caller
    p = product_then({step(element_function::relu)});
    p.tensors[2] = output("T", {3, 5});
    unfused(p);
}

BOOST_AUTO_TEST_CASE(operands_are_made_before) {
    const operator_spec makes_u{{"Z"}, "U", elementwise({step(element_function::negate)})};
    // what is merged stands where the later of the two was: behind the other operand's maker
    const auto sum = elementwise({step(element_function::add, dtype::f32, 1)});
    const dfx::program q = fused(chain({{"T", "U"}, "Y", sum}, makes_u));
    BOOST_TEST(q.kernels.size() == 2U);
    BOOST_TEST((functions_of(q, 1) == std::vector{element_function::negate, element_function::add}));
    // what is behind a view is not merged, and counts as made by its base
    dfx::program p = chain({{"T", "U"}, "Y", sum}, makes_u);
    p.tensors.insert(p.tensors.end() - 1, intermediate("V", {2, 3}));
    (p.tensors.end() - 2)->view_of = "U";
    operator_of(p, 2).inputs[1].tensor_name = "V";
    const dfx::program viewed = fused(p);
    BOOST_TEST(viewed.kernels.size() == 2U);
    BOOST_TEST((functions_of(viewed, 1) == std::vector{element_function::relu, element_function::add}));
}

BOOST_AUTO_TEST_CASE(a_view_between_keeps_kernels_apart) {
    dfx::program p = test::operator_program(
        {input("X", {2, 3}), intermediate("T", {2, 3}), intermediate("V", {6}), output("Y", {6})},
        {{{"X"}, "T", elementwise({step(element_function::relu)})},
         {{"V"}, "Y", elementwise({step(element_function::negate)})}});
    p.tensors[2].view_of = "T";
    unfused(p);
}

BOOST_AUTO_TEST_CASE(moves_have_no_steps) {
    dfx::program p = test::transposition();
    p.tensors[1] = intermediate("Y", {4, 2, 3});
    p.tensors.push_back(output("Z", {4, 2, 3}));
    test::add_operator(p, {{"Y"}, "Z", elementwise({step(element_function::relu)})});
    unfused(p);
}

BOOST_AUTO_TEST_CASE(a_softmax_in_six_kernels_is_one) {
    for (const dtype type : {dtype::f32, dtype::f16, dtype::bf16, dtype::f64}) {
        dfx::program q = after(passes::recognise_patterns, six_kernels(type));
        BOOST_REQUIRE(q.kernels.size() == 1U);
        BOOST_TEST((operator_of(q).type == compute_type::softmax_tile));
        BOOST_TEST((names_of(q) == std::vector<std::string>{"X", "Y"}));
        BOOST_TEST((q.kernels[0].graph_nodes == std::vector<std::uint64_t>{10, 11, 12, 13, 14, 15}));
    }
    // its input may be used by others, and its result
    dfx::program p = six_kernels();
    read_again(p, "X");
    BOOST_TEST(after(passes::recognise_patterns, p).kernels.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_no_softmax) {
    for (const char* part : {"M", "S", "E", "T", "I"})
        BOOST_TEST_CONTEXT(part) {
            no_softmax([&](dfx::program& p) { read_again(p, part); });
            no_softmax([&](dfx::program& p) { // the caller reads it
                for (dfx::tensor_descriptor& t : p.tensors)
                    if (t.name == part)
                        t = output(part, t.dims);
            });
        }
    no_softmax([](dfx::program& p) { operator_of(p, 0).combine = element_function::minimum; });
    no_softmax([](dfx::program& p) { operator_of(p, 1).steps[0].function = element_function::add; });
    no_softmax([](dfx::program& p) { operator_of(p, 1).steps[0].operand_first = true; });
    no_softmax([](dfx::program& p) { operator_of(p, 2).steps[0].function = element_function::sigmoid; });
    no_softmax([](dfx::program& p) { operator_of(p, 2).steps.push_back(step(element_function::negate)); });
    no_softmax([](dfx::program& p) { operator_of(p, 3).combine = element_function::maximum; });
    no_softmax([](dfx::program& p) { operator_of(p, 3).steps.push_back(step(element_function::negate)); });
    no_softmax([](dfx::program& p) { operator_of(p, 3).inputs[0].tensor_name = "S"; });
    no_softmax([](dfx::program& p) { operator_of(p, 4).steps[0].function = element_function::absolute; });
    no_softmax([](dfx::program& p) { operator_of(p, 5).steps[0].function = element_function::divide; });
    // the first dimension
    no_softmax([](dfx::program& p) {
        for (const char* part : {"M", "T", "I"})
            test::reshape(p, part, {1, 5});
        operator_of(p, 0).axes = operator_of(p, 3).axes = {0};
    });
    // the sums in a wider type
    dfx::program p = six_kernels(dtype::f16);
    for (dfx::tensor_descriptor& t : p.tensors)
        if (t.name == "T")
            t.type = dtype::f32;
    test::reshape(p, "T", {2, 1});
    operator_of(p, 4).steps = {step(element_function::identity, dtype::f16),
                               step(element_function::reciprocal, dtype::f16)};
    untouched(passes::recognise_patterns, p);
}

BOOST_AUTO_TEST_CASE(a_softmax_takes_steps) {
    dfx::program p = six_kernels();
    p.tensors.back() = intermediate("Y", {2, 5});
    p.tensors.push_back(output("Z", {2, 5}));
    test::add_operator(p, {{"Y"}, "Z", elementwise({step(element_function::negate)})});
    dfx::program q = after(
        [](dfx::program& all) {
            passes::recognise_patterns(all);
            passes::fuse_steps(all);
        },
        p);
    BOOST_REQUIRE(q.kernels.size() == 1U);
    BOOST_TEST((functions_of(q, 0) == std::vector{element_function::negate}));
}

namespace {

/// Y = f(moved product of X and W), through T and, moved, U.
dfx::program moved_product_then(const dfx::compute_op& move, const operator_spec& last, dtype type = dtype::f32,
                                dtype result = dtype::f32) {
    dfx::compute_op conv = test::of_type(compute_type::conv_tile);
    conv.window = {{2, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    shape moved{2, 3, 4, 5};
    if (!move.axes.empty())
        moved = {moved[move.axes[0]], moved[move.axes[1]], moved[move.axes[2]], moved[move.axes[3]]};
    for (std::size_t d = 0; d < move.window.stride.size(); ++d)
        moved[d + 1] = move.window.before[d] + (moved[d + 1] - 1) * move.window.stride[d] + 1;
    dfx::program p = test::operator_program(
        {input("X", {2, 4, 4, 2}, type), constant("W", {4, 5}, type), intermediate("T", {2, 3, 4, 5}, type),
         intermediate("U", moved, type), output("Y", moved, result), constant("one", {1, 1, 1, 1}, type),
         constant("channels", {1, 1, 1, moved[3]}, type), constant("lines", {1, moved[1], 1, 1}, type)},
        {{{"X", "W"}, "T", conv}, {{"T"}, "U", move}, last});
    const auto unread = [&](const dfx::tensor_descriptor& t) {
        const auto& read = last.inputs;
        return t.role == dfx::tensor_role::constant && t.name != "W" &&
               std::find(read.begin(), read.end(), t.name) == read.end();
    };
    p.tensors.erase(std::remove_if(p.tensors.begin(), p.tensors.end(), unread), p.tensors.end());
    return p;
}

dfx::compute_op backwards(std::uint64_t apart = 1) {
    dfx::compute_op op = test::of_type(compute_type::spread_tile);
    op.window.stride = {1, apart};
    op.window.before = {0, 0};
    return op;
}

dfx::compute_op transposed(const std::vector<std::uint64_t>& axes) {
    dfx::compute_op op = test::of_type(compute_type::rearrange_tile);
    op.axes = axes;
    return op;
}

operator_spec sum_with(const std::string& operand) {
    return {{"U", operand}, "Y", elementwise({step(element_function::add, dtype::f32, 1)})};
}

/// The steps are the convolution's, and the permutation's result the program's.
void goes_in_front(const dfx::program& p) {
    dfx::program q = fused(p);
    BOOST_TEST_REQUIRE(q.kernels.size() == 2U);
    BOOST_TEST((operator_of(q, 0).type == compute_type::conv_tile));
    BOOST_TEST(!operator_of(q, 0).steps.empty());
    BOOST_TEST(operator_of(q, 0).output.tensor_name == "T");
    BOOST_TEST(dfx::only_moves(operator_of(q, 1).type));
    BOOST_TEST(operator_of(q, 1).output.tensor_name == "Y");
    BOOST_TEST((q.find("U") == nullptr));
}

} // namespace

BOOST_AUTO_TEST_CASE(steps_go_in_front_of_a_permutation) {
    for (const char* operand : {"one", "channels"})
        goes_in_front(moved_product_then(backwards(), sum_with(operand)));
    goes_in_front(moved_product_then(transposed({0, 2, 3, 1}), sum_with("one")));
    goes_in_front(moved_product_then(transposed({1, 0, 2, 3}), sum_with("channels")));
    // where it has another type the permutation moves elements of that
    const operator_spec narrower = {
        {"U"}, "Y", elementwise({step(element_function::relu), step(element_function::identity, dtype::f16)})};
    const dfx::program p = moved_product_then(backwards(), narrower, dtype::f32, dtype::f16);
    goes_in_front(p);
    BOOST_TEST((fused(p).find("T")->type == dtype::f16));
    // one after the other
    dfx::program chain = moved_product_then(backwards(), sum_with("channels"));
    for (dfx::tensor_descriptor& t : chain.tensors)
        if (t.name == "Y")
            t = intermediate("Y", t.dims);
    chain.tensors.push_back(output("Z", chain.find("Y")->dims));
    test::add_operator(chain, {{"Y"}, "Z", elementwise({step(element_function::relu)})});
    dfx::program q = fused(chain);
    BOOST_TEST_REQUIRE(q.kernels.size() == 2U);
    BOOST_TEST((functions_of(q, 0) == std::vector{element_function::add, element_function::relu}));
    BOOST_TEST(q.kernels[0].name == "k1+k3+k4");
}

BOOST_AUTO_TEST_CASE(steps_stay_behind_what_is_no_permutation_or_others_need) {
    unfused(moved_product_then(backwards(2), sum_with("one"))); // zeros between elements
    unfused(moved_product_then(backwards(), sum_with("lines")));
    unfused(moved_product_then(transposed({0, 2, 3, 1}), sum_with("channels")));
    for (const char* tensor : {"T", "U"}) {
        dfx::program p = moved_product_then(backwards(), sum_with("one"));
        read_again(p, tensor);
        unfused(p);
    }
    dfx::program late = moved_product_then(backwards(), sum_with("channels")); // an operand that is made in between
    for (dfx::tensor_descriptor& t : late.tensors)
        if (t.name == "channels")
            t = intermediate("channels", t.dims);
    late.tensors.push_back(input("C", {1, 1, 1, 5}));
    test::add_operator(late, {{"C"}, "channels", test::of_type(compute_type::rearrange_tile)});
    std::rotate(late.kernels.begin() + 1, late.kernels.begin() + 3, late.kernels.end());
    unfused(late);
}
