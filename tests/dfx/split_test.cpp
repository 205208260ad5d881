// Kernels in parts: the bits of the whole, whatever is cut off.

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/split.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "tests/dfx/operator_programs.h"
#include "tests/dfx/programs.h"
#include "tests/fw/random_operator.h"

#include <boost/test/unit_test.hpp>
#include <iterator>
#include <map>

using namespace kpu;
using dfx::element_function;

namespace {

/// The program with its first kernel in parts.
dfx::program with_parts(const dfx::program& p, dfx::kernel_parts parts) {
    dfx::program q = p;
    q.tensors.insert(q.tensors.end(), parts.tensors.begin(), parts.tensors.end());
    q.kernels.insert(q.kernels.erase(q.kernels.begin()), std::make_move_iterator(parts.kernels.begin()),
                     std::make_move_iterator(parts.kernels.end()));
    dfx::require_valid(q, "parts");
    return q;
}

/// All ways in which the first kernel can be cut once.
std::vector<dfx::program> cut(const dfx::program& p) {
    std::vector<dfx::program> all;
    const dfx::kernel& k = p.kernels.front();
    const dfx::compute_op& op = *dfx::whole_tensor_operator(k);
    for (std::size_t kept = dfx::least_steps(op); kept < op.steps.size(); ++kept)
        all.push_back(with_parts(p, dfx::steps_apart(p, k, kept)));
    for (const std::optional<dfx::kernel_parts>& parts : {dfx::rows_apart(p, k), dfx::bias_apart(p, k)})
        if (parts)
            all.push_back(with_parts(p, *parts));
    return all;
}

dtype type_of(const dfx::program& p, const std::string& tensor) {
    return p.find(tensor)->type;
}

} // namespace

BOOST_AUTO_TEST_CASE(parts_of_random_operators_give_the_bits_of_the_whole) {
    const std::uint64_t seed = 20261130;
    BOOST_TEST_MESSAGE("seed " << seed);
    test::operator_generator generator(seed);
    std::map<dfx::compute_type, int> cuts;
    for (int i = 0; i < 1200; ++i) {
        const dfx::program p = generator.next();
        const std::vector<dfx::program> ways = cut(p);
        if (ways.empty())
            continue;
        const tensor_map inputs = test::random_inputs(p, static_cast<std::uint64_t>(i));
        const tensor_map expected = dfx::interpret(p, inputs);
        cuts[dfx::whole_tensor_operator(p.kernels[0])->type] += static_cast<int>(ways.size());
        for (const dfx::program& q : ways)
            BOOST_TEST((dfx::interpret(q, inputs) == expected), "case " << i << ":\n" << dfx::to_text(q));
    }
    for (const dfx::compute_type type : dfx::all_of<dfx::compute_type>())
        BOOST_TEST((dfx::only_moves(type) || cuts[type] > 50), name_of(type) << " " << cuts[type]);
}

BOOST_AUTO_TEST_CASE(sums_are_rounded_where_they_were) {
    // sums of bf16, rounded to bf16, times R: the tensor between is what the first step works on
    const dfx::program p = test::averaging_pool();
    const dfx::program q = with_parts(p, dfx::steps_apart(p, p.kernels[0], 0));
    BOOST_TEST_REQUIRE(q.kernels.size() == 2U);
    BOOST_TEST((type_of(q, "Y/1") == dtype::bf16));
    BOOST_TEST(dfx::whole_tensor_operator(q.kernels[0])->steps.empty());
    const dfx::compute_op& rest = *dfx::whole_tensor_operator(q.kernels[1]);
    BOOST_TEST((rest.type == dfx::compute_type::elementwise));
    BOOST_TEST(rest.inputs.at(0).tensor_name == "Y/1");
    BOOST_TEST(rest.inputs.at(1).tensor_name == "R");
    BOOST_TEST(rest.steps.at(0).operand.value_or(0) == 1U);
    BOOST_TEST(rest.output.tensor_name == "Y");
    BOOST_TEST(q.kernels[0].name == p.kernels[0].name + "/1");
    BOOST_TEST(q.kernels[1].name == p.kernels[0].name + "/2");
    // i8 to i32, then to f32, scaled and back to i8: after two steps what lies between is f32
    dfx::program scaled =
        test::operator_program({test::input("X", {4, 6}, dtype::i8), test::constant("W", {6, 5}, dtype::i8),
                                test::constant("R", {1, 5}), test::output("Y", {4, 5}, dtype::i8)},
                               {{{"X", "W", "R"}, "Y", test::of_type(dfx::compute_type::matmul_tile)}});
    test::operator_of(scaled).steps = {
        test::step(element_function::relu, dtype::i32), test::step(element_function::identity, dtype::f32),
        test::step(element_function::multiply, dtype::f32, 2), test::step(element_function::identity, dtype::i8)};
    const dtype between[] = {dtype::i32, dtype::i32, dtype::f32, dtype::f32};
    for (std::size_t kept = 0; kept < std::size(between); ++kept)
        BOOST_TEST(
            (type_of(with_parts(scaled, dfx::steps_apart(scaled, scaled.kernels[0], kept)), "Y/1") == between[kept]));
}

