// The crossbar between test initiators and memory banks: closed forms, sharing, splitting, limits. Every link has a
// protocol monitor.

#include "hw/interconnect/crossbar.h"
#include "hw/memory/dram_channel.h"
#include "hw/memory/memory_bank.h"
#include "hw/tlm/protocol_monitor.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <random>

using namespace kpu;
using kpu::test::sim_fixture;
using kpu::test::test_initiator;
using sc_core::sc_time;

namespace {

constexpr std::uint64_t k_period = 1000;
constexpr std::uint64_t k_latency = 3; ///< cycles
constexpr std::uint64_t k_hop = 2;     ///< cycles

platform::memory_params bank_params(std::uint64_t width) {
    platform::memory_params p;
    p.capacity = bytes(64 * 1024);
    p.port_width = bytes(width);
    p.latency = cycles(k_latency);
    return p;
}

platform::crossbar_params bar_params(std::uint64_t width) {
    platform::crossbar_params p;
    p.port_width = bytes(width);
    p.hop_latency = cycles(k_hop);
    return p;
}

/// `initiators` test initiators, one crossbar, four banks of 64 KiB: interleaved by 256 bytes at 0x10000, or
/// consecutive there.
struct bench : sim_fixture {
    static constexpr std::uint64_t k_base = 0x10000;
    static constexpr std::uint32_t k_units = 4;
    std::vector<std::unique_ptr<test_initiator>> source;
    std::vector<std::unique_ptr<hw::protocol_monitor>> monitors;
    std::unique_ptr<hw::crossbar> bar;
    std::vector<std::unique_ptr<hw::memory_bank>> banks;

