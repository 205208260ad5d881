// The array as an engine over three L1 buffers: results, when commands complete, what stalls.

#include "tests/component/fabric/array_bench.h"

#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::element_type;
using iface::perf_counter;

std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
    std::vector<float> values(count);
    for (float& v : values)
        v = std::uniform_real_distribution<float>(-1, 1)(random);
    return values;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(one_full_fold_takes_2r_c_k_minus_2_after_its_first_operands, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        bench.fold(bench.full(8));
        bench.await(1);
        BOOST_TEST(bench.completed(0) == k_first + 2 * 4 + 4 + 8 - 2);
        BOOST_TEST(bench.perf(perf_counter::macs) == 4U * 4 * 8);
        BOOST_TEST(bench.perf(perf_counter::read_bytes) == 2U * 4 * 8 * 4);
        BOOST_TEST(bench.perf(perf_counter::write_bytes) == 4U * 4 * 4);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(pipelined_folds_complete_every_max_k_rows_cycles, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        for (int f = 0; f < 6; ++f)
            bench.fold(bench.full(8));
        bench.await(6);
        for (std::size_t f = 0; f < 6; ++f)
            BOOST_TEST(bench.completed(f) == k_first + 2 * 4 + 4 + 8 - 2 + 8 * f);
        const std::uint64_t start = cycle();
        for (int f = 0; f < 4; ++f)
            bench.fold(bench.full(2)); // less than R: the drain sets the pace
        bench.await(10);
        for (std::size_t f = 6; f < 10; ++f)
            BOOST_TEST(bench.completed(f) == start + k_first + 2 * 4 + 4 + 2 - 2 + 4 * (f - 6));
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 0U);
        BOOST_TEST(bench.perf(perf_counter::stall_write) == 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(unpipelined_folds_complete_every_2r_c_k_minus_2_cycles, sim_fixture) {
    array_bench bench(array_of(4, 6, false));
    run([&] {
        for (int f = 0; f < 5; ++f)
            bench.fold(bench.full(9));
        bench.await(5);
        for (std::size_t f = 0; f < 5; ++f)
            BOOST_TEST(bench.completed(f) == k_first + (2 * 4 + 6 + 9 - 2) * (f + 1));
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_narrow_operand_port_sets_the_pace_and_counts_as_stall_read, sim_fixture) {
    array_bench bench(array_of(4, 4), {8, 16, 16}); // A needs 16 bytes per cycle, gets 8
    run([&] {
        for (int f = 0; f < 6; ++f)
            bench.fold(bench.full(8));
        bench.await(6);
        for (std::size_t f = 1; f < 6; ++f)
            BOOST_TEST(bench.completed(f) - bench.completed(f - 1) == 16U);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 6U * 8);
        BOOST_TEST(bench.perf(perf_counter::stall_write) == 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_narrow_result_port_sets_the_pace_and_counts_as_stall_write, sim_fixture) {
    array_bench bench(array_of(4, 4), {16, 16, 4}); // 64 bytes of results per fold: 16 cycles
    run([&] {
        for (int f = 0; f < 20; ++f)
            bench.fold(bench.full(4));
        bench.await(20);
        BOOST_TEST(bench.completed(19) - bench.completed(9) == 10U * 16);
        BOOST_TEST(bench.perf(perf_counter::stall_write) > 10U * 8);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(ragged_folds_of_all_types_give_the_kernels_bits, sim_fixture) {
    array_bench bench(array_of(5, 7));
    run([&] {
        std::mt19937 random(31);
        for (std::uint32_t number = 0; number < 140; ++number) {
            iface::fold_operands x;
            x.type = static_cast<element_type>(number % iface::k_element_types);
            x.m = 1 + static_cast<std::uint32_t>(random() % 5);
            x.n = 1 + static_cast<std::uint32_t>(random() % 7);
            x.k = 1 + static_cast<std::uint32_t>(random() % 40);
            x.a = address(8 * (random() % 64));
            x.b = address(8 * (random() % 64));
            x.c = address(4096 + 512 * (number % 8));
            x.seed = address(16384);
            x.seeded = random() % 2 == 0;
            const std::size_t sum = iface::size_of(iface::accumulator_of(x.type));
            const auto small = [&](std::size_t count) { // bytes whose value in any type is finite
                std::vector<std::uint8_t> data(count);
                for (std::uint8_t& v : data)
                    v = static_cast<std::uint8_t>(random() % 0x40);
                return data;
            };
            const auto left = small(std::size_t{x.m} * x.k * iface::size_of(x.type));
            const auto right = small(std::size_t{x.k} * x.n * iface::size_of(x.type));
            auto expected = small(x.m * x.n * sum);
            bench.a.put(x.a.value(), left);
            bench.b.put(x.b.value(), right);
            bench.c.put(x.seed.value(), expected);
            if (!x.seeded)
                std::fill(expected.begin(), expected.end(), std::uint8_t{0});
            fold_kernel(5, 7).fold(x.type, {x.m, x.n, x.k}, left.data(), right.data(), expected.data());
            bench.fold(x);
            bench.await(number + 1);
            BOOST_REQUIRE((bench.c.get<std::uint8_t>(x.c.value(), expected.size()) == expected));
        }
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_deep_product_in_slices_of_k_has_the_bits_of_one_fold, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        std::mt19937 random(32);
        const std::vector<float> left = random_floats(4 * 30, random), right = random_floats(30 * 4, random);
        std::vector<float> expected(16);
        fold_kernel(4, 4).fold(element_type::f32, {4, 4, 30}, left.data(), right.data(), expected.data());
        bench.b.put(0, right);
        for (std::uint32_t slice = 0; slice < 3; ++slice) {
            std::vector<float> part;
            for (std::size_t i = 0; i < 4; ++i)
                part.insert(part.end(), left.begin() + static_cast<std::ptrdiff_t>(30 * i + 10 * slice),
                            left.begin() + static_cast<std::ptrdiff_t>(30 * i + 10 * slice + 10));
            bench.a.put(1024 * slice, part);
            iface::fold_operands x = bench.full(10, 512);
            x.a = address(1024 * slice);
            x.b = address(10 * slice * 16);
            x.seed = address(512); // in place: each slice waits for the one before
            x.seeded = slice > 0;
            bench.fold(x, slice > 0 ? std::vector<iface::wait_for>{until(0, slice)} : std::vector<iface::wait_for>{});
        }
        bench.await(3);
        BOOST_TEST((bench.c.get<float>(512, 16) == expected));
        BOOST_TEST(bench.perf(perf_counter::stall_array) > 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(the_module_adds_nothing_to_the_formula, sim_fixture) {
    const platform::array_params params = array_of(6, 5);
    array_bench bench(params);
    run([&] {
        std::mt19937 random(33);
        fold_timing timing(geometry_of(params, picoseconds(1)));
        std::vector<array_fold> folds;
        for (int f = 0; f < 40; ++f) {
            iface::fold_operands x = bench.full(1 + static_cast<std::uint32_t>(random() % 20));
            x.m = 1 + static_cast<std::uint32_t>(random() % 6);
            x.n = 1 + static_cast<std::uint32_t>(random() % 5);
            folds.push_back({element_type::f32, x.flow, {x.m, x.n, x.k}, false});
            bench.fold(x);
        }
        bench.await(40);
        std::uint64_t last = 0, port_free = 0;
        for (std::size_t f = 0; f < folds.size(); ++f) {
            const fold_entry entry = timing.enter(picoseconds(k_first), picoseconds(0), folds[f]);
            const fold_drain drain = timing.drain(entry, folds[f]);
            port_free =
                std::max(port_free, drain.first.value()) + ceil_div(4U * folds[f].extents.m * folds[f].extents.n, 40);
            timing.written(picoseconds(port_free + k_l1_latency));
            last = std::max({last, drain.end.value(), port_free + k_l1_latency});
            BOOST_TEST(bench.completed(f) == last);
        }
        for (const auto& access : bench.seen.accesses)
            BOOST_TEST(access.is_write);
    });
}

BOOST_FIXTURE_TEST_CASE(a_start_cost_is_paid_by_every_fold, sim_fixture) {
    platform::array_params params = array_of(4, 4);
    params.start_cost = cycles(5);
    array_bench bench(params);
    run([&] {
        for (int f = 0; f < 3; ++f)
            bench.fold(bench.full(8));
        bench.await(3);
        BOOST_TEST(bench.completed(0) == 5 + k_first + 2 * 4 + 4 + 8 - 2);
        BOOST_TEST(bench.completed(2) - bench.completed(1) == 8U + 5);
    });
}
