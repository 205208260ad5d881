// The SystemC-free parts of the memories: rates, ports, interleaving, storage.

#include "hw/memory/interleave.h"
#include "hw/memory/paged_storage.h"
#include "hw/memory/port_schedule.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

using namespace kpu;
using hw::interleave;
using hw::paged_storage;
using hw::port_schedule;
using hw::rate_server;
using hw::transfer_rate;

BOOST_AUTO_TEST_SUITE(rates)

BOOST_AUTO_TEST_CASE(clocked_ports_carry_whole_beats) {
    for (const std::uint64_t width : {1u, 3u, 24u, 64u}) {
        const transfer_rate rate = transfer_rate::clocked(bytes(width), picoseconds(700));
        for (std::uint64_t n = 0; n < 300; ++n)
            BOOST_TEST(rate.duration(bytes(n)).value() == (n + width - 1) / width * 700);
        BOOST_TEST(rate.beat().value() == 700u);
    }
}

BOOST_AUTO_TEST_CASE(bandwidths_round_up_to_picoseconds) {
    const transfer_rate lpddr = transfer_rate::continuous(bytes_per_second(12'800'000'000), bytes(64));
    BOOST_TEST(lpddr.beat().value() == 5000u);
    BOOST_TEST(lpddr.duration(bytes(4096)).value() == 320'000u);
    const transfer_rate odd = transfer_rate::continuous(bytes_per_second(3), bytes(1));
    BOOST_TEST(odd.duration(bytes(1)).value() == 333'333'333'334u);
    BOOST_TEST(odd.duration(bytes(3)).value() == 1'000'000'000'000u);
    // Beyond 64 bits in bytes times picoseconds.
    const transfer_rate wide = transfer_rate::continuous(bytes_per_second(1'000'000'000), bytes(64));
    BOOST_TEST(wide.duration(bytes(std::uint64_t{1} << 40)).value() == (std::uint64_t{1} << 40) * 1000);
}

BOOST_AUTO_TEST_CASE(zero_rates_are_refused) {
    BOOST_CHECK_THROW((void)transfer_rate::clocked(bytes(0), picoseconds(1)), std::logic_error);
    BOOST_CHECK_THROW((void)transfer_rate::clocked(bytes(1), picoseconds(0)), std::logic_error);
    BOOST_CHECK_THROW((void)transfer_rate::continuous(bytes_per_second(0), bytes(1)), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ports)

BOOST_AUTO_TEST_CASE(blocked_one_picosecond_before_the_end_free_at_the_end) {
    rate_server port;
    BOOST_TEST(port.reserve(picoseconds(100), picoseconds(50)).value() == 100u);
    BOOST_TEST(port.earliest(picoseconds(149)).value() == 150u);
    BOOST_TEST(port.earliest(picoseconds(150)).value() == 150u);
    BOOST_TEST(port.earliest(picoseconds(151)).value() == 151u);
    BOOST_TEST(port.reserve(picoseconds(149), picoseconds(10)).value() == 150u);
    BOOST_TEST(port.reserve(picoseconds(160), picoseconds(1)).value() == 160u);
    BOOST_TEST(port.busy().value() == 61u);
    BOOST_TEST(port.free_at().value() == 161u);
}

BOOST_AUTO_TEST_CASE(requests_take_the_port_that_is_free_first) {
    port_schedule two(transfer_rate::clocked(bytes(8), picoseconds(10)), 2);
    const auto a = two.reserve(picoseconds(0), bytes(80)); // port 0 until 100
    const auto b = two.reserve(picoseconds(0), bytes(8));  // port 1 until 10
    const auto c = two.reserve(picoseconds(5), bytes(8));
    const auto d = two.reserve(picoseconds(5), bytes(800)); // port 1 until 1020
    const auto e = two.reserve(picoseconds(5), bytes(8));
    BOOST_TEST((a.port == 0 && a.start.value() == 0 && a.end.value() == 100));
    BOOST_TEST((b.port == 1 && b.start.value() == 0 && b.end.value() == 10));
    BOOST_TEST((c.port == 1 && c.start.value() == 10 && c.end.value() == 20));
    BOOST_TEST((d.port == 1 && d.start.value() == 20 && d.end.value() == 1020));
    BOOST_TEST((e.port == 0 && e.start.value() == 100 && e.end.value() == 110));
    BOOST_TEST(two.earliest(picoseconds(109)).value() == 110u);
    BOOST_TEST(two.earliest(picoseconds(110)).value() == 110u);
    BOOST_TEST(two.ports()[0].busy().value() == 110u);
    BOOST_TEST(two.ports()[1].busy().value() == 1020u);
}

BOOST_AUTO_TEST_CASE(k_ports_carry_k_times_as_much) {
    for (std::uint32_t k = 1; k <= 4; ++k) {
        port_schedule ports(transfer_rate::clocked(bytes(16), picoseconds(1000)), k);
        picoseconds end;
        for (int i = 0; i < 120; ++i)
            end = std::max(end, ports.reserve(picoseconds(0), bytes(160)).end);
        BOOST_TEST(end.value() == 120 / k * 10'000);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(interleaving)

BOOST_AUTO_TEST_CASE(granules_go_round) {
    const interleave map(bytes(256), 3);
    BOOST_TEST(map.locate(256 * 2 + 17).unit == 2u);
    const auto at = map.locate(256 * 4 + 17); // second of the second row, which is rotated by one
    BOOST_TEST(at.unit == 2u);
    BOOST_TEST(at.local == 256u + 17u);
    BOOST_TEST(map.run(256 * 4 + 17) == 239u);
}

BOOST_AUTO_TEST_CASE(columns_of_a_matrix_spread_over_the_units_whatever_its_pitch) {
    for (const std::uint32_t units : {2u, 4u, 8u})
        for (std::uint64_t pitch = 256; pitch <= 65536; pitch *= 2) {
            const interleave map(bytes(256), units);
            std::vector<int> hits(units, 0);
            for (std::uint64_t row = 0; row < 64 * units; ++row)
                ++hits[map.locate(row * pitch).unit];
            for (const int of_unit : hits)
                BOOST_TEST((of_unit >= 48 && of_unit <= 80), units << " units, pitch " << pitch << ": " << of_unit);
        }
}

BOOST_AUTO_TEST_CASE(locate_and_offset_of_are_inverse_and_cover_every_byte_once) {
    for (const std::uint64_t granule : {1u, 12u, 64u, 100u})
        for (std::uint32_t units = 1; units <= 5; ++units) {
            const interleave map(bytes(granule), units);
            const std::uint64_t size = granule * units * 7;
            std::vector<int> seen(size, 0);
            for (std::uint64_t o = 0; o < size; ++o) {
                const auto at = map.locate(o);
                BOOST_REQUIRE(at.unit < units);
                BOOST_REQUIRE(at.local < size / units);
                ++seen[at.unit * (size / units) + at.local];
                BOOST_REQUIRE(map.offset_of(at) == o);
            }
            BOOST_TEST(std::count(seen.begin(), seen.end(), 1) == static_cast<std::ptrdiff_t>(size));
        }
}

BOOST_AUTO_TEST_CASE(a_run_stays_in_its_unit) {
    const interleave map(bytes(64), 4);
    for (std::uint64_t o = 0; o < 1024; ++o) {
        const auto first = map.locate(o);
        const auto last = map.locate(o + map.run(o) - 1);
        BOOST_REQUIRE(first.unit == last.unit);
        BOOST_REQUIRE(last.local - first.local == map.run(o) - 1);
        BOOST_REQUIRE(map.locate(o + map.run(o)).unit != first.unit);
    }
}

BOOST_AUTO_TEST_CASE(placements_lead_back_to_the_address_map) {
    const hw::placement second{address(0x10000), interleave(bytes(64), 2), 1};
    BOOST_TEST(second.global(0).value() == 0x10000u + 64);
    BOOST_TEST(second.global(70).value() == 0x10000u + 128 + 6); // the second row begins in the second unit
    const hw::placement alone{address(0x10000), {}, 0};
    BOOST_TEST(alone.global(70).value() == 0x10000u + 70);
    BOOST_CHECK_THROW(interleave(bytes(0), 2), std::logic_error);
    BOOST_CHECK_THROW(interleave(bytes(64), 0), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(storage)

BOOST_AUTO_TEST_CASE(bytes_that_nobody_wrote_are_poison) {
    paged_storage memory(bytes(std::uint64_t{1} << 40));
    BOOST_TEST(memory.resident().value() == 0u);
    std::vector<unsigned char> got(10, 0);
    memory.read((std::uint64_t{1} << 40) - 10, 10, got.data());
    BOOST_TEST(std::count(got.begin(), got.end(), paged_storage::k_poison) == 10);
    BOOST_TEST(memory.resident().value() == 0u); // reading does not allocate
    const unsigned char one = 1;
    memory.write(5, 1, &one);
    BOOST_TEST(memory.resident().value() == paged_storage::k_page);
    memory.read(4, 3, got.data());
    BOOST_TEST((got[0] == 0x57 && got[1] == 1 && got[2] == 0x57));
}

BOOST_AUTO_TEST_CASE(loans_are_the_storage_itself_and_end_where_nothing_was_written) {
    paged_storage memory(bytes(4 * paged_storage::k_page));
    const std::uint64_t page = paged_storage::k_page;
    unsigned char value = 7;
    memory.write(page, 1, &value);
    const unsigned char* lent = memory.loan(page, page);
    BOOST_TEST_REQUIRE(lent != nullptr);
    BOOST_TEST(lent[0] == 7);
    value = 8;
    memory.write(page, 1, &value);
    BOOST_TEST(lent[0] == 8);
    BOOST_TEST(memory.loan(page - 1, 2) == nullptr);
    BOOST_TEST(memory.loan(page, page + 1) == nullptr);
    BOOST_TEST(memory.loan(3 * page, 8)[0] == 0x57); // of a page that was never written
    memory.write(2 * page, 1, &value);
    lent = memory.loan(page, page + 2);
    BOOST_TEST_REQUIRE(lent != nullptr);
    BOOST_TEST((lent[0] == 8 && lent[1] == 0x57 && lent[page] == 8 && lent[page + 1] == 0x57));
}

BOOST_AUTO_TEST_CASE(loans_end_at_groups_of_pages) {
    const std::uint64_t group = std::uint64_t{64} << 20;
    paged_storage memory(bytes(2 * group));
    const unsigned char values[2] = {1, 2};
    memory.write(group - 1, 2, values);
    BOOST_TEST(memory.loan(group - 1, 2) == nullptr);
    BOOST_TEST(memory.loan(group - 1, 1)[0] == 1);
    BOOST_TEST(memory.loan(group, 1)[0] == 2);
    BOOST_TEST(memory.resident().value() == 2 * paged_storage::k_page);
}

BOOST_AUTO_TEST_CASE(behaves_like_an_array) {
    const std::uint64_t seed = 4711;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    const std::uint64_t size = 3 * paged_storage::k_page + 123;
    paged_storage memory{bytes(size)};
    std::vector<unsigned char> model(size, paged_storage::k_poison);
    for (int i = 0; i < 300; ++i) {
        const std::uint64_t at = random() % size;
        const std::uint64_t n = std::min<std::uint64_t>(random() % (paged_storage::k_page + 500), size - at);
        if (i % 2 == 0) {
            std::vector<unsigned char> data(n);
            std::generate(data.begin(), data.end(), [&] { return static_cast<unsigned char>(random()); });
            memory.write(at, n, data.data());
            std::copy(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            std::vector<unsigned char> data(n);
            memory.read(at, n, data.data());
            BOOST_REQUIRE(std::equal(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(at)));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
