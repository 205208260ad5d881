// The array as an engine over three L1 buffers: results, when commands complete, what stalls, faults, reset.

#include "hw/fabric/systolic_array.h"
#include "tests/component/fabric/tile_bench.h"

#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::element_type;
using iface::fault;
using iface::perf_counter;

constexpr std::uint64_t k_first = k_l1_latency + 1; ///< cycles from a read to its first beat

platform::array_params array_of(std::uint32_t rows, std::uint32_t columns, bool pipelined = true) {
    platform::array_params params;
    params.rows = rows;
    params.columns = columns;
    params.pipelined = pipelined;
    return params;
}

/// Port widths in bytes per cycle; 0: as much as the array takes (f64 at one step per cycle).
struct widths {
    std::uint64_t row = 0, column = 0, result = 0;
};

struct array_bench : engine_under_test<systolic_array, platform::array_params> {
    explicit array_bench(const platform::array_params& params, const widths& w = {})
        : engine_under_test(iface::engine_kind::array, params), array(params),
          rows("rows", l1_params(w.row != 0 ? w.row : 8 * params.rows), picoseconds(1000)),
          columns("columns", l1_params(w.column != 0 ? w.column : 8 * params.columns), picoseconds(1000)),
          results("results", l1_params(w.result != 0 ? w.result : 8 * params.columns), picoseconds(1000)), a("a", rows),
          b("b", columns), c("c", results) {
        engine.row_i.bind(row_monitor.up_t);
        row_monitor.down_i.bind(rows.data_t);
        engine.column_i.bind(column_monitor.up_t);
        column_monitor.down_i.bind(columns.data_t);
        engine.result_i.bind(result_monitor.up_t);
        result_monitor.down_i.bind(results.data_t);
        results.watch(&seen);
    }
    ~array_bench() {
        check_protocol(row_monitor);
        check_protocol(column_monitor);
        check_protocol(result_monitor);
    }
    void fold(const iface::fold_operands& x, std::vector<iface::wait_for> waits = {}) {
        iface::command_header header;
        header.op = iface::opcode::fold;
        std::copy(waits.begin(), waits.end(), header.waits.begin());
        port.push(iface::encode(header, x));
    }
    [[nodiscard]] iface::fold_operands full(std::uint32_t k, std::uint64_t c_at = 0) const {
        iface::fold_operands x;
        x.m = array.rows;
        x.n = array.columns;
        x.k = k;
        x.c = address(c_at);
        return x;
    }
    /// Cycle in which command f (0 is the first) completed.
    [[nodiscard]] std::uint64_t completed(std::size_t f) {
        return seen.completed.at(static_cast<std::uint32_t>(f + 1));
    }

    platform::array_params array;
    memory_bank rows, columns, results;
    protocol_monitor row_monitor{"row_monitor"}, column_monitor{"column_monitor"}, result_monitor{"result_monitor"};
    memory_probe a, b, c;
};

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
        std::vector<fold_extents> folds;
        for (int f = 0; f < 40; ++f) {
            iface::fold_operands x = bench.full(1 + static_cast<std::uint32_t>(random() % 20));
            x.m = 1 + static_cast<std::uint32_t>(random() % 6);
            x.n = 1 + static_cast<std::uint32_t>(random() % 5);
            folds.push_back({x.m, x.n, x.k});
            bench.fold(x);
        }
        bench.await(40);
        std::uint64_t last = 0, port_free = 0;
        for (std::size_t f = 0; f < folds.size(); ++f) {
            const fold_entry entry = timing.enter(picoseconds(k_first), picoseconds(0), element_type::f32, folds[f]);
            const fold_drain drain = timing.drain(entry, folds[f]);
            port_free = std::max(port_free, drain.start.value()) + ceil_div(4U * folds[f].m * folds[f].n, 40);
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

namespace {

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
        iface::fold_operands x = bench.full(8);
        x.m = 5;
        check_refused(bench, x, fault::capacity);
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
        bad[4].flow = iface::array_dataflow::weight_stationary;
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
