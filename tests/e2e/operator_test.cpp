// Random graphs of one operator on every shipped platform: the bits of the reference evaluator, no findings of the
// checkers.

#include "tests/dfg/one_op.h"
#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr int k_rounds = 40;
constexpr dtype k_types[] = {dtype::f32, dtype::f16, dtype::bf16, dtype::f64, dtype::i8};

std::string listed(const std::string& key, const std::vector<std::int64_t>& numbers) {
    std::string text;
    for (const std::int64_t n : numbers)
        text += (text.empty() ? "" : ", ") + std::to_string(n);
    return key + ":array<i64: " + text + ">";
}

std::string typed(const shape& dims, dtype type) {
    return to_string(dims) + "x" + std::string(name_of(type));
}

/// One spatial dimension of a window whose stride divides exactly.
struct axis {
    std::uint64_t in = 1, kernel = 1, stride = 1, dilation = 1, out = 1;
    std::int64_t before = 0, after = 0;
};

class operator_source {
  public:
    explicit operator_source(std::uint64_t seed) : m_random(seed) {}

    std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
        return std::uniform_int_distribution<std::uint64_t>(low, high)(m_random);
    }
    bool coin() { return pick(0, 1) == 1; }
    dtype type() { return k_types[pick(0, 4)]; }

    test::one_op depthwise() {
        const dtype t = type();
        const axis y = window(3, true), x = window(3, true);
        const std::uint64_t channels = pick(1, 40), multiplier = pick(1, 5), images = pick(1, 2);
        test::one_op o;
        o.op = "DEPTHWISE_CONV2D";
        o.operands = {typed({images, y.in, x.in, channels}, t), typed({y.kernel, x.kernel, channels, multiplier}, t)};
        bias(o, t, channels * multiplier);
        o.attributes = listed("dilation", {as_signed(y.dilation), as_signed(x.dilation)}) + "," + pads("pad", y, x) +
                       "," + strides(y, x);
        o.result = typed({images, y.out, x.out, channels * multiplier}, sum_type(t));
        return o;
    }

    test::one_op pool() {
        const dtype t = type();
        const axis y = window(4, false), x = window(4, false);
        const std::uint64_t channels = pick(1, 40), images = pick(1, 2);
        test::one_op o;
        o.op = pick(0, 3) == 0 ? "MAXPOOL2D" : "AVGPOOL2D";
        o.operands = {typed({images, y.in, x.in, channels}, t)};
        o.attributes = listed("kernel", {as_signed(y.kernel), as_signed(x.kernel)}) + "," + pads("pad", y, x) + "," +
                       strides(y, x);
        o.result = typed({images, y.out, x.out, channels}, t);
        return o;
    }

    /// A dense product with a bias that stands for all channels.
    test::one_op one_bias() {
        const dtype t = type();
        const std::uint64_t rows = pick(1, 30), in = pick(1, 40), out = pick(1, 30);
        return {"FC",
                {typed({rows, in}, t), typed({out, in}, t), typed({1}, sum_type(t))},
                "",
                typed({rows, out}, sum_type(t))};
    }

    /// Either operand, or both, are broadcast.
    test::one_op binary() {
        static constexpr const char* k_names[] = {"ADD", "SUB", "MUL", "DIV", "tosa.maximum", "tosa.minimum"};
        const dtype t = type();
        shape a, b, out;
        for (std::uint64_t d = pick(1, 4); d > 0; --d) {
            const std::uint64_t extent = pick(1, 12);
            const std::uint64_t which = pick(0, 2);
            a.push_back(which == 1 ? 1 : extent);
            b.push_back(which == 2 ? 1 : extent);
            out.push_back(extent);
        }
        return {k_names[pick(0, 5)], {typed(a, t), typed(b, t)}, "", typed(out, t)};
    }

    test::one_op shifted() {
        const std::string operand = typed({pick(1, 9), pick(1, 50)}, dtype::i32);
        return {"MUL", {operand, operand}, "shift:" + std::to_string(pick(1, 25)) + " : i8", operand};
    }

    /// Truth values: i8 would hardly ever be 0.
    test::one_op all_of() {
        const std::string axis = std::to_string(pick(0, 1));
        const std::uint64_t rows = pick(1, 3), columns = axis == "0" ? pick(1, 300) : 2;
        return {"REDUCE_ALL",
                {typed({rows, columns}, dtype::i8)},
                "axis:" + axis + " : i32",
                axis == "0" ? "1x" + std::to_string(columns) + "xi1" : std::to_string(rows) + "x1xi8"};
    }

    test::one_op root() {
        dtype t = type();
        while (is_integer(t))
            t = type();
        const std::string operand = typed({pick(1, 9), pick(1, 50)}, t);
        return {coin() ? "tosa.rsqrt" : "tosa.sigmoid", {operand}, "", operand};
    }

    /// With zeros, or with an element that is data.
    test::one_op padding() {
        const dtype t = type();
        shape in, out;
        std::vector<std::int64_t> amounts;
        for (std::uint64_t d = pick(1, 4); d > 0; --d) {
            in.push_back(pick(1, 9));
            const std::uint64_t before = pick(0, 3), after = pick(0, 3);
            amounts.insert(amounts.end(), {as_signed(before), as_signed(after)});
            out.push_back(before + in.back() + after);
        }
        test::one_op o{"PAD", {typed(in, t)}, listed("padding", amounts), typed(out, t)};
        if (coin())
            o.operands.insert(o.operands.end(), {"1xi32", typed({1}, t)});
        return o;
    }

    test::one_op transpose() {
        const dtype t = type();
        const std::uint64_t rows = pick(1, 70), columns = pick(1, 70);
        return {"TRANSPOSE", {typed({rows, columns}, t)}, "perms:array<i32: 1, 0>", typed({columns, rows}, t)};
    }

    test::one_op transposed() {
        const dtype t = type();
        const std::uint64_t images = pick(1, 2), in = pick(1, 12), out = pick(1, 20);
        axis a[2];
        for (axis& one : a) {
            one.in = pick(1, 6);
            one.kernel = pick(1, 4);
            one.stride = pick(1, 3);
            const auto least = 1 - as_signed(one.kernel);
            do {
                one.before = static_cast<std::int64_t>(pick(0, 5)) + least;
                one.after = static_cast<std::int64_t>(pick(0, 5)) + least;
                one.out = static_cast<std::uint64_t>(as_signed((one.in - 1) * one.stride + one.kernel) + one.before +
                                                     one.after);
            } while (static_cast<std::int64_t>(one.out) < 1);
        }
        test::one_op o;
        o.op = "TRANSPOSE_CONV2D";
        o.operands = {typed({images, a[0].in, a[1].in, in}, t), typed({out, a[0].kernel, a[1].kernel, in}, t)};
        bias(o, t, out);
        o.attributes = pads("out_pad", a[0], a[1]) + "," + strides(a[0], a[1]);
        o.result = typed({images, a[0].out, a[1].out, out}, sum_type(t));
        return o;
    }

    test::one_op gather() {
        const dtype t = type();
        const std::uint64_t batch = pick(1, 3), rows = pick(1, 50), picks = coin() ? pick(1, 40) : pick(1000, 2500);
        const std::uint64_t columns = pick(1, 30);
        return {"GATHER",
                {typed({batch, rows, columns}, t), typed({batch, picks}, dtype::i32)},
                "",
                typed({batch, picks, columns}, t)};
    }

  private:
    static std::int64_t as_signed(std::uint64_t n) { return static_cast<std::int64_t>(n); }
    static dtype sum_type(dtype t) { return t == dtype::i8 ? dtype::i32 : t; }

    /// Padding below the kernel, and a stride that divides what is left.
    axis window(std::uint64_t largest, bool dilated) {
        for (;;) {
            axis a;
            a.kernel = pick(1, largest);
            a.stride = pick(1, 3);
            a.dilation = dilated ? pick(1, 2) : 1;
            a.before = as_signed(pick(0, a.kernel - 1));
            a.after = as_signed(pick(0, a.kernel - 1));
            a.out = pick(1, 9);
            const std::int64_t in =
                as_signed((a.out - 1) * a.stride + (a.kernel - 1) * a.dilation + 1) - a.before - a.after;
            if (in < 1)
                continue;
            a.in = static_cast<std::uint64_t>(in);
            return a;
        }
    }
    static std::string pads(const std::string& key, const axis& y, const axis& x) {
        return listed(key, {y.before, y.after, x.before, x.after});
    }
    static std::string strides(const axis& y, const axis& x) {
        return listed("stride", {as_signed(y.stride), as_signed(x.stride)});
    }
    void bias(test::one_op& o, dtype t, std::uint64_t channels) {
        const std::uint64_t which = pick(0, 2);
        if (which > 0)
            o.operands.push_back(typed({which == 1 ? channels : 1}, sum_type(t)));
    }

    std::mt19937_64 m_random;
};

