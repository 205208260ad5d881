// When movers move: closed forms, and independence of the chunk size.

#include "tests/component/movers/mover_bench.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace kpu;
using namespace kpu::test;
using iface::perf_counter;

namespace {

/// One copy of `length` bytes in a simulation of its own: cycles from the
/// doorbell to the semaphore.
std::uint64_t cycles_of(const mover_setup& setup, const iface::copy_operands& copy, std::uint32_t copies = 1) {
    sim_fixture fixture;
    mover_bench b(setup);
    std::uint64_t took = 0;
    fixture.run([&] {
        for (std::uint32_t n = 0; n < copies; ++n)
            b.push(copy);
        took = b.cycles_until(copies);
    });
    return took;
}

std::uint64_t cycles_of(const mover_setup& setup, std::uint32_t length, std::uint32_t copies = 1) {
    return cycles_of(setup, mover_bench::contiguous(k_far, 0, length), copies);
}

mover_setup widths(std::uint64_t source, std::uint64_t engine, std::uint64_t destination) {
    mover_setup setup;
    setup.far.port_width = bytes(source);
    setup.mover.width = bytes(engine);
    setup.near.port_width = bytes(destination);
    setup.far.latency = cycles(20);
    setup.near.latency = cycles(3);
    return setup;
}

constexpr std::uint64_t k_start = 4, k_source = 20, k_destination = 3;

double difference(std::uint64_t a, std::uint64_t b) {
    return std::abs(static_cast<double>(a) - static_cast<double>(b)) / static_cast<double>(b);
}

} // namespace

BOOST_AUTO_TEST_SUITE(timing)

BOOST_AUTO_TEST_CASE(equal_rates) {
    for (const std::uint32_t length : {64u, 100u, 4096u, 65536u})
        BOOST_TEST(cycles_of(widths(64, 64, 64), length) ==
                   k_start + k_source + 1 + k_destination + ceil_div(length, 64));
}

BOOST_AUTO_TEST_CASE(a_fill_has_no_source) {
    for (const std::uint32_t length : {64u, 100u, 4096u, 65536u}) {
        iface::fill_operands fill;
        fill.run = length;
        fill.pattern = 5;
        sim_fixture fixture;
        mover_bench b(widths(64, 64, 64));
        fixture.run([&] {
            b.push(fill);
            BOOST_TEST(b.cycles_until(1) == k_start + 1 + k_destination + ceil_div(length, 64));
            BOOST_TEST(b.port.perf(perf_counter::read_bytes) == 0U);
        });
    }
}

BOOST_AUTO_TEST_CASE(slow_destination) {
    BOOST_TEST(cycles_of(widths(64, 64, 16), 65536) == k_start + k_source + 1 + k_destination + 65536 / 16);
}

BOOST_AUTO_TEST_CASE(slow_source_or_engine) {
    for (const mover_setup& setup : {widths(16, 64, 64), widths(64, 16, 64)}) {
        const std::uint64_t took = cycles_of(setup, 65536);
        const std::uint64_t least = k_start + k_source + 1 + 65536 / 16;
        BOOST_TEST(took >= least);
        BOOST_TEST(took <= least + k_destination);
    }
}

BOOST_AUTO_TEST_CASE(commands_follow_each_other_without_a_gap) {
    const mover_setup setup = widths(64, 64, 64);
    BOOST_TEST(cycles_of(setup, 8192, 5) == 5 * (k_start + 8192 / 64) + k_source + 1 + k_destination);
    // far shorter than the latency: reads run ahead of writes
    BOOST_TEST(cycles_of(setup, 64, 20) == 20 * (k_start + 1) + k_source + 1 + k_destination);
}

BOOST_AUTO_TEST_CASE(buffer_smaller_than_the_round_trip) {
    mover_setup setup = widths(64, 64, 64);
    setup.far.latency = cycles(600);
    setup.mover.in_flight = bytes(16384);
    setup.mover.chunk = bytes(1024);
    // 16 KiB per round trip; the last 16 KiB stream out.
    const std::uint64_t round_trip = 600 + 1 + k_destination;
    BOOST_TEST(cycles_of(setup, 65536) == k_start + 4 * round_trip + 16384 / 64);
}

