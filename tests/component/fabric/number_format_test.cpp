// The chip's number formats against their definition: every code, every rounding boundary, double rounding, NaN,
// integers.

#include "hw/fabric/number_format.h"
#include "tests/component/fabric/format_reference.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <random>

namespace {

using kpu::hw::convert;
using kpu::iface::element_type;
using kpu::test::narrow_format;

const element_type k_narrow[] = {element_type::f16, element_type::bf16, element_type::f8};
constexpr double k_infinity = std::numeric_limits<double>::infinity();

template <class To, class From>
To converted(element_type from, From value, element_type to) {
    To result{};
    convert(from, &value, to, &result, 1);
    return result;
}

template <class From>
std::uint32_t narrowed(element_type from, From value, element_type to) {
    return to == element_type::f8 ? converted<std::uint8_t>(from, value, to)
                                  : converted<std::uint16_t>(from, value, to);
}

double widened(element_type type, std::uint32_t code) {
    return type == element_type::f8 ? converted<double>(type, static_cast<std::uint8_t>(code), element_type::f64)
                                    : converted<double>(type, static_cast<std::uint16_t>(code), element_type::f64);
}

bool same(double a, double b) {
    return std::isnan(a) ? std::isnan(b) && std::signbit(a) == std::signbit(b)
                         : a == b && std::signbit(a) == std::signbit(b);
}

/// Every finite value, every midpoint between neighbours and both sides of each as near as f64 can be, and beyond the
/// top.
std::vector<double> boundaries(const narrow_format& format) {
    std::vector<double> all;
    const std::vector<double>& values = format.values();
    const double top = values.back();
    const double step = top - values[values.size() - 2];
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double next = i + 1 < values.size() ? values[i + 1] : top + step;
        const double middle = values[i] + (next - values[i]) / 2;
        for (const double v : {values[i], middle, std::nextafter(middle, 0.0), std::nextafter(middle, k_infinity)}) {
            all.push_back(v);
            all.push_back(-v);
        }
    }
    for (const double v : {top + step, 4 * top, 1e300, k_infinity, std::numeric_limits<double>::denorm_min(), 1e-300}) {
        all.push_back(v);
        all.push_back(-v);
    }
    return all;
}

} // namespace

BOOST_DATA_TEST_CASE(every_code_widens_to_its_value, boost::unit_test::data::make({0, 1, 2}), which) {
    const element_type type = k_narrow[which];
    const narrow_format format = narrow_format::of(type);
    for (std::uint32_t code = 0; code < format.codes(); ++code)
        if (!same(widened(type, code), format.value(code)))
            BOOST_ERROR("code " << code << " widens to " << widened(type, code) << ", not " << format.value(code));
}

BOOST_DATA_TEST_CASE(every_code_survives_f32_and_f64, boost::unit_test::data::make({0, 1, 2}), which) {
    const element_type type = k_narrow[which];
    const narrow_format format = narrow_format::of(type);
    for (std::uint32_t code = 0; code < format.codes(); ++code) {
        const std::uint32_t expected = format.is_nan(code) ? (code & format.sign_bit()) | format.quiet_nan() : code;
        BOOST_REQUIRE_EQUAL(narrowed(element_type::f64, widened(type, code), type), expected);
        BOOST_REQUIRE_EQUAL(narrowed(element_type::f32, static_cast<float>(widened(type, code)), type), expected);
    }
}

BOOST_DATA_TEST_CASE(f64_rounds_once_at_every_boundary, boost::unit_test::data::make({0, 1, 2}), which) {
    const element_type type = k_narrow[which];
    const narrow_format format = narrow_format::of(type);
    for (const double v : boundaries(format))
        if (narrowed(element_type::f64, v, type) != format.encode(v))
            BOOST_ERROR(v << " becomes " << narrowed(element_type::f64, v, type) << ", not " << format.encode(v));
}

BOOST_DATA_TEST_CASE(f32_rounds_at_every_boundary, boost::unit_test::data::make({0, 1, 2}), which) {
    const element_type type = k_narrow[which];
    const narrow_format format = narrow_format::of(type);
    for (const double v : boundaries(format)) {
        const auto nearest = static_cast<float>(v);
        for (const float f : {nearest, std::nextafter(nearest, 0.0F), std::nextafter(nearest, HUGE_VALF)})
            if (narrowed(element_type::f32, f, type) != format.encode(f))
                BOOST_ERROR(f << " becomes " << narrowed(element_type::f32, f, type) << ", not " << format.encode(f));
    }
}

BOOST_DATA_TEST_CASE(random_f32_bits_round_alike, boost::unit_test::data::make({0, 1, 2}), which) {
    const element_type type = k_narrow[which];
    const narrow_format format = narrow_format::of(type);
    std::mt19937 random(which + 1);
    for (int i = 0; i < 300000; ++i) {
        const auto bits = static_cast<std::uint32_t>(random());
        float f = 0;
        std::memcpy(&f, &bits, sizeof f);
        if (narrowed(element_type::f32, f, type) != format.encode(f))
            BOOST_ERROR("bits " << bits << " become " << narrowed(element_type::f32, f, type));
    }
}

