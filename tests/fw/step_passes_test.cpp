// Passes of the vector unit against the steps that they stand for, on numbers where rounding is delicate.

#include "compiler/dfx/operators.h"
#include "compiler/tensor/number_format.h"
#include "fw/loader/step_passes.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>

using namespace kpu;
using dfx::element_function;
using dfx::element_step;

namespace {

constexpr dtype k_types[] = {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32};

element_step step(element_function f, dtype result, double low = 0, double high = 0) {
    element_step s;
    s.function = f;
    s.result = result;
    s.low = low;
    s.high = high;
    return s;
}

/// A pass as steps: the function in its own type, then the rounding.
std::vector<element_step> as_steps(const std::vector<fw::step_pass>& passes) {
    std::vector<element_step> steps;
    for (const fw::step_pass& pass : passes) {
        steps.push_back(pass.step);
        steps.back().result = pass.from;
        steps.push_back(step(element_function::identity, pass.step.result));
    }
    return steps;
}

tensor result_of(const std::vector<element_step>& steps, const tensor& x, dtype type) {
    dfx::compute_op op;
    op.type = dfx::compute_type::elementwise;
    op.steps = steps;
    dfx::tensor_descriptor result;
    result.dims = x.dims;
    result.type = type;
    return evaluate(op, {&x}, result);
}

/// Zeros, infinities and numbers that are none; small and large ones; random ones, and halves between numbers of f8.
tensor delicate_numbers(dtype type) {
    std::vector<double> numbers = {0.0,   -0.0,       0.5,       -0.5, 1.5,   2.5,   -2.5,   6.0,
                                   6.25,  1e-5,       -1e-5,     1e-8, -1e-8, 448.0, 463.9,  464.0,
                                   465.0, 65503.9999, 65519.999, 1e30, -1e30, 127.5, -128.5, 16777217.0};
    for (const double special : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
        numbers.insert(numbers.end(), {special, -special});
    std::mt19937 random(1);
    for (int i = 0; i < 400; ++i)
        numbers.push_back(std::ldexp(static_cast<double>(random() % 64) - 32.0, static_cast<int>(random() % 20) - 12));
    return rounded<double>(type, {numbers.size()}, numbers);
}

element_step random_step(std::mt19937& random) {
    constexpr element_function functions[] = {element_function::identity, element_function::relu,
                                              element_function::clamp, element_function::absolute,
                                              element_function::negate};
    const dtype type = k_types[random() % std::size(k_types)];
    constexpr std::pair<double, double> bounds[] = {{0, 6}, {-0.0, 0.0}, {-2, 0.5}, {0.3, 3.3}, {-128, 127}, {1, 1}};
    const auto [low, high] = bounds[random() % std::size(bounds)];
    return step(functions[random() % std::size(functions)], type, low, high);
}

std::size_t count(const std::vector<element_step>& steps, dtype from, dtype to) {
    return fw::passes_of(steps, from, to).size();
}

} // namespace

BOOST_AUTO_TEST_CASE(rounding_joins_a_function) {
    using f = element_function;
    BOOST_TEST(count({}, dtype::f32, dtype::f32) == 0U);
    BOOST_TEST(count({}, dtype::f32, dtype::f16) == 1U);
    BOOST_TEST(count({step(f::relu, dtype::f16)}, dtype::f32, dtype::f16) == 1U);
    BOOST_TEST(count({step(f::clamp, dtype::bf16, 0, 6)}, dtype::f32, dtype::bf16) == 1U);
    BOOST_TEST(count({step(f::sigmoid, dtype::f32)}, dtype::f32, dtype::f16) == 1U);
    // an i8 layer behind its sums
    element_step scale = step(f::multiply, dtype::f32);
    scale.operand = 1;
    const std::vector<element_step> layer = {step(f::identity, dtype::i32), step(f::relu, dtype::i32),
                                             step(f::identity, dtype::f32), scale};
    const auto passes = fw::passes_of(layer, dtype::i32, dtype::i8);
    BOOST_REQUIRE(passes.size() == 2U);
    BOOST_TEST((passes[0].step.function == f::relu && passes[0].step.result == dtype::f32));
    BOOST_TEST((passes[1].step.operand == 1U && passes[1].from == dtype::f32 && passes[1].step.result == dtype::i8));
}

BOOST_AUTO_TEST_CASE(what_rounds_twice_stays_two_passes) {
    using f = element_function;
    BOOST_TEST(count({step(f::sigmoid, dtype::f16)}, dtype::f32, dtype::f16) == 2U);
    BOOST_TEST(count({step(f::identity, dtype::f16)}, dtype::f32, dtype::i8) == 2U);
    BOOST_TEST(count({step(f::negate, dtype::f16)}, dtype::f16, dtype::f8) == 2U);
    BOOST_TEST(count({step(f::relu, dtype::i8)}, dtype::f32, dtype::i8) == 2U);
    BOOST_TEST(count({step(f::relu, dtype::f32)}, dtype::i32, dtype::f32) == 2U);
    BOOST_TEST(count({step(f::clamp, dtype::f64, 0.3, 1)}, dtype::f32, dtype::f64) == 2U);
    BOOST_TEST(count({step(f::clamp, dtype::f16, 0.3, 1)}, dtype::f64, dtype::f16) == 2U);
}

BOOST_AUTO_TEST_CASE(passes_have_the_bits_of_the_steps) {
    std::mt19937 random(7);
    std::size_t joined = 0;
    for (int i = 0; i < 4000; ++i) {
        std::vector<element_step> steps(1 + random() % 4);
        for (element_step& s : steps)
            s = random_step(random);
        const dtype from = k_types[random() % std::size(k_types)];
        const dtype to = k_types[random() % std::size(k_types)];
        const auto passes = fw::passes_of(steps, from, to);
        const tensor x = delicate_numbers(from);
        BOOST_REQUIRE_MESSAGE(result_of(steps, x, to) == result_of(as_steps(passes), x, to), "case " << i);
        std::size_t apart = 0;
        dtype type = from;
        for (const element_step& s : steps) {
            apart += (s.result != type ? 1U : 0U) + (s.function != element_function::identity ? 1U : 0U);
            type = s.result;
        }
        apart += type != to ? 1U : 0U;
        BOOST_REQUIRE(passes.size() <= apart);
        joined += apart - passes.size();
    }
    BOOST_TEST(joined > 1000U);
}
