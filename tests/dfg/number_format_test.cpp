// The number formats against their definitions.

#include "compiler/tensor/number_format.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace {

using kpu::dtype;

constexpr double k_infinity = std::numeric_limits<double>::infinity();

struct format_under_test {
    const char* name;
    unsigned codes;        ///< of both signs
    unsigned sign;         ///< bit
    unsigned largest;      ///< code of the largest finite value
    unsigned overflow;     ///< code that larger magnitudes become
    unsigned nan;          ///< canonical
    double first_overflow; ///< smallest magnitude that rounds beyond the largest value, were there one more
    std::function<unsigned(double)> encode;
    std::function<double(unsigned)> decode;
};

std::vector<format_under_test> formats() {
    return {
        {"f16", 65536, 0x8000, 0x7bff, 0x7c00, 0x7e00, 65520.0, [](double v) { return kpu::to_f16(v); },
         [](unsigned b) { return kpu::from_f16(static_cast<std::uint16_t>(b)); }},
        {"bf16", 65536, 0x8000, 0x7f7f, 0x7f80, 0x7fc0, 0x1.ffp127, [](double v) { return kpu::to_bf16(v); },
         [](unsigned b) { return kpu::from_bf16(static_cast<std::uint16_t>(b)); }},
        {"f8", 256, 0x80, 0x7e, 0x7e, 0x7f, 464.0, [](double v) { return kpu::to_f8(v); },
         [](unsigned b) { return kpu::from_f8(static_cast<std::uint8_t>(b)); }},
    };
}

