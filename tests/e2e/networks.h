#pragma once
// Small networks of every kind that the generators know.

#include "compiler/dfg/workloads.h"

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

} // namespace kpu::test
