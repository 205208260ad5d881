#include "hw/observe/critical_path.h"
#include "tests/observe/event_feed.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::hw;
using iface::engine_kind;
using kpu::hw::test::header;
using kpu::hw::test::ref;

namespace {

/// Engine 0 is a DMA engine, 1 a block mover, 2 an array; their queues hold two commands. Times are picoseconds.
struct bench {
    bench()
        : path({{engine_kind::dma, 2}, {engine_kind::block_mover, 2}, {engine_kind::array, 2}},
               [this] { return picoseconds(now); }) {}

    void push(std::uint16_t engine, std::uint32_t number, std::uint64_t at, std::uint32_t queued = 1) {
        now = at;
        path.on_push(ref(engine, number), header({}), queued);
    }
    void wait(std::uint16_t engine, std::uint32_t number, std::uint16_t on, std::uint64_t at) {
        now = at;
        path.on_wait(ref(engine, number), {engine_id(on), 1});
    }
    void start(std::uint16_t engine, std::uint32_t number, std::uint64_t at) {
        now = at;
        path.on_start(ref(engine, number), header({}));
    }
    void complete(std::uint16_t engine, std::uint32_t number, std::uint64_t at) {
        now = at;
        path.on_complete(ref(engine, number));
    }
    void expect(std::uint64_t dma, std::uint64_t mover, std::uint64_t array) {
        const auto part = [&](engine_kind kind) { return path.longest()[critical_path::index_of(kind)].value(); };
        BOOST_TEST(part(engine_kind::dma) == dma);
        BOOST_TEST(part(engine_kind::block_mover) == mover);
        BOOST_TEST(part(engine_kind::array) == array);
        BOOST_TEST(part(engine_kind::streamer) == 0u);
    }

    std::uint64_t now = 0;
    critical_path path;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(critical_path_of_a_run, bench)

BOOST_AUTO_TEST_CASE(nothing_ran) {
    expect(0, 0, 0);
}

BOOST_AUTO_TEST_CASE(one_command_after_its_doorbell) {
    push(0, 1, 100);
    start(0, 1, 100);
    complete(0, 1, 150);
    expect(50, 0, 0);
}

BOOST_AUTO_TEST_CASE(a_command_waits_for_one_of_another_engine) {
    push(1, 1, 5);
    wait(1, 1, 0, 5);
    push(0, 1, 100);
    start(0, 1, 100);
    complete(0, 1, 130);
    start(1, 1, 130);
    complete(1, 1, 137);
    expect(30, 7, 0);
}

BOOST_AUTO_TEST_CASE(what_was_done_before_the_doorbell_does_not_count) {
    push(0, 1, 10);
    start(0, 1, 10);
    complete(0, 1, 30);
    push(1, 1, 40); // its wait was met: only the doorbell was missing
    start(1, 1, 40);
    complete(1, 1, 47);
    expect(0, 7, 0);
}

BOOST_AUTO_TEST_CASE(the_predecessor_lets_go_before_it_completes) {
    push(0, 1, 10);
    start(0, 1, 10);
    push(0, 2, 12);
    start(0, 2, 25); // pipelined
    complete(0, 1, 40);
    complete(0, 2, 60);
    expect(50, 0, 0);
}

BOOST_AUTO_TEST_CASE(the_last_wait_counts_and_parts_add_up) {
    push(2, 1, 0);
    push(0, 1, 1);
    start(0, 1, 1);
    push(1, 1, 2);
    start(1, 1, 2);
    wait(2, 1, 1, 2);
    complete(1, 1, 8);
    wait(2, 1, 0, 8);
    complete(0, 1, 21);
    start(2, 1, 21);
    push(2, 2, 22);
    start(2, 2, 31);
    complete(2, 1, 35);
    complete(2, 2, 51);
    expect(20, 0, 30); // mover is not on the chain
}

BOOST_AUTO_TEST_CASE(the_firmware_waits_for_room_in_a_queue) {
    push(0, 1, 1);
    start(0, 1, 1);
    push(0, 2, 2);
    push(0, 3, 3, 2); // full: the next one has to wait
    complete(0, 1, 100);
    start(0, 2, 100);
    push(0, 4, 105, 2);
    push(1, 1, 106);
    start(1, 1, 106);
    complete(1, 1, 120);
    expect(99, 14, 0); // and seven of the firmware
}

BOOST_AUTO_TEST_CASE(a_queue_with_room_holds_no_doorbell_up) {
    push(0, 1, 1);
    start(0, 1, 1);
    push(0, 2, 2);
    complete(0, 1, 100);
    start(0, 2, 100);
    push(1, 1, 106); // it came late by itself
    start(1, 1, 106);
    complete(1, 1, 120);
    expect(0, 14, 0);
}

BOOST_AUTO_TEST_CASE(a_reset_forgets) {
    push(0, 1, 0);
    start(0, 1, 0);
    path.on_reset(engine_id(0));
    push(0, 1, 50);
    start(0, 1, 50);
    complete(0, 1, 60);
    expect(10, 0, 0);
}

BOOST_AUTO_TEST_SUITE_END()