BOOST_AUTO_TEST_CASE(chunk_size_does_not_matter) {
    double worst = 0;
    for (const std::uint64_t source : {16, 64, 128})
        for (const std::uint64_t destination : {16, 64, 128})
            for (const std::uint64_t latency : {2, 60, 600})
                for (const std::uint64_t in_flight : {16384, 20480, 32768}) {
                    mover_setup setup = widths(source, 64, destination);
                    setup.far.latency = cycles(latency);
                    setup.mover.in_flight = bytes(in_flight);
                    setup.mover.chunk = bytes(512);
                    const std::uint64_t fine = cycles_of(setup, 65536);
                    setup.mover.chunk = bytes(8192);
                    const std::uint64_t coarse = cycles_of(setup, 65536);
                    worst = std::max(worst, difference(coarse, fine));
                    BOOST_TEST(difference(coarse, fine) < 0.01, "source " << source << ", destination " << destination
                                                                          << ", latency " << latency << ", in flight "
                                                                          << in_flight << ": " << fine << " and "
                                                                          << coarse << " cycles");
                }
    BOOST_TEST_MESSAGE("worst difference " << worst);
}

BOOST_AUTO_TEST_CASE(chunk_size_does_not_matter_for_rows) {
    // A tile of 64 rows of 1 KiB out of a wide matrix, packed; and back.
    iface::copy_operands pack;
    pack.count[3] = 64;
    pack.run = 1024;
    pack.source = {address(k_far), {0, 0, 0, 8192}};
    pack.destination = {address(0), {0, 0, 0, 1024}};
    iface::copy_operands unpack = pack;
    std::swap(unpack.source, unpack.destination);
    for (const iface::copy_operands& copy : {pack, unpack}) {
        mover_setup setup = widths(32, 64, 64);
        setup.mover.chunk = bytes(512);
        const std::uint64_t fine = cycles_of(setup, copy);
        setup.mover.chunk = bytes(8192);
        BOOST_TEST(difference(cycles_of(setup, copy), fine) < 0.01);
    }
}

BOOST_AUTO_TEST_CASE(more_is_never_slower) {
    const std::uint64_t base = cycles_of(widths(32, 64, 32), 65536);
    BOOST_TEST(cycles_of(widths(64, 64, 32), 65536) <= base);
    BOOST_TEST(cycles_of(widths(32, 64, 64), 65536) <= base);
    mover_setup small = widths(32, 64, 32);
    small.mover.in_flight = bytes(4096);
    small.far.latency = cycles(300);
    mover_setup large = small;
    large.mover.in_flight = bytes(8192);
    BOOST_TEST(cycles_of(large, 65536) <= cycles_of(small, 65536));
}

// Short segments are written more slowly than they are read: what waits in the engine for its turn holds no place in
// the memory's queue.
BOOST_AUTO_TEST_CASE(a_backlog_of_writes_does_not_hold_up_others) {
    mover_setup setup = widths(64, 64, 64);
    setup.mover.chunk = bytes(512);
    iface::copy_operands halves;
    halves.run = 32;
    halves.count = {1, 1, 1, 4096};
    halves.source = {address(k_far), {0, 0, 0, 32}};
    halves.destination = {address(0), {0, 0, 0, 64}};
    sim_fixture fixture;
    mover_bench b(setup);
    test_initiator other("other");
    other.socket_i.bind(b.near.data_t);
    fixture.run([&] {
        b.push(halves);
        sc_core::wait(sc_core::sc_time(500, sc_core::SC_NS));
        std::vector<unsigned char> beat(64);
        const std::uint64_t delay = other.write(512 * 1024, beat);
        BOOST_TEST(delay <= 1000 * (2 * 512 / 32 + k_destination + 1)); // at most two chunks are ahead of it
        BOOST_TEST(b.cycles_until(1) > 3000U);
    });
}

BOOST_AUTO_TEST_CASE(stalls_are_charged_to_the_slow_side) {
    const auto shares = [](const mover_setup& setup, double& read, double& write) {
        sim_fixture fixture;
        mover_bench b(setup);
        fixture.run([&] {
            for (int n = 0; n < 10; ++n)
                b.push(mover_bench::contiguous(k_far, 0, 65536));
            const double total = static_cast<double>(b.cycles_until(10));
            BOOST_TEST(b.port.perf(perf_counter::busy) < 10 * (k_start + 1024) + 40);
            BOOST_TEST(b.port.perf(perf_counter::busy) >= 10 * (k_start + 1024));
            read = static_cast<double>(b.port.perf(perf_counter::stall_read)) / total;
            write = static_cast<double>(b.port.perf(perf_counter::stall_write)) / total;
        });
    };
    double read = 0;
    double write = 0;
    shares(widths(16, 64, 64), read, write);
    BOOST_TEST(read > 0.7);
    BOOST_TEST(write < 0.02);
    shares(widths(64, 64, 16), read, write);
    BOOST_TEST(write > 0.7);
    BOOST_TEST(read < 0.02);
    shares(widths(64, 64, 64), read, write);
    BOOST_TEST(read + write < 0.02);
}

BOOST_AUTO_TEST_SUITE_END()
