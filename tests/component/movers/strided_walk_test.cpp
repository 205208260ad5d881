// Address generation: every byte once, in order, in as few segments as
// possible.

#include "hw/movers/strided_walk.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

using namespace kpu;
using namespace kpu::hw;

namespace {

iface::copy_operands copy_of(std::array<std::uint32_t, 4> count, std::uint32_t run, std::array<std::uint32_t, 4> stride,
                             std::uint64_t base = 0) {
    iface::copy_operands c;
    c.count = count;
    c.run = run;
    c.source.base = address(base);
    c.source.stride = stride;
    return c;
}

/// The definition: for all indices, the addresses of the run's bytes.
std::vector<std::uint64_t> addresses_of(const iface::copy_operands& c, const iface::copy_side& side) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t i0 = 0; i0 < c.count[0]; ++i0)
        for (std::uint64_t i1 = 0; i1 < c.count[1]; ++i1)
            for (std::uint64_t i2 = 0; i2 < c.count[2]; ++i2)
                for (std::uint64_t i3 = 0; i3 < c.count[3]; ++i3)
                    for (std::uint64_t b = 0; b < c.run; ++b)
                        all.push_back(side.base.value() + i0 * side.stride[0] + i1 * side.stride[1] +
                                      i2 * side.stride[2] + i3 * side.stride[3] + b);
    return all;
}

std::vector<segment> segments_of(const iface::copy_operands& c, std::uint64_t limit = UINT64_MAX) {
    std::vector<segment> all;
    strided_walk walk(c, c.source);
    while (walk.left() > bytes(0))
        all.push_back(walk.next(bytes(limit)));
    return all;
}

