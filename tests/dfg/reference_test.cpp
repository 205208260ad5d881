// The reference evaluator against hand-computed values and an implementation of its own.

#include "compiler/dfg/build.h"
#include "compiler/dfg/reference/evaluate.h"
#include "compiler/tensor/number_format.h"
#include "tests/dfg/samples.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <random>

using kpu::dtype;
using kpu::tensor;

namespace {

tensor tensor_of(dtype t, const kpu::shape& dims, const std::vector<double>& values) {
    tensor out(t, dims);
    for (std::size_t i = 0; i < values.size(); ++i)
        kpu::store(t, values[i], &out.data[i * kpu::size_of(t)]);
    return out;
}

double at(const tensor& t, std::size_t i) {
    return kpu::load(t.type, &t.data[i * kpu::size_of(t.type)]);
}

/// One element by the definition, on a dot product of doubles: every product and sum rounded to the accumulator type
/// through volatile variables, so that nothing is fused, reordered or kept wider.
double defined_element(const tensor& a, const tensor& b, const tensor* seed, std::size_t i, std::size_t j,
                       std::size_t batch) {
    const std::size_t rank = a.dims.size();
    const std::size_t m = a.dims[rank - 2];
    const std::size_t k = a.dims[rank - 1];
    const std::size_t n = b.dims[rank - 1];
    const double start = seed != nullptr ? at(*seed, (batch * m + i) * n + j) : 0.0;
    const auto term = [&](std::size_t x) {
        return std::pair(at(a, (batch * m + i) * k + x), at(b, (batch * k + x) * n + j));
    };
    switch (kpu::accumulator_of(a.type)) {
    case dtype::f64: {
        volatile double sum = start;
        for (std::size_t x = 0; x < k; ++x) {
            volatile double product = term(x).first * term(x).second;
            sum = sum + product;
        }
        return sum;
    }
    case dtype::i32: {
        auto sum = static_cast<std::int64_t>(start);
        for (std::size_t x = 0; x < k; ++x) { // wrapped after each step
            const auto product = static_cast<std::int64_t>(term(x).first) * static_cast<std::int64_t>(term(x).second);
            sum = static_cast<std::int32_t>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(product));
        }
        return static_cast<double>(sum);
    }
    default:
        volatile float sum = static_cast<float>(start);
        for (std::size_t x = 0; x < k; ++x) {
            // A product of two floats is exact in double.
            volatile float product = static_cast<float>(term(x).first * term(x).second);
            sum = static_cast<float>(static_cast<double>(sum) + static_cast<double>(product));
        }
        return sum;
    }
}

tensor defined_product(const tensor& a, const tensor& b, const tensor* seed, dtype result) {
    const std::size_t rank = a.dims.size();
    kpu::shape dims = a.dims;
    dims.back() = b.dims.back();
    tensor out(result, dims);
    const std::size_t batches = rank == 3 ? a.dims[0] : 1;
    const std::size_t m = dims[rank - 2];
    const std::size_t n = dims[rank - 1];
    for (std::size_t batch = 0; batch < batches; ++batch)
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j)
                kpu::store(result, defined_element(a, b, seed, i, j, batch),
                           &out.data[((batch * m + i) * n + j) * kpu::size_of(result)]);
    return out;
}

kpu::tensor_map evaluate(const kpu::dfg::graph& g, std::uint64_t seed) {
    kpu::diagnostics warnings;
    const auto bound = kpu::dfg::bind_operands(g, warnings);
    const auto interface = kpu::dfg::interface_of(g, bound);
    const auto inputs = kpu::select_tensors(kpu::dfg::expected_inputs(interface), {}, seed, {}, warnings);
    return kpu::dfg::evaluate(g, bound, interface, inputs);
}

} // namespace

BOOST_AUTO_TEST_CASE(two_by_two) {
    for (const dtype t : {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32}) {
        const tensor a = tensor_of(t, {2, 2}, {1, 2, 3, 4});
        const tensor b = tensor_of(t, {2, 2}, {1, -1, 2, 0});
        const dtype result = t == dtype::i8 ? dtype::i32 : t;
        const tensor seed = tensor_of(t, {2, 2}, {10, 0, 1, 1});
        BOOST_TEST((kpu::dfg::multiply(a, b, nullptr, result) == tensor_of(result, {2, 2}, {5, -1, 11, -3})));
        BOOST_TEST((kpu::dfg::multiply(a, b, &seed, result) == tensor_of(result, {2, 2}, {15, -1, 12, -2})));
    }
}

