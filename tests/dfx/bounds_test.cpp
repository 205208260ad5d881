#include "compiler/dfx/bounds.h"

#include "tests/dfx/programs.h"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <random>

using namespace kpu;
using test::product;

namespace {

/// What a loop nest over blocks moves when one block of each operand is held: counted by running it.
std::uint64_t simulate(const dfx::contraction& c, std::uint64_t nm, std::uint64_t nn, std::uint64_t nk,
                       const std::array<int, 3>& order) {
    const std::uint64_t trips[3] = {nm, nn, nk};
    const std::uint64_t e = size_of(c.operand);
    // Sizes of whole operands: each sweep over all blocks moves exactly that.
    std::uint64_t loads_a = 0;
    std::uint64_t loads_b = 0;
    std::uint64_t visits_c = 0;
    std::array<std::uint64_t, 3> at{};
    std::array<std::int64_t, 2> held_a{-1, -1};
    std::array<std::int64_t, 2> held_b{-1, -1};
    std::array<std::int64_t, 2> held_c{-1, -1};
    const auto move = [](std::array<std::int64_t, 2>& held, std::uint64_t x, std::uint64_t y, std::uint64_t& count) {
        const std::array<std::int64_t, 2> wanted{static_cast<std::int64_t>(x), static_cast<std::int64_t>(y)};
        if (held != wanted)
            ++count;
        held = wanted;
    };
    for (at[0] = 0; at[0] < trips[order[0]]; ++at[0])
        for (at[1] = 0; at[1] < trips[order[1]]; ++at[1])
            for (at[2] = 0; at[2] < trips[order[2]]; ++at[2]) {
                std::uint64_t index[3] = {0, 0, 0};
                for (std::size_t d = 0; d < 3; ++d)
                    index[order[d]] = at[d];
                move(held_a, index[0], index[2], loads_a);
                move(held_b, index[2], index[1], loads_b);
                move(held_c, index[0], index[1], visits_c);
            }
    // Blocks of an operand are equally often moved in these nests, so counts scale to bytes.
    const std::uint64_t a = c.m * c.k * e * (loads_a / (nm * nk));
    const std::uint64_t b = c.k * c.n * e * (loads_b / (nk * nn));
    const std::uint64_t spills = visits_c / (nm * nn) - 1;
    const std::uint64_t cells = c.m * c.n;
    return a + b + cells * size_of(c.result) + 2 * spills * cells * size_of(c.accumulator) +
           (c.seed ? cells * size_of(c.seed_type) : 0);
}

std::uint64_t brute_force(const dfx::contraction& c, std::uint64_t l3) {
    std::uint64_t best = UINT64_MAX;
    const std::uint64_t e = size_of(c.operand);
    for (std::uint64_t mb = 1; mb <= c.m; ++mb) {
        for (std::uint64_t nb = 1; nb <= c.n; ++nb) {
            for (std::uint64_t kb = 1; kb <= c.k; ++kb) {
                const std::uint64_t ec = kb < c.k ? size_of(c.accumulator) : size_of(c.result);
                if (mb * kb * e + kb * nb * e + mb * nb * ec > l3)
                    continue;
                std::array<int, 3> order{0, 1, 2};
                do
                    best = std::min(best,
                                    simulate(c, (c.m + mb - 1) / mb, (c.n + nb - 1) / nb, (c.k + kb - 1) / kb, order));
                while (std::next_permutation(order.begin(), order.end()));
            }
        }
    }
    return best == UINT64_MAX ? 0 : best * c.batch;
}

} // namespace