    void build(std::uint32_t initiators, bool interleaved, std::uint64_t bar_width = 16,
               std::uint64_t bank_width = 16) {
        hw::route_table routes;
        const platform::address_range range{address(k_base), bytes(k_units * 64 * 1024)};
        if (interleaved)
            routes.add_interleaved("banks", range, bytes(256), k_units);
        else
            routes.add_consecutive("banks", range, k_units);
        bar = std::make_unique<hw::crossbar>("bar", bar_params(bar_width), picoseconds(k_period), initiators, routes);
        for (std::uint32_t i = 0; i < initiators; ++i) {
            source.push_back(std::make_unique<test_initiator>(("source" + std::to_string(i)).c_str()));
            join(source.back()->socket_i, bar->from_t[i]);
        }
        for (std::uint32_t b = 0; b < k_units; ++b) {
            const hw::placement where{address(k_base), routes.routes()[0].map, b};
            banks.push_back(std::make_unique<hw::memory_bank>(("bank" + std::to_string(b)).c_str(),
                                                              bank_params(bank_width), picoseconds(k_period), where));
            join(bar->to_i[b], banks.back()->data_t);
        }
    }
    template <class From, class To>
    void join(From& from, To& to) {
        monitors.push_back(
            std::make_unique<hw::protocol_monitor>(("monitor" + std::to_string(monitors.size())).c_str()));
        from.bind(monitors.back()->up_t);
        monitors.back()->down_i.bind(to);
    }
    ~bench() {
        for (const auto& m : monitors) {
            for (const auto& v : m->violations())
                BOOST_ERROR(v.rule << ' ' << v.message);
            BOOST_TEST(m->in_flight() == 0u);
        }
    }
    std::uint64_t bank_address(std::uint32_t bank, std::uint64_t local = 0) const {
        return k_base + bank * 64 * 1024 + local;
    }
};

constexpr std::uint64_t cycles_of(std::uint64_t n) {
    return n * k_period;
}

std::vector<unsigned char> random_bytes(std::mt19937_64& random, std::size_t n) {
    std::vector<unsigned char> v(n);
    std::generate(v.begin(), v.end(), [&] { return static_cast<unsigned char>(random()); });
    return v;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(crossbar, bench)

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

BOOST_FIXTURE_TEST_CASE(the_narrowest_port_sets_the_rate_behind_too, bench) {
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

BOOST_AUTO_TEST_CASE(what_crosses_units_is_split) {
    build(1, true);
    run([&] {
        // 100 bytes of unit 0, 256 of units 1, 2, 3, 44 of unit 0 again; all in parallel behind one initiator port.
        std::vector<unsigned char> data(100 + 3 * 256 + 44);
        std::iota(data.begin(), data.end(), static_cast<unsigned char>(3));
        const std::uint64_t beats = 7 + 3 * 16 + 3;
        BOOST_TEST(source[0]->write(k_base + 156, data) == cycles_of(k_hop + k_latency + beats));
        std::vector<unsigned char> got(data.size());
        sc_core::wait(sc_time::from_value(cycles_of(100)));
        BOOST_TEST(source[0]->read(k_base + 156, got) == cycles_of(2 * k_hop + k_latency + beats));
        BOOST_TEST(source[0]->first() == cycles_of(2 * k_hop + k_latency + 1));
        BOOST_TEST(got == data, boost::test_tools::per_element());
    });
    BOOST_TEST(banks[0]->stats().write_bytes.value() == 144u);
    BOOST_TEST(banks[0]->stats().writes == 2u);
    BOOST_TEST(banks[3]->stats().write_bytes.value() == 256u);
    BOOST_TEST(bar->initiator_port(0).write_bytes.value() == 912u);
    BOOST_TEST(bar->target_port(0).write_bytes.value() == 144u);
    BOOST_TEST(bar->target_port(0).read_bytes.value() == 144u);
}

BOOST_AUTO_TEST_CASE(loans_pass_only_where_there_is_one_piece) {
    build(1, true);
    run([&] {
        std::vector<unsigned char> data(64, 9);
        source[0]->write(k_base + 512, data);
        source[0]->write(k_base + 512 - 64, data);
        std::vector<unsigned char> buffer(128, 0);
        const unsigned char* got = nullptr;
        sc_time delay;
        (void)source[0]->access.read_loan(address(k_base + 512), bytes(64), buffer.data(), got, delay);
        BOOST_TEST((got != buffer.data() && got[0] == 9 && buffer[0] == 0));
        delay = sc_core::SC_ZERO_TIME;
        (void)source[0]->access.read_loan(address(k_base + 512 - 64), bytes(128), buffer.data(), got, delay);
        BOOST_TEST(got == buffer.data());
        BOOST_TEST(std::count(buffer.begin(), buffer.end(), 9) == 128);
    });
}

BOOST_AUTO_TEST_CASE(chunking_does_not_change_the_time) {
    build(1, true);
    run([&] {
        std::vector<std::uint64_t> ends;
        for (const std::size_t chunk : {256u, 512u, 1024u, 8192u}) {
            std::vector<unsigned char> data(chunk);
            std::uint64_t end = 0;
            for (std::size_t at = 0; at < 8192; at += chunk)
                end = std::max(end, source[0]->read(k_base + at, data));
            ends.push_back(end);
            sc_core::wait(sc_time::from_value(end));
        }
        for (const std::uint64_t end : ends)
            BOOST_TEST(end == cycles_of(2 * k_hop + k_latency + 8192 / 16));
    });
}

BOOST_AUTO_TEST_CASE(accesses_outside_are_refused_without_effect) {
    build(1, true);
    run([&] {
        std::vector<unsigned char> data(512, 1);
        const std::uint64_t end = k_base + 4 * 64 * 1024;
        for (const std::uint64_t where : {k_base - 1, end - 511, end, std::uint64_t{0}, ~std::uint64_t{0} - 3}) {
            BOOST_TEST(source[0]->write(where, data) == 0u);
            BOOST_TEST((source[0]->status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
            BOOST_TEST(source[0]->access.debug_read(address(where), bytes(512), data.data()).value() == 0u);
        }
        source[0]->write(end - 512, data);
        BOOST_TEST((source[0]->status == tlm::TLM_OK_RESPONSE));
    });
    for (const auto& b : banks)
        BOOST_TEST(b->stats().writes == (b == banks[2] || b == banks[3] ? 1u : 0u));
}

BOOST_AUTO_TEST_CASE(shapes_that_cannot_be_split_are_refused) {
    build(1, true);
    run([&] {
        tlm::tlm_generic_payload payload;
        std::vector<unsigned char> data(512);
        unsigned char enable = 0xff;
        sc_time delay;
        const auto send = [&](unsigned int streaming, unsigned char* enables) {
            payload.set_command(tlm::TLM_READ_COMMAND);
            payload.set_address(k_base);
            payload.set_data_ptr(data.data());
            payload.set_data_length(512);
            payload.set_streaming_width(streaming);
            payload.set_byte_enable_ptr(enables);
            payload.set_byte_enable_length(1);
            payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
            source[0]->socket_i->b_transport(payload, delay);
            return payload.get_response_status();
        };
        BOOST_TEST((send(512, &enable) == tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE));
        BOOST_TEST((send(256, nullptr) == tlm::TLM_BURST_ERROR_RESPONSE));
        BOOST_TEST((send(512, nullptr) == tlm::TLM_OK_RESPONSE)); // without extensions
        BOOST_TEST((delay == sc_time::from_value(cycles_of(2 * k_hop + k_latency + 32))));
    });
}

BOOST_AUTO_TEST_CASE(the_payload_s_address_is_the_initiator_s_again) {
    build(1, true);
    run([&] {
        tlm::tlm_generic_payload payload;
        std::vector<unsigned char> data(16);
        payload.set_command(tlm::TLM_WRITE_COMMAND);
        payload.set_address(k_base + 300);
        payload.set_data_ptr(data.data());
        payload.set_data_length(16);
        payload.set_streaming_width(16);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        sc_time delay;
        source[0]->socket_i->b_transport(payload, delay);
        BOOST_TEST(payload.get_address() == k_base + 300);
        BOOST_TEST(banks[1]->stats().writes == 1u);
        BOOST_TEST(source[0]->socket_i->transport_dbg(payload) == 16u);
        BOOST_TEST(payload.get_address() == k_base + 300);
    });
}

BOOST_AUTO_TEST_CASE(requests_out_of_order_are_reported_once_and_counted) {
    build(2, false);
    expect_report("/kpu/interconnect/order", 1);
    run([&] {
        std::vector<unsigned char> data(16);
        source[0]->read(bank_address(0), data, 500);
        source[1]->read(bank_address(1), data, 500); // equal is in order
        BOOST_TEST(bar->out_of_order() == 0u);
        source[1]->read(bank_address(1), data, 499);
        source[1]->read(bank_address(1), data, 0);
        BOOST_TEST((source[1]->status == tlm::TLM_OK_RESPONSE));
    });
    BOOST_TEST(bar->out_of_order() == 2u);
}

BOOST_AUTO_TEST_CASE(random_traffic_ends_up_where_it_should) {
    const std::uint64_t seed = 20240501;
    BOOST_TEST_MESSAGE("seed " << seed);
    build(3, true, 32, 16);
    run([&] {
        std::mt19937_64 random(seed);
        const std::uint64_t size = k_units * 64 * 1024;
        std::vector<unsigned char> model(size, hw::paged_storage::k_poison);
        std::uint64_t moved = 0;
        for (int i = 0; i < 2000; ++i) {
            test_initiator& who = *source[random() % 3];
            const std::uint64_t at = random() % size;
            const std::size_t n = std::min<std::uint64_t>(1 + random() % 2000, size - at);
            const auto begin = model.begin() + static_cast<std::ptrdiff_t>(at);
            moved += n;
            if (random() % 2 == 0) {
                const auto data = random_bytes(random, n);
                if (random() % 4 == 0)
                    BOOST_REQUIRE(who.access.debug_write(address(k_base + at), bytes(n), data.data()).value() == n);
                else
                    who.write(k_base + at, data);
                std::copy(data.begin(), data.end(), begin);
            } else {
                std::vector<unsigned char> data(n);
                const std::uint64_t took = who.read(k_base + at, data);
                BOOST_REQUIRE(took >= cycles_of(2 * k_hop + k_latency + (n + 31) / 32));
                BOOST_REQUIRE(who.first() <= took);
                BOOST_REQUIRE(std::equal(data.begin(), data.end(), begin));
            }
            if (random() % 3 == 0)
                sc_core::wait(sc_time::from_value(random() % 100'000));
        }
        BOOST_TEST(moved > 1'000'000u);
    });
    bytes through;
    bytes stored;
    for (std::uint32_t i = 0; i < 3; ++i)
        through += bar->initiator_port(i).read_bytes + bar->initiator_port(i).write_bytes;
    for (const auto& b : banks)
        stored += b->stats().read_bytes + b->stats().write_bytes;
    BOOST_TEST(through.value() == stored.value()); // bytes in = bytes out
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_CASE(interleaved_dram_runs_at_the_sum_of_its_channels, sim_fixture) {
    platform::dram_params params;
    params.channels = 2;
    params.capacity = bytes(2 << 20);
    const platform::address_range range{address(0x100000000), params.capacity};
    hw::route_table routes;
    routes.add_interleaved("dram", range, params.interleave, params.channels);
    test_initiator source("source");
    hw::crossbar bar("bar", bar_params(64), picoseconds(k_period), 1, routes);
    source.socket_i.bind(bar.from_t[0]);
    std::vector<std::unique_ptr<hw::dram_channel>> channels;
    for (std::uint32_t c = 0; c < 2; ++c) {
        channels.push_back(std::make_unique<hw::dram_channel>(("dram" + std::to_string(c)).c_str(), params));
        bar.to_i[c].bind(channels.back()->data_t);
    }
    run([&] {
        std::vector<unsigned char> data(4096);
        // Each channel delivers half: 64 bytes in 5 ns each, two hops, the latency.
        BOOST_TEST(source.read(0x100000000, data) == cycles_of(2 * k_hop) + 60'000 + 2048 / 64 * 5000);
        BOOST_TEST(source.first() == cycles_of(2 * k_hop) + 60'000 + 5000);
    });
}

BOOST_FIXTURE_TEST_CASE(a_target_that_waits_is_not_counted_twice, sim_fixture) {
    hw::route_table routes;
    routes.add_consecutive("device", {address(0), bytes(4096)});
    test_initiator source("source");
    hw::crossbar bar("bar", bar_params(16), picoseconds(k_period), 1, routes);
    kpu::test::test_target device("device");
    source.socket_i.bind(bar.from_t[0]);
    bar.to_i[0].bind(device.socket_t);
    device.transport = [](tlm::tlm_generic_payload& p, sc_time& delay) {
        sc_core::wait(delay + sc_time::from_value(cycles_of(5)));
        delay = sc_core::SC_ZERO_TIME;
        p.set_response_status(tlm::TLM_OK_RESPONSE);
    };
    run([&] {
        std::vector<unsigned char> data(16);
        const std::uint64_t rest = source.read(0, data);
        // Request hop and the device's time have passed in the call, the response hop has not.
        BOOST_TEST((sc_core::sc_time_stamp() == sc_time::from_value(cycles_of(k_hop + 5))));
        BOOST_TEST(rest == cycles_of(k_hop));
    });
}
