// Banks and DRAM channels alone on a link: closed forms of their timing, bounds, loans, accounts. Every link has a
// protocol monitor.

#include "hw/memory/dram_channel.h"
#include "hw/memory/memory_bank.h"
#include "hw/tlm/protocol_monitor.h"
#include "tests/component/memory/dram_bench.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <set>

using namespace kpu;
using kpu::test::sim_fixture;
using kpu::test::test_initiator;
using sc_core::sc_time;

namespace {

constexpr std::uint64_t k_period = 1000;

/// Capacity 4096, one read port, two write ports, 16 bytes per cycle, latency 3.
platform::memory_params bank_params() {
    platform::memory_params p;
    p.capacity = bytes(4096);
    p.read_ports = 1;
    p.write_ports = 2;
    p.port_width = bytes(16);
    p.latency = cycles(3);
    return p;
}

/// 64 bytes in 5 ns, latency 60 ns, two channels of 1 MiB.
platform::dram_params dram_params() {
    platform::dram_params p;
    p.channels = 2;
    p.capacity = bytes(2 << 20);
    return p;
}

struct recorder : hw::observer {
    std::vector<memory_access> seen;
    std::string memory;
    void on_access(const std::string& name, const memory_access& access) override {
        memory = name;
        seen.push_back(access);
    }
};

template <class Memory>
struct bench : sim_fixture {
    test_initiator source{"source"};
    hw::protocol_monitor monitor{"monitor"};
    Memory memory;
    recorder seen;
    template <class... Parameters>
    explicit bench(const Parameters&... p) : memory("memory", p...) {
        source.socket_i.bind(monitor.up_t);
        monitor.down_i.bind(memory.data_t);
        memory.watch(&seen);
    }
    ~bench() { BOOST_TEST(monitor.violations().empty()); }
    std::vector<unsigned char> counting(std::size_t n) {
        std::vector<unsigned char> v(n);
        std::iota(v.begin(), v.end(), static_cast<unsigned char>(1));
        return v;
    }
};

struct bank_bench : bench<hw::memory_bank> {
    bank_bench()
        : bench(bank_params(), picoseconds(k_period),
                hw::placement{address(0x1000), hw::interleave(bytes(256), 2), 1}) {}
};
struct dram_bench : bench<hw::dram_channel> {
    dram_bench() : bench(dram_params(), hw::placement{address(0x100000000), hw::interleave(bytes(1024), 2), 0}) {}
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(bank, bank_bench)

BOOST_AUTO_TEST_CASE(one_access_takes_latency_plus_bytes_over_width) {
    run([&] {
        for (const std::size_t n : {1u, 16u, 17u, 256u, 1000u}) {
            std::vector<unsigned char> data(n);
            const std::uint64_t expected = (3 + (n + 15) / 16) * k_period;
            BOOST_TEST(source.read(0, data) == expected);
            BOOST_TEST(source.first() == 4 * k_period);
            sc_core::wait(sc_time::from_value(expected));
            BOOST_TEST(source.write(0, data) == expected);
            BOOST_TEST(source.first() == 4 * k_period);
            sc_core::wait(sc_time::from_value(expected));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_stream_pays_the_latency_once) {
    run([&] {
        std::vector<unsigned char> data(64);
        for (std::uint64_t i = 0; i < 20; ++i) {
            BOOST_TEST(source.read(0, data) == ((i + 1) * 4 + 3) * k_period);
            BOOST_TEST(source.first() == (i * 4 + 4) * k_period);
        }
        BOOST_TEST(memory.read_ports()[0].busy().value() == 80 * k_period);
    });
}

BOOST_AUTO_TEST_CASE(reads_and_writes_have_their_own_ports) {
    run([&] {
        std::vector<unsigned char> data(160);
        BOOST_TEST(source.read(0, data) == 13 * k_period);
        BOOST_TEST(source.write(0, data) == 13 * k_period); // first write port
        BOOST_TEST(source.write(0, data) == 13 * k_period); // second
        BOOST_TEST(source.write(0, data) == 23 * k_period); // behind one of them
        BOOST_TEST(source.read(0, data) == 23 * k_period);
    });
}

BOOST_AUTO_TEST_CASE(a_port_is_blocked_until_its_transfer_ends) {
    run([&] {
        std::vector<unsigned char> data(160);
        std::vector<unsigned char> beat(16);
        source.read(0, data); // port busy until 10'000
        sc_core::wait(sc_time::from_value(9'999));
        BOOST_TEST(source.read(0, beat) == 1 + 4 * k_period); // starts at 10'000
        sc_core::wait(sc_time::from_value(1'001));            // 11'000: free
        BOOST_TEST(source.read(0, beat) == 4 * k_period);
    });
}

BOOST_AUTO_TEST_CASE(a_request_may_lie_ahead) {
    run([&] {
        std::vector<unsigned char> data(16);
        BOOST_TEST(source.read(0, data, 700) == 700 + 4 * k_period);
        BOOST_TEST(source.first() == 700 + 4 * k_period);
    });
}

BOOST_AUTO_TEST_CASE(data_comes_back_by_copy_and_by_loan) {
    run([&] {
        const std::vector<unsigned char> data = counting(100);
        source.write(37, data);
        std::vector<unsigned char> got(100);
        source.read(37, got);
        BOOST_TEST(got == data, boost::test_tools::per_element());
        std::vector<unsigned char> buffer(100, 0xee);
        const unsigned char* lent = nullptr;
        sc_time delay;
        BOOST_TEST(
            (source.access.read_loan(address(37), bytes(100), buffer.data(), lent, delay) == tlm::TLM_OK_RESPONSE));
        BOOST_TEST((lent != buffer.data() && std::equal(data.begin(), data.end(), lent)));
        BOOST_TEST(buffer[0] == 0xee); // a loan copies nothing
    });
}

BOOST_AUTO_TEST_CASE(shared_storage_holds_the_bytes_in_the_order_of_the_address_map) {
    const auto shared = std::make_shared<hw::paged_storage>(bytes(2 * 4096));
    memory.share(shared);
    run([&] {
        const std::vector<unsigned char> data = counting(600);
        source.write(200, data); // granules 0, 1, 2 and 3 of this unit
        std::vector<unsigned char> got(600);
        source.read(200, got);
        BOOST_TEST(got == data, boost::test_tools::per_element());
        for (std::uint64_t i = 0; i < data.size(); ++i)
            BOOST_TEST(*shared->loan(memory.where().global(200 + i).value() - 0x1000, 1) == data[i]);
        std::vector<unsigned char> buffer(600, 0xee);
        const unsigned char* lent = nullptr;
        sc_time delay;
        (void)source.access.read_loan(address(200), bytes(56), buffer.data(), lent, delay);
        BOOST_TEST((lent != buffer.data() && std::equal(lent, lent + 56, data.begin())));
        delay = sc_core::SC_ZERO_TIME;
        (void)source.access.read_loan(address(200), bytes(57), buffer.data(), lent, delay); // into the next granule
        BOOST_TEST((lent == buffer.data() && std::equal(lent, lent + 57, data.begin())));
    });
}

BOOST_AUTO_TEST_CASE(accesses_outside_are_refused_without_time_or_effect) {
    run([&] {
        std::vector<unsigned char> data(16, 1);
        for (const std::uint64_t where : {std::uint64_t{4081}, std::uint64_t{4096}, ~std::uint64_t{0} - 3}) {
            BOOST_TEST(source.write(where, data) == 0u);
            BOOST_TEST((source.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
            BOOST_TEST(source.read(where, data) == 0u);
            BOOST_TEST((source.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        }
        BOOST_TEST(source.write(4080, data) == 4 * k_period); // the last beat is inside
        BOOST_TEST((source.status == tlm::TLM_OK_RESPONSE));
    });
    BOOST_TEST(memory.stats().writes == 1u);
    BOOST_TEST(memory.stats().reads == 0u);
    BOOST_TEST(seen.seen.size() == 1u);
}

BOOST_AUTO_TEST_CASE(shapes_that_it_does_not_know_are_refused) {
    run([&] {
        tlm::tlm_generic_payload payload;
        std::array<unsigned char, 16> data{};
        unsigned char enable = 0xff;
        sc_time delay;
        const auto send = [&](unsigned int streaming, unsigned char* enables) {
            payload.set_command(tlm::TLM_READ_COMMAND);
            payload.set_address(0);
            payload.set_data_ptr(data.data());
            payload.set_data_length(16);
            payload.set_streaming_width(streaming);
            payload.set_byte_enable_ptr(enables);
            payload.set_byte_enable_length(1);
            payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
            source.socket_i->b_transport(payload, delay);
            return payload.get_response_status();
        };
        BOOST_TEST((send(16, &enable) == tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE));
        BOOST_TEST((send(8, nullptr) == tlm::TLM_BURST_ERROR_RESPONSE));
        BOOST_TEST((delay == sc_core::SC_ZERO_TIME));
        BOOST_TEST((send(16, nullptr) == tlm::TLM_OK_RESPONSE));
    });
}

BOOST_AUTO_TEST_CASE(debug_accesses_take_no_time_and_stop_at_the_end) {
    run([&] {
        std::vector<unsigned char> data = counting(16);
        BOOST_TEST(source.access.debug_write(address(4090), bytes(16), data.data()).value() == 6u);
        std::vector<unsigned char> got(16, 0);
        BOOST_TEST(source.access.debug_read(address(4088), bytes(16), got.data()).value() == 8u);
        BOOST_TEST((got[0] == 0x57 && got[1] == 0x57 && got[2] == 1 && got[7] == 6 && got[8] == 0));
        BOOST_TEST(source.access.debug_read(address(4096), bytes(1), got.data()).value() == 0u);
        BOOST_TEST(source.read(0, got) == 4 * k_period); // ports were not touched
    });
    BOOST_TEST(memory.stats().reads == 1u);
}

BOOST_AUTO_TEST_CASE(observers_see_who_where_and_when) {
    run([&] {
        source.access.act_for({engine_id(5), 6, 7});
        std::vector<unsigned char> data(32);
        source.write(256 + 3, data);
        source.write(256 + 3, data);
        source.write(256 + 3, data);
    });
    BOOST_TEST(seen.memory == "memory");
    BOOST_TEST_REQUIRE(seen.seen.size() == 3u);
    const auto& last = seen.seen[2];
    BOOST_TEST((last.by.engine == engine_id(5) && last.by.number == 6 && last.by.tag == 7));
    BOOST_TEST(last.is_write);
    BOOST_TEST(last.where.value() == 0x1000u + 2 * 256 + 3); // second unit, second row of granules, which begins there
    BOOST_TEST(last.length.value() == 32u);
    BOOST_TEST(last.start.value() == 2 * k_period);
    BOOST_TEST(last.end.value() == 4 * k_period);
}

BOOST_AUTO_TEST_CASE(accounts) {
    run([&] {
        std::vector<unsigned char> data(40);
        source.write(0, data);
        source.read(0, data);
        source.read(0, data);
    });
    BOOST_TEST(memory.stats().reads == 2u);
    BOOST_TEST(memory.stats().writes == 1u);
    BOOST_TEST(memory.stats().read_bytes.value() == 80u);
    BOOST_TEST(memory.stats().write_bytes.value() == 40u);
    BOOST_TEST(memory.stats().read_bus_bytes.value() == 80u);
    BOOST_TEST(memory.stats().read_busy.value() == 6 * k_period);
    BOOST_TEST(memory.stats().write_busy.value() == 3 * k_period);
    BOOST_TEST(memory.write_ports()[0].busy().value() == 3 * k_period);
    BOOST_TEST(memory.write_ports()[1].busy().value() == 0u);
    BOOST_TEST(monitor.passed().read_bytes == memory.stats().read_bytes.value());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(dram, dram_bench)

BOOST_AUTO_TEST_CASE(one_access_takes_latency_plus_bytes_over_bandwidth) {
    run([&] {
        for (const std::size_t n : {64u, 1024u, 4096u}) {
            std::vector<unsigned char> data(n);
            const std::uint64_t expected = 60'000 + n * 5000 / 64;
            BOOST_TEST(source.read(0, data) == expected);
            BOOST_TEST(source.first() == 65'000u);
            sc_core::wait(sc_time::from_value(expected));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_stream_runs_at_the_bandwidth) {
    run([&] {
        std::vector<unsigned char> data(1024);
        std::uint64_t last = 0;
        for (int i = 0; i < 100; ++i)
            last = i % 2 == 0 ? source.read(0, data) : source.write(0, data); // they share the bus
        BOOST_TEST(last == 60'000 + 100 * 80'000u);
    });
    BOOST_TEST((memory.stats().read_busy + memory.stats().write_busy).value() == 100 * 80'000u);
}

BOOST_AUTO_TEST_CASE(bytes_outside_whole_bursts_cost) {
    run([&] {
        std::vector<unsigned char> one(1);
        std::vector<unsigned char> two(2);
        std::vector<unsigned char> burst(64);
        BOOST_TEST(source.read(10, one) == 65'000u);
        sc_core::wait(sc_time::from_value(65'000));
        BOOST_TEST(source.read(63, two) == 70'000u); // touches two bursts
        sc_core::wait(sc_time::from_value(70'000));
        BOOST_TEST(source.write(32, burst) == 70'000u);
    });
    BOOST_TEST(memory.stats().read_bytes.value() == 3u);
    BOOST_TEST(memory.stats().read_bus_bytes.value() == 192u);
    BOOST_TEST(memory.stats().write_bytes.value() == 64u);
    BOOST_TEST(memory.stats().write_bus_bytes.value() == 128u);
    BOOST_TEST(memory.stats().read_busy.value() == 15'000u);
}

BOOST_AUTO_TEST_CASE(a_channel_holds_its_share) {
    BOOST_TEST(memory.capacity().value() == 1u << 20);
    run([&] {
        std::vector<unsigned char> data(64);
        source.read((1 << 20) - 64, data);
        BOOST_TEST((source.status == tlm::TLM_OK_RESPONSE));
        source.read((1 << 20) - 63, data);
        BOOST_TEST((source.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
    });
}

BOOST_AUTO_TEST_CASE(a_read_across_pages_is_lent_if_both_are_written_and_copied_if_not) {
    run([&] {
        const std::uint64_t where = hw::paged_storage::k_page - 50;
        std::vector<unsigned char> data = counting(100);
        std::vector<unsigned char> buffer(100);
        const unsigned char* got = nullptr;
        sc_time delay;
        const auto read = [&] {
            BOOST_TEST((source.access.read_loan(address(where), bytes(100), buffer.data(), got, delay) ==
                        tlm::TLM_OK_RESPONSE));
        };
        source.write(where, std::vector<unsigned char>(data.begin(), data.begin() + 50));
        std::fill(data.begin() + 50, data.end(), hw::paged_storage::k_poison);
        read();
        BOOST_TEST(got == buffer.data());
        BOOST_TEST(buffer == data, boost::test_tools::per_element());
        data = counting(100);
        source.write(where, data);
        std::fill(buffer.begin(), buffer.end(), static_cast<unsigned char>(0));
        read();
        BOOST_TEST(got != buffer.data());
        BOOST_TEST(std::equal(data.begin(), data.end(), got));
    });
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

/// DDR4-3200: 64 bytes in 2.5 ns, 20 ns for the controller.
struct banked_bench : bench<hw::dram_channel> {
    static platform::dram_params params() {
        platform::dram_params p = kpu::test::ddr4_3200();
        p.capacity = bytes(64 << 20);
        p.controller_latency = picoseconds(20'000);
        return p;
    }
    banked_bench() : bench(params()) {}
    static constexpr std::uint64_t k_hit = 20'000 + 13'750, k_miss = k_hit + 13'750;
};

/// HBM2: eight sub-channels of 32 GB/s, pieces of 256 bytes.
struct stack_bench : bench<hw::dram_channel> {
    static platform::dram_params params() {
        platform::dram_params p = kpu::test::without_refresh(kpu::test::hbm2_2000());
        p.capacity = bytes(64 << 20);
        p.bandwidth = bytes_per_second(256'000'000'000);
        p.sub_channels = 8;
        p.interleave = bytes(256);
        p.controller_latency = picoseconds();
        return p;
    }
    stack_bench() : bench(params()) {}
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(banked_dram, banked_bench)

BOOST_AUTO_TEST_CASE(misses_and_hits_on_top_of_the_controller) {
    run([&] {
        std::vector<unsigned char> data(64);
        BOOST_TEST(source.read(0, data) == k_miss + 2500);
        BOOST_TEST(source.first() == k_miss + 2500);
        sc_core::wait(sc_time(1, sc_core::SC_US));
        BOOST_TEST(source.read(40, data) == k_miss + 2500); // two bursts; the second one finds its bank closed
        BOOST_TEST(source.first() == k_hit + 2500);
        sc_core::wait(sc_time(1, sc_core::SC_US));
        BOOST_TEST(source.write(0, data) == 20'000 + 10'000 + 2500);
        sc_core::wait(sc_time::from_value(7'800'000));
    });
    BOOST_TEST(memory.stats().row_hits == 2u);
    BOOST_TEST(memory.stats().row_misses == 2u);
    BOOST_TEST(memory.stats().row_conflicts == 0u);
    BOOST_TEST(memory.stats().activations == 2u);
    BOOST_TEST(memory.stats().refreshes == 1u);
    BOOST_TEST(memory.stats().read_bus_bytes.value() == 192u);
    BOOST_TEST(memory.stats().read_busy.value() == 3 * 2500u); // without the gap before the second row
    BOOST_TEST(memory.stats().write_busy.value() == 2500u);
}

BOOST_AUTO_TEST_CASE(a_stream_pays_for_its_rows_once) {
    run([&] {
        std::vector<unsigned char> data(4096);
        std::uint64_t last = 0;
        for (std::uint64_t at = 0; at < 1 << 20; at += 4096)
            last = source.read(at, data);
        const std::uint64_t all = (1 << 20) / 64 * 2500;
        const std::uint64_t refreshes = last / 7'800'000;
        BOOST_TEST(last >= k_miss + all + refreshes * 360'000);
        BOOST_TEST(last <= k_miss + all + refreshes * (360'000 + 13'750 + 4 * 2500));
    });
    BOOST_TEST(memory.stats().row_hits + memory.stats().activations == (1u << 20) / 64);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(sub_channels, stack_bench)

BOOST_AUTO_TEST_CASE(together_they_have_the_channels_bandwidth) {
    run([&] {
        std::vector<unsigned char> data(1 << 20);
        const double took = static_cast<double>(source.read(0, data));
        const double peak = (1 << 20) / 256e9 * 1e12;
        BOOST_TEST(took > peak);
        BOOST_TEST(took < 1.02 * peak);
    });
    BOOST_TEST(memory.stats().read_busy.value() == (1u << 20) / 64 * 2000 / 8);
}

BOOST_AUTO_TEST_CASE(a_piece_has_one_sub_channel) {
    run([&] {
        std::vector<unsigned char> piece(256);
        std::uint64_t last = 0;
        for (int i = 0; i < 2; ++i)
            last = source.read(0, piece); // a row in each group, 4 ns apart, then four hits of 2 ns
        BOOST_TEST(last == 14'000 + 14'000 + 3 * 4000 + 4 * 2000 + 2000);
        BOOST_TEST(source.read(256, piece) == 14'000u + 14'000 + 3 * 4000 + 2000); // the next piece: another
    });
}

BOOST_AUTO_TEST_CASE(strides_of_whole_turns_use_all_of_them) {
    run([&] {
        std::vector<unsigned char> piece(256);
        std::set<std::uint64_t> ends;
        for (std::uint64_t i = 0; i < 8; ++i)
            ends.insert(source.read(i * 8 * 256, piece));
        BOOST_TEST(ends.size() == 1u); // none waits for another
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_CASE(without_data_a_bank_tells_the_same_times_and_keeps_nothing, bank_bench) {
    memory.keep_no_data();
    run([&] {
        const auto data = counting(64);
        BOOST_TEST(source.write(0, data) == 7000u); // 64 bytes at 16 per cycle, latency 3
        std::vector<unsigned char> into(64, 0xee);
        BOOST_TEST(source.read(0, into) == 7000u);
        BOOST_TEST((into == std::vector<unsigned char>(64, 0xee)));
        const unsigned char* lent = nullptr;
        sc_time delay;
        BOOST_TEST((source.access.read_loan(address(0), bytes(64), into.data(), lent, delay) == tlm::TLM_OK_RESPONSE));
        BOOST_TEST((lent == into.data()));
        BOOST_TEST((source.access.debug_write(address(0), bytes(64), data.data()) == bytes(64)));
        BOOST_TEST((source.access.debug_read(address(0), bytes(64), into.data()) == bytes(64)));
        BOOST_TEST((into == std::vector<unsigned char>(64, hw::paged_storage::k_poison)));
        source.read(4090, into);
        BOOST_TEST((source.status == tlm::TLM_ADDRESS_ERROR_RESPONSE));
        BOOST_TEST(memory.stats().reads == 2u);
        BOOST_TEST(memory.storage().resident().value() == 0u);
    });
}
