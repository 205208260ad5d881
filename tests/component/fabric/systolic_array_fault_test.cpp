// What the array refuses, what fails while it works, and reset.

#include "tests/component/fabric/array_bench.h"

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::array_dataflow;
using iface::element_type;
using iface::fault;

/// The command is refused with this cause, nothing is written, and the one behind it stays queued.
void check_refused(array_bench& bench, const iface::fold_operands& x, fault cause) {
    const std::vector<float> before(16, -7.0F);
    bench.c.put(0, before);
    bench.fold(x);
    bench.fold(bench.full(8));
    cycles_pass(200);
    BOOST_TEST((bench.engine.stopped_by() == cause), name_of(bench.engine.stopped_by()));
    BOOST_TEST(bench.port.halted());
    BOOST_TEST(bench.seen.completed.empty());
    BOOST_TEST((bench.c.get<float>(0, 16) == before));
}

} // namespace

BOOST_FIXTURE_TEST_CASE(folds_larger_than_the_array_are_refused, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        const auto of = [&](array_dataflow flow, std::uint32_t m, std::uint32_t n, std::uint32_t k) {
            iface::fold_operands x = bench.full(k);
            x.flow = flow;
            x.m = m;
            x.n = n;
            return x;
        };
        const std::vector<iface::fold_operands> large = {
            of(array_dataflow::output_stationary, 5, 4, 8),
            of(array_dataflow::output_stationary, 4, 5, 8),
            of(array_dataflow::weight_stationary, 8, 5, 4),
            of(array_dataflow::weight_stationary, 8, 4, 5),
            of(array_dataflow::input_stationary, 5, 8, 4),
            of(array_dataflow::input_stationary, 4, 8, 5),
            of(array_dataflow::weight_stationary, (1u << 20) + 1, 4, 4), // more sums than the array keeps in flight
            of(array_dataflow::input_stationary, 4, (1u << 20) + 1, 4)};
        for (const iface::fold_operands& x : large) {
            check_refused(bench, x, fault::capacity);
            bench.port.write(reg::control, 1);
            cycles_pass(1);
        }
    });
}

BOOST_FIXTURE_TEST_CASE(bad_operands_are_refused, sim_fixture) {
    platform::array_params params = array_of(4, 4);
    params.macs_per_pe[static_cast<std::size_t>(element_type::f64)] = 0;
    array_bench bench(params);
    run([&] {
        std::vector<iface::fold_operands> bad(9, bench.full(8));
        bad[0].m = 0;
        bad[1].n = 0;
        bad[2].k = 0;
        bad[3].k = 1u << 31;
        bad[4].flow = static_cast<array_dataflow>(3);
        bad[5].type = element_type::f64;
        bad[6].type = static_cast<element_type>(9);
        bad[7].a = address(2);
        bad[8].seed = address(6);
        bad[8].seeded = true;
        for (const iface::fold_operands& x : bad) {
            check_refused(bench, x, fault::bad_operand);
            bench.port.write(reg::control, 1);
            cycles_pass(1);
        }
    });
}

BOOST_FIXTURE_TEST_CASE(operands_outside_their_buffers_are_address_errors, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        std::vector<iface::fold_operands> bad(3, bench.full(8));
        bad[0].a = address(k_l1_size - 64);
        bad[1].b = address(1ULL << 33);
        bad[2].seed = address(k_l1_size);
        bad[2].seeded = true;
        for (const iface::fold_operands& x : bad) {
            check_refused(bench, x, fault::address_error);
            bench.port.write(reg::control, 1);
            cycles_pass(1);
        }
    });
}

BOOST_FIXTURE_TEST_CASE(a_failing_write_names_its_fold_and_stops_later_ones, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        const std::vector<float> before(16, -7.0F);
        bench.c.put(256, before);
        bench.fold(bench.full(8, 0));
        bench.fold(bench.full(8, k_l1_size));
        bench.fold(bench.full(8, 256));
        cycles_pass(300);
        BOOST_TEST((bench.engine.stopped_by() == fault::address_error));
        BOOST_TEST(bench.engine.faulty_command().number == 2U);
        BOOST_TEST(bench.seen.completed.size() == 1U);
        BOOST_TEST((bench.c.get<float>(256, 16) == before));
        bench.port.write(reg::control, 1);
        cycles_pass(50);
        const std::uint64_t start = cycle();
        bench.fold(bench.full(8, 256));
        bench.await(1);
        BOOST_TEST(cycle() - start == k_first + 2 * 4 + 4 + 8 - 2);
        BOOST_TEST((bench.c.get<float>(256, 16) != before));
    });
}

BOOST_FIXTURE_TEST_CASE(a_failing_write_of_a_streamed_fold_releases_the_one_that_waits_for_it, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        const std::vector<float> before(16, -7.0F);
        bench.c.put(256, before);
        iface::fold_operands x = bench.full(4, k_l1_size);
        x.flow = array_dataflow::weight_stationary;
        bench.fold(x);
        x.c = address(256);
        bench.fold(x);
        cycles_pass(300);
        BOOST_TEST((bench.engine.stopped_by() == fault::address_error));
        BOOST_TEST(bench.engine.faulty_command().number == 1U);
        BOOST_TEST((bench.c.get<float>(256, 16) == before));
        bench.port.write(reg::control, 1);
        cycles_pass(50);
        const std::uint64_t start = cycle();
        bench.fold(x);
        bench.await(1);
        BOOST_TEST(cycle() - start == k_first + 2 * 4 + 4 + 4 - 2);
    });
}

BOOST_FIXTURE_TEST_CASE(operands_of_a_streamed_fold_outside_their_buffers_are_address_errors, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        for (const array_dataflow flow : {array_dataflow::weight_stationary, array_dataflow::input_stationary}) {
            std::vector<iface::fold_operands> bad(3, bench.full(4));
            bad[0].a = address(k_l1_size);
            bad[1].b = address(k_l1_size);
            bad[2].seed = address(k_l1_size);
            bad[2].seeded = true;
            for (iface::fold_operands& x : bad) {
                x.flow = flow;
                check_refused(bench, x, fault::address_error);
                bench.port.write(reg::control, 1);
                cycles_pass(1);
            }
        }
    });
}

BOOST_FIXTURE_TEST_CASE(reset_drops_folds_in_flight, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        const std::vector<float> before(64, -7.0F);
        bench.c.put(0, before);
        for (std::uint64_t f = 0; f < 4; ++f)
            bench.fold(bench.full(40, 64 * f));
        cycles_pass(20); // the first has entered, nothing has drained
        bench.port.write(reg::control, 1);
        cycles_pass(300);
        BOOST_TEST((bench.c.get<float>(0, 64) == before));
        BOOST_TEST(!bench.engine.outstanding());
        const std::uint64_t start = cycle();
        bench.fold(bench.full(8));
        bench.await(1);
        BOOST_TEST(cycle() - start == k_first + 2 * 4 + 4 + 8 - 2);
    });
}

BOOST_FIXTURE_TEST_CASE(other_operations_are_refused, sim_fixture) {
    array_bench bench(array_of(4, 4));
    run([&] {
        bench.port.push(1); // a copy
        cycles_pass(10);
        BOOST_TEST((bench.engine.stopped_by() == fault::bad_opcode));
    });
}
