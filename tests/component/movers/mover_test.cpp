// What movers move, and what they do about faults and resets.

#include "tests/component/movers/mover_bench.h"
#include "tests/support/sim_fixture.h"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace kpu;
using namespace kpu::test;
using iface::fault;
using iface::perf_counter;

namespace {

using image = std::vector<unsigned char>;

image random_bytes(std::mt19937& random, std::size_t n) {
    image data(n);
    for (unsigned char& b : data)
        b = static_cast<unsigned char>(random());
    return data;
}

/// The definition of a copy, on one image of the address map.
void copy_plainly(image& memory, const iface::copy_operands& c) {
    for (std::uint64_t i0 = 0; i0 < c.count[0]; ++i0)
        for (std::uint64_t i1 = 0; i1 < c.count[1]; ++i1)
            for (std::uint64_t i2 = 0; i2 < c.count[2]; ++i2)
                for (std::uint64_t i3 = 0; i3 < c.count[3]; ++i3)
                    for (std::uint64_t b = 0; b < c.run; ++b) {
                        const auto at = [&](const iface::copy_side& s) {
                            return s.base.value() + i0 * s.stride[0] + i1 * s.stride[1] + i2 * s.stride[2] +
                                   i3 * s.stride[3] + b;
                        };
                        memory[at(c.destination)] = memory[at(c.source)];
                    }
}

/// Strides that make each dimension dense or spread it by a gap.
void random_strides(std::mt19937& random, const iface::copy_operands& c, iface::copy_side& side) {
    std::uint32_t extent = c.run;
    for (std::size_t d = 4; d-- > 0;) {
        side.stride[d] = extent + (random() % 2 == 0 ? 0u : static_cast<std::uint32_t>(random() % 100));
        extent = side.stride[d] * c.count[d];
    }
}

/// The definition of a fill.
void fill_plainly(image& memory, const iface::fill_operands& f) {
    for (std::uint64_t i0 = 0; i0 < f.count[0]; ++i0)
        for (std::uint64_t i1 = 0; i1 < f.count[1]; ++i1)
            for (std::uint64_t i2 = 0; i2 < f.count[2]; ++i2)
                for (std::uint64_t i3 = 0; i3 < f.count[3]; ++i3)
                    for (std::uint64_t b = 0; b < f.run; ++b)
                        memory[f.destination.base.value() + i0 * f.destination.stride[0] +
                               i1 * f.destination.stride[1] + i2 * f.destination.stride[2] +
                               i3 * f.destination.stride[3] + b] = static_cast<unsigned char>(f.pattern >> 8 * (b % 8));
}

constexpr std::size_t k_image = k_far + (1u << 19);

} // namespace

BOOST_FIXTURE_TEST_SUITE(moving, sim_fixture)

BOOST_AUTO_TEST_CASE(random_strided_copies_equal_a_plain_loop) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    mover_setup setup;
    setup.mover.in_flight = bytes(3000);
    setup.mover.chunk = bytes(700);
    mover_bench b(setup);
    run([&] {
        image expected(k_image);
        const image near = random_bytes(random, 1u << 19), far = random_bytes(random, 1u << 19);
        std::copy(near.begin(), near.end(), expected.begin());
        std::copy(far.begin(), far.end(), expected.begin() + k_far);
        b.fill(b.near, 0, near);
        b.fill(b.far, k_far, far);
        std::uint64_t moved = 0;
        for (std::uint32_t n = 1; n <= 300; ++n) {
            iface::copy_operands c;
            const bool big_run = random() % 4 == 0;
            c.count = {1 + static_cast<std::uint32_t>(random() % 2), 1 + static_cast<std::uint32_t>(random() % 3),
                       1 + static_cast<std::uint32_t>(random() % 4), 1 + static_cast<std::uint32_t>(random() % 5)};
            c.run = 1 + static_cast<std::uint32_t>(random() % (big_run ? 2000 : 40));
            random_strides(random, c, c.source);
            random_strides(random, c, c.destination);
            // Sources in the lower, destinations in the upper half of either memory.
            c.source.base = address((random() % 2) * k_far + random() % 5000);
            c.destination.base = address((random() % 2) * k_far + (1u << 18) + random() % 5000);
            copy_plainly(expected, c);
            moved += total_bytes(c).value();
            b.push(c);
            if (b.port.free() == 0)
                b.cycles_until(n);
        }
        b.cycles_until(300);
        BOOST_TEST((b.content(b.near, 0, 1u << 19) == image(expected.begin(), expected.begin() + (1u << 19))),
                   "seed " << seed);
        BOOST_TEST((b.content(b.far, k_far, 1u << 19) == image(expected.begin() + k_far, expected.end())),
                   "seed " << seed);
        BOOST_TEST(b.port.perf(perf_counter::read_bytes) == moved);
        BOOST_TEST(b.port.perf(perf_counter::write_bytes) == moved);
        BOOST_TEST(b.port.perf(perf_counter::commands) == 300u);
    });
}

