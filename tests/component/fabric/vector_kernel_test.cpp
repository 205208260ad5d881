// What vector commands compute, against loops of their own over the definition.

#include "hw/fabric/number_format.h"
#include "hw/fabric/vector_kernel.h"
#include "platforms/common/scalar_math.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace kpu;
using iface::element_type;
using iface::vector_function;

namespace {

double value_of(element_type type, const unsigned char* at) {
    double value = 0;
    hw::convert(type, at, element_type::f64, &value, 1);
    return value;
}

void put(element_type type, double value, unsigned char* at) {
    hw::convert(element_type::f64, &value, type, at, 1);
}

/// f in double, rounded to the computing type: exact for + - * / of floats, since a double has more than twice their
/// digits.
double plain(vector_function f, double a, double b, double low, double high) {
    switch (f) {
    case vector_function::add:
        return a + b;
    case vector_function::subtract:
        return a - b;
    case vector_function::multiply:
        return a * b;
    case vector_function::divide:
        return a / b;
    case vector_function::maximum:
        return a > b ? a : b;
    case vector_function::minimum:
        return a < b ? a : b;
    case vector_function::clamp:
        return std::min(std::max(a, low), high);
    case vector_function::relu:
        return a > 0 ? a : 0;
    case vector_function::reciprocal:
        return 1 / a;
    case vector_function::reciprocal_root:
        return 1 / std::sqrt(a);
    case vector_function::absolute:
        return std::fabs(a);
    case vector_function::negate:
        return -a;
    default:
        return a;
    }
}

constexpr vector_function k_plain[] = {
    vector_function::identity,       vector_function::add,        vector_function::subtract, vector_function::multiply,
    vector_function::divide,         vector_function::maximum,    vector_function::minimum,  vector_function::clamp,
    vector_function::relu,           vector_function::reciprocal, vector_function::absolute, vector_function::negate,
    vector_function::reciprocal_root};

} // namespace

BOOST_AUTO_TEST_CASE(functions_of_floats_with_any_strides) {
    const unsigned seed = 11;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const auto draw = [&](unsigned low, unsigned high) {
        return low + static_cast<unsigned>(random() % (high - low + 1));
    };
    for (int round = 0; round < 3000; ++round) {
        iface::vector_operands x;
        x.function = k_plain[draw(0, 12)];
        constexpr element_type types[] = {element_type::f32, element_type::f16, element_type::bf16};
        x.from = types[draw(0, 2)];
        x.to = draw(0, 1) == 0 ? x.from : types[draw(0, 2)];
        x.low = -0.25F;
        x.high = 0.5F;
        for (std::uint32_t& count : x.count)
            count = draw(1, 7);
        const auto side = [&](element_type type, bool broadcasts) {
            iface::vector_side s;
            std::uint32_t next = iface::size_of(type);
            for (std::size_t d = 3; d-- > 0;) {
                s.stride[d] = broadcasts && draw(0, 2) == 0 ? 0 : next * draw(1, 2);
                next = std::max(next, s.stride[d] * x.count[d]);
            }
            return s;
        };
        x.source = side(x.from, true);
        x.operand = side(x.from, true);
        x.destination = side(x.to, false);
        x.operand.base = address(1 << 20);
        x.destination.base = address(2 << 20);
        const auto bytes_of = [&](const iface::vector_side& s, element_type type) {
            std::vector<unsigned char> data(hw::range_of(x, s, type).size.value());
            for (std::size_t i = 0; i + iface::size_of(type) <= data.size(); i += iface::size_of(type))
                put(type, std::ldexp(static_cast<double>(random() % 2001) - 1000, -9), &data[i]);
            return data;
        };
        const std::vector<unsigned char> a = bytes_of(x.source, x.from);
        const std::vector<unsigned char> b = bytes_of(x.operand, x.from);
        std::vector<unsigned char> out = bytes_of(x.destination, x.to);
        hw::compute(x, {a.data(), b.data(), out.data()});
        for (std::uint32_t i = 0; i < x.count[0]; ++i)
            for (std::uint32_t j = 0; j < x.count[1]; ++j)
                for (std::uint32_t k = 0; k < x.count[2]; ++k) {
                    const auto at = [&](const iface::vector_side& s) {
                        return i * s.stride[0] + j * s.stride[1] + k * s.stride[2];
                    };
                    const double wide = plain(x.function, value_of(x.from, &a[at(x.source)]),
                                              value_of(x.from, &b[at(x.operand)]), x.low, x.high);
                    // computed in f32, but for a conversion
                    const double value =
                        x.function == vector_function::identity ? wide : static_cast<double>(static_cast<float>(wide));
                    unsigned char expected[8];
                    put(x.to, value, expected);
                    if (std::isnan(value)) // of either sign
                        BOOST_REQUIRE(std::isnan(value_of(x.to, &out[at(x.destination)])));
                    else
                        BOOST_REQUIRE(value_of(x.to, expected) == value_of(x.to, &out[at(x.destination)]));
                }
    }
}

BOOST_AUTO_TEST_CASE(products_are_added_with_two_roundings) {
    iface::vector_operands x;
    x.function = vector_function::multiply_add;
    x.operand.base = address(4);
    x.destination.base = address(8);
    const float a = 1 + std::ldexp(1.0F, -12), sum = -1;
    float out = sum;
    hw::compute(x, {reinterpret_cast<const unsigned char*>(&a), reinterpret_cast<const unsigned char*>(&a),
                    reinterpret_cast<unsigned char*>(&out)});
    const volatile float product = a * a;
    BOOST_TEST(out == product + sum);
    BOOST_TEST(out != std::fma(a, a, sum)); // which keeps the product's last bit
}

BOOST_AUTO_TEST_CASE(integers_wrap_and_store_saturated) {
    iface::vector_operands x;
    x.from = element_type::i8;
    x.to = element_type::i8;
    x.function = vector_function::add;
    x.count = {1, 1, 3};
    x.source.stride = x.operand.stride = x.destination.stride = {0, 0, 1};
    x.destination.base = address(16);
    const std::int8_t a[] = {100, -100, 1}, b[] = {100, -100, 2};
    std::int8_t out[3] = {};
    hw::compute(x, {reinterpret_cast<const unsigned char*>(a), reinterpret_cast<const unsigned char*>(b),
                    reinterpret_cast<unsigned char*>(out)});
    BOOST_TEST(out[0] == 127);
    BOOST_TEST(out[1] == -128);
    BOOST_TEST(out[2] == 3);
    BOOST_TEST(scalar::divide(7, 0) == 0);
    BOOST_TEST(scalar::divide(std::numeric_limits<std::int32_t>::min(), -1) ==
               std::numeric_limits<std::int32_t>::min());
}