BOOST_AUTO_TEST_CASE(sums_start_at_the_seed_and_ascend_in_k) {
    // In binary32 1 is lost beside 2^24 when it is added one at a time.
    const tensor a = tensor_of(dtype::f32, {1, 3}, {1, 1, 0x1p24});
    const tensor b = tensor_of(dtype::f32, {3, 1}, {1, 1, 1});
    const tensor seed = tensor_of(dtype::f32, {1, 1}, {0x1p24});
    BOOST_TEST(at(kpu::dfg::multiply(a, b, nullptr, dtype::f32), 0) == 0x1p24 + 2);
    BOOST_TEST(at(kpu::dfg::multiply(a, b, &seed, dtype::f32), 0) == 0x1p25);
}

BOOST_AUTO_TEST_CASE(product_and_sum_round_separately) {
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: the product loses its last bit, which a fused operation would keep.
    const tensor a = tensor_of(dtype::f32, {1, 1}, {1 + 0x1p-12});
    const tensor seed = tensor_of(dtype::f32, {1, 1}, {-1});
    BOOST_TEST(at(kpu::dfg::multiply(a, a, &seed, dtype::f32), 0) == 0x1p-11);
}

BOOST_AUTO_TEST_CASE(narrow_types_round_once_at_the_end) {
    const std::vector<double> ones(2048 + 1, 1.0);
    const tensor a = tensor_of(dtype::f16, {1, 2049}, ones);
    const tensor b = tensor_of(dtype::f16, {2049, 1}, ones);
    BOOST_TEST(at(kpu::dfg::multiply(a, b, nullptr, dtype::f16), 0) == 2048.0); // 2049 ties to even
    BOOST_TEST(at(kpu::dfg::multiply(a, b, nullptr, dtype::f32), 0) == 2049.0);
    const tensor big = tensor_of(dtype::f8, {1, 1}, {448});
    BOOST_TEST(at(kpu::dfg::multiply(big, big, nullptr, dtype::f8), 0) == 448.0);
    BOOST_TEST(at(kpu::dfg::multiply(big, big, nullptr, dtype::f32), 0) == 448.0 * 448.0);
}

BOOST_AUTO_TEST_CASE(integers_wrap) {
    const tensor a = tensor_of(dtype::i32, {1, 2}, {65536, 1});
    const tensor b = tensor_of(dtype::i32, {2, 1}, {65536, 2147483647});
    const tensor seed = tensor_of(dtype::i32, {1, 1}, {1});
    BOOST_TEST(at(kpu::dfg::multiply(a, b, &seed, dtype::i32), 0) == -2147483648.0);
    const tensor low = tensor_of(dtype::i8, {1, 1}, {-128});
    BOOST_TEST(at(kpu::dfg::multiply(low, low, nullptr, dtype::i32), 0) == 16384.0);
}

BOOST_AUTO_TEST_CASE(random_products_equal_the_definition) {
    constexpr std::uint64_t k_seed = 99;
    BOOST_TEST_MESSAGE("seed " << k_seed);
    std::mt19937_64 random(k_seed);
    const auto extent = [&] { return 1 + random() % 40; };
    for (const dtype t : {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32})
        for (unsigned round = 0; round < 24; ++round) {
            const bool batched = round % 4 == 0;
            const std::uint64_t m = extent();
            const std::uint64_t n = round % 3 == 0 ? 120 + extent() : extent();
            const std::uint64_t k = extent();
            const auto dims = [&](std::uint64_t rows, std::uint64_t columns) {
                return batched ? kpu::shape{3, rows, columns} : kpu::shape{rows, columns};
            };
            const dtype result = round % 2 == 0 || t == dtype::i8 ? kpu::accumulator_of(t) : t;
            const tensor a = kpu::random_tensor(t, dims(m, k), random());
            const tensor b = kpu::random_tensor(t, dims(k, n), random());
            const tensor seed = kpu::random_tensor(round % 5 == 0 ? t : result, dims(m, n), random());
            const tensor* used = round % 3 == 1 ? nullptr : &seed;
            BOOST_TEST((kpu::dfg::multiply(a, b, used, result) == defined_product(a, b, used, result)),
                       kpu::name_of(t) << " " << m << "x" << n << "x" << k << " round " << round);
        }
}

