// The crossbar's closed forms: one stream, shared ports, narrow ports.

#include "tests/component/interconnect/crossbar_bench.h"

#include <algorithm>

using namespace kpu;
using namespace kpu::test;
using sc_core::sc_time;

namespace {

/// Initiators that each keep one request to bank 1 under way, until `until` cycles: how many bytes each has received.
std::vector<std::uint64_t> shares_of_one_target(crossbar_bench& b, const std::vector<std::size_t>& lengths,
                                                std::uint64_t until) {
    std::vector<std::uint64_t> got(lengths.size(), 0);
    const sc_time end = sc_time::from_value(cycles_of(until));
    for (std::size_t i = 0; i < lengths.size(); ++i)
        sc_core::sc_spawn([&b, &got, &lengths, end, i] {
            std::vector<unsigned char> data(lengths[i]);
            for (;;) {
                sc_core::wait(sc_time::from_value(b.source[i]->read(b.bank_address(1), data)));
                if (sc_core::sc_time_stamp() > end)
                    return;
                got[i] += data.size();
            }
        });
    sc_core::wait(end + sc_time::from_value(cycles_of(1000)));
    return got;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(crossbar_timing, crossbar_bench)

BOOST_AUTO_TEST_CASE(a_read_pays_two_hops_the_latency_and_its_bytes) {
    build(1, false);
    run([&] {
        for (const std::size_t n : {1u, 16u, 17u, 160u, 4000u}) {
            std::vector<unsigned char> data(n);
            const std::uint64_t expected = cycles_of(2 * k_hop + k_latency + (n + 15) / 16);
            BOOST_TEST(source[0]->read(bank_address(1), data) == expected);
            BOOST_TEST(source[0]->first() == cycles_of(2 * k_hop + k_latency + 1));
            sc_core::wait(sc_time::from_value(expected));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_write_pays_one_hop_the_latency_and_its_bytes) {
    build(1, false);
    run([&] {
        for (const std::size_t n : {1u, 16u, 17u, 160u, 4000u}) {
            const std::vector<unsigned char> data(n);
            const std::uint64_t expected = cycles_of(k_hop + k_latency + (n + 15) / 16);
            BOOST_TEST(source[0]->write(bank_address(2), data) == expected);
            BOOST_TEST(source[0]->first() == cycles_of(k_hop + k_latency + 1));
            sc_core::wait(sc_time::from_value(expected));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_stream_pays_them_once) {
    build(1, false);
    run([&] {
        std::vector<unsigned char> data(64);
        for (std::uint64_t i = 0; i < 20; ++i) {
            BOOST_TEST(source[0]->read(bank_address(0), data) == cycles_of(2 * k_hop + k_latency + 4 * (i + 1)));
            BOOST_TEST(source[0]->first() == cycles_of(2 * k_hop + k_latency + 4 * i + 1));
        }
        for (std::uint64_t i = 0; i < 20; ++i) // the write direction is free
            BOOST_TEST(source[0]->write(bank_address(0), data) == cycles_of(k_hop + k_latency + 4 * (i + 1)));
    });
}

BOOST_AUTO_TEST_CASE(the_narrowest_port_sets_the_rate) {
    build(1, false, 16, 64); // wide memory behind a narrow crossbar
    run([&] {
        std::vector<unsigned char> data(640);
        BOOST_TEST(source[0]->read(bank_address(0), data) == cycles_of(2 * k_hop + k_latency + 40));
        BOOST_TEST(source[0]->write(bank_address(0), data) == cycles_of(k_hop + k_latency + 40));
    });
}

BOOST_AUTO_TEST_CASE(the_narrowest_port_sets_the_rate_behind_too) {
    build(1, false, 64, 16); // narrow memory behind a wide crossbar
    run([&] {
        std::vector<unsigned char> data(640);
        for (std::uint64_t i = 1; i <= 10; ++i) {
            BOOST_TEST(source[0]->read(bank_address(0), data) == cycles_of(2 * k_hop + k_latency + 40 * i));
            BOOST_TEST(source[0]->write(bank_address(0), data) == cycles_of(k_hop + k_latency + 40 * i));
        }
    });
}

BOOST_AUTO_TEST_CASE(streams_to_one_target_share_it) {
    build(3, false);
    run([&] {
        std::vector<unsigned char> data(160);
        std::uint64_t last = 0;
        for (int round = 0; round < 10; ++round)
            for (const auto& s : source)
                last = std::max(last, s->read(bank_address(1), data));
        BOOST_TEST(last == cycles_of(2 * k_hop + k_latency + 30 * 10));
    });
    BOOST_TEST(bar->target_port(1).read.busy().value() == cycles_of(300));
    BOOST_TEST(bar->initiator_port(0).read.busy().value() == cycles_of(100));
}

BOOST_AUTO_TEST_CASE(streams_to_distinct_targets_do_not_disturb_each_other) {
    build(3, false);
    run([&] {
        std::vector<unsigned char> data(160);
        for (std::uint64_t round = 1; round <= 10; ++round)
            for (std::uint32_t s = 0; s < 3; ++s) {
                BOOST_TEST(source[s]->read(bank_address(s), data) == cycles_of(2 * k_hop + k_latency + 10 * round));
                BOOST_TEST(source[s]->write(bank_address(s), data) == cycles_of(k_hop + k_latency + 10 * round));
            }
    });
}

BOOST_AUTO_TEST_CASE(one_initiator_is_limited_by_its_own_port) {
    build(1, false);
    run([&] {
        std::vector<unsigned char> data(160);
        std::uint64_t last = 0;
        for (std::uint64_t i = 0; i < 12; ++i) // four banks could deliver four times as fast
            last = source[0]->read(bank_address(i % 4), data);
        BOOST_TEST(last == cycles_of(2 * k_hop + k_latency + 12 * 10));
    });
}

BOOST_AUTO_TEST_CASE(first_come_first_served_gives_shares_by_what_is_under_way) {
    // One turn is 640 + 160 bytes, 50 cycles.
    build(2, false);
    run([&] {
        const auto got = shares_of_one_target(*this, {640, 160}, 10'000);
        BOOST_TEST(got[0] + 640 >= 10'000 / 50 * 640);
        BOOST_TEST(got[0] <= 10'000 / 50 * 640);
        BOOST_TEST(got[1] + 160 >= 10'000 / 50 * 160);
        BOOST_TEST(got[1] <= 10'000 / 50 * 160);
    });
}

BOOST_AUTO_TEST_CASE(short_transfers_cost_whole_beats_at_every_port) {
    build(1, false);
    run([&] {
        for (const std::size_t n : {1u, 4u, 15u, 16u, 17u}) {
            std::vector<unsigned char> data(n);
            const std::uint64_t begun = sc_core::sc_time_stamp().value();
            std::uint64_t last = 0;
            for (int i = 0; i < 100; ++i)
                last = source[0]->read(bank_address(0), data);
            BOOST_TEST(last == cycles_of(2 * k_hop + k_latency + 100 * ((n + 15) / 16)), n << " bytes, from " << begun);
            sc_core::wait(sc_time::from_value(last));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_port_is_blocked_until_its_transfer_ends) {
    build(2, false);
    run([&] {
        std::vector<unsigned char> data(160);
        std::vector<unsigned char> beat(16);
        source[0]->read(bank_address(0), data); // the bank is busy in [hop, hop + 10) cycles
        sc_core::wait(sc_time::from_value(cycles_of(10) - 1));
        BOOST_TEST(source[1]->read(bank_address(0), beat) == 1 + cycles_of(2 * k_hop + k_latency + 1));
        sc_core::wait(sc_time::from_value(cycles_of(1) + 1));
        BOOST_TEST(source[1]->read(bank_address(0), beat) == cycles_of(2 * k_hop + k_latency + 1));
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(n_equal_initiators_get_one_nth_of_a_target) {
    constexpr std::uint64_t until = 10'000;
    for (const std::uint32_t n : {2u, 3u, 4u}) {
        crossbar_bench b;
        b.build(n, false);
        b.run([&] {
            std::uint64_t sum = 0;
            for (const std::uint64_t mine : shares_of_one_target(b, std::vector<std::size_t>(n, 640), until)) {
                BOOST_TEST(mine + 640 >= 16 * until / n);
                BOOST_TEST(mine <= 16 * until / n + 640);
                sum += mine;
            }
            BOOST_TEST(sum <= 16 * until); // the port's rate
            BOOST_TEST(sum + n * 640 >= 16 * until);
        });
    }
}
