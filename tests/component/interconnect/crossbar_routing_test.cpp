// What the crossbar does with addresses: splitting, loans, refusals, order; random traffic.

#include "hw/memory/dram_channel.h"
#include "tests/component/interconnect/crossbar_bench.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace kpu;
using namespace kpu::test;
using sc_core::sc_time;

namespace {

std::vector<unsigned char> random_bytes(std::mt19937_64& random, std::size_t n) {
    std::vector<unsigned char> v(n);
    std::generate(v.begin(), v.end(), [&] { return static_cast<unsigned char>(random()); });
    return v;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(crossbar_routing, crossbar_bench)

BOOST_AUTO_TEST_CASE(what_crosses_units_is_split) {
    build(1, true);
    run([&] {
        // 100 bytes of unit 0, 256 of units 1, 2, 3, 44 of unit 1, where the next row begins; all in parallel behind
        // one initiator port.
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
    BOOST_TEST(banks[0]->stats().write_bytes.value() == 100u);
    BOOST_TEST(banks[1]->stats().write_bytes.value() == 300u);
    BOOST_TEST(banks[1]->stats().writes == 2u);
    BOOST_TEST(banks[3]->stats().write_bytes.value() == 256u);
    BOOST_TEST(bar->initiator_port(0).write_bytes.value() == 912u);
    BOOST_TEST(bar->target_port(1).write_bytes.value() == 300u);
    BOOST_TEST(bar->target_port(1).read_bytes.value() == 300u);
}

BOOST_AUTO_TEST_CASE(loans_from_units_with_storage_of_their_own_pass_only_where_there_is_one_piece) {
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

BOOST_AUTO_TEST_CASE(loans_of_pieces_that_lie_together_are_one_loan) {
    build(1, true);
    const auto shared = std::make_shared<hw::paged_storage>(bytes(k_units * 64 * 1024));
    for (const auto& bank : banks)
        bank->share(shared);
    constexpr std::uint64_t page = hw::paged_storage::k_page;
    run([&] {
        std::vector<unsigned char> data(1000);
        std::iota(data.begin(), data.end(), static_cast<unsigned char>(1));
        source[0]->write(k_base + page - 1000, data);
        std::vector<unsigned char> buffer(2000, 0);
        const unsigned char* got = nullptr;
        sc_time delay;
        (void)source[0]->access.read_loan(address(k_base + page - 1000), bytes(1000), buffer.data(), got, delay);
        BOOST_TEST((got == shared->loan(page - 1000, 1000) && buffer[0] == 0));
        BOOST_TEST(std::equal(data.begin(), data.end(), got));
        // The page behind was never written and lies elsewhere: what was lent before it is copied after all.
        delay = sc_core::SC_ZERO_TIME;
        (void)source[0]->access.read_loan(address(k_base + page - 700), bytes(2000), buffer.data(), got, delay);
        BOOST_TEST(got == buffer.data());
        BOOST_TEST(std::equal(data.begin() + 300, data.end(), buffer.begin()));
        BOOST_TEST(std::count(buffer.begin() + 700, buffer.end(), hw::paged_storage::k_poison) == 1300);
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
    test_target device("device");
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