BOOST_AUTO_TEST_CASE(an_operand_of_two_steps_goes_with_both) {
    dfx::program p =
        test::operator_program({test::input("X", {4, 6}), test::input("R", {4, 6}), test::output("Y", {4, 6})},
                               {{{"X", "R"}, "Y", test::elementwise({})}});
    test::operator_of(p).steps = {test::step(element_function::add, dtype::f32, 1),
                                  test::step(element_function::multiply, dtype::f32, 1),
                                  test::step(element_function::subtract, dtype::f32, 1)};
    const tensor_map inputs = test::random_inputs(p, 1);
    for (const dfx::program& q : cut(p)) {
        BOOST_TEST(dfx::whole_tensor_operator(q.kernels[0])->inputs.size() == 2U);
        BOOST_TEST(dfx::whole_tensor_operator(q.kernels[1])->inputs.size() == 2U);
        BOOST_TEST((dfx::interpret(q, inputs) == dfx::interpret(p, inputs)));
    }
}

BOOST_AUTO_TEST_CASE(names_and_ids_are_new_and_parts_can_be_split_again) {
    dfx::program p =
        test::operator_program({test::input("X", {4, 6}), test::intermediate("Y", {4, 6}), test::output("Y/1", {4, 6})},
                               {{{"X"}, "Y", test::of_type(dfx::compute_type::softmax_tile)},
                                {{"Y"}, "Y/1", test::elementwise({test::step(element_function::relu)})}});
    test::operator_of(p).axes = {1};
    test::operator_of(p).steps = {test::step(element_function::negate), test::step(element_function::absolute)};
    const tensor_map inputs = test::random_inputs(p, 1);
    const tensor_map expected = dfx::interpret(p, inputs);
    dfx::program q = with_parts(p, *dfx::rows_apart(p, p.kernels[0]));
    BOOST_TEST(q.kernels.size() == 5U);
    BOOST_TEST((dfx::interpret(q, inputs) == expected));
    std::rotate(q.kernels.begin(), q.kernels.begin() + 3, q.kernels.end()); // the product with its steps first
    for (std::size_t kept = 1; kept < 3; ++kept) {
        dfx::kernel_parts parts = dfx::steps_apart(q, q.kernels[0], kept);
        dfx::program again = q;
        std::rotate(again.kernels.begin(), again.kernels.begin() + 2, again.kernels.end());
        again.tensors.insert(again.tensors.end(), parts.tensors.begin(), parts.tensors.end());
        const auto place = again.kernels.erase(again.kernels.begin() + 3);
        again.kernels.insert(place, parts.kernels.begin(), parts.kernels.end());
        BOOST_TEST(to_string(dfx::verify(again)) == "");
        BOOST_TEST((dfx::interpret(again, inputs) == expected));
    }
    BOOST_TEST(!dfx::rows_apart(p, p.kernels[1]));
}

BOOST_AUTO_TEST_CASE(a_bias_is_widened_where_it_is_a_narrower_row) {
    const auto product = [](dtype type, dtype bias_type, const shape& bias, const shape& result) {
        shape a = result, b = result;
        a.back() = b[b.size() - 2] = 6;
        dfx::program p =
            test::operator_program({test::input("X", a, type), test::constant("W", b, type),
                                    test::constant("B", bias, bias_type), test::output("Y", result, type)},
                                   {{{"X", "W", "B"}, "Y", test::of_type(dfx::compute_type::matmul_tile)}});
        test::operator_of(p).biased = true;
        p.version = "2.2";
        return p;
    };
    const dfx::program narrow = product(dtype::f16, dtype::f8, {5}, {5, 5});
    const dfx::program q = with_parts(narrow, *dfx::bias_apart(narrow, narrow.kernels[0]));
    BOOST_TEST_REQUIRE(q.kernels.size() == 2U);
    BOOST_TEST((type_of(q, "Y/1") == dtype::f32));
    BOOST_TEST((q.find("Y/1")->dims == shape{5}));
    BOOST_TEST(dfx::whole_tensor_operator(q.kernels[1])->inputs.at(2).tensor_name == "Y/1");
    const tensor_map inputs = test::random_inputs(narrow, 1);
    BOOST_TEST((dfx::interpret(q, inputs) == dfx::interpret(narrow, inputs)));
    for (const dfx::program& other : {product(dtype::f16, dtype::f32, {5}, {5, 5}),     // as wide as the sums
                                      product(dtype::f16, dtype::f16, {5, 5}, {5, 5})}) // a seed
        BOOST_TEST(!dfx::bias_apart(other, other.kernels[0]));
}
