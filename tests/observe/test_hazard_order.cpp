// The order that the checker derives: transitive waits, the order within one engine, resets, bounded memory.

#include "hw/observe/hazard_checker.h"
#include "tests/observe/event_feed.h"

#include <boost/test/unit_test.hpp>
#include <chrono>

using namespace kpu;
using namespace kpu::hw;
using kpu::hw::test::event_feed;

namespace {

hazard_options engines(std::uint32_t n, std::uint32_t window = 8192) {
    hazard_options o;
    o.engines = n;
    o.window = window;
    return o;
}

} // namespace

BOOST_AUTO_TEST_SUITE(hazard_order)

BOOST_AUTO_TEST_CASE(waits_are_transitive) {
    hazard_checker checker(engines(4));
    event_feed feed(checker);
    feed.writes(0, 1, 0, 64);
    feed.reads(1, 1, 0, 64, {{0, 1}});
    feed.start(2, 1, {{1, 1}});
    feed.complete(2, 1);
    feed.reads(3, 1, 0, 64, {{2, 1}}); // knows dma 1 through two others
    feed.writes(3, 2, 0, 64);          // WAR with mover 1: known; with itself: kept by the engine
    BOOST_TEST(checker.clean(), checker.report());
}

BOOST_AUTO_TEST_CASE(knowledge_lasts_on_its_engine) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    feed.writes(0, 1, 0, 64);
    feed.start(1, 1, {{0, 1}});
    feed.complete(1, 1);
    feed.reads(1, 2, 0, 64);
    BOOST_TEST(checker.clean(), checker.report());
}

BOOST_AUTO_TEST_CASE(one_engine_keeps_read_write_and_write_write_order) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    checker.note_initialised({address(0), bytes(64)});
    feed.reads(0, 1, 0, 64);
    feed.writes(0, 2, 0, 64);
    feed.writes(0, 3, 0, 64);
    BOOST_TEST(checker.clean(), checker.report());
}

BOOST_AUTO_TEST_CASE(write_then_read_of_one_engine_needs_a_wait) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    feed.writes(0, 1, 0, 64);
    feed.reads(0, 2, 0, 64, {{0, 1}});
    BOOST_TEST(checker.clean(), checker.report());
    feed.writes(0, 3, 0, 64);
    feed.reads(0, 4, 0, 64);
    BOOST_TEST(checker.count(hazard_rule::read_after_write) == 1u);
    BOOST_TEST(checker.count() == 1u);
}

BOOST_AUTO_TEST_CASE(read_ahead_of_an_earlier_commands_write) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    checker.note_initialised({address(0), bytes(64)});
    feed.start(0, 1);
    feed.start(0, 2);
    feed.read(0, 2, 0, 64); // seen before the write that it should have waited for
    feed.write(0, 1, 0, 64);
    BOOST_TEST(checker.count(hazard_rule::read_after_write) == 1u);
    BOOST_TEST(checker.count() == 1u);
}

BOOST_AUTO_TEST_CASE(writes_of_one_engine_out_of_order) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    feed.start(0, 1);
    feed.start(0, 2);
    feed.write(0, 2, 0, 64);
    feed.write(0, 1, 0, 64);
    BOOST_TEST(checker.count(hazard_rule::write_after_write) == 1u);
}

BOOST_AUTO_TEST_CASE(accesses_of_one_command_are_free) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    checker.note_initialised({address(0), bytes(64)});
    feed.start(0, 1);
    feed.read(0, 1, 0, 64);
    feed.write(0, 1, 0, 64);
    feed.read(0, 1, 0, 64);
    feed.write(0, 1, 0, 64);
    BOOST_TEST(checker.clean(), checker.report());
}

BOOST_AUTO_TEST_CASE(several_readers_all_count) {
    hazard_checker checker(engines(4));
    event_feed feed(checker);
    feed.writes(0, 1, 0, 64);
    feed.reads(1, 1, 0, 64, {{0, 1}});
    feed.reads(2, 1, 0, 64, {{0, 1}});
    feed.writes(0, 2, 0, 64, {{1, 1}});
    BOOST_TEST(checker.count(hazard_rule::write_after_read) == 1u);
    BOOST_TEST(checker.hazards()[0].other->command.engine.value() == 2u);
}

BOOST_AUTO_TEST_CASE(a_reader_that_a_later_one_knows_is_covered_by_it) {
    hazard_checker checker(engines(4));
    event_feed feed(checker);
    feed.writes(0, 1, 0, 64);
    feed.reads(1, 1, 0, 64, {{0, 1}});
    feed.reads(2, 1, 0, 64, {{1, 1}});
    feed.writes(0, 2, 0, 64, {{1, 1}}); // knows the first reader only
    BOOST_TEST(checker.count(hazard_rule::write_after_read) == 1u);
    feed.writes(0, 3, 0, 64, {{2, 1}});
    BOOST_TEST(checker.count() == 1u);
}

BOOST_AUTO_TEST_CASE(reset_starts_the_numbers_anew) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    feed.writes(0, 1, 0, 64);
    feed.start(0, 2); // dropped
    checker.on_reset(engine_id(0));
    feed.writes(0, 1, 64, 64);
    feed.reads(1, 1, 64, 64, {{0, 1}}); // the new command 1
    BOOST_TEST(checker.clean(), checker.report());
    feed.writes(0, 2, 64, 64);
    BOOST_TEST(checker.count(hazard_rule::write_after_read) == 1u);
}

