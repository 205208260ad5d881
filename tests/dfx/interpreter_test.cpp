// The interpreter against the reference evaluator, which shares no arithmetic with it.

#include "compiler/dfx/interpreter.h"

#include "compiler/dfg/binding.h"
#include "compiler/dfg/interface.h"
#include "compiler/dfg/reference/evaluate.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/programs.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <random>

using namespace kpu;

namespace {

struct results {
    tensor_map interpreted, reference;
};

results both(const dfg::graph& g, const passes::lower_options& options, std::uint64_t seed) {
    diagnostics warnings;
    const dfg::binding bound = dfg::bind_operands(g, warnings);
    const dfg::graph_interface interface = dfg::interface_of(g, bound);
    const dfx::program p = passes::lower(g, bound, options).program;
    const tensor_map inputs = test::random_inputs(p, seed);
    return {dfx::interpret(p, inputs), dfg::evaluate(g, bound, interface, inputs)};
}

void check_equal(const results& r) {
    BOOST_TEST(r.interpreted.size() == r.reference.size());
    for (const auto& [key, value] : r.reference) {
        BOOST_TEST_REQUIRE(r.interpreted.count(key) == 1U, key);
        BOOST_TEST((r.interpreted.at(key) == value), key);
    }
}

const char* const k_matmul_samples[] = {"matmul",
                                        "non-batched-2-input-matmul",
                                        "non-batched-3-input-matmul",
                                        "AtimesBtimesC_skinny",
                                        "AtimesBtimesC_square",
                                        "matmul_8x8_chained",
                                        "matmul_16x16_chained",
                                        "matmul_256x256_chained",
                                        "matmul_8x4_expand_contract"};

} // namespace