BOOST_AUTO_TEST_CASE(chains_and_seeds_of_a_graph) {
    kpu::dfg::matmul_graph_spec spec;
    spec.m = 5;
    spec.n = 6;
    spec.k = 7;
    spec.seeded = true;
    spec.batch = 2;
    spec.type = dtype::f16;
    spec.chain = {4};
    const kpu::tensor_map out = evaluate(kpu::dfg::matmul_graph(spec), 40);
    // Input i of the list is random_tensor of seed + i: A, B, Cin, B2.
    const tensor a = kpu::random_tensor(dtype::f16, {2, 5, 7}, 40);
    const tensor b = kpu::random_tensor(dtype::f16, {2, 7, 6}, 41);
    const tensor cin = kpu::random_tensor(dtype::f16, {2, 5, 6}, 42);
    const tensor b2 = kpu::random_tensor(dtype::f16, {2, 6, 4}, 43);
    BOOST_TEST((out.at("Cout") == defined_product(defined_product(a, b, &cin, dtype::f16), b2, nullptr, dtype::f16)));
}

BOOST_AUTO_TEST_CASE(chained_sample_equals_the_definition,
                     *boost::unit_test::precondition(kpu::test::samples_present)) {
    kpu::diagnostics warnings;
    const auto g = kpu::dfg::read_dfg(kpu::test::sample("matmul_8x4_expand_contract.dfg"), {}, warnings);
    const kpu::tensor_map out = evaluate(g, 7);
    const tensor a1 = kpu::random_tensor(dtype::f8, {8, 64}, 7);
    const tensor b1 = kpu::random_tensor(dtype::f8, {64, 4}, 8);
    const tensor c1 = defined_product(a1, b1, nullptr, dtype::f8);
    const tensor c2 = defined_product(kpu::random_tensor(dtype::f16, {8, 4}, 9),
                                      kpu::random_tensor(dtype::f16, {4, 4}, 10), &c1, dtype::f16);
    const tensor c3 = defined_product(kpu::random_tensor(dtype::f32, {8, 32}, 11),
                                      kpu::random_tensor(dtype::f32, {32, 4}, 12), &c2, dtype::f32);
    const tensor c4 = defined_product(kpu::random_tensor(dtype::f64, {8, 8}, 13),
                                      kpu::random_tensor(dtype::f64, {8, 4}, 14), &c3, dtype::f64);
    BOOST_TEST((out.at("C4") == c4));
}

BOOST_AUTO_TEST_CASE(inputs_are_checked) {
    const auto g = kpu::dfg::matmul_graph({});
    kpu::diagnostics warnings;
    const auto bound = kpu::dfg::bind_operands(g, warnings);
    const auto interface = kpu::dfg::interface_of(g, bound);
    kpu::tensor_map inputs{{"A", tensor(dtype::f32, {1, 1})}};
    BOOST_CHECK_THROW((void)kpu::dfg::evaluate(g, bound, interface, inputs), kpu::input_error);
    inputs["B"] = tensor(dtype::f32, {1, 2});
    BOOST_CHECK_THROW((void)kpu::dfg::evaluate(g, bound, interface, inputs), kpu::input_error);
    inputs["B"] = tensor(dtype::f32, {1, 1});
    BOOST_TEST(kpu::dfg::evaluate(g, bound, interface, inputs).size() == 1U);
}

BOOST_AUTO_TEST_CASE(passing_through_an_input) {
    kpu::dfg::graph g = kpu::dfg::matmul_graph({});
    for (kpu::dfg::edge& e : g.edges)
        if (e.to == kpu::dfg::node_id(3))
            e.from = kpu::dfg::node_id(0);
    BOOST_TEST((evaluate(g, 5).at("Cout") == kpu::random_tensor(dtype::f32, {1, 1}, 5)));
}
