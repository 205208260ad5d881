#pragma once
// Random windows over random tensors, and what they show.

#include "compiler/dfx/contraction.h"

#include <cstdint>
#include <random>
#include <vector>

namespace kpu::test {

struct window_generator {
    std::mt19937 engine;
    std::uint64_t operator()(std::uint64_t low, std::uint64_t high) {
        return std::uniform_int_distribution<std::uint64_t>(low, high)(engine);
    }
};

inline dfx::window_rows random_windows(window_generator& draw) {
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
inline std::int64_t element_at(const dfx::window_rows& w, std::uint64_t row, std::uint64_t k) {
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

inline std::uint64_t product(const std::vector<std::uint64_t>& list) {
    std::uint64_t all = 1;
    for (const std::uint64_t n : list)
        all *= n;
    return all;
}

} // namespace kpu::test
