#pragma once
// Graphs of whole layers and small networks. Inputs and weights are CONSTANT nodes; x is the input, y the output.
// Biases have the accumulator's type.
//
// In i8 they are quantised networks: x and the weights are i8, and products are summed in i32. Sums, behind
// their RELU, are cast to f32, multiplied by constants s… (f32; one per channel behind weights, else one for all, of
// the sums' rank), clamped, and cast to i8, which rounds to nearest even and saturates. Softmaxes and layer norms are
// f32; so is y but for convolutions, whose y is i8.

#include "compiler/dfg/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kpu::dfg {

/// x [batch, widths[0]] through a FUSED_MATMUL_BIAS_ACT per further width, all but the last with relu. Scales in i8:
/// s<i>, counted from 1.
struct mlp_spec {
    std::string name = "mlp";
    std::uint64_t batch = 1;
    std::vector<std::uint64_t> widths;
    dtype type = dtype::f32;
};

/// Square kernels on x [batch, height, width, channels[0]]: one CONV2D per further entry, each followed by a clamp to
/// 0..6. Padding of kernel / 2 on all sides, below and right changed by as little as makes the stride divide exactly.
/// In i8 the clamps are to 0..127, and x is added in i8. Scales are s<i>, counted from 1.
struct conv_spec {
    std::string name = "conv";
    std::uint64_t batch = 1;
    std::uint64_t height = 1;
    std::uint64_t width = 1;
    std::vector<std::uint64_t> channels;
    std::uint64_t kernel = 3;
    std::uint64_t stride = 1; ///< of the first convolution; the others have 1
    bool activated = true;    ///< with the clamps
    bool residual = false;    ///< adds x before the last clamp; needs equal shapes
    dtype type = dtype::f32;
};

/// Self-attention over x [tokens, model], the softmax as REDUCE_MAX, SUB, EXP, REDUCE_SUM, RECIPROCAL, MUL. The scale
/// of the scores is part of Wq. As an encoder layer: x + attention, layer norm, a hidden layer with relu, again a sum
/// and a layer norm. The format has no word for a root: it is an UNKNOWN named tosa.rsqrt. Fixed numbers are clamps to
/// one value, since a file holds no values of constants. Scales in i8: sq, sk, sv; s.scores makes numbers
/// of the scores, s.shares integers of the softmax, s.mixed of what it mixes; so; of an encoder layer sx (x as
/// numbers), s.first (the first norm as integers), s1, s2.
struct attention_spec {
    std::string name = "attention";
    std::uint64_t tokens = 1;
    std::uint64_t model = 1;
    std::uint64_t heads = 1;  ///< divides `model`
    std::uint64_t hidden = 0; ///< of an encoder layer; 0: attention alone
    dtype type = dtype::f32;
};

/// A small classifier of square images x [batch, side, side, channels[0]]: per further entry of channels a CONV2D of
/// 3 × 3 with stride 2 (one row and column of zeros below and to the right) and RELU, then an FC per width, all but the
/// last with RELU. Weights are conv<i>.w, conv<i>.b, fc<i>.w, fc<i>.b, counted from 1; scales in i8 conv<i>.s, fc<i>.s.
struct classifier_spec {
    std::string name = "classifier";
    std::uint64_t batch = 1;
    std::uint64_t side = 28; ///< even at every convolution
    std::vector<std::uint64_t> channels;
    std::vector<std::uint64_t> widths;
    dtype type = dtype::f32;
};

/// Each throws input_error for extents of 0 or beyond k_largest_extent, too few layers, and i32.
[[nodiscard]] graph mlp_graph(const mlp_spec& spec);
[[nodiscard]] graph conv_graph(const conv_spec& spec);
[[nodiscard]] graph attention_graph(const attention_spec& spec);
[[nodiscard]] graph classifier_graph(const classifier_spec& spec);

} // namespace kpu::dfg
