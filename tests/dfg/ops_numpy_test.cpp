// Random operators against NumPy (numpy_ops.py), bit by bit.

#include "compiler/tensor/npz.h"
#include "platforms/common/files.h"
#include "tests/dfg/one_op.h"
#include "tests/support/process.h"

#include <random>

using kpu::dtype;
using kpu::tensor;
using kpu::test::one_op;

namespace {

constexpr std::uint64_t k_seed = 20;

std::string list(const std::vector<std::uint64_t>& numbers) {
    std::string out;
    for (const std::uint64_t n : numbers)
        out += (out.empty() ? "" : ", ") + std::to_string(n);
    return out;
}

/// Evaluates operators and collects what NumPy needs to repeat them.
class case_list {
  public:
    case_list() : m_random(k_seed) { BOOST_TEST_MESSAGE("seed " << k_seed); }

    std::uint64_t upto(std::uint64_t most) { return 1 + m_random() % most; }
    std::uint64_t below(std::uint64_t limit) { return m_random() % limit; }
    tensor random(dtype t, const kpu::shape& dims) { return kpu::random_tensor(t, dims, m_random()); }

    /// Attributes as lists of numbers: text for the graph, and for Python.
    void add(const std::string& op, const std::vector<tensor>& operands, dtype result, const kpu::shape& dims,
             const std::vector<std::pair<std::string, std::vector<std::uint64_t>>>& arrays = {},
             const std::string& attributes = {}, const std::string& python = {}) {
        one_op o{op, {}, attributes, kpu::to_string(dims) + "x" + std::string(kpu::name_of(result))};
        std::string dictionary = python;
        for (const auto& [key, numbers] : arrays) {
            o.attributes += std::string(o.attributes.empty() ? "" : ",") + key + ":array<i64: " + list(numbers) + ">";
            dictionary += "'" + key + "': [" + list(numbers) + "],";
        }
        const std::string prefix = std::to_string(m_count++) + ".";
        for (std::size_t i = 0; i < operands.size(); ++i) {
            o.operands.push_back(kpu::to_string(operands[i].dims) + "x" + std::string(kpu::name_of(operands[i].type)));
            m_arrays[prefix + "a" + std::to_string(i)] = operands[i];
        }
        m_arrays[prefix + "out"] = kpu::test::run(o, operands);
        m_text +=
            "{'op': '" + op + "', 'n': " + std::to_string(operands.size()) + ", 'attributes': {" + dictionary + "}}\n";
    }

    void compare() const {
        const kpu::test::temp_directory room;
        kpu::write_file(room.file("cases.txt"), m_text);
        kpu::write_npz(room.file("arrays.npz"), m_arrays);
        const auto ran = kpu::test::run_process(
            {"/usr/bin/python3", std::string(KPU_SOURCE_DIR) + "/tests/dfg/numpy_ops.py", "cases.txt", "arrays.npz"},
            room.path());
        BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, "needs Debian's python3-numpy; " << ran.err);
        BOOST_TEST(ran.out == std::to_string(m_count) + "\n");
    }

  private:
    std::mt19937_64 m_random;
    std::uint64_t m_count = 0;
    std::string m_text;
    kpu::tensor_map m_arrays;
};

constexpr dtype k_types[] = {dtype::f32, dtype::f64, dtype::f16, dtype::i8};

/// A convolution of `spatial` dimensions: the input extent follows from the others, so that the stride divides.
void add_convolution(case_list& cases, const std::string& op, dtype t, std::size_t spatial) {
    const bool depthwise = op == "DEPTHWISE_CONV2D";
    const bool transposed = op == "TRANSPOSE_CONV2D";
    const std::uint64_t channels = cases.upto(5);
    const std::uint64_t own = cases.upto(depthwise ? 3 : 7);
    const std::uint64_t out_channels = depthwise ? own * channels : own;
    kpu::shape in{cases.upto(2)};
    kpu::shape out{in[0]};
    kpu::shape kernel;
    std::vector<std::uint64_t> pads;
    std::vector<std::uint64_t> strides;
    std::vector<std::uint64_t> dilations;
    for (std::size_t d = 0; d < spatial; ++d) {
        kernel.push_back(cases.upto(3));
        strides.push_back(cases.upto(3));
        dilations.push_back(cases.upto(2));
        const std::uint64_t before = cases.below(3);
        const std::uint64_t after = cases.below(3);
        pads.insert(pads.end(), {before, after});
        if (transposed) {
            in.push_back(cases.upto(4));
            out.push_back((in.back() - 1) * strides[d] + before + after + kernel[d]);
            continue;
        }
        const std::uint64_t reach = (kernel[d] - 1) * dilations[d] + 1;
        out.push_back(cases.upto(4));
        while ((out.back() - 1) * strides[d] + reach <= before + after)
            ++out.back();
        in.push_back((out.back() - 1) * strides[d] + reach - before - after);
    }
    in.push_back(channels);
    out.push_back(out_channels);
    kpu::shape weights = kernel;
    weights.push_back(channels);
    weights.insert(depthwise ? weights.end() : weights.begin(), own);
    std::vector<tensor> operands{cases.random(t, in), cases.random(t, weights)};
    if (cases.below(3) != 0)
        operands.push_back(cases.random(kpu::accumulator_of(t), {out_channels}));
    const dtype result = cases.below(2) == 0 && t != dtype::i8 ? t : kpu::accumulator_of(t);
    if (transposed)
        return cases.add(op, operands, result, out, {{"out_pad", pads}, {"stride", strides}});
    cases.add(op, operands, result, out, {{"dilation", dilations}, {"pad", pads}, {"stride", strides}});
}

} // namespace