void check_segments(const iface::copy_operands& c,
                    const std::vector<std::pair<std::uint64_t, std::uint64_t>>& expected) {
    const std::vector<segment> got = segments_of(c);
    BOOST_TEST(got.size() == expected.size());
    for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
        BOOST_TEST(got[i].where.value() == expected[i].first);
        BOOST_TEST(got[i].length.value() == expected[i].second);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(strided)

BOOST_AUTO_TEST_CASE(totals) {
    BOOST_TEST(total_bytes(copy_of({2, 3, 4, 5}, 6, {})).value() == 720u);
    BOOST_TEST(total_bytes(copy_of({2, 3, 0, 5}, 6, {})).value() == 0u);
    BOOST_TEST(total_bytes(copy_of({2, 3, 4, 5}, 0, {})).value() == 0u);
    BOOST_TEST(total_bytes(copy_of({1, 1, 1, 1}, 0xffffffff, {})).value() == 0xffffffffu);
    BOOST_TEST(total_bytes(copy_of({1u << 20, 1u << 20, 1, 1}, 1, {})).value() == k_largest_copy);
    BOOST_TEST(total_bytes(copy_of({1u << 20, 1u << 20, 1, 1}, 2, {})).value() == 0u);
    const std::uint32_t most = 0xffffffff;
    BOOST_TEST(total_bytes(copy_of({most, most, most, most}, most, {})).value() ==
               0u); // does not wrap to something small
}

BOOST_AUTO_TEST_CASE(dense_copies_are_one_segment) {
    check_segments(copy_of({1, 1, 1, 1}, 100, {}, 7), {{7, 100}});
    check_segments(copy_of({1, 1, 8, 4}, 16, {9, 9, 64, 16}, 32), {{32, 512}});
    check_segments(copy_of({2, 3, 4, 5}, 8, {480, 160, 40, 8}), {{0, 960}});
    check_segments(copy_of({1, 1, 1, 1}, 64, {1, 2, 3, 4}), {{0, 64}}); // strides of single elements do not matter
}

BOOST_AUTO_TEST_CASE(rows_of_a_matrix) {
    check_segments(copy_of({1, 1, 3, 1}, 64, {0, 0, 256, 0}, 1000), {{1000, 64}, {1256, 64}, {1512, 64}});
}

BOOST_AUTO_TEST_CASE(inner_dense_outer_strided) {
    check_segments(copy_of({1, 2, 2, 4}, 8, {0, 1000, 32, 8}), {{0, 64}, {1000, 64}});
}

BOOST_AUTO_TEST_CASE(neighbours_that_meet_by_chance_are_joined) {
    // [0,64) [128,192) then the next row begins at 192
    check_segments(copy_of({1, 1, 2, 2}, 64, {0, 0, 192, 128}), {{0, 64}, {128, 128}, {320, 64}});
}

BOOST_AUTO_TEST_CASE(repeated_reads_of_one_place) {
    check_segments(copy_of({1, 1, 1, 3}, 10, {0, 0, 0, 0}, 50), {{50, 10}, {50, 10}, {50, 10}});
}

BOOST_AUTO_TEST_CASE(cuts_within_runs) {
    const auto got = segments_of(copy_of({1, 1, 2, 1}, 100, {0, 0, 1000, 0}), 64);
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected = {{0, 64}, {64, 36}, {1000, 64}, {1064, 36}};
    BOOST_TEST(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        BOOST_TEST((got[i].where.value() == expected[i].first && got[i].length.value() == expected[i].second));
}

BOOST_AUTO_TEST_CASE(random_copies_agree_with_the_definition) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const auto pick = [&](std::uint32_t low, std::uint32_t high) {
        return low + static_cast<std::uint32_t>(random()) % (high - low + 1);
    };
    for (int round = 0; round < 2000; ++round) {
        iface::copy_operands c = copy_of({pick(1, 3), pick(1, 3), pick(1, 4), pick(1, 5)}, pick(1, 9), {}, random());
        std::uint32_t dense = c.run;
        for (std::size_t d = 4; d-- > 0;) {
            c.source.stride[d] = pick(0, 2) == 0 ? pick(0, 40) : dense;
            dense = c.source.stride[d] * c.count[d];
        }
        const std::vector<std::uint64_t> expected = addresses_of(c, c.source);
        strided_walk walk(c, c.source);
        BOOST_TEST(walk.left().value() == expected.size());
        const strided_walk start = walk;
        std::size_t at = 0;
        std::uint64_t end_of_last = UINT64_MAX;
        bool cut = true;
        while (walk.left() > bytes(0)) {
            const std::uint64_t limit = pick(1, 60);
            const segment s = walk.next(bytes(limit));
            const bool joined = cut || s.where.value() != end_of_last; // maximal: only a cut separates neighbours
            bool same = joined && s.length.value() > 0 && s.length.value() <= limit;
            for (std::uint64_t b = 0; b < s.length.value() && same; ++b, ++at)
                same = expected[at] == s.where.value() + b && start.locate(bytes(at)).value() == expected[at];
            BOOST_TEST(same, "seed " << seed << ", round " << round << ", byte " << at);
            if (!same)
                return;
            cut = s.length.value() == limit;
            end_of_last = s.where.value() + s.length.value();
        }
        BOOST_TEST(at == expected.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(chunks)

namespace {

std::vector<std::uint64_t> chunks_of(const iface::copy_operands& c, std::uint64_t limit, std::uint64_t alignment = 64) {
    const strided_walk walk(c, c.source);
    const std::uint64_t total = total_bytes(c).value();
    std::vector<std::uint64_t> all;
    for (std::uint64_t at = 0; at < total; at += all.back()) {
        all.push_back(chunk_length(walk, bytes(at), bytes(total - at), bytes(limit), bytes(alignment)).value());
        BOOST_REQUIRE(all.back() > 0);
        BOOST_REQUIRE(all.back() <= limit);
    }
    return all;
}

using lengths = std::vector<std::uint64_t>;

} // namespace

BOOST_AUTO_TEST_CASE(long_runs_are_cut_at_aligned_addresses) {
    BOOST_TEST(chunks_of(copy_of({1, 1, 1, 1}, 16384, {}), 4096) == lengths({4096, 4096, 4096, 4096}),
               boost::test_tools::per_element());
    BOOST_TEST(chunks_of(copy_of({1, 1, 1, 1}, 5000, {}), 4096) == lengths({4096, 904}),
               boost::test_tools::per_element());
    BOOST_TEST(chunks_of(copy_of({1, 1, 1, 1}, 10000, {}, 100), 4096) == lengths({4060, 4096, 1844}),
               boost::test_tools::per_element()); // cuts at multiples of 64
}

BOOST_AUTO_TEST_CASE(short_runs_stay_whole) {
    BOOST_TEST(chunks_of(copy_of({1, 1, 5, 1}, 1000, {0, 0, 3000, 0}), 4096) == lengths({4000, 1000}),
               boost::test_tools::per_element());
    BOOST_TEST(chunks_of(copy_of({1, 1, 2, 1}, 5000, {0, 0, 9024, 0}), 4096) == lengths({4096, 904, 4096, 904}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tiny_limits) {
    BOOST_TEST(chunks_of(copy_of({1, 1, 1, 1}, 10, {}, 3), 4, 1) == lengths({4, 4, 2}),
               boost::test_tools::per_element());
    BOOST_TEST(chunks_of(copy_of({1, 1, 1, 1}, 200, {}, 3), 64) == lengths({61, 64, 64, 11}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
