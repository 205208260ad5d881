// Command streams of random contractions on random chips: executed on flat memories they give the interpreter's bits,
// and their waits alone order every two conflicting accesses.

#include "compiler/dfx/interpreter.h"
#include "compiler/tensor/number_format.h"
#include "fw/loader/command_stream.h"
#include "platforms/common/diagnostic.h"
#include "tests/fw/flat_chip.h"
#include "tests/fw/random_contraction.h"

#include <boost/test/unit_test.hpp>
#include <cinttypes>
#include <cstdio>
#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes(); // GCC ships no header for it
#endif

using namespace kpu;
using test::contraction_of;
using test::problem;
using test::program_of;

namespace {

template <class Acc>
std::vector<std::byte> expected(const problem& p, const tensor_map& in) {
    std::vector<std::byte> out(p.batch * p.m * p.n * size_of(p.result));
    const auto value = [](const tensor& t, std::uint64_t i) {
        return static_cast<Acc>(load(t.type, t.data.data() + i * size_of(t.type)));
    };
    for (std::uint64_t b = 0; b < p.batch; ++b)
        for (std::uint64_t i = 0; i < p.m; ++i)
            for (std::uint64_t j = 0; j < p.n; ++j) {
                const std::uint64_t at = (b * p.m + i) * p.n + j;
                Acc sum = p.seed ? value(in.at("S"), at) : Acc(0);
                for (std::uint64_t k = 0; k < p.k; ++k) {
                    const Acc product =
                        value(in.at("A"), (b * p.m + i) * p.k + k) * value(in.at("B"), (b * p.k + k) * p.n + j);
                    sum = sum + product;
                }
                store(p.result, static_cast<double>(sum), out.data() + at * size_of(p.result));
            }
    return out;
}

std::vector<std::byte> expected_bits(const problem& p, const tensor_map& in) {
    switch (accumulator_of(p.operand)) {
    case dtype::f64:
        return expected<double>(p, in);
    case dtype::i32:
        return expected<std::int32_t>(p, in);
    default:
        return expected<float>(p, in);
    }
}

struct outcome {
    bool equal = false;
    std::string hazards;
    std::uint64_t commands = 0;
    std::uint64_t dram_bytes = 0;
    fw::blocking plan;
};

outcome run(const fw::machine& machine, const problem& p, const dfx::contraction& work) {
    const dfx::program program = program_of(p);
    tensor_map in;
    fw::tensor_table tensors(program, machine.dram);
    test::flat_chip chip(machine);
    std::uint64_t seed = 1;
    for (const dfx::tensor_descriptor& t : program.tensors) {
        if (t.name == "C")
            continue;
        in[t.name] = random_tensor(t.type, t.dims, seed++);
        chip.initialise(tensors.at(t.name).base, in[t.name].data.data(), in[t.name].data.size());
    }
    const std::vector<fw::planned_work> plan{{"k", fw::planned_contraction{work, fw::choose_blocking(machine, work)}}};
    fw::command_stream stream(machine, plan, tensors);
    while (const std::optional<fw::bound_command> command = stream.next())
        chip.execute(*command);
    const std::vector<std::byte> want = expected_bits(p, in);
    outcome o;
    o.equal = std::memcmp(want.data(), chip.at(tensors.at("C").base, want.size()), want.size()) == 0;
    o.hazards = chip.checker().report();
    o.commands = chip.executed();
    o.dram_bytes = chip.dram_bytes();
    o.plan = plan[0].contraction()->plan;
    return o;
}

std::size_t heap_in_use() {
#if defined(__SANITIZE_ADDRESS__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

} // namespace

BOOST_AUTO_TEST_CASE(random_contractions_are_right_and_free_of_races) {
    const std::uint64_t seed = 20261123;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    int refused = 0;
    int in_strips = 0;
    for (int i = 0; i < 300; ++i) {
        const fw::machine machine = test::make_machine(test::random_shape(random));
        const problem p = test::random_problem(random);
        try {
            const outcome o = run(machine, p, contraction_of(p));
            const std::string what = "case " + std::to_string(i) + ": " + fw::to_string(o.plan);
            in_strips += o.plan.strip > 1 ? 1 : 0;
            BOOST_TEST(o.equal, what);
            BOOST_TEST(o.hazards.empty(), what << "\n" << o.hazards.substr(0, 2000));
        } catch (const input_error& refusal) {
            ++refused;
            BOOST_TEST(std::string(refusal.what()).find("too small for one fold") != std::string::npos, refusal.what());
        }
    }
    BOOST_TEST_MESSAGE(refused << " refused, " << in_strips << " in strips");
    BOOST_TEST(refused < 50);
    BOOST_TEST(in_strips > 50);
}

BOOST_AUTO_TEST_CASE(required_tiles_are_used_as_they_are) {
    const fw::machine machine = test::make_machine({});
    problem p;
    p.m = p.n = p.k = 48;
    dfx::contraction work = contraction_of(p);
    work.tiles = dfx::tile_policy::required;
    work.tile = {12, 8, 24};
    const outcome o = run(machine, p, work);
    BOOST_TEST(o.equal);
    BOOST_TEST(o.plan.mb == 12U);
    BOOST_TEST(o.plan.nb == 8U);
    BOOST_TEST(o.plan.kb == 24U);
}

BOOST_AUTO_TEST_CASE(sums_wait_in_l3_where_dram_is_slow) {
    std::mt19937_64 random(7);
    int partial = 0;
    for (int i = 0; i < 12; ++i) {
        test::machine_shape shape = test::random_shape(random);
        shape.rows = shape.columns = 4;
        shape.l1_row = shape.l1_column = 512;
        shape.l2_bank = 8192;
        shape.l3_tile = 65536;
        shape.dram_bytes_per_256_cycles = 8;
        const fw::machine machine = test::make_machine(shape);
        problem p;
        p.m = 60 + random() % 60;
        p.n = 60 + random() % 60;
        p.k = 800 + random() % 800;
        if (random() % 2 == 0)
            p.seed = dtype::f16;
        const outcome o = run(machine, p, contraction_of(p));
        partial += o.plan.partial_sums_in_l3() ? 1 : 0;
        BOOST_TEST(o.equal, fw::to_string(o.plan));
        BOOST_TEST(o.hazards.empty(), fw::to_string(o.plan) << "\n" << o.hazards.substr(0, 2000));
        BOOST_TEST(o.dram_bytes == o.plan.estimated_dram_bytes, fw::to_string(o.plan) << " but " << o.dram_bytes);
    }
    BOOST_TEST(partial > 3);
}

BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_number_of_tiles) {
    test::machine_shape shape;
    shape.arrays = 2;
    shape.rows = shape.columns = 16;
    shape.l1_row = shape.l1_column = shape.l1_result = 65536;
    shape.l2_bank = 262144;
    shape.l3_tile = 1 << 20;
    const fw::machine machine = [&] {
        fw::machine m = test::make_machine(shape);
        m.dram.size = bytes(1ULL << 36); // the stream never touches it
        return m;
    }();
    problem p;
    p.m = p.n = p.k = 4096;
    const dfx::program program = program_of(p);
    fw::tensor_table tensors(program, machine.dram);
    const std::vector<fw::planned_work> plan{
        {"k", fw::planned_contraction{contraction_of(p), fw::choose_blocking(machine, contraction_of(p))}}};
    fw::command_stream stream(machine, plan, tensors);
    const std::size_t before = heap_in_use();
    std::size_t most = before;
    std::uint64_t commands = 0;
    while (stream.next())
        if (++commands % 1024 == 0)
            most = std::max(most, heap_in_use());
    BOOST_TEST(commands > 1'000'000U);
    BOOST_TEST(most - before < 4U * 1024 * 1024,
               "grew by " << most - before << " bytes over " << commands << " commands");
}

