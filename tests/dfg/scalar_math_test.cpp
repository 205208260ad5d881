// The scalar functions against the C library in long double.

#include "platforms/common/scalar_math.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

namespace scalar = kpu::scalar;

namespace {

/// Error in units in the last place of the wanted number.
double error_of(double got, long double exact) {
    const auto want = static_cast<double>(exact);
    const double unit = std::nextafter(std::fabs(want), INFINITY) - std::fabs(want);
    return static_cast<double>(std::fabs(static_cast<long double>(got) - exact)) / unit;
}

} // namespace

BOOST_AUTO_TEST_CASE(errors_are_within_their_bounds) {
    constexpr std::uint64_t k_seed = 17;
    BOOST_TEST_MESSAGE("seed " << k_seed);
    std::mt19937_64 random(k_seed);
    std::uniform_real_distribution<double> wide(-700, 700);
    std::uniform_real_distribution<double> powers(-60, 60);
    double exponential = 0;
    double logistic = 0;
    double tangent = 0;
    for (unsigned round = 0; round < 300000; ++round) {
        const double x = wide(random) / (round % 2 == 0 ? 1 : 100);
        exponential = std::fmax(exponential, error_of(scalar::exponential(x), expl(x)));
        logistic = std::fmax(logistic, error_of(scalar::logistic(x), 1 / (1 + expl(-static_cast<long double>(x)))));
        const double y = std::copysign(std::exp2(powers(random) / (1 + round % 7)), x);
        tangent = std::fmax(tangent, error_of(scalar::arc_tangent(y), atanl(y)));
    }
    BOOST_TEST_MESSAGE("exp " << exponential << ", logistic " << logistic << ", atan " << tangent);
    BOOST_TEST(exponential <= 2);
    BOOST_TEST(logistic <= 4);
    BOOST_TEST(tangent <= 4);
}

BOOST_AUTO_TEST_CASE(special_numbers) {
    BOOST_TEST(std::isinf(scalar::exponential(709.79)));
    BOOST_TEST(std::isfinite(scalar::exponential(709.78)));
    BOOST_TEST(scalar::exponential(-745.1) == 0x1p-1074);
    BOOST_TEST(scalar::exponential(-745.3) == 0);
    BOOST_TEST(std::signbit(scalar::maximum(-0.0, -0.0)));
    BOOST_TEST(!std::signbit(scalar::maximum(-0.0, 0.0)));
    BOOST_TEST(!std::signbit(scalar::maximum(0.0, -0.0)));
    BOOST_TEST(std::signbit(scalar::minimum(0.0, -0.0)));
    BOOST_TEST(std::isnan(scalar::maximum(1.0, std::nan(""))));
    BOOST_TEST(std::isnan(scalar::minimum(std::nan(""), 1.0)));
    // The invalid operation's NaN is negative on x86; the elementwise result is not.
    const volatile double infinite = INFINITY;
    BOOST_TEST(!std::signbit(scalar::subtract<double>(infinite, infinite)));
}
