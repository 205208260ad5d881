// Every rule of the hazard checker: a clean stream and one that breaks it.

#include "hw/observe/hazard_checker.h"
#include "tests/observe/event_feed.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::hw;
using kpu::hw::test::event_feed;

namespace {

struct bench {
    bench() : checker(make_options()), feed(checker) {}
    static hazard_options make_options() {
        hazard_options o;
        o.engines = 4;
        o.engine_names = {"dma0", "mover0", "streamer0"};
        return o;
    }
    /// Exactly one hazard, of this rule.
    void expect(hazard_rule rule) const {
        BOOST_TEST(checker.count() == 1u);
        BOOST_TEST(checker.count(rule) == 1u, checker.report());
        BOOST_REQUIRE(checker.hazards().size() == 1u);
        BOOST_TEST((checker.hazards()[0].rule == rule));
    }
    hazard_checker checker;
    event_feed feed;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(hazard_rules, bench)

BOOST_AUTO_TEST_CASE(producer_consumer_with_waits_is_clean) {
    for (std::uint32_t n = 1; n <= 50; ++n) {
        if (n == 1)
            feed.writes(0, n, 0, 256);
        else
            feed.writes(0, n, 0, 256, {{1, n - 1}});
        feed.reads(1, n, 0, 256, {{0, n}});
    }
    BOOST_TEST(checker.clean(), checker.report());
    BOOST_TEST(checker.report().empty());
}

BOOST_AUTO_TEST_CASE(read_of_never_written_bytes) {
    feed.writes(0, 1, 0x100, 64);
    feed.reads(1, 1, 0x100, 80, {{0, 1}});
    expect(hazard_rule::uninitialised);
    BOOST_TEST(checker.hazards()[0].where.value() == 0x140u);
    BOOST_TEST(checker.hazards()[0].length.value() == 16u);
    BOOST_TEST(!checker.hazards()[0].other.has_value());
}

BOOST_AUTO_TEST_CASE(back_door_bytes_are_initialised) {
    checker.note_initialised({address(0x1000), bytes(64)});
    feed.reads(1, 1, 0x1000, 64);
    checker.on_access("l2", {{engine_id(0), 0, 0}, true, address(0x2000), bytes(8), {}, {}});
    feed.reads(1, 2, 0x2000, 8);
    checker.note_initialised({address(0x3000), bytes(0)});
    BOOST_TEST(checker.clean(), checker.report());
    feed.reads(1, 3, 0x0fff, 66);
    BOOST_TEST(checker.count(hazard_rule::uninitialised) == 2u); // one byte on either side
    BOOST_TEST(checker.count() == 2u);
}

BOOST_AUTO_TEST_CASE(read_before_write_is_ordered) {
    feed.writes(0, 1, 0, 64);
    feed.reads(1, 1, 32, 64); // no wait; the second half is not even written
    BOOST_TEST(checker.count(hazard_rule::read_after_write) == 1u);
    BOOST_TEST(checker.count(hazard_rule::uninitialised) == 1u);
    const hazard& h = checker.hazards()[0];
    BOOST_TEST((h.rule == hazard_rule::read_after_write));
    BOOST_TEST(h.text ==
               "read before its data is ordered (RAW): mover0 command 1 (tag 1001) at [1010, 1020) ps, 32 bytes from "
               "0x20 of l2, against dma0 command 1 (tag 1) at [1000, 1010) ps");
}

BOOST_AUTO_TEST_CASE(wait_for_an_earlier_command_does_not_order_the_write) {
    feed.writes(0, 1, 0, 64);
    feed.writes(0, 2, 64, 64);
    feed.reads(1, 1, 64, 64, {{0, 1}});
    expect(hazard_rule::read_after_write);
}

BOOST_AUTO_TEST_CASE(overwrite_of_bytes_still_read) {
    feed.writes(0, 1, 0, 64);
    feed.reads(1, 1, 0, 64, {{0, 1}});
    feed.writes(0, 2, 0, 64);
    expect(hazard_rule::write_after_read);
    BOOST_TEST(checker.hazards()[0].other->command.engine.value() == 1u);
}

BOOST_AUTO_TEST_CASE(unordered_writes) {
    feed.writes(0, 1, 0, 64);
    feed.writes(1, 1, 63, 64);
    expect(hazard_rule::write_after_write);
    BOOST_TEST(checker.hazards()[0].length.value() == 1u);
}

BOOST_AUTO_TEST_CASE(a_hazard_over_many_segments_is_one) {
    for (std::uint32_t n = 1; n <= 8; n += 2) {
        feed.writes(0, n, 64ULL * n, 64);
        feed.writes(0, n + 1, 64ULL * n + 64, 64);
    }
    feed.writes(2, 1, 64, 64ULL * 8, {{0, 8}});
    BOOST_TEST(checker.clean(), checker.report());
    feed.writes(1, 1, 64, 64ULL * 8);
    expect(hazard_rule::write_after_write);
    BOOST_TEST(checker.hazards()[0].length.value() == 64u * 8);
}

BOOST_AUTO_TEST_CASE(allocations) {
    const std::uint64_t dram = 1ULL << 32;
    checker.note_initialised({address(0), bytes(UINT64_MAX)});
    feed.reads(0, 1, dram + 512, 64); // nothing declared: not checked
    checker.allow({address(dram + 256), bytes(64)});
    checker.allow({address(dram), bytes(128)});
    checker.allow({address(dram + 128), bytes(128)}); // closes the gap
    checker.allow({address(dram + 1024), bytes(64)});
    feed.reads(0, 2, dram, 320);
    feed.reads(0, 3, dram + 1024, 64);
    feed.reads(0, 4, 0x100, 64); // on chip: not guarded
    BOOST_TEST(checker.clean(), checker.report());
    feed.reads(0, 5, dram + 310, 11);
    expect(hazard_rule::allocation);
    BOOST_TEST(checker.hazards()[0].where.value() == dram + 320);
    BOOST_TEST(checker.hazards()[0].length.value() == 1u);
    feed.reads(0, 6, dram + 300, 1000);
    BOOST_TEST(checker.hazards()[1].length.value() == 704u);
    feed.reads(0, 7, dram - 8, 8);
    BOOST_TEST(checker.count() == 2u);
    feed.reads(0, 8, dram + 1080, 16);
    feed.reads(0, 9, dram + 4096, 16);
    BOOST_TEST(checker.count(hazard_rule::allocation) == 4u);
}

BOOST_AUTO_TEST_CASE(ordered_read_that_begins_inside_the_write_window) {
    feed.start(0, 1);
    feed.access(0, 1, true, 0, 64, 100, 200);
    feed.complete(0, 1);
    feed.start(1, 1, {{0, 1}});
    feed.access(1, 1, false, 0, 64, 200, 210);
    BOOST_TEST(checker.clean(), checker.report());
    feed.access(1, 1, false, 0, 64, 199, 210);
    expect(hazard_rule::data_window);
}

BOOST_AUTO_TEST_CASE(ordered_write_that_begins_inside_a_read) {
    checker.note_initialised({address(0), bytes(64)});
    feed.start(0, 1);
    feed.access(0, 1, false, 0, 64, 100, 200);
    feed.complete(0, 1);
    feed.start(1, 1, {{0, 1}});
    feed.access(1, 1, true, 0, 32, 200, 210);
    BOOST_TEST(checker.clean(), checker.report());
    feed.access(1, 1, true, 32, 32, 199, 210);
    expect(hazard_rule::data_window);
}

BOOST_AUTO_TEST_CASE(start_before_a_wait_is_met) {
    feed.start(0, 1);
    feed.start(1, 1, {{0, 1}});
    expect(hazard_rule::early_start);
    BOOST_TEST(checker.hazards()[0].text ==
               "start before a wait is met: mover0 command 1 (tag 1001) started before dma0 completed its command 1");
}

BOOST_AUTO_TEST_CASE(access_outside_its_command) {
    feed.writes(0, 1, 0, 64);
    feed.write(0, 1, 64, 64);
    expect(hazard_rule::outside_command);
    feed.write(0, 2, 64, 64);
    BOOST_TEST(checker.count(hazard_rule::outside_command) == 2u);
}

BOOST_AUTO_TEST_CASE(starts_and_completions_out_of_order) {
    feed.start(0, 2);
    expect(hazard_rule::outside_command);
    feed.complete(0, 1);
    feed.start(0, 1);
    BOOST_TEST(checker.count() == 2u);
    feed.complete(0, 1);
    feed.complete(0, 1);
    BOOST_TEST(checker.count(hazard_rule::outside_command) == 3u);
}

BOOST_AUTO_TEST_CASE(stored_hazards_are_limited_and_all_counted) {
    hazard_options o = make_options();
    o.stored = 3;
    hazard_checker small(o);
    event_feed to(small);
    for (std::uint32_t n = 1; n <= 10; ++n)
        to.reads(0, n, 64ULL * n, 64);
    BOOST_TEST(small.count() == 10u);
    BOOST_TEST(small.hazards().size() == 3u);
    BOOST_TEST(small.report().find("10 hazards in all") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(last_byte_of_the_address_map) {
    feed.writes(0, 1, UINT64_MAX - 63, 64);
    feed.reads(1, 1, UINT64_MAX - 31, 32, {{0, 1}});
    BOOST_TEST(checker.clean(), checker.report());
    feed.writes(2, 1, UINT64_MAX, 1);
    BOOST_TEST(checker.count(hazard_rule::write_after_write) == 1u);
    BOOST_TEST(checker.count(hazard_rule::write_after_read) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
