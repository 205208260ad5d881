// Weight and input stationary folds in the engine: results, when commands complete, what stalls, changes of dataflow.

#include "tests/component/fabric/array_bench.h"

#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::array_dataflow;
using iface::element_type;
using iface::perf_counter;

constexpr array_dataflow k_streamed[] = {array_dataflow::weight_stationary, array_dataflow::input_stationary};

/// Fills the array and streams `steps` rows of A or columns of B.
iface::fold_operands streamed(const array_bench& bench, array_dataflow flow, std::uint32_t steps) {
    iface::fold_operands x;
    x.flow = flow;
    x.m = flow == array_dataflow::weight_stationary ? steps : bench.array.columns;
    x.n = flow == array_dataflow::weight_stationary ? bench.array.columns : steps;
    x.k = bench.array.rows;
    return x;
}

void push(array_bench& bench, array_dataflow flow, std::uint32_t steps, std::uint32_t count) {
    for (std::uint32_t f = 0; f < count; ++f)
        bench.fold(streamed(bench, flow, steps));
}

/// Widths for both kinds: enough for a load in R cycles and a step per cycle.
constexpr widths k_wide{64, 64, 64};

/// Random bytes whose value in any element type is finite.
std::vector<std::uint8_t> small_values(std::size_t count, std::mt19937& random) {
    std::vector<std::uint8_t> data(count);
    for (std::uint8_t& v : data)
        v = static_cast<std::uint8_t>(random() % 0x40);
    return data;
}

std::uint32_t up_to(std::uint32_t most, std::mt19937& random) {
    return 1 + static_cast<std::uint32_t>(random() % most);
}

