#include "hw/observe/conservation.h"
#include "tests/observe/event_feed.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::hw;
using kpu::hw::test::event_feed;

namespace {

struct bench {
    bench() : checker({"dma0", "mover0"}), feed(checker) {}
    void expect(const std::string& text) {
        BOOST_TEST(checker.count() == 1u);
        BOOST_REQUIRE(!checker.violations().empty());
        BOOST_TEST(checker.violations()[0] == text);
    }
    conservation_checker checker;
    event_feed feed;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(conservation, bench)

BOOST_AUTO_TEST_CASE(clean_run) {
    for (std::uint32_t n = 1; n <= 3; ++n)
        feed.push(0, n);
    feed.start(0, 1);
    feed.start(0, 2); // overlaps the first
    feed.read(0, 1, 0, 64);
    feed.read(0, 2, 64, 32);
    feed.write(0, 1, 128, 40);
    feed.write(0, 1, 168, 24);
    feed.complete(0, 1);
    feed.write(0, 2, 192, 32);
    feed.complete(0, 2);
    checker.on_start(test::ref(0, 3), test::header({}, iface::opcode::join));
    feed.complete(0, 3);
    checker.finish();
    BOOST_TEST(checker.clean());
    BOOST_TEST(checker.of(engine_id(0)).completed == 3u);
    BOOST_TEST(checker.of(engine_id(0)).read.value() == 96u);
    BOOST_TEST(checker.of(engine_id(0)).written.value() == 96u);
}

BOOST_AUTO_TEST_CASE(a_mover_that_loses_bytes) {
    feed.push(0, 1);
    feed.start(0, 1);
    feed.read(0, 1, 0, 64);
    feed.write(0, 1, 64, 60);
    feed.complete(0, 1);
    expect("dma0 command 1 (tag 1) read 64 bytes and wrote 60");
}

BOOST_AUTO_TEST_CASE(compute_need_not_balance) {
    feed.push(0, 1);
    checker.on_start(test::ref(0, 1), test::header({}, iface::opcode::fold));
    feed.read(0, 1, 0, 64);
    feed.complete(0, 1);
    checker.finish();
    BOOST_TEST(checker.clean());
}

BOOST_AUTO_TEST_CASE(a_join_that_accesses_memory) {
    feed.push(0, 1);
    checker.on_start(test::ref(0, 1), test::header({}, iface::opcode::join));
    feed.read(0, 1, 0, 4);
    feed.complete(0, 1);
    expect("dma0 command 1 (tag 1) is a join and accessed memory");
}

BOOST_AUTO_TEST_CASE(a_command_that_never_completes) {
    feed.push(1, 1);
    feed.push(1, 2);
    feed.start(1, 1);
    feed.complete(1, 1);
    checker.finish();
    expect("mover0 command 2 (tag 0) and those after it did not complete: 2 pushed, 1 started, 1 completed");
}

BOOST_AUTO_TEST_CASE(a_command_completed_twice) {
    feed.push(0, 1);
    feed.start(0, 1);
    feed.complete(0, 1);
    feed.complete(0, 1);
    BOOST_TEST(checker.count() == 2u); // wrong number, and nothing was executing
}

BOOST_AUTO_TEST_CASE(a_command_skipped) {
    feed.push(0, 1);
    feed.push(0, 2);
    feed.start(0, 2);
    expect("dma0 command 2 (tag 2) started as the 1th command of its engine");
}

BOOST_AUTO_TEST_CASE(started_but_never_pushed) {
    feed.start(0, 1);
    expect("dma0 command 1 (tag 1) started but was never pushed");
}

BOOST_AUTO_TEST_CASE(pushed_with_the_wrong_number) {
    feed.push(0, 2);
    expect("dma0 command 2 (tag 2) pushed as the 1th command of its engine");
}

BOOST_AUTO_TEST_CASE(access_of_an_idle_engine) {
    feed.read(0, 1, 0, 4);
    expect("dma0 command 1 (tag 1) accessed l2 while it was not executing");
}

BOOST_AUTO_TEST_CASE(reset_drops_the_queue) {
    feed.push(0, 1);
    feed.push(0, 2);
    feed.start(0, 1);
    checker.on_fault(test::ref(0, 1), iface::fault::bus_error);
    checker.on_reset(engine_id(0));
    feed.push(0, 1);
    feed.start(0, 1);
    feed.complete(0, 1);
    checker.finish();
    BOOST_TEST(checker.clean());
    BOOST_TEST(checker.of(engine_id(0)).faults == 1u);
    BOOST_TEST(checker.of(engine_id(0)).pushed == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
