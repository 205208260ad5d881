// Command streams of random whole-tensor operators on random chips: executed on flat memories they give the
// interpreter's bits, and their waits alone order every two conflicting accesses.

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "compiler/object/encodings.h"
#include "fw/loader/fitted_program.h"
#include "platforms/common/diagnostic.h"
#include "tests/fw/flat_chip.h"
#include "tests/fw/random_contraction.h"
#include "tests/fw/random_operator.h"
#include "tests/support/least_parts.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

struct outcome {
    std::size_t different = 0;
    std::string hazards, plan;
    bool split = false;
    fw::ring_plan ring; ///< of a tensor below windows
};

outcome run(const fw::machine& machine, const dfx::program& program) {
    const fw::fitted_program fitted = fw::fit_program(machine, program);
    const std::vector<fw::planned_work>& plan = fitted.work;
    fw::tensor_table tensors(fitted.apart ? *fitted.apart : program, machine.dram);
    test::flat_chip chip(machine);
    tensor_map in;
    std::uint64_t seed = 1;
    for (const dfx::tensor_descriptor& t : program.tensors) {
        if (t.role != dfx::tensor_role::input)
            continue;
        const std::optional<std::uint64_t> below = dfx::indices_below(program, t.name);
        in[t.name] = below ? random_indices(t.dims, seed, *below) : random_tensor(t.type, t.dims, seed);
        ++seed;
        chip.initialise(tensors.at(t.name).base, in[t.name].data.data(), in[t.name].data.size());
    }
    fw::command_stream stream(machine, plan, tensors);
    while (const std::optional<fw::bound_command> command = stream.next())
        chip.execute(*command);
    outcome o;
    for (const auto& [key, want] : dfx::interpret(program, in)) {
        const unsigned char* found = chip.at(tensors.at(key).base, want.data.size());
        const std::size_t e = size_of(want.type);
        for (std::size_t i = 0; i < want.data.size(); i += e)
            o.different += std::memcmp(&want.data[i], found + i, e) != 0 ? 1 : 0;
    }
    o.hazards = chip.checker().report();
    for (const fw::planned_work& work : plan)
        o.plan += fw::to_string(work) + "; ";
    o.plan += fitted.splits;
    o.split = fitted.apart.has_value();
    if (const fw::planned_contraction* c = plan.front().contraction())
        o.ring = c->plan.ring;
    else if (const fw::vector_plan* v = plan.front().vector())
        o.ring = v->ring;
    return o;
}

} // namespace

BOOST_AUTO_TEST_CASE(random_operators_survive_every_encoding) {
    const std::uint64_t seed = 7;
    BOOST_TEST_MESSAGE("seed " << seed);
    test::operator_generator generator(seed);
    for (int i = 0; i < 500; ++i) {
        const dfx::program program = generator.next();
        dfx::require_valid(program, "random");
        BOOST_REQUIRE(object::from_json(object::to_json(program), "p") == program);
        BOOST_REQUIRE(object::from_binary(object::to_binary(program), "p") == program);
        BOOST_REQUIRE_MESSAGE(dfx::from_text(dfx::to_text(program), "p") == program, dfx::to_text(program));
    }
}

namespace {

/// Runs random programs on random chips. `next(generator)` makes one; `done(outcome)` sees those that fit.
template <class Next, class Done>
void run_randomly(std::uint64_t seed, int cases, Next next, Done done) {
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    test::operator_generator generator(seed);
    int refused = 0;
    for (int i = 0; i < cases; ++i) {
        const fw::machine machine = test::make_machine(test::random_shape(random));
        const dfx::program program = next(generator);
        try {
            const outcome o = run(machine, program);
            const std::string what = "case " + std::to_string(i) + ": " + o.plan + "\n" + object::to_json(program);
            BOOST_TEST(o.different == 0U, o.different << " elements differ, " << what);
            BOOST_TEST(o.hazards.empty(), what << "\n" << o.hazards.substr(0, 2000));
            done(o);
        } catch (const input_error& refusal) {
            ++refused;
            BOOST_TEST(std::string(refusal.what()).find("too small for") != std::string::npos, refusal.what());
        }
    }
    BOOST_TEST_MESSAGE(refused << " refused");
    BOOST_TEST(refused < cases * 3 / 20);
}

} // namespace

BOOST_AUTO_TEST_CASE(random_operators_are_right_and_free_of_races) {
    run_randomly(
        20261127, 1000, [](test::operator_generator& g) { return g.next(); }, [](const outcome&) {});
}

BOOST_AUTO_TEST_CASE(tensors_below_windows_pass_through_l3_of_any_size) {
    int whole = 0, parts = 0, neither = 0; // by what is in L3 at a time
    run_randomly(
        20261129, 400, [](test::operator_generator& g) { return g.next_of_tall_images(); },
        [&](const outcome& o) {
            ++(o.ring.slabs == 0 ? neither : o.ring.whole ? whole : parts);
        });
    BOOST_TEST_MESSAGE("in L3: all of the input " << whole << " times, parts " << parts << ", nothing " << neither);
    BOOST_TEST(whole > 20);
    BOOST_TEST(parts > 20);
    BOOST_TEST(neither > 20);
}

BOOST_AUTO_TEST_CASE(what_has_no_room_is_split_and_refused_only_where_its_least_parts_are) {
    const std::uint64_t seed = 20261130;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    test::operator_generator generator(seed);
    int split = 0, refused = 0;
    for (int i = 0; i < 300; ++i) {
        test::machine_shape shape = test::random_shape(random);
        for (std::uint64_t* memory : {&shape.l1_row, &shape.l1_column, &shape.l1_result})
            *memory = 64ULL << random() % 5;
        shape.l2_bank = 256ULL << random() % 4;
        const fw::machine machine = test::make_machine(shape);
        const dfx::program program = generator.next();
        std::optional<outcome> o;
        try {
            o = run(machine, program);
        } catch (const input_error& refusal) {
            ++refused;
            BOOST_TEST(std::string(refusal.what()).find("too small for") != std::string::npos, refusal.what());
            BOOST_CHECK_THROW((void)fw::plan_program(machine, test::in_least_parts(program)), input_error);
            continue;
        }
        split += o->split ? 1 : 0;
        const std::string what = "case " + std::to_string(i) + ": " + o->plan + "\n" + object::to_json(program);
        BOOST_TEST(o->different == 0U, o->different << " elements differ, " << what);
        BOOST_TEST(o->hazards.empty(), what << "\n" << o->hazards.substr(0, 2000));
        bool whole = true;
        try {
            (void)fw::plan_program(machine, program);
        } catch (const input_error&) {
            whole = false;
        }
        BOOST_TEST((whole || o->split), what);
    }
    BOOST_TEST_MESSAGE(split << " split, " << refused << " refused");
    BOOST_TEST(split > 20);
    BOOST_TEST(refused > 10);
}