BOOST_AUTO_TEST_CASE(the_reference_rounds_differently_when_it_rounds_twice) {
    // 1 + 2^-11 + 2^-40 lies above the tie between two f16; by way of an f32 it would become the tie.
    const double v = 1.0 + 0x1p-11 + 0x1p-40;
    const narrow_format format = narrow_format::f16();
    BOOST_TEST(format.encode(v) != format.encode(static_cast<float>(v)));
    BOOST_TEST(narrowed(element_type::f64, v, element_type::f16) == format.encode(v));
}

BOOST_AUTO_TEST_CASE(overflow_saturates_f8_and_leaves_infinity_elsewhere) {
    for (const float v : {464.0F, 480.0F, 1e30F, HUGE_VALF}) {
        BOOST_TEST(narrowed(element_type::f32, v, element_type::f8) == 0x7eU);
        BOOST_TEST(narrowed(element_type::f32, -v, element_type::f8) == 0xfeU);
    }
    BOOST_TEST(narrowed(element_type::f32, 65519.9F, element_type::f16) == 0x7bffU);
    BOOST_TEST(narrowed(element_type::f32, 65520.0F, element_type::f16) == 0x7c00U);
    BOOST_TEST(narrowed(element_type::f32, -1e30F, element_type::f16) == 0xfc00U);
    BOOST_TEST(narrowed(element_type::f32, 3.4e38F, element_type::bf16) == 0x7f80U);
    BOOST_TEST(narrowed(element_type::f64, 1e300, element_type::bf16) == 0x7f80U);
}

BOOST_AUTO_TEST_CASE(nan_is_stored_canonical_with_its_sign) {
    const auto negative = static_cast<float>(-std::nan("5"));
    for (const element_type type : k_narrow) {
        const narrow_format format = narrow_format::of(type);
        BOOST_TEST(narrowed(element_type::f32, std::nanf("7"), type) == format.quiet_nan());
        BOOST_TEST(narrowed(element_type::f32, negative, type) == (format.sign_bit() | format.quiet_nan()));
        BOOST_TEST(narrowed(element_type::f64, std::nan("9"), type) == format.quiet_nan());
    }
}

BOOST_AUTO_TEST_CASE(integers_widen_narrow_and_round) {
    const element_type i8 = element_type::i8, i32 = element_type::i32;
    BOOST_TEST(converted<std::int32_t>(i8, std::int8_t{-128}, i32) == -128);
    BOOST_TEST(int{converted<std::int8_t>(i32, std::int32_t{-128}, i8)} == -128);
    BOOST_TEST(int{converted<std::int8_t>(i32, std::int32_t{128}, i8)} == 127);
    BOOST_TEST(int{converted<std::int8_t>(i32, std::int32_t{-1000000}, i8)} == -128);
    BOOST_TEST(converted<float>(i32, 16777217, element_type::f32) == 16777216.0F); // tie to even
    BOOST_TEST(converted<float>(i32, 16777219, element_type::f32) == 16777220.0F);
    BOOST_TEST(converted<double>(i32, 16777217, element_type::f64) == 16777217.0);
    BOOST_TEST(converted<std::int32_t>(element_type::f32, 2.5F, i32) == 2);
    BOOST_TEST(converted<std::int32_t>(element_type::f32, -3.5F, i32) == -4);
    BOOST_TEST(converted<std::int32_t>(element_type::f64, 1e10, i32) == std::numeric_limits<std::int32_t>::max());
    BOOST_TEST(converted<std::int32_t>(element_type::f64, -k_infinity, i32) ==
               std::numeric_limits<std::int32_t>::min());
    BOOST_TEST(converted<std::int32_t>(element_type::f64, std::nan(""), i32) == 0);
    BOOST_TEST(int{converted<std::int8_t>(element_type::f32, 200.0F, i8)} == 127);
    BOOST_TEST(narrowed(i32, std::int32_t{1 << 20}, element_type::f16) == 0x7c00U);
    for (int v = -128; v < 128; ++v)
        BOOST_REQUIRE_EQUAL(narrowed(i8, static_cast<std::int8_t>(v), element_type::bf16),
                            narrow_format::bf16().encode(v));
}

BOOST_AUTO_TEST_CASE(all_lengths_alignments_and_in_place) {
    std::mt19937 random(11);
    for (const std::size_t count : {1, 2, 7, 255, 256, 257, 1000}) {
        std::vector<float> values(count);
        for (float& v : values)
            v = std::uniform_real_distribution<float>(-600, 600)(random);
        std::vector<unsigned char> buffer(count * sizeof(float) + 1);
        std::memcpy(buffer.data() + 1, values.data(), count * sizeof(float));
        convert(element_type::f32, buffer.data() + 1, element_type::f16, buffer.data() + 1, count);
        for (std::size_t i = 0; i < count; ++i) {
            std::uint16_t code = 0;
            std::memcpy(&code, buffer.data() + 1 + 2 * i, sizeof code);
            BOOST_REQUIRE_EQUAL(code, narrow_format::f16().encode(values[i]));
        }
    }
}