void check(test::checked_chip& chip, const test::one_op& o, std::uint64_t seed) {
    BOOST_TEST_CONTEXT(o.op << " " << o.operands.front() << " " << o.attributes << " -> " << o.result) {
        const test::compiled_graph g = test::compile(test::graph_of(o));
        const tensor_map inputs = test::random_inputs(g, seed);
        const auto found = chip.run(g.program, inputs);
        for (const std::string& finding : found.findings)
            BOOST_ERROR(finding.substr(0, 2000));
        BOOST_TEST((found.outputs == test::reference_outputs(g, inputs)));
    }
}

} // namespace

BOOST_DATA_TEST_CASE(random_operators_give_the_references_bits, bdata::make(test::shipped_platforms()), platform) {
    const std::uint64_t seed = 11;
    BOOST_TEST_MESSAGE("seed " << seed);
    operator_source source(seed);
    test::checked_chip chip(test::shipped(platform));
    for (int i = 0; i < k_rounds; ++i) {
        check(chip, source.depthwise(), source.pick(1, 1000));
        check(chip, source.pool(), source.pick(1, 1000));
        check(chip, source.one_bias(), source.pick(1, 1000));
        check(chip, source.binary(), source.pick(1, 1000));
        check(chip, source.padding(), source.pick(1, 1000));
        check(chip, source.shifted(), source.pick(1, 1000));
        check(chip, source.all_of(), source.pick(1, 1000));
        check(chip, source.root(), source.pick(1, 1000));
        check(chip, source.transposed(), source.pick(1, 1000));
        check(chip, source.gather(), source.pick(1, 1000));
    }
}

/// DMA engines share what there is of L3: fewer slots than they would like, or one of a few bytes.
BOOST_DATA_TEST_CASE(operators_that_only_move_run_through_little_of_l3,
                     bdata::make({1U, 16U, 64U}) * bdata::make({128U, 448U, 2048U, 8192U}), engines, l3) {
    operator_source source(engines * 100 + l3);
    platform::platform p = test::shipped("edge_ai");
    p.dma.engines = engines;
    p.l3.tiles = 1;
    p.l3.interleave = bytes(64);
    p.l3.tile.capacity = bytes(l3);
    BOOST_REQUIRE(!platform::check(p).has_errors());
    test::checked_chip chip(p);
    for (int i = 0; i < 8; ++i) {
        check(chip, source.padding(), source.pick(1, 1000));
        check(chip, source.transpose(), source.pick(1, 1000));
        check(chip, source.gather(), source.pick(1, 1000));
    }
}
