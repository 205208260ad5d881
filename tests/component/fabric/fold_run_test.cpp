// Several folds as one command: the same bits at the same time as if each had a command of its own.

#include "hw/interface/descriptor.h"
#include "tests/component/fabric/array_bench.h"

#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::array_dataflow;
using iface::fault;
using iface::perf_counter;
namespace reg = iface::engine_reg;

constexpr std::uint64_t k_seeds = 32768;
constexpr std::uint64_t k_cells = std::uint64_t{5} * 7 * 4;

std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
    std::vector<float> values(count);
    for (float& v : values)
        v = std::uniform_real_distribution<float>(-1, 1)(random);
    return values;
}

/// `count` folds of one shape on a 5x7 array, A panels and results apart from each other by more than they need.
iface::fold_operands random_run(array_dataflow flow, std::mt19937& random) {
    const auto up_to = [&](std::uint32_t most) { return 1 + static_cast<std::uint32_t>(random() % most); };
    iface::fold_operands x;
    x.flow = flow;
    x.m = up_to(5);
    x.n = flow == array_dataflow::input_stationary ? up_to(7) : up_to(5);
    x.k = flow == array_dataflow::output_stationary ? up_to(30) : up_to(5);
    x.seeded = random() % 2 == 0;
    x.seed = address(k_seeds);
    x.count = up_to(6);
    x.a_stride = 5 * 30 * 4 + 64;
    x.c_stride = static_cast<std::uint32_t>(k_cells) + 4 * up_to(8);
    return x;
}

iface::fold_operands single(iface::fold_operands all, std::uint32_t number) {
    all.a = all.a + bytes(std::uint64_t{number} * all.a_stride);
    all.c = all.c + bytes(std::uint64_t{number} * all.c_stride);
    all.seed = all.seed + bytes(std::uint64_t{number} * all.c_stride);
    all.count = 1;
    all.a_stride = all.c_stride = 0;
    return all;
}

struct outcome {
    std::uint64_t cycles = 0, busy = 0, stall_write = 0;
    std::vector<float> results;
};

/// What the commands leave in the first 2 KiB of the result buffer, and how long they take from a reset on.
outcome run_all(array_bench& bench, const std::vector<iface::fold_operands>& commands) {
    bench.port.write(reg::control, 1);
    cycles_pass(1);
    bench.c.put(0, std::vector<float>(512, 9.0F));
    const std::uint64_t start = cycle();
    for (const iface::fold_operands& x : commands)
        bench.fold(x);
    bench.await(static_cast<std::uint32_t>(commands.size()));
    return {cycle() - start, bench.perf(perf_counter::busy), bench.perf(perf_counter::stall_write),
            bench.c.get<float>(0, 512)};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_descriptor_carries_a_run_and_a_lone_fold_ends_in_zeros) {
    iface::fold_operands x;
    x.m = x.n = x.k = 4;
    BOOST_TEST(iface::encode(iface::command_header(), x).at(10 + 1 + 3 + 8) == 0U); // behind header and one fold
    x.count = 7;
    x.a_stride = 1024;
    x.c_stride = 256;
    const iface::fold_operands back = iface::decode_fold(iface::encode(iface::command_header(), x));
    BOOST_TEST(back.count == 7U);
    BOOST_TEST(back.a_stride == 1024U);
    BOOST_TEST(back.c_stride == 256U);
}

BOOST_FIXTURE_TEST_CASE(a_run_is_as_many_folds_one_after_the_other, sim_fixture) {
    array_bench bench(array_of(5, 7));
    run([&] {
        std::mt19937 random(71);
        bench.a.put(0, random_floats(2048, random));
        bench.b.put(0, random_floats(512, random));
        bench.c.put(k_seeds, random_floats(512, random));
        for (int round = 0; round < 90; ++round) {
            const iface::fold_operands all = random_run(static_cast<array_dataflow>(round % 3), random);
            std::vector<iface::fold_operands> each;
            for (std::uint32_t i = 0; i < all.count; ++i)
                each.push_back(single(all, i));
            const outcome apart = run_all(bench, each);
            const outcome together = run_all(bench, {all});
            BOOST_REQUIRE_EQUAL(together.cycles, apart.cycles);
            BOOST_REQUIRE_EQUAL(together.busy, apart.busy);
            BOOST_REQUIRE_EQUAL(together.stall_write, apart.stall_write);
            BOOST_REQUIRE((together.results == apart.results));
        }
    });
}

BOOST_FIXTURE_TEST_CASE(a_start_cost_is_paid_once_by_a_run, sim_fixture) {
    platform::array_params params = array_of(4, 4);
    params.start_cost = cycles(5);
    array_bench bench(params);
    run([&] {
        iface::fold_operands x = bench.full(8);
        x.count = 3;
        x.a_stride = 128;
        x.c_stride = 64;
        bench.fold(x);
        bench.await(1);
        BOOST_TEST(bench.completed(0) == 5 + k_first + 2 * 4 + 4 + 8 - 2 + 2 * 8);
        BOOST_TEST(bench.perf(perf_counter::macs) == 3U * 4 * 4 * 8);
        BOOST_TEST(bench.perf(perf_counter::commands) == 1U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(runs_that_write_a_result_twice_or_are_misaligned_are_refused, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        std::vector<iface::fold_operands> bad(4, bench.full(8));
        for (iface::fold_operands& x : bad) {
            x.count = 2;
            x.a_stride = 128;
            x.c_stride = 64;
        }
        bad[0].c_stride = 60;
        bad[1].c_stride = 66;
        bad[2].a_stride = 130;
        bad[3].count = 0; // 2^32 of them
        for (const iface::fold_operands& x : bad) {
            bench.fold(x);
            cycles_pass(20);
            BOOST_TEST((bench.engine.stopped_by() == fault::bad_operand));
            bench.port.write(reg::control, 1);
            cycles_pass(1);
        }
    });
}

BOOST_FIXTURE_TEST_CASE(a_run_that_leaves_its_buffer_faults_and_completes_nothing, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        iface::fold_operands x = bench.full(8);
        x.count = 4;
        x.a_stride = k_l1_size / 2; // the third one's A lies outside
        x.c_stride = 64;
        bench.fold(x);
        bench.fold(bench.full(8));
        cycles_pass(300);
        BOOST_TEST((bench.engine.stopped_by() == fault::address_error));
        BOOST_TEST(bench.engine.faulty_command().number == 1U);
        BOOST_TEST(bench.seen.completed.empty());
        bench.port.write(reg::control, 1);
        cycles_pass(50);
        const std::uint64_t start = cycle();
        bench.fold(bench.full(8));
        bench.await(1);
        BOOST_TEST(cycle() - start == k_first + 2 * 4 + 4 + 8 - 2);
    });
}
