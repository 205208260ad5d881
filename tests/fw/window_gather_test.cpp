// Implicit im2col: the copies bring exactly the window elements that lie inside of the tensor.

#include "fw/loader/window_gather.h"
#include "tests/fw/random_windows.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using test::element_at;
using test::product;

namespace {

/// Carries copies out on element numbers; -1 where nothing was written. Element size 4.
std::vector<std::int64_t> carry_out(const fw::gathered_rows& g, std::uint64_t elements, std::uint64_t base,
                                    std::uint64_t to) {
    std::vector<std::int64_t> out(elements, -1);
    for (const iface::copy_operands& c : g.moves)
        for (std::uint64_t i = 0; i < c.count[2]; ++i)
            for (std::uint64_t j = 0; j < c.count[3]; ++j)
                for (std::uint64_t b = 0; b < c.run; b += 4) {
                    const std::uint64_t from =
                        c.source.base.value() + i * c.source.stride[2] + j * c.source.stride[3] + b;
                    const std::uint64_t into =
                        c.destination.base.value() + i * c.destination.stride[2] + j * c.destination.stride[3] + b;
                    std::int64_t& place = out.at((into - to) / 4);
                    BOOST_REQUIRE_MESSAGE(place == -1, "written twice");
                    place = static_cast<std::int64_t>((from - base) / 4);
                }
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(random_windows_are_gathered_exactly) {
    const unsigned seed = 20261127;
    BOOST_TEST_MESSAGE("seed " << seed);
    test::window_generator draw{std::mt19937(seed)};
    for (int round = 0; round < 2000; ++round) {
        const dfx::window_rows w = test::random_windows(draw);
        const std::uint64_t rows = product(w.places);
        const std::uint64_t depth = product(w.window.kernel) * w.input.back();
        const std::uint64_t r = draw(0, rows - 1);
        const std::uint64_t k = draw(0, depth - 1);
        const fw::extent some_rows{r, draw(1, rows - r)};
        const fw::extent some_depth{k, draw(1, depth - k)};
        const fw::gathered_rows g = fw::gather_windows(w, address(4096), 4, some_rows, some_depth, address(65536));
        const auto out = carry_out(g, some_rows.count * some_depth.count, 4096, 65536);
        bool complete = true;
        for (std::uint64_t i = 0; i < some_rows.count; ++i)
            for (std::uint64_t j = 0; j < some_depth.count; ++j) {
                const std::int64_t expected = element_at(w, r + i, k + j);
                complete = complete && expected >= 0;
                BOOST_REQUIRE_EQUAL(out[i * some_depth.count + j], expected);
            }
        BOOST_REQUIRE_EQUAL(g.complete, complete);
    }
}

BOOST_AUTO_TEST_CASE(an_image_needs_few_copies) {
    // 3x3 over 112x112x32 without a border: one copy per kernel row
    dfx::window_rows w;
    w.input = {1, 114, 114, 32};
    w.places = {1, 112, 112};
    w.window = {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    const fw::gathered_rows g = fw::gather_windows(w, address(0), 4, {0, 112ULL * 112}, {0, 288}, address(1ULL << 30));
    BOOST_TEST(g.complete);
    BOOST_TEST(g.moves.size() == 3U);
}
