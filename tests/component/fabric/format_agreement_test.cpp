// The chip's conversions against those of the reference: written apart, equal in every bit.

#include "compiler/tensor/number_format.h"
#include "hw/fabric/number_format.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <random>

namespace {

using kpu::dtype;
using kpu::iface::element_type;

/// Elements of every magnitude: all codes of the narrow types, random bits and small numbers of the others.
kpu::tensor values_of(dtype type, std::mt19937& random) {
    constexpr std::uint64_t count = 1U << 16;
    kpu::tensor t(type, {count});
    const std::uint64_t size = kpu::size_of(type);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t bits = size <= 2 ? i : std::uint64_t{random()} << 32 | random();
        std::memcpy(t.data.data() + i * size, &bits, size);
        const double near =
            std::ldexp(std::uniform_real_distribution<double>(-2, 2)(random), static_cast<int>(random() % 60) - 40);
        if (size > 2 && i % 2 == 0)
            kpu::store(type, near, t.data.data() + i * size);
    }
    return t;
}

/// Equal bits; NaN of f32 and f64 need only be NaN of one sign: their payload is the host's.
bool same(dtype type, const std::byte* a, const std::byte* b) {
    if (std::memcmp(a, b, kpu::size_of(type)) == 0)
        return true;
    const double x = kpu::load(type, a), y = kpu::load(type, b);
    const bool has_payload = type == dtype::f32 || type == dtype::f64;
    return has_payload && std::isnan(x) && std::isnan(y) && std::signbit(x) == std::signbit(y);
}

} // namespace

BOOST_DATA_TEST_CASE(all_conversions_agree, boost::unit_test::data::xrange(7) * boost::unit_test::data::xrange(7), from,
                     to) {
    std::mt19937 random(static_cast<unsigned>(51 + from));
    const kpu::tensor source = values_of(static_cast<dtype>(from), random);
    const kpu::tensor expected = kpu::convert(source, static_cast<dtype>(to));
    std::vector<std::byte> converted(expected.data.size());
    const std::size_t count = source.data.size() / kpu::size_of(source.type);
    kpu::hw::convert(static_cast<element_type>(from), source.data.data(), static_cast<element_type>(to),
                     converted.data(), count);
    const std::uint64_t size = kpu::size_of(expected.type);
    std::size_t different = 0;
    for (std::size_t i = 0; i < count; ++i)
        if (!same(expected.type, &expected.data[i * size], &converted[i * size]) && different++ < 5)
            BOOST_ERROR("element " << i << ": " << kpu::load(source.type, &source.data[i * kpu::size_of(source.type)])
                                   << " becomes " << kpu::load(expected.type, &converted[i * size]) << " on the chip, "
                                   << kpu::load(expected.type, &expected.data[i * size]) << " in the reference");
    BOOST_TEST(different == 0U);
}

BOOST_AUTO_TEST_CASE(the_two_lists_of_types_are_one) {
    for (std::uint32_t t = 0; t < kpu::iface::k_element_types; ++t)
        BOOST_TEST(kpu::size_of(static_cast<dtype>(t)) == kpu::iface::size_of(static_cast<element_type>(t)));
}