BOOST_AUTO_TEST_CASE(samples_equal_the_reference, *boost::unit_test::precondition(test::samples_present)) {
    for (const char* name : k_matmul_samples) {
        for (const char* tiles : {"analytical", "fixed:3,5,7"}) {
            BOOST_TEST_CONTEXT(name << " " << tiles) {
                diagnostics warnings;
                const dfg::graph g = dfg::read_dfg(test::sample(std::string(name) + ".dfg"), {}, warnings);
                passes::lower_options options;
                options.tiles = passes::parse_tile_request(tiles);
                check_equal(both(g, options, 7));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(random_matmuls_equal_the_reference) {
    const std::uint64_t seed = 20240611;
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    const dtype types[] = {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32};
    for (int i = 0; i < 300; ++i) {
        dfg::matmul_graph_spec spec;
        const std::uint64_t largest = i % 10 == 0 ? 150 : 40;
        spec.m = 1 + below(largest);
        spec.n = 1 + below(largest);
        spec.k = 1 + below(largest);
        spec.type = types[below(7)];
        spec.seeded = below(2) == 0;
        if (below(3) == 0)
            spec.batch = 1 + below(4);
        else if (below(3) == 0 && spec.type != dtype::i8)
            spec.chain = {1 + below(20), 1 + below(20)};
        passes::lower_options options;
        options.tiles.strategy = passes::tile_strategy::fixed;
        options.tiles.fixed = {1 + below(50), 1 + below(50), 1 + below(50)};
        if (below(3) != 0)
            options.flow = dfx::all_of<dfx::dataflow>()[below(3)];
        BOOST_TEST_CONTEXT("seed " << seed << ", case " << i << ": " << spec.m << "x" << spec.n << "x" << spec.k << " "
                                   << name_of(spec.type)) {
            check_equal(both(dfg::matmul_graph(spec), options, random()));
        }
    }
}

BOOST_AUTO_TEST_CASE(flat_programs_equal_nests) {
    for (const dtype type : {dtype::f32, dtype::i8, dtype::f64}) {
        dfg::matmul_graph_spec spec;
        spec.m = 10;
        spec.n = 7;
        spec.k = 13;
        spec.type = type;
        const dfx::program nest = test::compiled(spec);
        const tensor_map inputs = test::random_inputs(nest, 3);
        const tensor expected = dfx::interpret(nest, inputs).at("Cout");
        const dfx::program flat = test::flat_matmul(10, 7, 13, {4, 3, 5}, type);
        BOOST_TEST((dfx::interpret(flat, inputs).at("C") == expected));
    }
}

BOOST_AUTO_TEST_CASE(every_order_gives_the_same_bits) {
    dfg::matmul_graph_spec spec;
    spec.m = 37;
    spec.n = 29;
    spec.k = 31;
    dfx::program p = test::compiled(spec, "fixed:8,8,8", dfx::dataflow::output_stationary);
    const tensor_map inputs = test::random_inputs(p, 5);
    const tensor_map expected = dfx::interpret(p, inputs);
    auto& rows = std::get<dfx::loop_nest>(p.kernels[0].body[0]);
    auto& columns = std::get<dfx::loop_nest>(rows.body[0]);
    BOOST_TEST((rows.loop.order == dfx::iteration_order::morton));
    rows.loop.order = dfx::iteration_order::row_major;
    columns.loop.order = dfx::iteration_order::snake;
    BOOST_TEST((dfx::interpret(p, inputs) == expected));
    columns.loop.order = dfx::iteration_order::explicit_sequence;
    columns.loop.sequence = {3, 1, 0, 2};
    BOOST_TEST((dfx::interpret(p, inputs) == expected));
}

BOOST_AUTO_TEST_CASE(rounding_of_products_and_sums_is_separate) {
    // (1 + 2^-12)^2 rounds to 1 + 2^-11 in f32; a fused multiply-add into -(1 + 2^-11) would leave 2^-24.
    dfx::program p = test::flat_matmul(1, 1, 2, {1, 1, 2});
    const float x = 1.0F + 0x1p-12F;
    const float a[2] = {-(1.0F + 0x1p-11F), x};
    const float b[2] = {1.0F, x};
    tensor_map inputs;
    inputs["A"] = tensor(dtype::f32, {1, 2});
    inputs["B"] = tensor(dtype::f32, {2, 1});
    std::memcpy(inputs["A"].data.data(), a, sizeof a);
    std::memcpy(inputs["B"].data.data(), b, sizeof b);
    float c = 1;
    std::memcpy(&c, dfx::interpret(p, inputs).at("C").data.data(), sizeof c);
    BOOST_TEST(c == 0.0F);
}

BOOST_AUTO_TEST_CASE(integers_wrap) {
    dfx::program p = test::flat_matmul(1, 1, 2, {1, 1, 1}, dtype::i32);
    const std::int32_t a[2] = {INT32_MAX, 65536};
    const std::int32_t b[2] = {2, 65536};
    tensor_map inputs;
    inputs["A"] = tensor(dtype::i32, {1, 2});
    inputs["B"] = tensor(dtype::i32, {2, 1});
    std::memcpy(inputs["A"].data.data(), a, sizeof a);
    std::memcpy(inputs["B"].data.data(), b, sizeof b);
    std::int32_t c = 1;
    std::memcpy(&c, dfx::interpret(p, inputs).at("C").data.data(), sizeof c);
    BOOST_TEST(c == -2);
}

BOOST_AUTO_TEST_CASE(inputs_that_do_not_match_are_all_reported) {
    const dfx::program p = test::flat_matmul(2, 2, 2, {2, 2, 2});
    tensor_map inputs;
    inputs["B"] = tensor(dtype::f32, {2, 3});
    try {
        (void)dfx::interpret(p, inputs);
        BOOST_TEST(false);
    } catch (const input_error& problem) {
        const std::string text = problem.what();
        BOOST_TEST(text.find("no value for input A") != std::string::npos, text);
        BOOST_TEST(text.find("input B does not match") != std::string::npos, text);
    }
    dfx::program bad = p;
    bad.kernels[0].body.pop_back();
    BOOST_CHECK_THROW((void)dfx::interpret(bad, test::random_inputs(p, 1)), input_error);
}

BOOST_AUTO_TEST_CASE(constants_in_the_program_need_no_input) {
    dfx::program p = test::flat_matmul(3, 3, 3, {3, 3, 3});
    tensor_map inputs = test::random_inputs(p, 9);
    const tensor_map expected = dfx::interpret(p, inputs);
    p.tensors[1].role = dfx::tensor_role::constant;
    p.constants["B"] = inputs.at("B");
    inputs.erase("B");
    BOOST_TEST((dfx::interpret(p, inputs) == expected));
}

BOOST_AUTO_TEST_CASE(a_thousand_cubed_takes_less_than_a_second) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 1024;
    const dfx::program p = test::compiled(spec);
    const tensor_map inputs = test::random_inputs(p, 1);
    const auto begin = std::chrono::steady_clock::now();
    (void)dfx::interpret(p, inputs);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    BOOST_TEST_MESSAGE("1024^3 f32: " << took.count() << " s");
}
