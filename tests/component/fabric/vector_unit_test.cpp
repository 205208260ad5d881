// The vector unit over an L1 buffer: results, timing in cycles, faults.

#include "hw/fabric/number_format.h"
#include "hw/fabric/vector_check.h"
#include "hw/fabric/vector_unit.h"
#include "tests/component/fabric/tile_bench.h"
#include "tests/component/fabric/vector_reference.h"

#include <random>

namespace {

using namespace kpu;
using namespace kpu::hw;
using namespace kpu::test;
using iface::element_type;
using iface::fault;
using iface::perf_counter;
using iface::vector_function;

constexpr std::uint64_t k_first = k_l1_latency + 1;
constexpr address k_column(1U << 20), k_result(2U << 20); ///< the row buffer begins at 0

platform::vector_params unit_of(std::uint32_t lanes) {
    platform::vector_params params;
    params.lanes = lanes;
    params.start_cost = cycles(2);
    params.latency = cycles(4);
    return params;
}

struct vector_bench : engine_on_buffers<vector_unit, platform::vector_params> {
    explicit vector_bench(const platform::vector_params& params, std::uint64_t width = 64)
        : engine_on_buffers(iface::engine_kind::vector, params, {width, width, width},
                            {address(0), k_column, k_result}),
          data("data", row), column_data("column_data", column), result_data("result_data", result) {}
    void push_operation(vector_function f, iface::vector_operands x) {
        x.function = f;
        iface::command_header header;
        header.op = iface::opcode::vector;
        port.push(iface::encode(header, x));
    }
    memory_probe data, column_data, result_data; ///< of the row, column and result buffer
};

iface::vector_operands operation(std::uint64_t source, std::uint64_t destination, std::uint32_t count,
                                 element_type from, element_type to) {
    iface::vector_operands x;
    const auto packed = [](std::uint64_t base, element_type type) {
        return iface::vector_side{address(base), {0, 0, iface::size_of(type)}};
    };
    x.source = packed(source, from);
    x.operand = packed(32768, from);
    x.destination = packed(destination, to);
    x.count = {1, 1, count};
    x.from = from;
    x.to = to;
    return x;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_command_takes_start_read_latency_groups_write, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        bench.push_operation(vector_function::identity, operation(0, 4096, 80, element_type::f32, element_type::f16));
        bench.await(1);
        // Start 2; the first beat after 3; one cycle and 4 of latency; then ten groups of lanes, the last one's beat
        // included.
        BOOST_TEST(bench.seen.completed.at(1) == 2 + k_first + 1 + 4 + 10 - 1);
        BOOST_TEST(bench.perf(perf_counter::read_bytes) == 320U);
        BOOST_TEST(bench.perf(perf_counter::write_bytes) == 160U);
        BOOST_TEST(bench.perf(perf_counter::elements) == 80U);
        BOOST_TEST(bench.perf(perf_counter::busy) == 2U + 10 + 4);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == k_first);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(commands_run_one_after_the_other, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        for (int i = 0; i < 3; ++i)
            bench.push_operation(vector_function::identity,
                                 operation(0, 4096, 80, element_type::f32, element_type::f16));
        bench.await(3);
        const std::uint64_t each = 2 + k_first + 1 + 4 + 10 - 1;
        BOOST_TEST(bench.seen.completed.at(2) == 2 * each);
        BOOST_TEST(bench.seen.completed.at(3) == 3 * each);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_narrow_port_is_slower_than_the_lanes, sim_fixture) {
    vector_bench bench(unit_of(8), 8); // 32 bytes per cycle wanted, 8 given
    run([&] {
        bench.push_operation(vector_function::identity, operation(0, 4096, 80, element_type::f32, element_type::f16));
        bench.await(1);
        // 40 beats are read; the last group goes in when the last beat is there.
        BOOST_TEST(bench.seen.completed.at(1) == 2 + k_first + 39 + 1 + 4);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == k_first + 30);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(operands_in_different_buffers_come_at_the_same_time, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        bench.data.put(0, std::vector<float>(160, 2));
        bench.column_data.put(64, std::vector<float>(160, 3));
        bench.result_data.put(128, std::vector<float>(160, 4));
        iface::vector_operands x = operation(0, 0, 160, element_type::f32, element_type::f32);
        x.operand.base = k_column + bytes(64);
        x.destination.base = k_result + bytes(128);
        bench.push_operation(vector_function::multiply_add, x);
        bench.await(1);
        // ten beats of each, for twenty groups
        BOOST_TEST(bench.seen.completed.at(1) == 2 + k_first + 1 + 4 + 20 - 1);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == k_first);
        BOOST_TEST((bench.result_data.get<float>(128, 160) == std::vector<float>(160, 10)));
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(operands_in_one_buffer_take_turns, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        iface::vector_operands x = operation(0, 0, 160, element_type::f32, element_type::f32);
        x.destination.base = k_result;
        bench.push_operation(vector_function::add, x);
        bench.await(1);
        // the operand's first beat follows the source's; the twenty beats of both keep ahead of the groups
        BOOST_TEST(bench.seen.completed.at(1) == 2 + k_first + 1 + 1 + 4 + 20 - 1);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(a_port_that_operands_share_is_slower_than_the_lanes, sim_fixture) {
    vector_bench bench(unit_of(8), 16); // 64 bytes per cycle wanted, 16 given
    run([&] {
        bench.push_operation(vector_function::add, operation(0, 4096, 80, element_type::f32, element_type::f32));
        bench.await(1);
        // 20 beats of each operand
        BOOST_TEST(bench.seen.completed.at(1) == 2 + k_first + 39 + 1 + 4);
        BOOST_TEST(bench.perf(perf_counter::stall_read) == k_first + 30);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(an_operand_belongs_to_one_buffer, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        iface::vector_operands x = operation(0, 0, 160, element_type::f32, element_type::f32);
        x.source.base = address(k_l1_size - 64); // on into what lies behind the row buffer
        bench.push_operation(vector_function::identity, x);
        cycles_pass(300);
        BOOST_TEST((bench.engine.stopped_by() == fault::address_error));
        bench.port.write(reg::control, 1);
        cycles_pass(1);
    });
}

BOOST_FIXTURE_TEST_CASE(conversions_between_all_types, sim_fixture) {
    vector_bench bench(unit_of(16));
    run([&] {
        std::mt19937 random(41);
        std::uint32_t done = 0;
        for (std::uint32_t from = 0; from < iface::k_element_types; ++from)
            for (std::uint32_t to = 0; to < iface::k_element_types; ++to) {
                const auto f = static_cast<element_type>(from);
                const auto t = static_cast<element_type>(to);
                std::vector<std::uint8_t> source(300 * iface::size_of(f));
                for (std::uint8_t& v : source)
                    v = static_cast<std::uint8_t>(random());
                std::vector<std::uint8_t> expected(300 * iface::size_of(t));
                convert(f, source.data(), t, expected.data(), 300);
                bench.data.put(0, source);
                bench.push_operation(vector_function::identity, operation(0, 8192, 300, f, t));
                bench.await(++done);
                BOOST_REQUIRE((bench.data.get<std::uint8_t>(8192, expected.size()) == expected));
            }
    });
}

BOOST_FIXTURE_TEST_CASE(narrowing_in_place, sim_fixture) {
    vector_bench bench(unit_of(16));
    run([&] {
        std::vector<float> source(1000);
        for (std::size_t i = 0; i < source.size(); ++i)
            source[i] = static_cast<float>(i) * 0.37F;
        std::vector<std::uint16_t> expected(source.size());
        convert(element_type::f32, source.data(), element_type::bf16, expected.data(), source.size());
        bench.data.put(64, source);
        bench.push_operation(vector_function::identity, operation(64, 64, 1000, element_type::f32, element_type::bf16));
        bench.await(1);
        BOOST_TEST((bench.data.get<std::uint16_t>(64, 1000) == expected));
    });
}

BOOST_FIXTURE_TEST_CASE(add_is_in_the_types_arithmetic, sim_fixture) {
    vector_bench bench(unit_of(16));
    run([&] {
        const std::vector<std::int32_t> a{1, 2147483647, -5}, b{10, 1, -6};
        bench.data.put(0, a);
        bench.data.put(32768, b);
        bench.push_operation(vector_function::add, operation(0, 0, 3, element_type::i32, element_type::i32));
        bench.await(1);
        BOOST_TEST((bench.data.get<std::int32_t>(0, 3) == std::vector<std::int32_t>{11, -2147483647 - 1, -11}));
        const std::vector<std::uint16_t> one{0x3c00}, small{0x1000}; // 1 and 2^-11 in f16: a tie, to even
        bench.data.put(0, one);
        bench.data.put(32768, small);
        bench.push_operation(vector_function::add, operation(0, 256, 1, element_type::f16, element_type::f16));
        bench.await(2);
        BOOST_TEST(bench.data.get<std::uint16_t>(256, 1)[0] == 0x3c00);
    });
}

BOOST_FIXTURE_TEST_CASE(bad_operands_are_refused, sim_fixture) {
    vector_bench bench(unit_of(16));
    run([&] {
        const auto good = operation(0, 4096, 64, element_type::f32, element_type::f32);
        std::vector<iface::vector_operands> bad(10, good);
        bad[0].count[2] = 0;
        bad[1].count[1] = k_longest_vector;
        bad[2].from = static_cast<element_type>(7);
        bad[3].to = static_cast<element_type>(99);
        bad[4].source.base = address(2);
        bad[5].destination.base = address(4098);
        bad[6] = operation(0, 0, 64, element_type::f16, element_type::f32); // widening in place
        bad[7].destination.base = address(128);                             // runs into its own source
        bad[8].source.stride[2] = 6;
        bad[9].source.stride[2] = 1U << 24; // beyond what the unit reads at once
        for (const iface::vector_operands& x : bad) {
            bench.push_operation(vector_function::identity, x);
            cycles_pass(300);
            BOOST_TEST((bench.engine.stopped_by() == fault::bad_operand));
            bench.port.write(reg::control, 1);
            cycles_pass(1);
        }
    });
}

/// Whatever a command says, it is refused and changes nothing, or does what its definition says.
BOOST_FIXTURE_TEST_CASE(any_command_is_carried_out_or_refused, sim_fixture) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    vector_bench bench(unit_of(16));
    run([&] {
        std::mt19937 random(seed);
        random_commands commands(seed);
        std::vector<memory_image> before;
        for (std::uint32_t type = 0; type < iface::k_element_types; ++type)
            before.push_back(small_values(static_cast<element_type>(type), 4096 + random_commands::k_reach, random));
        std::uint32_t done = 0;
        unsigned carried_out = 0;
        constexpr unsigned rounds = 2000;
        for (unsigned round = 0; round < rounds; ++round) {
            // the first sides end where a page of the host's memory does, or cross into the next
            const iface::vector_operands x = commands.next(4096 - 8 * commands.draw(1, 40));
            memory_image memory = before[static_cast<std::uint32_t>(x.from)];
            bench.data.put(0, memory);
            bench.push_operation(x.function, x);
            while (bench.semaphores.value(engine_id(0)) == done && bench.engine.stopped_by() == fault::none)
                cycles_pass(1);
            if (bench.engine.stopped_by() == fault::none) {
                ++done;
                ++carried_out;
                compute_plainly(memory, x);
            } else {
                BOOST_REQUIRE(bench.engine.stopped_by() == fault::bad_operand);
                bench.port.write(reg::control, 1);
                cycles_pass(1);
                done = bench.semaphores.value(engine_id(0));
            }
            memory_image found = bench.data.get<unsigned char>(0, memory.size());
            same_nans(memory, x);
            same_nans(found, x);
            BOOST_REQUIRE_MESSAGE(found == memory, "seed " << seed << ", round " << round);
        }
        BOOST_TEST(carried_out > rounds / 4);
        BOOST_TEST(carried_out < rounds);
    });
}

BOOST_FIXTURE_TEST_CASE(bus_errors_are_faults_of_their_command, sim_fixture) {
    vector_bench bench(unit_of(16));
    run([&] {
        const auto good = operation(0, 4096, 64, element_type::f32, element_type::f32);
        std::vector<iface::vector_operands> bad(3, good);
        bad[0].source.base = address(k_l1_size);
        bad[1].operand.base = address(k_l1_size - 4);
        bad[2].destination.base = address(k_l1_size - 128);
        bench.push_operation(vector_function::add, good);
        bench.push_operation(vector_function::add, bad[0]);
        cycles_pass(300);
        BOOST_TEST(bench.engine.faulty_command().number == 2U);
        BOOST_TEST(bench.seen.completed.size() == 1U);
        bench.check_time();
        bench.seen.completed.clear();
        bench.port.write(reg::control, 1);
        cycles_pass(1);
        for (const iface::vector_operands& x : bad) {
            bench.push_operation(vector_function::add, x);
            cycles_pass(300);
            BOOST_TEST((bench.engine.stopped_by() == fault::address_error));
            bench.port.write(reg::control, 1);
            cycles_pass(1);
        }
        BOOST_TEST(bench.seen.completed.empty());
    });
}

BOOST_FIXTURE_TEST_CASE(a_reduction_goes_through_its_axis_one_by_one, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        // 5 rows of 16: the sum of the rows, 16 elements on 8 lanes, five times
        std::vector<float> rows(80);
        for (std::size_t i = 0; i < rows.size(); ++i)
            rows[i] = static_cast<float>(i);
        bench.data.put(0, rows);
        bench.data.put(4096, std::vector<float>(16, 0.5F));
        iface::vector_operands x = operation(4096, 4096, 16, element_type::f32, element_type::f32);
        x.count = {1, 5, 16};
        x.operand = {address(0), {0, 64, 4}};
        bench.push_operation(vector_function::add, x);
        bench.await(1);
        const std::vector<float> sums = bench.data.get<float>(4096, 16);
        for (std::size_t c = 0; c < sums.size(); ++c)
            BOOST_TEST(sums[c] == 0.5F + 16 * (1 + 2 + 3 + 4) + 5 * static_cast<float>(c));
        BOOST_TEST(bench.perf(perf_counter::busy) == 2U + 4 + 5 * 2);
        BOOST_TEST(bench.perf(perf_counter::read_bytes) == 320U + 64);
        BOOST_TEST(bench.perf(perf_counter::write_bytes) == 64U);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(rows_that_are_not_packed_are_written_one_by_one, sim_fixture) {
    vector_bench bench(unit_of(8));
    run([&] {
        bench.data.put(0, std::vector<float>(64, 2));
        bench.data.put(8192, std::vector<float>(256, 7));
        iface::vector_operands x = operation(0, 8192, 16, element_type::f32, element_type::f32);
        x.count = {1, 4, 16};
        x.source.stride[1] = 64;
        x.destination.stride[1] = 256;
        bench.push_operation(vector_function::negate, x);
        bench.await(1);
        const std::vector<float> out = bench.data.get<float>(8192, 256);
        for (std::size_t i = 0; i < out.size(); ++i)
            BOOST_REQUIRE_EQUAL(out[i], i % 64 < 16 ? -2 : 7);
        bench.check_time();
    });
}

BOOST_FIXTURE_TEST_CASE(reset_drops_the_command, sim_fixture) {
    vector_bench bench(unit_of(1));
    run([&] {
        bench.push_operation(vector_function::identity, operation(0, 4096, 500, element_type::f32, element_type::f32));
        cycles_pass(100);
        bench.port.write(reg::control, 1);
        cycles_pass(1000);
        BOOST_TEST(bench.seen.completed.empty());
        bench.push_operation(vector_function::identity, operation(0, 4096, 8, element_type::f32, element_type::f32));
        bench.await(1);
    });
}