BOOST_AUTO_TEST_CASE(an_engine_that_the_chip_does_not_have) {
    hazard_checker checker(engines(2));
    BOOST_CHECK_THROW(checker.on_start(test::ref(2, 1), test::header({})), std::out_of_range);
}

/// A ring of engines that hand buffers on, for a million accesses.
struct pipeline {
    pipeline(hazard_checker& to, std::uint16_t stages) : feed(to), n(stages) {}
    void run(std::uint32_t rounds, std::uint32_t chunks) {
        for (std::uint32_t i = 0; i < rounds; ++i, ++round) {
            for (std::uint16_t e = 0; e < n; ++e)
                step(e, chunks);
        }
    }
    void step(std::uint16_t e, std::uint32_t chunks) {
        const std::uint32_t number = round + 1;
        const std::uint64_t slot = round % 2;
        const std::uint32_t freed = round < 2 ? 0 : round - 1; // the next stage is done with the slot of two rounds ago
        const std::uint16_t before = e == 0 ? e : static_cast<std::uint16_t>(e - 1);
        const std::uint16_t after = e + 1 < n ? static_cast<std::uint16_t>(e + 1) : e;
        feed.start(e, number, {{before, e == 0 ? 0 : number}, {after, after == e ? 0 : freed}});
        for (std::uint32_t c = 0; c < chunks; ++c) {
            if (e != 0)
                feed.read(e, number, place(before, slot) + 64ULL * c, 64);
            feed.write(e, number, place(e, slot) + 64ULL * c, 64);
        }
        feed.complete(e, number);
        accesses += std::uint64_t{e == 0 ? 1U : 2U} * chunks;
    }
    static std::uint64_t place(std::uint16_t stage, std::uint64_t slot) {
        return (std::uint64_t{stage} << 24) + (slot << 20);
    }
    event_feed feed;
    std::uint16_t n;
    std::uint32_t round = 0;
    std::uint64_t accesses = 0;
};

BOOST_AUTO_TEST_CASE(memory_stays_bounded) {
    hazard_checker checker(engines(8, 256));
    pipeline p(checker, 6); // two engines never do anything and so never learn anything
    p.run(500, 16);
    const std::size_t segments = checker.segments();
    const std::uint64_t clocks = checker.order().held();
    p.run(2000, 16);
    BOOST_TEST(checker.clean(), checker.report());
    BOOST_TEST(checker.segments() <= segments + 8);
    BOOST_TEST(clocks <= 8u * 256);
    BOOST_TEST(checker.order().held() <= 8u * 256);
    BOOST_TEST(checker.order().approximated_waits() == 0u);
}

BOOST_AUTO_TEST_CASE(clocks_that_everyone_has_passed_are_dropped) {
    hazard_checker checker(engines(2, 1 << 20));
    event_feed feed(checker);
    for (std::uint32_t n = 1; n <= 10000; ++n) {
        feed.writes(0, n, 0, 64, {{1, n - 1}});
        feed.reads(1, n, 0, 64, {{0, n}});
    }
    BOOST_TEST(checker.clean(), checker.report());
    BOOST_TEST(checker.order().held() <= 256u);
}

BOOST_AUTO_TEST_CASE(waits_on_dropped_clocks_never_invent_a_race) {
    hazard_checker checker(engines(3, 64));
    event_feed feed(checker);
    feed.writes(1, 1, 0x100000, 64);
    for (std::uint32_t n = 1; n <= 1000; ++n)
        feed.writes(0, n, 64ULL * n, 64, {{1, 1}});
    feed.reads(2, 1, 64, 64, {{0, 1}});
    feed.reads(2, 2, 0x100000, 64); // through dma 1, whose clock is long gone
    BOOST_TEST(checker.clean(), checker.report());
    BOOST_TEST(checker.order().approximated_waits() == 1u);
    feed.reads(2, 3, 64ULL * 900, 64);
    BOOST_TEST(checker.count(hazard_rule::read_after_write) == 1u);
}

BOOST_AUTO_TEST_CASE(settled_segments_merge) {
    hazard_checker checker(engines(2));
    event_feed feed(checker);
    for (std::uint32_t n = 1; n <= 20000; ++n) {
        feed.writes(0, n, 64ULL * n, 64, {{1, n - 1}});
        feed.reads(1, n, 64ULL * n, 64, {{0, n}});
    }
    BOOST_TEST(checker.clean(), checker.report());
    BOOST_TEST(checker.segments() <= 8192u); // and not 20000
}

BOOST_AUTO_TEST_CASE(a_million_accesses) {
    hazard_checker checker(engines(26));
    pipeline p(checker, 24);
    const auto start = std::chrono::steady_clock::now();
    p.run(350, 64);
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    BOOST_TEST(checker.clean(), checker.report());
    BOOST_TEST(p.accesses > 1'000'000u);
    BOOST_TEST_MESSAGE(p.accesses << " accesses, " << taken.count() / static_cast<double>(p.accesses) << " ns each");
}

BOOST_AUTO_TEST_SUITE_END()