BOOST_AUTO_TEST_CASE(gather_and_scatter) {
    mover_bench b({});
    run([&] {
        image data(4096);
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<unsigned char>(i / 64);
        b.fill(b.far, k_far, data);
        iface::copy_operands c; // every second 64 bytes, packed
        c.count[3] = 32;
        c.run = 64;
        c.source = {address(k_far), {0, 0, 0, 128}};
        c.destination = {address(0), {0, 0, 0, 64}};
        b.push(c);
        std::swap(c.source, c.destination); // … and back, spread
        c.destination.base = address(k_far + 8192);
        c.source.base = address(0);
        b.cycles_until(1);
        b.push(c);
        b.cycles_until(2);
        const image packed = b.content(b.near, 0, 2048), spread = b.content(b.far, k_far + 8192, 4096);
        bool same = true;
        for (std::size_t i = 0; i < 2048; ++i)
            same = same && packed[i] == 2 * (i / 64) && spread[i / 64 * 128 + i % 64] == packed[i];
        BOOST_TEST(same);
        BOOST_TEST(b.far.stats().reads == 32u);
        BOOST_TEST(b.near.stats().writes == 1u); // one segment
        BOOST_TEST(b.far.stats().writes == 32u);
        BOOST_TEST(b.near.stats().reads == 1u);
    });
}

BOOST_AUTO_TEST_CASE(random_fills_equal_a_plain_loop) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    mover_setup setup;
    setup.mover.in_flight = bytes(3000);
    setup.mover.chunk = bytes(700); // no multiple of a pattern: chunks end within one
    mover_bench b(setup);
    run([&] {
        image expected = random_bytes(random, k_image);
        b.fill(b.near, 0, image(expected.begin(), expected.begin() + (1u << 19)));
        b.fill(b.far, k_far, image(expected.begin() + k_far, expected.end()));
        std::uint64_t written = 0, read = 0;
        std::uint32_t pushed = 0;
        for (std::uint32_t n = 0; n < 200; ++n) {
            iface::copy_operands walk;
            for (std::uint32_t& count : walk.count)
                count = 1 + static_cast<std::uint32_t>(random() % 3);
            walk.run = 1 + static_cast<std::uint32_t>(random() % (random() % 4 == 0 ? 2000 : 40));
            random_strides(random, walk, walk.destination);
            const address base((random() % 2) * k_far + random() % 5000);
            const std::uint64_t pattern = random() % 3 == 0 ? 0 : std::uint64_t{random()} << 32 | random();
            const iface::fill_operands f{walk.count, walk.run, pattern, {base, walk.destination.stride}};
            fill_plainly(expected, f);
            written += total_bytes(walk).value();
            b.push(f);
            ++pushed;
            if (n % 20 == 0) { // a copy between fills moves what they wrote
                b.cycles_until(pushed);
                const iface::copy_operands c = mover_bench::contiguous(0, k_far + (1u << 18), 3000);
                copy_plainly(expected, c);
                read += 3000;
                b.push(c);
                b.cycles_until(++pushed);
            }
            if (b.port.free() == 0)
                b.cycles_until(pushed);
        }
        b.cycles_until(pushed);
        BOOST_TEST((b.content(b.near, 0, 1u << 19) == image(expected.begin(), expected.begin() + (1u << 19))),
                   "seed " << seed);
        BOOST_TEST((b.content(b.far, k_far, 1u << 19) == image(expected.begin() + k_far, expected.end())),
                   "seed " << seed);
        BOOST_TEST(b.port.perf(perf_counter::read_bytes) == read);
        BOOST_TEST(b.port.perf(perf_counter::write_bytes) == written + read);
    });
}

