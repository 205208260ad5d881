#pragma once
// Several things measured in turn, so that a slow moment of the host meets all of them.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace kpu::bench {

[[nodiscard]] inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// The median of each over `rounds` rounds.
[[nodiscard]] inline std::vector<double> interleaved_medians(const std::vector<std::function<double()>>& measurements,
                                                             std::size_t rounds) {
    std::vector<std::vector<double>> seen(measurements.size());
    for (std::size_t round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < measurements.size(); ++i)
            seen[i].push_back(measurements[i]());
    std::vector<double> medians;
    medians.reserve(seen.size());
    for (const std::vector<double>& values : seen)
        medians.push_back(median(values));
    return medians;
}

} // namespace kpu::bench
