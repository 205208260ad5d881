// Streams for the shipped platforms with one wait removed: judged without time, and run on the chip, where the hazard
// checker must find the race whatever this run's timing happens to be.

#include "fw/firmware/runtime.h"
#include "tests/e2e/on_chip.h"
#include "tests/fw/random_contraction.h"
#include "tests/fw/stream_mutants.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr std::uint64_t k_streams = 12;
constexpr std::size_t k_waits_per_stream = 40;
constexpr std::size_t k_runs = 60;

fw::machine machine_of(const platform::platform& p) {
    const test::fresh_context context;
    hw::chip chip("chip", p);
    fw::machine found;
    chip.load_firmware([&](mmio& bus) { found = fw::discover(bus); });
    chip.run();
    return found;
}

test::emitted_stream random_stream(const fw::machine& machine, std::mt19937_64& random) {
    const test::problem p = test::random_problem(random);
    const dfx::contraction work = test::contraction_of(p);
    return test::emit(machine, test::program_of(p),
                      {{"k", fw::planned_contraction{work, fw::choose_blocking(machine, work)}}});
}

/// Runs the stream through the firmware; true if the hazard checker reports anything.
bool reported_on_chip(const platform::platform& p, const test::emitted_stream& s) {
    const test::fresh_context context;
    hw::chip chip("chip", p);
    fw::run_checks checks(chip);
    for (const platform::address_range& range : s.initialised)
        checks.hazards().note_initialised(range);
    chip.load_firmware([&](mmio& bus) {
        const fw::machine machine = fw::discover(bus);
        fw::prepare_engines(bus, machine);
        auto next = s.commands.begin();
        fw::run_commands(bus, machine, [&]() -> std::optional<fw::bound_command> {
            if (next == s.commands.end())
                return std::nullopt;
            const test::stream_command& c = *next++;
            return fw::bound_command{c.ref.engine, c.ref.number, test::with_header(c.words, c.header)};
        });
    });
    chip.run();
    return !checks.hazards().clean();
}

} // namespace

BOOST_DATA_TEST_CASE(removed_waits_are_reported_without_time, bdata::make(test::shipped_platforms()), name) {
    const std::uint64_t seed = 7;
    std::mt19937_64 random(seed);
    const fw::machine machine = machine_of(test::shipped(name));
    test::mutation_scores scores;
    while (scores.streams < k_streams) {
        test::emitted_stream stream = random_stream(machine, random);
        test::judge_mutants(stream, ceil_div(test::waits_of(stream).size(), k_waits_per_stream), scores);
    }
    BOOST_TEST_MESSAGE(name << ", seed " << seed << ": " << scores);
    BOOST_TEST(scores.removed.matter > 100U);
    scores.check();
}

BOOST_DATA_TEST_CASE(removed_waits_are_reported_on_the_chip, bdata::make(test::shipped_platforms()), name) {
    const std::uint64_t seed = 11;
    std::mt19937_64 random(seed);
    const platform::platform p = test::shipped(name);
    const fw::machine machine = machine_of(p);
    test::mutation_score score;
    while (score.mutants < k_runs) {
        test::emitted_stream stream = random_stream(machine, random);
        const test::conflict_list conflicts(stream);
        BOOST_TEST_REQUIRE(!reported_on_chip(p, stream));
        const std::vector<test::wait_place> places = test::waits_of(stream);
        for (std::size_t i = 0; i < 10; ++i) {
            const test::wait_place& at = places[random() % places.size()];
            std::uint32_t& count = stream.commands[at.command].header.waits[at.wait].count;
            const std::uint32_t right = count;
            count = 0;
            score.count(test::has_race(stream, conflicts), reported_on_chip(p, stream));
            count = right;
        }
    }
    BOOST_TEST_MESSAGE(name << ", seed " << seed << ": waits removed: " << score);
    BOOST_TEST(score.matter > k_runs / 2);
    score.check();
}
