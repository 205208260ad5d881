// Every operator on values computed by hand.

#include "tests/dfg/one_op.h"

#include <cmath>
#include <limits>

using kpu::dtype;
using kpu::tensor;
using kpu::test::one_op;
using kpu::test::run;
using kpu::test::tensor_of;

namespace {

constexpr double k_infinity = std::numeric_limits<double>::infinity();
constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();

tensor f32(const kpu::shape& dims, const std::vector<double>& values) {
    return tensor_of(dtype::f32, dims, values);
}

/// An operator with one operand of four elements.
tensor four(const std::string& op, dtype t, const std::vector<double>& values, const std::string& attributes = {}) {
    const std::string type = "4x" + std::string(kpu::name_of(t));
    return run({op, {type}, attributes, type}, {tensor_of(t, {4}, values)});
}

const char* const k_unit = "dilation:array<i64: 1, 1>,pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 1, 1>";

} // namespace

BOOST_AUTO_TEST_CASE(convolution) {
    // 1..9 under a 2x2 window of (1, 10; 100, 1000), padded below and right.
    const one_op o{"CONV2D",
                   {"1x3x3x1xf32", "1x2x2x1xf32", "1xf32"},
                   "dilation:array<i64: 1, 1>,pad:array<i64: 0, 1, 0, 1>,stride:array<i64: 2, 2>",
                   "1x2x2x1xf32"};
    const tensor x = f32({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
    const tensor w = f32({1, 2, 2, 1}, {1, 10, 100, 1000});
    BOOST_TEST((run(o, {x, w, f32({1}, {0.5})}) == f32({1, 2, 2, 1}, {5421.5, 603.5, 87.5, 9.5})));
    // A tap on padding is multiplied: infinity times zero is no number.
    const tensor infinite = f32({1, 2, 2, 1}, {1, 1, 1, k_infinity});
    const tensor got = run(o, {x, infinite, f32({1}, {0})});
    BOOST_TEST(std::isnan(kpu::load(dtype::f32, &got.data[4])));
    // Dilation 2 reads the corners.
    const one_op dilated{"CONV2D",
                         {"1x3x3x1xf32", "1x2x2x1xf32"},
                         "dilation:array<i64: 2, 2>,pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 1, 1>",
                         "1x1x1x1xf32"};
    BOOST_TEST((run(dilated, {x, w}) == f32({1, 1, 1, 1}, {9731})));
}

BOOST_AUTO_TEST_CASE(convolution_of_integers) {
    const one_op o{"CONV2D", {"1x1x1x2xi8", "2x1x1x2xi8", "2xi32"}, k_unit, "1x1x1x2xi32"};
    const tensor got =
        run(o, {tensor_of(dtype::i8, {1, 1, 1, 2}, {-128, 127}), tensor_of(dtype::i8, {2, 1, 1, 2}, {-128, 1, 2, 3}),
                tensor_of(dtype::i32, {2}, {5, 2147483647})});
    // 2147483647 - 256 + 381 wraps.
    BOOST_TEST((got == tensor_of(dtype::i32, {1, 1, 1, 2}, {16516, -2147483524.0})));
}

BOOST_AUTO_TEST_CASE(depthwise_convolution) {
    // Two channels, multiplier 2: output channel c·2 + m.
    const one_op o{"DEPTHWISE_CONV2D", {"1x1x2x2xf32", "1x2x2x2xf32", "4xf32"}, k_unit, "1x1x1x4xf32"};
    const tensor got = run(o, {f32({1, 1, 2, 2}, {1, 2, 3, 4}), f32({1, 2, 2, 2}, {1, 10, 100, 1000, 1, 2, 3, 4}),
                               f32({4}, {0, 0, 0, 1})});
    BOOST_TEST((got == f32({1, 1, 1, 4}, {4, 16, 212, 2017})));
}

BOOST_AUTO_TEST_CASE(convolution_in_three_dimensions) {
    const one_op o{"CONV3D",
                   {"1x2x1x2x1xf32", "1x2x1x1x1xf32", "1xf32"},
                   "dilation:array<i64: 1, 1, 1>,pad:array<i64: 0, 0, 0, 0, 0, 0>,stride:array<i64: 1, 1, 1>",
                   "1x1x1x2x1xf32"};
    BOOST_TEST((run(o, {f32({1, 2, 1, 2, 1}, {1, 2, 3, 4}), f32({1, 2, 1, 1, 1}, {1, 10}), f32({1}, {0})}) ==
                f32({1, 1, 1, 2, 1}, {31, 42})));
}

BOOST_AUTO_TEST_CASE(transposed_convolution) {
    const one_op o{"TRANSPOSE_CONV2D",
                   {"1x1x2x1xf32", "1x1x3x1xf32", "1xf32"},
                   "out_pad:array<i64: 0, 0, 0, 0>,stride:array<i64: 1, 2>",
                   "1x1x5x1xf32"};
    // 1·(1,10,100) and, two further on, 2·(1,10,100).
    BOOST_TEST((run(o, {f32({1, 1, 2, 1}, {1, 2}), f32({1, 1, 3, 1}, {1, 10, 100}), f32({1}, {0})}) ==
                f32({1, 1, 5, 1}, {1, 10, 102, 20, 200})));
}

BOOST_AUTO_TEST_CASE(fully_connected) {
    for (const char* op : {"FC", "LINEAR"})
        BOOST_TEST((run({op, {"1x2xf32", "3x2xf32", "3xf32"}, {}, "1x3xf32"},
                        {f32({1, 2}, {1, 2}), f32({3, 2}, {1, 0, 0, 1, 1, 1}), f32({3}, {0, 0, 10})}) ==
                    f32({1, 3}, {1, 2, 13})));
}

BOOST_AUTO_TEST_CASE(fused_product) {
    const tensor a = f32({2, 1}, {1, -1});
    const tensor b = f32({1, 2}, {3, 4});
    BOOST_TEST((run({"FUSED_MATMUL_BIAS_ACT", {"2x1xf32", "1x2xf32", "1x2xf32"}, "activation:relu", "2x2xf32"},
                    {a, b, f32({1, 2}, {1, 5})}) == f32({2, 2}, {4, 9, 0, 1})));
    BOOST_TEST((run({"FUSED_MATMUL_BIAS_ACT", {"2x1xf32", "1x2xf32", "2x1xf32"}, {}, "2x2xf32"},
                    {a, b, f32({2, 1}, {1, 5})}) == f32({2, 2}, {4, 5, 2, 1})));
    // The bias comes last: as a seed of 2^24 it would swallow the ones.
    BOOST_TEST((run({"FUSED_MATMUL_BIAS_ACT", {"1x2xf32", "2x1xf32", "1x1xf32"}, {}, "1x1xf32"},
                    {f32({1, 2}, {1, 1}), f32({2, 1}, {1, 1}), f32({1, 1}, {0x1p24})}) == f32({1, 1}, {0x1p24 + 2})));
}

BOOST_AUTO_TEST_CASE(binary_operators_and_broadcasting) {
    const tensor a = f32({2, 1}, {6, -8});
    const tensor b = f32({1, 2}, {2, 0});
    const auto both = [&](const std::string& op) { return run({op, {"2x1xf32", "1x2xf32"}, {}, "2x2xf32"}, {a, b}); };
    BOOST_TEST((both("ADD") == f32({2, 2}, {8, 6, -6, -8})));
    BOOST_TEST((both("SUB") == f32({2, 2}, {4, 6, -10, -8})));
    BOOST_TEST((both("MUL") == f32({2, 2}, {12, 0, -16, -0.0})));
    BOOST_TEST((both("DIV") == f32({2, 2}, {3, k_infinity, -4, -k_infinity})));
    BOOST_TEST((run({"ADD", {"f32", "f32"}, {}, "f32"}, {f32({}, {1}), f32({}, {2})}) == f32({}, {3})));
}

BOOST_AUTO_TEST_CASE(integers_wrap_saturate_and_divide) {
    const auto i32 = [](double x, double y, const std::string& op, const std::string& attributes = {}) {
        const tensor got = run({op, {"1xi32", "1xi32"}, attributes, "1xi32"},
                               {tensor_of(dtype::i32, {1}, {x}), tensor_of(dtype::i32, {1}, {y})});
        return kpu::load(dtype::i32, got.data.data());
    };
    BOOST_TEST(i32(2147483647, 1, "ADD") == -2147483648.0);
    BOOST_TEST(i32(65536, 65537, "MUL") == 65536);
    BOOST_TEST(i32(65536, 65537, "MUL", "shift:16 : i8") == 65537);
    BOOST_TEST(i32(3, 1, "MUL", "shift:1 : i8") == 2);
    BOOST_TEST(i32(-7, 2, "DIV") == -3);
    BOOST_TEST(i32(7, 0, "DIV") == 0);
    BOOST_TEST(i32(-2147483648.0, -1, "DIV") == -2147483648.0);
    BOOST_TEST((run({"ADD", {"1xi8", "1xi8"}, {}, "1xi8"},
                    {tensor_of(dtype::i8, {1}, {100}), tensor_of(dtype::i8, {1}, {100})}) ==
                tensor_of(dtype::i8, {1}, {127})));
    BOOST_TEST((run({"MUL", {"1xi8", "1xi8"}, {}, "1xi32"},
                    {tensor_of(dtype::i8, {1}, {100}), tensor_of(dtype::i8, {1}, {100})}) ==
                tensor_of(dtype::i32, {1}, {10000})));
}

BOOST_AUTO_TEST_CASE(unary_operators) {
    BOOST_TEST((four("RELU", dtype::f32, {-1, -0.0, 2, k_nan}) == f32({4}, {0, 0, 2, k_nan})));
    BOOST_TEST((four("CLAMP", dtype::f32, {-1, 7, k_infinity, 3}, "max_fp:6.0e+00 : f32,min_fp:0.0e+00 : f32") ==
                f32({4}, {0, 6, 6, 3})));
    BOOST_TEST((four("CLAMP", dtype::f32, {-1, 7, k_infinity, k_nan}, "max_fp:0x7F800000 : f32,min_fp:0.0 : f32") ==
                f32({4}, {0, 7, k_infinity, k_nan})));
    BOOST_TEST((four("CLAMP", dtype::i8, {-100, -3, 5, 100}, "max_int:6 : i64,min_int:-2 : i64") ==
                tensor_of(dtype::i8, {4}, {-2, -2, 5, 6})));
    BOOST_TEST(
        (four("ABS", dtype::f16, {-1, -0.0, 2, -k_infinity}) == tensor_of(dtype::f16, {4}, {1, 0, 2, k_infinity})));
    BOOST_TEST((four("NEGATE", dtype::i8, {-128, 1, 0, 127}) == tensor_of(dtype::i8, {4}, {127, -1, 0, -127})));
    BOOST_TEST(
        (four("ABS", dtype::i32, {-2147483648.0, -1, 0, 1}) == tensor_of(dtype::i32, {4}, {-2147483648.0, 1, 0, 1})));
    BOOST_TEST((four("RECIPROCAL", dtype::f64, {4, -0.0, k_infinity, 3}) ==
                tensor_of(dtype::f64, {4}, {0.25, -k_infinity, 0, 1.0 / 3})));
    BOOST_TEST(
        (four("EXP", dtype::f32, {0, 1, -k_infinity, k_infinity}) == f32({4}, {1, 2.718281828459045, 0, k_infinity})));
    BOOST_TEST(
        (four("SIGMOID", dtype::f32, {0, -k_infinity, k_infinity, 1}) == f32({4}, {0.5, 0, 1, 0.7310585786300049})));
    BOOST_TEST((four("ATAN", dtype::f32, {0, 1, -k_infinity, -0.0}) ==
                f32({4}, {0, 0.7853981633974483, -1.5707963267948966, -0.0})));
}

BOOST_AUTO_TEST_CASE(cast) {
    const auto to = [](const std::string& type, const tensor& x) {
        return run({"CAST", {"4x" + std::string(kpu::name_of(x.type))}, {}, "4x" + type}, {x});
    };
    BOOST_TEST((to("i8", f32({4}, {2.5, -3.5, 1000, k_nan})) == tensor_of(dtype::i8, {4}, {2, -4, 127, 0})));
    BOOST_TEST(
        (to("i8", tensor_of(dtype::i32, {4}, {128, -129, 5, 0})) == tensor_of(dtype::i8, {4}, {127, -128, 5, 0})));
    BOOST_TEST((to("f32", tensor_of(dtype::i32, {4}, {16777217, 1, 2, 3})) == f32({4}, {16777216, 1, 2, 3})));
}

BOOST_AUTO_TEST_CASE(reductions) {
    const tensor x = f32({2, 3}, {1, 5, 2, -4, 0, 3});
    const auto over = [&](const std::string& op, const std::string& axis, const std::string& result) {
        return run({op, {"2x3xf32"}, "axis:" + axis + " : i32", result}, {x});
    };
    BOOST_TEST((over("REDUCE_SUM", "1", "2x1xf32") == f32({2, 1}, {8, -1})));
    BOOST_TEST((over("REDUCE_SUM", "0", "1x3xf32") == f32({1, 3}, {-3, 5, 5})));
    BOOST_TEST((over("REDUCE_MAX", "1", "2x1xf32") == f32({2, 1}, {5, 3})));
    BOOST_TEST((over("REDUCE_MIN", "0", "1x3xf32") == f32({1, 3}, {-4, 0, 2})));
    BOOST_TEST((over("REDUCE_PROD", "1", "2x1xf32") == f32({2, 1}, {10, -0.0})));
    // Ascending: the ones are lost one at a time beside 2^24, and are not where they come first.
    const one_op sum{"REDUCE_SUM", {"3xf32"}, "axis:0 : i32", "1xf32"};
    BOOST_TEST((run(sum, {f32({3}, {0x1p24, 1, 1})}) == f32({1}, {0x1p24})));
    BOOST_TEST((run(sum, {f32({3}, {1, 1, 0x1p24})}) == f32({1}, {0x1p24 + 2})));
}

BOOST_AUTO_TEST_CASE(moving_elements) {
    const tensor x = f32({2, 3}, {1, 2, 3, 4, 5, 6});
    BOOST_TEST((run({"RESHAPE", {"2x3xf32"}, "new_shape:array<i64: -1, 2>", "3x2xf32"}, {x}) ==
                f32({3, 2}, {1, 2, 3, 4, 5, 6})));
    BOOST_TEST(
        (run({"TRANSPOSE", {"2x3xf32"}, "perms:array<i32: 1, 0>", "3x2xf32"}, {x}) == f32({3, 2}, {1, 4, 2, 5, 3, 6})));
    BOOST_TEST((run({"CONCAT", {"2x3xf32", "2x1xf32"}, "axis:1 : i32", "2x4xf32"}, {x, f32({2, 1}, {7, 8})}) ==
                f32({2, 4}, {1, 2, 3, 7, 4, 5, 6, 8})));
    BOOST_TEST((run({"PAD", {"2x3xf32"}, "padding:array<i64: 1, 0, 0, 1>", "3x4xf32"}, {x}) ==
                f32({3, 4}, {0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0})));
    BOOST_TEST((run({"PAD", {"1xf32", "2xi32", "1xf32"}, "padding:array<i64: 1, 1>", "3xf32"},
                    {f32({1}, {1}), tensor_of(dtype::i32, {2}, {1, 1}), f32({1}, {9})}) == f32({3}, {9, 1, 9})));
    const one_op gather{"GATHER", {"1x3x2xf32", "1x2xi32"}, {}, "1x2x2xf32"};
    const tensor rows = f32({1, 3, 2}, {1, 2, 3, 4, 5, 6});
    BOOST_TEST((run(gather, {rows, tensor_of(dtype::i32, {1, 2}, {2, 0})}) == f32({1, 2, 2}, {5, 6, 1, 2})));
    BOOST_CHECK_THROW((void)run(gather, {rows, tensor_of(dtype::i32, {1, 2}, {3, 0})}), kpu::input_error);
}

BOOST_AUTO_TEST_CASE(pooling) {
    const std::string attributes = "kernel:array<i64: 2, 2>,pad:array<i64: 0, 1, 0, 1>,stride:array<i64: 2, 2>";
    const tensor x = f32({1, 3, 3, 1}, {-1, -2, -3, -4, -5, -6, -7, -8, -9});
    BOOST_TEST(
        (run({"MAXPOOL2D", {"1x3x3x1xf32"}, attributes, "1x2x2x1xf32"}, {x}) == f32({1, 2, 2, 1}, {-1, -3, -7, -9})));
    BOOST_TEST((run({"AVGPOOL2D", {"1x3x3x1xf32"}, attributes, "1x2x2x1xf32"}, {x}) ==
                f32({1, 2, 2, 1}, {-3, -4.5, -7.5, -9})));
}