/// Sign, exponent field and fraction taken apart by hand, for a format without the special codes.
double defined_value(unsigned code, int exponent_bits, int fraction_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int field = static_cast<int>(code >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction = (code & ((1U << fraction_bits) - 1)) / std::pow(2.0, fraction_bits);
    const double sign = (code >> (exponent_bits + fraction_bits)) != 0 ? -1.0 : 1.0;
    return field == 0 ? sign * fraction * std::pow(2.0, 1 - bias)
                      : sign * (1.0 + fraction) * std::pow(2.0, field - bias);
}

/// Rounding by search among all values of the format: nearest, ties to the even code.
unsigned nearest_code(double magnitude, const format_under_test& f, const std::vector<double>& values) {
    if (magnitude >= f.first_overflow)
        return f.overflow;
    const auto above = std::lower_bound(values.begin(), values.end(), magnitude);
    if (above == values.end())
        return f.largest;
    const auto high = static_cast<unsigned>(above - values.begin());
    if (*above == magnitude || high == 0)
        return high;
    const double to_high = *above - magnitude;
    const double to_low = magnitude - values[high - 1];
    if (to_high != to_low)
        return to_high < to_low ? high : high - 1;
    return high % 2 == 0 ? high : high - 1;
}

std::vector<double> values_of(const format_under_test& f) {
    std::vector<double> out;
    for (unsigned code = 0; code <= f.largest; ++code)
        out.push_back(f.decode(code));
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_code_has_its_defined_value) {
    for (const format_under_test& f : formats()) {
        const bool is_f8 = f.codes == 256;
        const int exponent_bits = is_f8 ? 4 : f.name[0] == 'b' ? 8 : 5;
        const int fraction_bits = is_f8 ? 3 : 15 - exponent_bits;
        for (unsigned code = 0; code < f.codes; ++code) {
            if ((code & (f.sign - 1)) > f.largest)
                continue;
            BOOST_REQUIRE_EQUAL(f.decode(code), defined_value(code, exponent_bits, fraction_bits));
            BOOST_REQUIRE_EQUAL(std::signbit(f.decode(code)), (code & f.sign) != 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(bf16_is_the_upper_half_of_binary32) {
    for (unsigned code = 0; code < 65536; ++code) {
        const std::uint32_t bits = code << 16U;
        float expected = 0;
        std::memcpy(&expected, &bits, sizeof expected);
        const float value = kpu::from_bf16(static_cast<std::uint16_t>(code));
        BOOST_REQUIRE(std::isnan(expected) ? std::isnan(value) : value == expected);
    }
}

BOOST_AUTO_TEST_CASE(every_value_round_trips) {
    for (const format_under_test& f : formats()) {
        for (unsigned code = 0; code < f.codes; ++code) {
            const double value = f.decode(code);
            if (std::isnan(value))
                BOOST_REQUIRE_EQUAL(f.encode(value), f.nan | (code & f.sign));
            else
                BOOST_REQUIRE_EQUAL(f.encode(value), code);
        }
    }
}

BOOST_AUTO_TEST_CASE(rounding_is_nearest_even_between_all_neighbours) {
    for (const format_under_test& f : formats()) {
        const std::vector<double> values = values_of(f);
        for (unsigned code = 0; code + 1 < values.size(); ++code) {
            const double middle = values[code] + (values[code + 1] - values[code]) / 2;
            const unsigned even = code % 2 == 0 ? code : code + 1;
            BOOST_REQUIRE_EQUAL(f.encode(middle), even);
            BOOST_REQUIRE_EQUAL(f.encode(std::nextafter(middle, 0.0)), code);
            BOOST_REQUIRE_EQUAL(f.encode(std::nextafter(middle, k_infinity)), code + 1);
            BOOST_REQUIRE_EQUAL(f.encode(-middle), even | f.sign);
        }
    }
}

BOOST_AUTO_TEST_CASE(random_doubles_round_to_the_nearest_value) {
    constexpr std::uint64_t k_seed = 20240607;
    BOOST_TEST_MESSAGE("seed " << k_seed);
    std::mt19937_64 random(k_seed);
    for (const format_under_test& f : formats()) {
        const std::vector<double> values = values_of(f);
        std::uniform_real_distribution<double> exponent(std::log2(values[1]) - 3, std::log2(f.first_overflow) + 2);
        for (int i = 0; i < 200000; ++i) {
            const double magnitude = std::exp2(exponent(random));
            BOOST_REQUIRE_EQUAL(f.encode(magnitude), nearest_code(magnitude, f, values));
        }
    }
}

BOOST_AUTO_TEST_CASE(overflow_infinities_and_nan) {
    for (const format_under_test& f : formats()) {
        BOOST_TEST_CONTEXT(f.name) {
            BOOST_TEST(f.encode(f.first_overflow) == f.overflow);
            BOOST_TEST(f.encode(std::nextafter(f.first_overflow, 0.0)) == f.largest);
            BOOST_TEST(f.encode(std::numeric_limits<double>::max()) == f.overflow);
            BOOST_TEST(f.encode(k_infinity) == f.overflow);
            BOOST_TEST(f.encode(-k_infinity) == (f.overflow | f.sign));
            BOOST_TEST(f.encode(std::nan("")) == f.nan);
            BOOST_TEST(f.encode(std::copysign(std::nan(""), -1.0)) == (f.nan | f.sign));
            BOOST_TEST(f.encode(-0.0) == f.sign);
            BOOST_TEST(f.encode(std::numeric_limits<double>::denorm_min()) == 0U);
        }
    }
}

BOOST_AUTO_TEST_CASE(known_codes) {
    const std::vector<std::pair<double, unsigned>> f16{{1.0, 0x3c00},     {-2.0, 0xc000},    {65504.0, 0x7bff},
                                                       {0x1p-14, 0x0400}, {0x1p-24, 0x0001}, {1.0 / 3, 0x3555},
                                                       {0.1, 0x2e66}};
    for (const auto& [value, code] : f16)
        BOOST_TEST(kpu::to_f16(value) == code);
    const std::vector<std::pair<double, unsigned>> bf16{
        {1.0, 0x3f80}, {3.140625, 0x4049}, {1.0 / 3, 0x3eab}, {0x1p-133, 0x0001}};
    for (const auto& [value, code] : bf16)
        BOOST_TEST(kpu::to_bf16(value) == code);
    const std::vector<std::pair<double, unsigned>> f8{{1.0, 0x38},   {448.0, 0x7e}, {0x1p-6, 0x08}, {0x1p-9, 0x01},
                                                      {240.0, 0x77}, {-0.5, 0xb0},  {1.0625, 0x38}, {1.1875, 0x3a}};
    for (const auto& [value, code] : f8)
        BOOST_TEST(unsigned{kpu::to_f8(value)} == code);
}

BOOST_AUTO_TEST_CASE(f64_rounds_once) {
    // By way of binary32 these would first become ties, and then go the wrong way.
    BOOST_TEST(kpu::to_f16(1.0 + 0x1p-11 + 0x1p-40) == 0x3c01);
    BOOST_TEST(kpu::to_f16(1.0 + 0x1.8p-10 - 0x1p-40) == 0x3c01);
    BOOST_TEST(kpu::to_bf16(1.0 + 0x1p-8 + 0x1p-40) == 0x3f81);
    BOOST_TEST(unsigned{kpu::to_f8(1.0 + 0x1p-4 + 0x1p-40)} == 0x39U);
}

BOOST_AUTO_TEST_CASE(widening_is_exact_where_it_is_claimed_and_only_there) {
    const std::vector<dtype> types{dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32};
    // Values that tell the types apart: ends of the ranges, and the least significant bit at 1.
    const auto witnesses = [](dtype t) -> std::vector<double> {
        switch (t) {
        case dtype::f64:
            return {1 + 0x1p-52, 0x1p1000, 0x1p-1060};
        case dtype::f32:
            return {1 + 0x1p-23, 0x1p127, 0x1p-149};
        case dtype::f16:
            return {1 + 0x1p-10, 65504.0, 0x1p-24};
        case dtype::bf16:
            return {1 + 0x1p-7, 0x1p127, 0x1p-133};
        case dtype::f8:
            return {1 + 0x1p-3, 448.0, 0x1p-9};
        case dtype::i8:
            return {127, -128, 1};
        case dtype::i32:
            break;
        }
        return {2147483647.0, -2147483648.0, 1};
    };
    for (const dtype from : types)
        for (const dtype to : types) {
            bool exact = true;
            for (const double value : witnesses(from)) {
                std::byte room[8];
                kpu::store(from, value, room);
                BOOST_REQUIRE_EQUAL(kpu::load(from, room), value);
                kpu::store(to, value, room);
                exact = exact && kpu::load(to, room) == value;
            }
            BOOST_TEST(kpu::widens(from, to) == exact, kpu::name_of(from) << " to " << kpu::name_of(to));
        }
}

BOOST_AUTO_TEST_CASE(integers_round_and_saturate) {
    std::byte room[4];
    const auto stored = [&](dtype t, double value) {
        kpu::store(t, value, room);
        return kpu::load(t, room);
    };
    BOOST_TEST(stored(dtype::i8, 2.5) == 2.0);
    BOOST_TEST(stored(dtype::i8, -3.5) == -4.0);
    BOOST_TEST(stored(dtype::i8, 1000.0) == 127.0);
    BOOST_TEST(stored(dtype::i8, -k_infinity) == -128.0);
    BOOST_TEST(stored(dtype::i32, std::nan("")) == 0.0);
    BOOST_TEST(stored(dtype::i32, 1e300) == 2147483647.0);
    BOOST_TEST(stored(dtype::i32, -2147483648.0) == -2147483648.0);
}

BOOST_AUTO_TEST_CASE(convert_goes_element_by_element) {
    kpu::tensor from(dtype::f32, {3});
    const float values[] = {1.0F, 1.0F + 0x1p-12F, 1e9F};
    std::memcpy(from.data.data(), values, sizeof values);
    const kpu::tensor to = kpu::convert(from, dtype::f16);
    BOOST_TEST((to.dims == kpu::shape{3}));
    BOOST_TEST(kpu::load(dtype::f16, &to.data[0]) == 1.0);
    BOOST_TEST(kpu::load(dtype::f16, &to.data[2]) == 1.0);
    BOOST_TEST(kpu::load(dtype::f16, &to.data[4]) == k_infinity);
    BOOST_TEST((kpu::convert(to, dtype::f16) == to));
}