/// Extents that the array takes in this dataflow, `depth` being rows times multiplications per PE.
iface::fold_operands random_fold(array_dataflow flow, const array_bench& bench, std::uint32_t depth,
                                 std::mt19937& random) {
    iface::fold_operands x;
    x.flow = flow;
    const bool keeps_results = flow == array_dataflow::output_stationary;
    x.k = up_to(keeps_results ? 30 : depth, random);
    x.m = up_to(keeps_results                               ? bench.array.rows
                : flow == array_dataflow::weight_stationary ? 40
                                                            : bench.array.columns,
                random);
    x.n = up_to(flow == array_dataflow::input_stationary ? 40 : bench.array.columns, random);
    return x;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(one_fold_takes_2r_c_t_minus_2_after_its_first_operands, sim_fixture) {
    array_bench bench(array_of(4, 6), k_wide);
    run([&] {
        std::uint32_t done = 0;
        for (const array_dataflow flow : k_streamed) {
            const std::uint64_t start = cycle();
            bench.fold(streamed(bench, flow, 20));
            bench.await(++done);
            BOOST_TEST(bench.completed(done - 1) == start + k_first + 2 * 4 + 6 + 20 - 2);
        }
        BOOST_TEST(bench.perf(perf_counter::macs) == 2U * 4 * 6 * 20);
        BOOST_TEST(bench.perf(perf_counter::read_bytes) == 2U * (4 * 6 + 4 * 20) * 4);
        BOOST_TEST(bench.perf(perf_counter::write_bytes) == 2U * 6 * 20 * 4);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(pipelined_folds_complete_every_max_t_rows_cycles, sim_fixture) {
    array_bench bench(array_of(8, 4), k_wide);
    run([&] {
        std::uint32_t done = 0;
        for (const array_dataflow flow : k_streamed)
            for (const std::uint32_t steps : {20U, 3U}) { // loads that hide, loads that set the pace
                const std::uint64_t start = cycle();
                push(bench, flow, steps, 6);
                bench.await(done + 6);
                for (std::uint32_t f = 0; f < 6; ++f)
                    BOOST_TEST(bench.completed(done + f) ==
                               start + k_first + 2 * 8 + 4 + steps - 2 + f * std::max(steps, 8U));
                done += 6;
            }
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 0U);
        BOOST_TEST(bench.perf(perf_counter::stall_write) == 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(unpipelined_folds_complete_every_2r_c_t_minus_2_cycles, sim_fixture) {
    array_bench bench(array_of(4, 6, false), k_wide);
    run([&] {
        std::uint32_t done = 0;
        for (const array_dataflow flow : k_streamed) {
            const std::uint64_t start = cycle();
            push(bench, flow, 9, 5);
            bench.await(done + 5);
            for (std::uint32_t f = 0; f < 5; ++f)
                BOOST_TEST(bench.completed(done + f) == start + k_first + (2 * 4 + 6 + 9 - 2) * (f + 1));
            done += 5;
        }
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_narrow_stream_port_sets_the_pace_and_counts_as_stall_read, sim_fixture) {
    array_bench bench(array_of(4, 4), {8, 64, 64}); // a row of A is 16 bytes
    run([&] {
        push(bench, array_dataflow::weight_stationary, 16, 6);
        bench.await(6);
        for (std::size_t f = 1; f < 6; ++f)
            BOOST_TEST(bench.completed(f) - bench.completed(f - 1) == 32U);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 6U * 16);
        BOOST_TEST(bench.perf(perf_counter::stall_write) == 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(slow_loads_hide_behind_long_streams_and_stall_short_ones, sim_fixture) {
    array_bench bench(array_of(4, 4), {64, 4, 64}); // 64 bytes of B: 16 cycles
    run([&] {
        push(bench, array_dataflow::weight_stationary, 40, 4);
        bench.await(4);
        for (std::size_t f = 1; f < 4; ++f)
            BOOST_TEST(bench.completed(f) - bench.completed(f - 1) == 40U);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 12U); // the first load is seen: 16 cycles instead of 4
        push(bench, array_dataflow::weight_stationary, 6, 5);
        bench.await(9);
        for (std::size_t f = 5; f < 9; ++f)
            BOOST_TEST(bench.completed(f) - bench.completed(f - 1) == 16U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_narrow_result_port_sets_the_pace_and_counts_as_stall_write, sim_fixture) {
    array_bench bench(array_of(4, 4), {64, 64, 4}); // 16 steps: 256 bytes of results, 64 cycles
    run([&] {
        push(bench, array_dataflow::weight_stationary, 16, 20);
        bench.await(20);
        BOOST_TEST(bench.completed(19) - bench.completed(9) == 10U * 64);
        BOOST_TEST(bench.perf(perf_counter::stall_write) > 10U * 40);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == 0U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(seeds_stream_with_the_fold, sim_fixture) {
    array_bench bench(array_of(4, 4), {64, 64, 8}); // 16 bytes of sums per step
    run([&] {
        iface::fold_operands x = streamed(bench, array_dataflow::weight_stationary, 16);
        x.seeded = true;
        bench.fold(x);
        bench.await(1);
        // 32 cycles of seeds; results as many from the first on
        const std::uint64_t first = k_first + 4 + 4 - 1;
        BOOST_TEST(bench.completed(0) == std::max(k_first + 4 + 32 + 4 + 4 - 2, first + 32 + k_l1_latency));
        BOOST_TEST(bench.perf(perf_counter::read_bytes) == (16U + 64 + 64) * 4);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(ragged_folds_of_all_types_and_flows_give_the_kernels_bits_in_place, sim_fixture) {
    platform::array_params params = array_of(5, 7);
    params.macs_per_pe = {1, 1, 2, 2, 4, 4, 1};
    array_bench bench(params);
    run([&] {
        std::mt19937 random(51);
        for (std::uint32_t number = 0; number < 210; ++number) {
            const auto type = static_cast<element_type>(number % iface::k_element_types);
            iface::fold_operands x = random_fold(static_cast<array_dataflow>(random() % 3), bench,
                                                 5 * params.macs_per_pe[number % iface::k_element_types], random);
            x.type = type;
            x.c = x.seed = address(4096);
            x.seeded = random() % 2 == 0;
            const auto left = small_values(std::size_t{x.m} * x.k * iface::size_of(type), random);
            const auto right = small_values(std::size_t{x.k} * x.n * iface::size_of(type), random);
            auto expected = small_values(std::size_t{x.m} * x.n * iface::size_of(iface::accumulator_of(type)), random);
            bench.a.put(0, left);
            bench.b.put(0, right);
            bench.c.put(4096, expected);
            if (!x.seeded)
                std::fill(expected.begin(), expected.end(), std::uint8_t{0});
            fold_kernel(5, 7).fold(type, {x.m, x.n, x.k}, left.data(), right.data(), expected.data());
            bench.fold(x);
            bench.await(number + 1);
            BOOST_REQUIRE((bench.c.get<std::uint8_t>(4096, expected.size()) == expected));
        }
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(the_module_adds_nothing_to_the_formula_whatever_the_dataflows, sim_fixture) {
    const platform::array_params params = array_of(6, 5);
    array_bench bench(params, k_wide);
    run([&] {
        std::mt19937 random(52);
        fold_timing timing(geometry_of(params, picoseconds(1)));
        std::vector<array_fold> folds;
        for (unsigned f = 0; f < 60; ++f) {
            const auto flow = static_cast<array_dataflow>(f < 40 ? random() % 3 : f / 10 % 3); // at last in runs
            iface::fold_operands x = random_fold(flow, bench, 6, random);
            x.seeded = random() % 2 == 0;
            x.seed = address(32768);
            folds.push_back({element_type::f32, flow, {x.m, x.n, x.k}, x.seeded});
            bench.fold(x);
        }
        bench.await(60);
        std::uint64_t last = 0, port_free = 0;
        std::vector<fold_entry> entries;
        std::size_t drained = 0;
        const auto drain_next = [&] {
            const array_fold& x = folds[drained];
            const fold_drain drain = timing.drain(entries[drained], x);
            port_free = std::max(port_free, drain.first.value()) + ceil_div(4U * x.extents.m * x.extents.n, 64);
            timing.written(picoseconds(port_free + k_l1_latency));
            last = std::max({last, drain.end.value(), port_free + k_l1_latency});
            BOOST_REQUIRE_EQUAL(bench.completed(drained++), last);
        };
        for (const array_fold& x : folds) {
            while (!timing.may_begin(x.flow))
                drain_next();
            if (is_loaded(x))
                (void)timing.load(picoseconds(k_first), picoseconds(0), x);
            while (!timing.may_enter(x))
                drain_next();
            entries.push_back(timing.enter(picoseconds(k_first), picoseconds(0), x));
        }
        while (timing.may_drain())
            drain_next();
        BOOST_TEST(drained == folds.size());
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_long_stream_grows_its_buffers_once, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        iface::fold_operands x = streamed(bench, array_dataflow::weight_stationary, 2000); // 32 KiB of results
        for (int f = 0; f < 3; ++f)
            bench.fold(x);
        bench.await(3);
        BOOST_TEST(bench.completed(2) - bench.completed(1) == 2000U);
    });
}
