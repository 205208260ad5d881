// Implicit im2col: the copies bring exactly the window elements that lie inside of the tensor.

#include "fw/loader/window_gather.h"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace kpu;

namespace {

struct generator {
    std::mt19937 engine;
    std::uint64_t operator()(std::uint64_t low, std::uint64_t high) {
        return std::uniform_int_distribution<std::uint64_t>(low, high)(engine);
    }
};

dfx::window_rows random_windows(generator& draw) {
    const std::uint64_t spatial = draw(1, 3);
    dfx::window_rows w;
    const std::uint64_t images = draw(1, 2);
    w.input = {images};
    w.places = {images};
    for (std::uint64_t d = 0; d < spatial; ++d) {
        const std::uint64_t kernel = draw(1, 4);
        const std::uint64_t dilation = draw(1, 2);
        const std::uint64_t before = draw(0, kernel);
        const std::uint64_t after = draw(0, kernel);
        const std::uint64_t stride = draw(1, 3);
        const std::uint64_t reach = dilation * (kernel - 1) + 1;
        const std::uint64_t least = reach > before + after ? reach - before - after : 1;
        const std::uint64_t extent = std::max<std::uint64_t>(1, least + draw(0, 6));
        w.window.kernel.push_back(kernel);
        w.window.dilation.push_back(dilation);
        w.window.before.push_back(before);
        w.window.after.push_back(after);
        w.window.stride.push_back(stride);
        w.input.push_back(extent);
        w.places.push_back((before + extent + after - reach) / stride + 1);
    }
    w.input.push_back(draw(1, 5));
    return w;
}

/// Number of the input element at row `row` and depth `k` of A, or -1.
std::int64_t element_at(const dfx::window_rows& w, std::uint64_t row, std::uint64_t k) {
    const std::size_t spatial = w.window.kernel.size();
    std::vector<std::uint64_t> place(spatial), tap(spatial);
    const std::uint64_t channel = k % w.input.back();
    k /= w.input.back();
    for (std::size_t d = spatial; d-- > 0;) {
        place[d] = row % w.places[d + 1];
        row /= w.places[d + 1];
        tap[d] = k % w.window.kernel[d];
        k /= w.window.kernel[d];
    }
    auto at = static_cast<std::int64_t>(row);
    for (std::size_t d = 0; d < spatial; ++d) {
        const std::int64_t x =
            static_cast<std::int64_t>(place[d] * w.window.stride[d] + tap[d] * w.window.dilation[d]) -
            static_cast<std::int64_t>(w.window.before[d]);
        const auto extent = static_cast<std::int64_t>(w.input[d + 1]);
        if (x < 0 || x >= extent)
            return -1;
        at = at * extent + x;
    }
    return at * static_cast<std::int64_t>(w.input.back()) + static_cast<std::int64_t>(channel);
}

std::uint64_t product(const std::vector<std::uint64_t>& list) {
    std::uint64_t all = 1;
    for (const std::uint64_t n : list)
        all *= n;
    return all;
}

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
    generator draw{std::mt19937(seed)};
    for (int round = 0; round < 2000; ++round) {
        const dfx::window_rows w = random_windows(draw);
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
