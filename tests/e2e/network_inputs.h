#pragma once
// Inputs of generated networks.

#include "compiler/tensor/number_format.h"
#include "tests/e2e/on_chip.h"

#include <cmath>
#include <map>
#include <string>

namespace kpu::test {

/// Inputs as `--random SEED` would fill them. The scales of quantised networks (f32 beside i8) are one half to one
/// times what leaves the numbers behind them neither all 0 nor all saturated.
inline tensor_map network_inputs(const compiled_graph& g, std::uint64_t seed) {
    static const std::map<std::string, float> factors = {{"s.scores", 1.0F / 16384},
                                                         {"s.shares", 127.0F},
                                                         {"s.mixed", 1.0F / 64},
                                                         {"s.first", 40.0F},
                                                         {"sx", 1.0F / 64}};
    tensor_map inputs = random_inputs(g, seed);
    if (inputs.at("x").type != dtype::i8)
        return inputs;
    for (auto& [key, values] : inputs) {
        if (values.type != dtype::f32)
            continue;
        const auto found = factors.find(key);
        const float factor = found == factors.end() ? 1.0F / 1024 : found->second;
        std::vector<float> numbers = widened<float>(values);
        for (float& number : numbers)
            number = factor * (0.5F + 0.5F * std::fabs(number));
        values = rounded<float>(dtype::f32, values.dims, numbers);
    }
    return inputs;
}

} // namespace kpu::test