BOOST_AUTO_TEST_CASE(best_blocking_is_the_exact_minimum) {
    const std::uint64_t seed = 99;
    std::mt19937_64 random(seed);
    const dtype types[] = {dtype::f64, dtype::f32, dtype::f16, dtype::f8, dtype::i8};
    for (int i = 0; i < 150; ++i) {
        dfx::contraction c = product(1 + random() % 9, 1 + random() % 9, 1 + random() % 9, types[random() % 5]);
        c.batch = 1 + random() % 2;
        if (random() % 3 == 0) {
            c.seed = "S";
            c.seed_type = c.result;
        }
        const std::uint64_t l3 = 1 + random() % 600;
        const auto best = dfx::best_blocking(c, l3);
        BOOST_TEST_CONTEXT("seed " << seed << ", case " << i << ": " << c.m << "x" << c.n << "x" << c.k << " "
                                   << name_of(c.operand) << ", L3 " << l3) {
            BOOST_TEST((best ? best->bytes : 0) == brute_force(c, l3));
            if (best) {
                BOOST_TEST(best->bytes >= dfx::compulsory_bytes(c));
                BOOST_TEST(best->bytes >= dfx::lower_bound_bytes(c, l3));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(formulas_by_hand) {
    dfx::contraction c = product(1024, 1024, 1024);
    BOOST_TEST(dfx::compulsory_bytes(c) == 3U * 4 * 1024 * 1024);
    // S = 65536 elements in 256 KiB: 2 * 2^30 / 256 - 2 * 65536 = 8257536 elements.
    BOOST_TEST(dfx::lower_bound_bytes(c, 256ULL * 1024) == 4U * 8257536);
    BOOST_TEST(dfx::lower_bound_bytes(c, 64U << 20U) == dfx::compulsory_bytes(c));
    c.batch = 3;
    BOOST_TEST(dfx::lower_bound_bytes(c, 256ULL * 1024) == 3U * 4 * 8257536);
    c.seed = "S";
    c.seed_type = dtype::f16;
    BOOST_TEST(dfx::compulsory_bytes(c) == 3U * (3U * 4 + 2) * 1024 * 1024);
    BOOST_TEST(dfx::lower_bound_bytes(c, 0) == dfx::compulsory_bytes(c));
    BOOST_TEST(!dfx::best_blocking(c, 11).has_value());
    BOOST_TEST(dfx::best_blocking(c, 64U << 20U)->bytes == dfx::compulsory_bytes(c));
}

BOOST_AUTO_TEST_CASE(large_matmuls_are_fast) {
    const auto begin = std::chrono::steady_clock::now();
    const auto best = dfx::best_blocking(product(16384, 16384, 16384), 4U << 20U);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    BOOST_TEST_REQUIRE(best.has_value());
    BOOST_TEST_MESSAGE(best->mb << "x" << best->nb << "x" << best->kb << ": " << best->bytes << " bytes, "
                                << took.count() << " s");
    BOOST_TEST(best->bytes > dfx::lower_bound_bytes(product(16384, 16384, 16384), 4U << 20U));
}

BOOST_AUTO_TEST_CASE(more_memory_never_moves_more) {
    const dfx::contraction c = product(200, 300, 100, dtype::f16);
    std::uint64_t before = UINT64_MAX;
    for (std::uint64_t l3 = 1024; l3 < (1U << 20U); l3 += 3000) {
        const std::uint64_t now = dfx::best_blocking(c, l3)->bytes;
        BOOST_TEST(now <= before);
        before = now;
    }
}

BOOST_AUTO_TEST_CASE(kernels_of_either_form_have_the_same_bounds) {
    dfg::matmul_graph_spec spec;
    spec.m = 10;
    spec.n = 7;
    spec.k = 13;
    const dfx::program nest = test::compiled(spec);
    const dfx::program flat = test::flat_matmul(10, 7, 13, {4, 3, 5});
    const auto x = dfx::bounds_of(nest, nest.kernels[0], 300, 100);
    const auto y = dfx::bounds_of(flat, flat.kernels[0], 300, 100);
    BOOST_TEST(x.compulsory_bytes == y.compulsory_bytes);
    BOOST_TEST(x.lower_bound_bytes == y.lower_bound_bytes);
    BOOST_TEST(x.best_blocking_bytes == y.best_blocking_bytes);
    BOOST_TEST(x.compulsory_bytes == 4U * (130 + 91 + 70));
}