BOOST_AUTO_TEST_CASE(faults_of_a_fill_name_it) {
    mover_bench b({});
    run([&] {
        const auto fails = [&](const iface::fill_operands& bad, fault cause) {
            b.push(bad, 9);
            cycles_pass(3000);
            BOOST_TEST(b.port.read(reg::error_cause) == static_cast<std::uint32_t>(cause));
            BOOST_TEST(b.port.read(reg::error_tag) == 9u);
            BOOST_TEST(b.completed() == 0u);
            b.port.write(reg::control, 1);
        };
        fails({{1, 1, 1, 1}, 0, 7, {address(0), {}}}, fault::bad_operand);
        fails({{1, 1, 0, 1}, 8, 7, {address(0), {}}}, fault::bad_operand);
        fails({{~0u, ~0u, ~0u, ~0u}, ~0u, 7, {address(0), {}}}, fault::bad_operand);
        fails({{1, 1, 1, 1}, 64, 7, {address(2 * k_far), {}}}, fault::address_error);
        fails({{1, 1, 1, 1}, 64, 7, {address(~std::uint64_t{0}), {}}}, fault::address_error);
        fails({{1, 1, 1, 2}, 64, 7, {address(2 * k_far - 64), {0, 0, 0, 64}}}, fault::address_error);
        b.push(iface::fill_operands{{1, 1, 1, 1}, 3, 0x030201, {address(0), {}}});
        b.cycles_until(1);
        BOOST_TEST((b.content(b.near, 0, 3) == image{1, 2, 3}));
    });
}

BOOST_AUTO_TEST_CASE(bad_operands_are_refused) {
    mover_bench b({});
    run([&] {
        b.push(mover_bench::contiguous(k_far, 0, 0), 3);
        cycles_pass(5);
        BOOST_TEST(b.port.read(reg::error_cause) == static_cast<std::uint32_t>(fault::bad_operand));
        BOOST_TEST(b.port.read(reg::error_tag) == 3u);
        BOOST_TEST(b.far.stats().reads == 0u);
    });
}

BOOST_AUTO_TEST_CASE(faults_of_either_side_name_the_command) {
    mover_bench b({});
    run([&] {
        const auto fails = [&](const iface::copy_operands& bad, std::uint32_t earlier) {
            b.port.write(reg::control, 1);
            for (std::uint32_t n = 0; n < earlier; ++n)
                b.push(mover_bench::contiguous(k_far, 0, 20'000));
            b.push(bad, 77);
            b.push(mover_bench::contiguous(k_far, 0, 64));
            cycles_pass(3000);
            BOOST_TEST(b.completed() == earlier);
            BOOST_TEST(b.port.halted());
            BOOST_TEST(b.port.read(reg::error_cause) == static_cast<std::uint32_t>(fault::address_error));
            BOOST_TEST(b.port.read(reg::error_command) == earlier + 1);
            BOOST_TEST(b.port.read(reg::error_tag) == 77u);
        };
        for (const std::uint32_t earlier : {0u, 2u}) {
            fails(mover_bench::contiguous(2 * k_far, 0, 64), earlier); // read
            fails(mover_bench::contiguous(2 * k_far - 64 * 1024, 0, 66'000),
                  earlier);                                                // read, after some chunks
            fails(mover_bench::contiguous(k_far, 2 * k_far, 64), earlier); // write
            fails(mover_bench::contiguous(k_far, 2 * k_far - 64 * 1024, 99'000),
                  earlier); // write, after some chunks
        }
        b.port.write(reg::control, 1);
        b.push(mover_bench::contiguous(k_far, 0, 64));
        cycles_pass(100);
        BOOST_TEST(b.completed() == 1u);
    });
}

BOOST_AUTO_TEST_CASE(reset_in_mid_transfer_then_run_again) {
    std::mt19937 random(5);
    mover_setup setup;
    setup.near.port_width = bytes(8); // so that the buffer fills
    mover_bench b(setup);
    run([&] {
        for (std::uint64_t after = 1; after < 8000; after += 517) {
            const image data = random_bytes(random, 60'000);
            b.fill(b.far, k_far, data);
            b.push(mover_bench::contiguous(k_far, 0, 40'000));
            b.push(mover_bench::contiguous(k_far, 0, 40'000));
            cycles_pass(after);
            b.port.write(reg::control, 1);
            BOOST_TEST(b.port.free() == 32u);
            const std::uint64_t begun = cycle();
            b.push(mover_bench::contiguous(k_far + 100, 50'000, 50'000));
            b.cycles_until(1);
            BOOST_TEST((b.content(b.near, 50'000, 50'000) == image(data.begin() + 100, data.begin() + 50'100)));
            std::uint64_t sum = 0;
            for (std::uint32_t c = 0; c < iface::k_perf_counters; ++c)
                if (measures_time(static_cast<perf_counter>(c)))
                    sum += b.port.perf(static_cast<perf_counter>(c));
            BOOST_TEST(sum == cycle() - begun);
            cycles_pass(20'000); // what the first copies had reserved of the memories
                                 // has passed
            BOOST_TEST(b.completed() == 1u);
            b.port.write(reg::control, 1);
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
