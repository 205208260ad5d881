#pragma once
// Small networks of every kind that the generators know.

#include "compiler/dfg/workloads.h"
#include "compiler/tensor/number_format.h"
#include "tests/e2e/on_chip.h"

#include <cmath>
#include <map>
#include <string>

namespace kpu::test {

struct network {
    const char* name;
    dfg::graph (*make)(dtype);
};

inline dfg::graph mlp(dtype t) {
    dfg::mlp_spec s;
    s.batch = 13;
    s.widths = {70, 130, 33, 10};
    s.type = t;
    return dfg::mlp_graph(s);
}
inline dfg::graph convolutions(dtype t) {
    dfg::conv_spec s;
    s.batch = 2;
    s.height = 21;
    s.width = 18;
    s.channels = {3, 20, 24};
    s.stride = 2;
    s.type = t;
    return dfg::conv_graph(s);
}
inline dfg::graph residual(dtype t) {
    dfg::conv_spec s;
    s.height = s.width = 14;
    s.channels = {16, 32, 16};
    s.residual = true;
    s.type = t;
    return dfg::conv_graph(s);
}
inline dfg::graph attention(dtype t) {
    dfg::attention_spec s;
    s.tokens = 40;
    s.model = 64;
    s.heads = 2;
    s.type = t;
    return dfg::attention_graph(s);
}
inline dfg::graph classifier(dtype t) {
    dfg::classifier_spec s;
    s.batch = 3;
    s.side = 12;
    s.channels = {1, 8, 12};
    s.widths = {20, 10};
    s.type = t;
    return dfg::classifier_graph(s);
}
inline dfg::graph encoder(dtype t) {
    dfg::attention_spec s;
    s.tokens = 16;
    s.model = 32;
    s.heads = 4;
    s.hidden = 64;
    s.type = t;
    return dfg::attention_graph(s);
}

inline constexpr network k_networks[] = {{"mlp", mlp},           {"convolutions", convolutions},
                                         {"residual", residual}, {"attention", attention},
                                         {"encoder", encoder},   {"classifier", classifier}};

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