BOOST_AUTO_TEST_CASE(convolutions_equal_numpy) {
    case_list cases;
    for (unsigned round = 0; round < 15; ++round)
        for (const dtype t : k_types) {
            add_convolution(cases, "CONV2D", t, 2);
            add_convolution(cases, "DEPTHWISE_CONV2D", t, 2);
            add_convolution(cases, "CONV3D", t, 3);
            add_convolution(cases, "TRANSPOSE_CONV2D", t, 2);
        }
    cases.compare();
}

BOOST_AUTO_TEST_CASE(products_and_pools_equal_numpy) {
    case_list cases;
    for (unsigned round = 0; round < 10; ++round)
        for (const dtype t : k_types) {
            const std::uint64_t m = cases.upto(9);
            const std::uint64_t n = cases.upto(9);
            const std::uint64_t k = cases.upto(40);
            const dtype sum = kpu::accumulator_of(t);
            cases.add("FC", {cases.random(t, {m, k}), cases.random(t, {n, k}), cases.random(sum, {n})}, sum, {m, n});
            const std::vector<tensor> fused{cases.random(t, {m, k}), cases.random(t, {k, n}),
                                            cases.random(sum, {1, n})};
            cases.add("FUSED_MATMUL_BIAS_ACT", fused, sum, {m, n}, {}, "activation:relu", "'activation': 'relu'");
            for (const std::string op : {"MAXPOOL2D", "AVGPOOL2D"})
                cases.add(op, {cases.random(t, {2, 3 + 2 * n, 4 + 3 * m, 3})}, t, {2, n + 2, m + 2, 3},
                          {{"kernel", {2, 3}}, {"pad", {1, 0, 1, 1}}, {"stride", {2, 3}}});
        }
    cases.compare();
}

BOOST_AUTO_TEST_CASE(elementwise_operators_equal_numpy) {
    case_list cases;
    for (const dtype t : k_types) {
        const bool integer = kpu::is_integer(t);
        for (const std::string op : {"ADD", "SUB", "MUL", "DIV", "tosa.maximum", "tosa.minimum"})
            if (!integer || op != "DIV") {
                cases.add(op, {cases.random(t, {4, 1, 7}), cases.random(t, {1, 5, 7})}, t, {4, 5, 7});
                cases.add(op, {cases.random(t, {4, 5, 1}), cases.random(t, {4, 5, 7})}, t, {4, 5, 7});
            }
        for (const std::string op :
             {"RELU", "ABS", "NEGATE", "RECIPROCAL", "EXP", "SIGMOID", "ATAN", "tosa.rsqrt", "tosa.sigmoid"})
            if (!integer || op == "RELU" || op == "ABS" || op == "NEGATE")
                cases.add(op, {cases.random(t, {300})}, t, {300});
        if (t == dtype::i8) {
            tensor x = kpu::random_indices({2, 3, 50}, 5, 12);
            x = kpu::convert(x, t);
            cases.add("REDUCE_ALL", {x}, t, {2, 1, 50}, {}, "axis:1 : i32", "'axis': 1");
        }
        for (const std::string op : {"REDUCE_SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"})
            for (std::size_t axis = 0; axis < 3; ++axis) {
                kpu::shape dims{4, 9, 5};
                const tensor x = cases.random(t, dims);
                dims[axis] = 1;
                const std::string number = std::to_string(axis);
                cases.add(op, {x}, t, dims, {}, "axis:" + number + " : i32", "'axis': " + number);
            }
    }
    cases.compare();
}

BOOST_AUTO_TEST_CASE(moved_elements_equal_numpy) {
    case_list cases;
    for (const dtype t : k_types) {
        cases.add("TRANSPOSE", {cases.random(t, {2, 3, 4, 5})}, t, {5, 3, 2, 4}, {{"perms", {3, 1, 0, 2}}});
        cases.add("PAD", {cases.random(t, {2, 3})}, t, {5, 4}, {{"padding", {1, 2, 0, 1}}});
        cases.add("CONCAT", {cases.random(t, {2, 3, 4}), cases.random(t, {2, 1, 4})}, t, {2, 4, 4}, {}, "axis:1 : i32",
                  "'axis': 1");
        tensor picks(dtype::i32, {2, 6});
        for (std::size_t i = 0; i < 12; ++i)
            kpu::store(dtype::i32, static_cast<double>(cases.below(3)), &picks.data[4 * i]);
        cases.add("GATHER", {cases.random(t, {2, 3, 4}), picks}, t, {2, 6, 4});
    }
    cases.compare();
}
