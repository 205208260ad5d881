// DMA engines on DRAM channels and an L3 tile: what short runs cost, shares of engines, back-pressure, and independence
// of the chunk size with fixed and banked timing.

#include "tests/component/memory/dram_bench.h"
#include "tests/component/movers/dma_bench.h"
#include "tests/support/sim_fixture.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::test;
using platform::dram_timing;

namespace {

/// `count` runs of `length` bytes, `stride` apart in DRAM and packed in the tile.
struct pattern {
    std::uint32_t count, length, stride;
};

iface::copy_operands copy_of(const pattern& p, bool load, std::uint64_t at) {
    iface::copy_operands c;
    c.count[3] = p.count;
    c.run = p.length;
    const iface::copy_side dram{address(k_dram + at), {0, 0, 0, p.stride}};
    const iface::copy_side tile{address(at % (1u << 19)), {0, 0, 0, p.length}};
    c.source = load ? dram : tile;
    c.destination = load ? tile : dram;
    return c;
}

/// Engine and ports of 64 bytes per cycle; one channel of 12.8 bytes per cycle in bursts of 64.
dma_setup one_channel() {
    dma_setup setup;
    setup.dram.bandwidth = bytes_per_second(12'800'000'000);
    setup.dram.burst = bytes(64);
    return setup;
}

std::uint64_t cycles_of(const dma_setup& setup, const pattern& p, bool load, std::uint32_t copies = 1,
                        std::uint64_t at = 0) {
    sim_fixture fixture;
    dma_bench b(setup);
    std::uint64_t end = 0;
    fixture.run([&] {
        for (std::uint32_t e = 0; e < setup.engines; ++e)
            for (std::uint32_t c = 0; c < copies; ++c)
                b.push(e, copy_of(p, load, at + (std::uint64_t{e} * copies + c) * 65'536));
        for (std::uint32_t e = 0; e < setup.engines; ++e)
            end = std::max(end, b.await(e, copies));
    });
    return end;
}

/// Cycles that one more run costs, from two copies of different length.
double cycles_per_run(const dma_setup& setup, pattern p, bool load, std::uint64_t at = 0) {
    p.count = 256;
    const std::uint64_t shorter = cycles_of(setup, p, load, 1, at);
    p.count = 512;
    return static_cast<double>(cycles_of(setup, p, load, 1, at) - shorter) / 256;
}

} // namespace

BOOST_AUTO_TEST_SUITE(short_runs)

BOOST_AUTO_TEST_CASE(cost_whole_bursts_of_dram) {
    const dma_setup setup = one_channel(); // a burst is 5 cycles
    for (const bool load : {true, false}) {
        BOOST_TEST(cycles_per_run(setup, {0, 4, 128}, load) == 5);
        BOOST_TEST(cycles_per_run(setup, {0, 32, 128}, load) == 5);
        BOOST_TEST(cycles_per_run(setup, {0, 64, 128}, load) == 5);
        BOOST_TEST(cycles_per_run(setup, {0, 64, 128}, load, 32) == 10); // across two bursts
        BOOST_TEST(cycles_per_run(setup, {0, 4, 128}, load, 62) == 10);
    }
    pattern rows{64, 4096, 8192};
    const std::uint64_t half = cycles_of(setup, rows, true);
    rows.count = 128;
    BOOST_TEST(cycles_of(setup, rows, true) - half == 64 * 320u);
}

BOOST_AUTO_TEST_CASE(cost_whole_beats_of_engine_and_ports) {
    dma_setup setup = one_channel();
    setup.dram.bandwidth = bytes_per_second(1'024'000'000'000); // a burst of 4 bytes in 4 ps
    setup.dram.burst = bytes(4);
    for (const bool load : {true, false}) {
        BOOST_TEST(cycles_per_run(setup, {0, 4, 128}, load) == 1);
        BOOST_TEST(cycles_per_run(setup, {0, 32, 128}, load) == 1);
        BOOST_TEST(cycles_per_run(setup, {0, 64, 128}, load) == 1);
        BOOST_TEST(cycles_per_run(setup, {0, 68, 256}, load) == 2);
    }
    setup.bar.port_width = bytes(16); // the crossbars' ports are narrower than the engine
    BOOST_TEST(cycles_per_run(setup, {0, 4, 128}, true) == 1);
    BOOST_TEST(cycles_per_run(setup, {0, 64, 128}, true) == 4);
    BOOST_TEST(cycles_per_run(setup, {0, 68, 256}, true) == 5);
}

BOOST_AUTO_TEST_CASE(are_counted_as_bus_bytes) {
    sim_fixture fixture;
    dma_bench b(one_channel());
    fixture.run([&] {
        b.push(0, copy_of({100, 4, 128}, true, 0));
        b.push(0, copy_of({100, 32, 128}, false, 0));
        b.await(0, 2);
    });
    BOOST_TEST(b.dram_stats().read_bytes.value() == 400u);
    BOOST_TEST(b.dram_stats().read_bus_bytes.value() == 6400u);
    BOOST_TEST(b.dram_stats().write_bus_bytes.value() == 6400u);
}

BOOST_AUTO_TEST_CASE(of_one_bank_open_a_row_each) {
    // Bursts a bank's row apart: every run finds another row open, and one bank opens a row every t_rc.
    dma_setup setup;
    setup.dram = without_refresh(ddr4_3200());
    setup.dram.capacity = bytes(1u << 28);
    setup.dram.interleave = bytes(256);
    setup.dram.device.banks = setup.dram.device.bank_groups = 1;
    const double rc = static_cast<double>(setup.dram.device.t_rc.value()) / 1000;
    BOOST_TEST(std::abs(cycles_per_run(setup, {0, 64, 8192}, true) - rc) < 0.01);
    BOOST_TEST(std::abs(cycles_per_run(setup, {0, 4, 8192}, true) - rc) < 0.01);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(sharing)

BOOST_AUTO_TEST_CASE(equal_engines_get_equal_shares_of_a_channel) {
    for (const std::uint32_t engines : {2u, 3u, 4u}) {
        dma_setup setup = one_channel();
        setup.engines = engines;
        sim_fixture fixture;
        dma_bench b(setup);
        fixture.run([&] {
            for (std::uint32_t e = 0; e < engines; ++e)
                b.push(e, copy_of({1, 65'536, 65'536}, true, e * 65'536));
            // alone a copy takes 5120 cycles
            for (std::uint32_t e = 0; e < engines; ++e) {
                const std::uint64_t end = b.await(e, 1);
                BOOST_TEST(end <= engines * 5120 + 100);
                BOOST_TEST(end + engines * 4096 / 12 >= engines * 5120); // all end within one chunk of each
            }
        });
    }
}

BOOST_AUTO_TEST_CASE(one_engine_cannot_use_more_than_its_own_width) {
    dma_setup setup = one_channel();
    setup.dram.channels = 16; // 204.8 bytes per cycle
    const std::uint64_t one = cycles_of(setup, {1, 65'536, 65'536}, true);
    BOOST_TEST(one >= 65'536u / 64);
    BOOST_TEST(one <= 65'536u / 64 + 100);
}

BOOST_AUTO_TEST_CASE(a_slow_destination_holds_the_reading_once_the_buffer_is_full) {
    dma_setup setup = one_channel();
    setup.dram.channels = 16;
    setup.tile.port_width = bytes(8); // an eighth of the engine's rate
    setup.mover.in_flight = bytes(16'384);
    setup.mover.chunk = bytes(1024);
    sim_fixture fixture;
    dma_bench b(setup);
    fixture.run([&] {
        b.push(0, copy_of({1, 262'144, 262'144}, true, 0));
        // 16 KiB are read at 64 bytes per cycle, whatever happens behind; then 8 per cycle.
        for (const std::uint64_t at : {200u, 400u, 1000u, 5000u, 20'000u}) {
            sc_core::wait(sc_core::sc_time::from_value(at * 1000) - sc_core::sc_time_stamp());
            const std::uint64_t read = b.dram_stats().read_bytes.value();
            BOOST_TEST(read <= 16'384 + 8 * at);
            BOOST_TEST(read + 2 * 1024 + 8 * 100 >= std::min<std::uint64_t>(64 * at, 16'384 + 8 * at));
        }
        b.await(0, 1);
    });
    BOOST_TEST(b.ports[0]->perf(iface::perf_counter::stall_write) > 25'000u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(chunks)

/// Largest relative difference between chunk sizes, of all patterns, loads and stores.
double worst_difference(dma_setup setup, std::uint32_t copies,
                        const std::vector<std::uint64_t>& sizes = {64, 256, 1024, 4096}) {
    double worst = 0;
    for (const pattern& p : {pattern{1, 65'536, 65'536}, pattern{64, 1024, 4096}, pattern{128, 512, 4096},
                             pattern{512, 64, 1024}, pattern{1024, 32, 64}, pattern{1024, 4, 64}})
        for (const bool load : {true, false}) {
            std::uint64_t least = ~std::uint64_t{0};
            std::uint64_t most = 0;
            for (const std::uint64_t chunk : sizes) {
                setup.mover.chunk = bytes(chunk);
                const std::uint64_t took = cycles_of(setup, p, load, copies);
                least = std::min(least, took);
                most = std::max(most, took);
            }
            worst = std::max(worst, static_cast<double>(most - least) / static_cast<double>(least));
        }
    return worst;
}

BOOST_AUTO_TEST_CASE(do_not_matter_to_one_engine) {
    for (const dram_timing timing : {dram_timing::fixed, dram_timing::banked})
        for (const platform::dram_params& dram : {lpddr5_6400(), ddr4_3200()})
            for (const std::uint32_t channels : {1u, 4u}) {
                dma_setup setup;
                setup.dram = dram;
                setup.dram.timing = timing;
                setup.dram.channels = channels;
                setup.dram.capacity = bytes(1u << 26);
                setup.dram.interleave = bytes(256);
                const double worst = worst_difference(setup, 3);
                BOOST_TEST(worst < 0.01, name_of(timing)
                                             << ' ' << dram.preset << ", " << channels << " channels: " << worst);
                BOOST_TEST_MESSAGE(name_of(timing) << ' ' << dram.preset << ", " << channels << " channels: " << worst);
            }
}

BOOST_AUTO_TEST_CASE(do_not_matter_to_engines_that_share_fixed_dram) {
    for (const std::uint32_t engines : {2u, 4u})
        for (const std::uint32_t channels : {1u, 4u}) {
            dma_setup setup = one_channel();
            setup.engines = engines;
            setup.dram.channels = channels;
            setup.dram.burst = bytes(32);
            const double worst = worst_difference(setup, 3);
            BOOST_TEST(worst < 0.01, engines << " engines, " << channels << " channels: " << worst);
            BOOST_TEST_MESSAGE(engines << " engines, " << channels << " channels: " << worst);
        }
}

/// Here they do: the bus waits for rows in the order of the requests (hw/memory/README.md, Limits). How much is printed
/// and bounded.
BOOST_AUTO_TEST_CASE(matter_to_engines_that_go_through_the_same_banks_in_step) {
    for (const std::uint32_t engines : {2u, 4u})
        for (const std::uint32_t channels : {1u, 4u}) {
            dma_setup setup;
            setup.engines = engines;
            setup.dram = lpddr5_6400();
            setup.dram.channels = channels;
            setup.dram.capacity = bytes(1u << 26);
            setup.dram.interleave = bytes(256);
            const double worst = worst_difference(setup, 3, {1024, 4096});
            BOOST_TEST(worst < 0.6, engines << " engines, " << channels << " channels: " << worst);
            BOOST_TEST_MESSAGE(engines << " engines, " << channels << " channels, banked: " << worst);
        }
}

BOOST_AUTO_TEST_SUITE_END()
