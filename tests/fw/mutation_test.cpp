// Every wait that the loader emits and that is needed is missed by the hazard checker when it is gone.

#include "platforms/common/diagnostic.h"
#include "tests/fw/random_contraction.h"
#include "tests/fw/random_operator.h"
#include "tests/fw/stream_mutants.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

constexpr int k_shards = 4;
constexpr int k_streams = 75;
constexpr std::size_t k_waits_per_stream = 40;

/// Small enough for the search over its graph, all types among them.
test::problem small_problem(std::mt19937_64& random) {
    test::problem p = test::random_problem(random);
    p.m = 1 + p.m % 24;
    p.n = 1 + p.n % 24;
    p.k = 1 + p.k % 48;
    return p;
}

/// A small product or convolution with operands behind its sums.
dfx::program small_steps(test::operator_generator& generator) {
    while (true) {
        dfx::program p = generator.next();
        const dfx::compute_op& op = *dfx::whole_tensor_operator(p.kernels.front());
        const bool on_array = op.type == dfx::compute_type::matmul_tile || op.type == dfx::compute_type::conv_tile;
        const bool operands = std::any_of(op.steps.begin(), op.steps.end(),
                                          [](const dfx::element_step& s) { return s.operand.has_value(); });
        if (on_array && operands && element_count(p.find(op.output.tensor_name)->dims) < 1000)
            return p;
    }
}

/// Mutants of one stream, unless the chip is too small for it.
template <class Plan>
void judge(const fw::machine& machine, const dfx::program& program, Plan plan, test::mutation_scores& scores) {
    try {
        const std::vector<fw::planned_work> work = plan();
        test::emitted_stream stream = test::emit(machine, program, work);
        test::judge_mutants(stream, ceil_div(test::waits_of(stream).size(), k_waits_per_stream), scores);
    } catch (const input_error&) {
        return;
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(removed_waits_of_operands_behind_sums_are_reported) {
    const std::uint64_t seed = 20261129;
    std::mt19937_64 random(seed);
    test::operator_generator generator(seed);
    test::mutation_scores scores;
    while (scores.streams < k_streams) {
        const fw::machine machine = test::make_machine(test::random_shape(random));
        const dfx::program program = small_steps(generator);
        judge(
            machine, program, [&] { return fw::plan_program(machine, program); }, scores);
    }
    BOOST_TEST_MESSAGE("seed " << seed << ": " << scores);
    BOOST_TEST(scores.removed.matter > 500U);
    BOOST_TEST(scores.weakened.matter > 500U);
    scores.check();
}

BOOST_DATA_TEST_CASE(removed_waits_of_random_streams_are_reported, boost::unit_test::data::xrange(k_shards), shard) {
    const std::uint64_t seed = 20261127 + static_cast<std::uint64_t>(shard);
    std::mt19937_64 random(seed);
    test::mutation_scores scores;
    while (scores.streams < k_streams) {
        const fw::machine machine = test::make_machine(test::random_shape(random));
        const test::problem p = small_problem(random);
        const dfx::contraction work = test::contraction_of(p);
        const auto plan = [&] {
            return std::vector<fw::planned_work>{
                {"k", fw::planned_contraction{work, fw::choose_blocking(machine, work)}}};
        };
        judge(machine, test::program_of(p), plan, scores);
    }
    BOOST_TEST_MESSAGE("seed " << seed << ": " << scores);
    BOOST_TEST(scores.removed.matter > 1000U);
    BOOST_TEST(scores.weakened.matter > 1000U);
    BOOST_TEST(scores.weakened.mutants > scores.weakened.matter); // false alarms could show
    scores.check();
}