BOOST_AUTO_TEST_CASE(what_a_refusal_says_is_enough_is_enough) {
    for (const dtype type : {dtype::f32, dtype::bf16, dtype::i8}) {
        test::problem p{1, 21, 19, 100, type, accumulator_of(type), accumulator_of(type)};
        const dfx::contraction work = test::contraction_of(p);
        test::machine_shape shape;
        shape.rows = 7;
        shape.l2_banks = 1;
        shape.l1_row = shape.l1_column = shape.l1_result = shape.l2_bank = shape.l3_tile = 64;
        std::string said;
        try {
            (void)fw::choose_blocking(test::make_machine(shape), work);
        } catch (const input_error& refusal) {
            said = refusal.what();
        }
        const std::size_t sizes = said.find("array: row ");
        BOOST_REQUIRE_MESSAGE(sizes != std::string::npos, said);
        std::uint64_t* const memories[] = {&shape.l1_row, &shape.l1_column, &shape.l1_result, &shape.l2_bank,
                                           &shape.l3_tile};
        BOOST_REQUIRE(std::sscanf(said.c_str() + sizes,
                                  "array: row %" SCNu64 " B, column %" SCNu64 " B, result %" SCNu64 " B, L2 %" SCNu64
                                  " B, L3 %" SCNu64 " B",
                                  memories[0], memories[1], memories[2], memories[3], memories[4]) == 5);
        const outcome o = run(test::make_machine(shape), p, work);
        BOOST_TEST(o.equal);
        BOOST_TEST(o.hazards.empty(), o.hazards);
    }
}
