// Each rule of an operator broken once: refused at the node's line, with the reason.

#include "tests/dfg/one_op.h"

using kpu::test::one_op;

namespace {

const std::string k_conv = "dilation:array<i64: 1, 1>,pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 1, 1>";
const std::string k_stride_0 = "dilation:array<i64: 1, 1>,pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 0, 1>";
const std::string k_stride_2 = "dilation:array<i64: 1, 1>,pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 2, 2>";

struct refusal {
    one_op op;
    std::string reason;
};

const std::vector<std::string> k_conv_types{"1x4x4x2xf32", "3x3x3x2xf32", "3xf32"};

const refusal k_refusals[] = {
    {{"CONV2D", k_conv_types, "pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 1, 1>", "1x2x2x3xf32"},
     "does not say the attribute dilation"},
    {{"CONV2D", k_conv_types, k_conv + ",group:2 : i32", "1x2x2x3xf32"}, "no such attribute: 'group:2 : i32'"},
    {{"CONV2D", k_conv_types, k_conv, "1x2x2x4xf32"}, "the stated result has another shape"},
    {{"CONV2D", k_conv_types, k_conv, "1x2x2x3xf16"}, "element type does not follow from the operands'"},
    {{"CONV2D", k_conv_types, k_stride_0, "1x2x2x3xf32"}, "row stride out of range"},
    {{"CONV2D", k_conv_types, k_stride_2, "1x1x1x3xf32"}, "the stride does not divide the padded input exactly"},
    {{"CONV2D", {"1x4x4x2xf32", "3x5x3x2xf32"}, k_conv, "1x2x2x3xf32"}, "row: the kernel exceeds the padded input"},
    {{"CONV2D", {"1x4x4x2xf32", "3x3x3x1xf32"}, k_conv, "1x2x2x3xf32"}, "another number of input channels"},
    {{"CONV2D", {"1x4x4x2xf32", "3x3x3x2xf32", "2xf32"}, k_conv, "1x2x2x3xf32"}, "the bias has another shape"},
    {{"CONV2D", {"1x4x4x2xf32", "3x3x3x2xf32", "3xf64"}, k_conv, "1x2x2x3xf32"}, "the bias does not widen exactly"},
    {{"CONV2D", {"1x4x4x2xf32", "3x3x3x2xf16"}, k_conv, "1x2x2x3xf32"}, "element types of operands 0 and 1 differ"},
    {{"CONV2D", {"1x4x4x2xi8", "3x3x3x2xi8"}, k_conv, "1x2x2x3xi8"}, "(expected i32)"},
    {{"CONV2D", {"4x4x2xf32", "3x3x3x2xf32"}, k_conv, "1x2x2x3xf32"}, "operand 0 has another rank"},
    {{"CONV2D", {"1x4x4x2xf32", "3x3x3x2xf32", "3xf32", "1xf32", "1xf32"}, k_conv, "1x2x2x3xf32"},
     "zero points are operands whose values the file does not hold"},
    {{"CONV2D", {"1x4x4x2xf32"}, k_conv, "1x2x2x3xf32"}, "wrong number of operands"},
    {{"CONV2D", k_conv_types, "dilation:x,pad:x,stride:x", "1x2x2x3xf32"}, "malformed attribute: 'pad:x'"},
    {{"CONV2D", k_conv_types, k_conv + ",acc_type:f16", "1x2x2x3xf32"}, "sums are in the accumulator type"},
    {{"CONV2D", {"1x4x4x2xu7", "3x3x3x2xf32"}, k_conv, "1x2x2x3xf32"}, "no tensor of a known type and shape"},
    {{"TRANSPOSE_CONV2D", k_conv_types, k_conv, "1x2x2x3xf32"}, "no such attribute: 'dilation"},
    {{"FC", {"1x2xf32", "3x4xf32"}, {}, "1x3xf32"}, "another number of input channels"},
    {{"FUSED_MATMUL_BIAS_ACT", {"2x3xf32", "3x4xf32", "2x2xf32"}, {}, "2x4xf32"}, "the bias does not broadcast"},
    {{"FUSED_MATMUL_BIAS_ACT", {"2x3xf32", "3x4xf32"}, {}, "2x4xf32"}, "wrong number of operands: '2' (expected 3)"},
    {{"FUSED_MATMUL_BIAS_ACT", {"2x3xf32", "3x4xf32", "1x4xf32"}, "activation:gelu", "2x4xf32"},
     "unknown activation: 'gelu'"},
    {{"ADD", {"2x3xf32", "2x2xf32"}, {}, "2x3xf32"}, "the operands do not broadcast"},
    {{"ADD", {"2x3xf32", "3xf32"}, {}, "2x3xf32"}, "operand 1 has another rank"},
    {{"ADD", {"2x3xf32", "2x3xf16"}, {}, "2x3xf32"}, "operand 1 and result differ in element type"},
    {{"MUL", {"2xi32", "2xi32"}, "shift:63 : i8", "2xi32"}, "shift out of range"},
    {{"EXP", {"2xi32"}, {}, "2xi32"}, "defined for floating-point numbers only"},
    {{"NEGATE", {"2xf32", "1xf32", "1xf32"}, {}, "2xf32"}, "zero points are operands"},
    {{"CLAMP", {"2xf32"}, "max_int:6 : i64,min_int:0 : i64", "2xf32"}, "does not say the attribute min_fp"},
    {{"CLAMP", {"2xf32"}, "max_fp:1.0 : f32,min_fp:2.0 : f32", "2xf32"}, "the lower bound exceeds the upper one"},
    {{"CLAMP", {"2xf32"}, "max_fp:0x7FC00000 : f32,min_fp:2.0 : f32", "2xf32"}, "or one is no number"},
    {{"REDUCE_SUM", {"2x3xf32"}, "axis:2 : i32", "2x1xf32"}, "the axis is no dimension of operand 0"},
    {{"REDUCE_SUM", {"2x3xf32"}, {}, "2x1xf32"}, "does not say the attribute axis"},
    {{"REDUCE_SUM", {"2x3xf32"}, "axis:1 : i32", "2xf32"}, "(expected tensor<2x1xf32>)"},
    {{"REDUCE_ALL", {"2x3xf32"}, "axis:1 : i32", "2x1xf32"}, "the elements are no truth values: 'f32'"},
    {{"TRANSPOSE_CONV2D",
      {"1x3x3x1xf32", "1x2x2x1xf32"},
      "out_pad:array<i64: 0, -2, 0, 0>,stride:array<i64: 2, 2>",
      "1x4x6x1xf32"},
     "row: more is taken away than the kernel reaches: '-2' (expected from -1)"},
    {{"RESHAPE", {"2x3xf32"}, {}, "2x2xf32"}, "another number of elements"},
    {{"RESHAPE", {"2x3xf32"}, "new_shape:array<i64: 6, 1>", "1x6xf32"}, "new_shape disagrees"},
    {{"TRANSPOSE", {"2x3xf32", "2xi32"}, {}, "3x2xf32"}, "the permutation is a constant whose value"},
    {{"TRANSPOSE", {"2x3xf32"}, "perms:array<i32: 0, 0>", "3x2xf32"}, "perms is no permutation"},
    {{"CONCAT", {"2x3xf32", "3x3xf32"}, "axis:1 : i32", "2x6xf32"}, "operand 1 has other extents beside the axis"},
    {{"PAD", {"2x3xf32", "4xi32"}, {}, "4x5xf32"}, "the padding is a constant whose value"},
    {{"PAD", {"2xf32"}, "padding:array<i64: -1, 1>", "2xf32"}, "padding out of range"},
    {{"GATHER", {"1x3x2xf32", "1x2xf32"}, {}, "1x2x2xf32"}, "indices are integers"},
    {{"GATHER", {"1x3x2xf32", "2x2xi32"}, {}, "1x2x2xf32"}, "values and indices differ in batch"},
    {{"MAXPOOL2D", {"1x4x4x1xf32"}, {}, "1x2x2x1xf32"}, "does not say the attribute kernel"},
    {{"AVGPOOL2D",
      {"1x4x4x1xf32"},
      "kernel:array<i64: 2, 2>,pad:array<i64: 2, 0, 0, 0>,stride:array<i64: 2, 2>",
      "1x3x2x1xf32"},
     "row: padding out of range"},
    {{"UNKNOWN", {"2xf32"}, {}, "2xf32"}, "keeps no attributes of an operator that its writer did not know"},
};

} // namespace

BOOST_AUTO_TEST_CASE(each_rule_is_checked) {
    for (const refusal& r : k_refusals) {
        const std::string place = "g.dfg:" + std::to_string(4 + r.op.operands.size()) + ": error: node ";
        try {
            (void)resolved(r.op);
            BOOST_ERROR(r.op.op << " accepted, not refused: " << r.reason);
        } catch (const kpu::input_error& problem) {
            const std::string text = problem.what();
            BOOST_TEST(text.find(place) == 0U, text);
            BOOST_TEST(text.find(r.reason) != std::string::npos, text << " lacks " << r.reason);
        }
    }
}
