// Numbers with units: exact, or refused with a reason.

#include "platforms/quantity.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <ostream>
#include <random>
#include <string>

using namespace kpu::platform;

namespace {

constexpr std::uint64_t k_max = std::numeric_limits<std::uint64_t>::max();
constexpr measure k_all[] = {measure::count,
                             measure::bytes,
                             measure::bytes_per_cycle,
                             measure::bytes_per_second,
                             measure::hertz,
                             measure::picoseconds,
                             measure::cycles,
                             measure::femtojoules,
                             measure::femtojoules_per_byte,
                             measure::microwatts};

std::uint64_t value_of(const std::string& text, measure what) {
    const auto parsed = parse_quantity(text, what);
    if (const auto* e = std::get_if<quantity_error>(&parsed)) {
        BOOST_ERROR("'" << text << "' was refused: " << e->message);
        return k_max;
    }
    return std::get<std::uint64_t>(parsed);
}

/// The message with which a text is refused, empty if it is not.
quantity_error refusal(const std::string& text, measure what) {
    const auto parsed = parse_quantity(text, what);
    if (const auto* e = std::get_if<quantity_error>(&parsed))
        return *e;
    BOOST_ERROR("'" << text << "' was taken as " << std::get<std::uint64_t>(parsed));
    return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(units_scale_exactly) {
    BOOST_TEST(value_of("64B", measure::bytes) == 64u);
    BOOST_TEST(value_of("64KiB", measure::bytes) == 65536u);
    BOOST_TEST(value_of("1MiB", measure::bytes) == 1048576u);
    BOOST_TEST(value_of("1.5 GiB", measure::bytes) == 1610612736u);
    BOOST_TEST(value_of("2TiB", measure::bytes) == 2199023255552u);
    BOOST_TEST(value_of("25.6GB/s", measure::bytes_per_second) == 25'600'000'000u);
    BOOST_TEST(value_of("1.024TB/s", measure::bytes_per_second) == 1'024'000'000'000u);
    BOOST_TEST(value_of("1KiB/s", measure::bytes_per_second) == 1024u);
    BOOST_TEST(value_of("64B/cycle", measure::bytes_per_cycle) == 64u);
    BOOST_TEST(value_of("64B", measure::bytes_per_cycle) == 64u);
    BOOST_TEST(value_of("1GHz", measure::hertz) == 1'000'000'000u);
    BOOST_TEST(value_of("750 MHz", measure::hertz) == 750'000'000u);
    BOOST_TEST(value_of("60ns", measure::picoseconds) == 60'000u);
    BOOST_TEST(value_of("27.5ns", measure::picoseconds) == 27'500u);
    BOOST_TEST(value_of("4cy", measure::cycles) == 4u);
    BOOST_TEST(value_of("2.25pJ", measure::femtojoules) == 2250u);
    BOOST_TEST(value_of("1uJ", measure::femtojoules) == 1'000'000'000u);
    BOOST_TEST(value_of("3.9pJ/bit", measure::femtojoules_per_byte) == 31'200u);
    BOOST_TEST(value_of("0.8 pJ/B", measure::femtojoules_per_byte) == 800u);
    BOOST_TEST(value_of("50mW", measure::microwatts) == 50'000u);
    BOOST_TEST(value_of("1 cycle", measure::cycles) == 1u);
    BOOST_TEST(value_of("0", measure::count) == 0u);
    BOOST_TEST(value_of("16", measure::count) == 16u);
    BOOST_TEST(value_of("16.0", measure::count) == 16u);
}

BOOST_AUTO_TEST_CASE(the_largest_value_fits_and_the_next_does_not) {
    BOOST_TEST(value_of("18446744073709551615", measure::count) == k_max);
    BOOST_TEST(refusal("18446744073709551616", measure::count).message == "too large");
    BOOST_TEST(value_of("16777215TiB", measure::bytes) == 16777215ull << 40);
    BOOST_TEST(refusal("16777216TiB", measure::bytes).message == "too large");
    BOOST_TEST(refusal(std::string(400, '9') + "B", measure::bytes).message == "too large");
    BOOST_TEST(value_of("18446744073.709551615GHz", measure::hertz) == k_max);
    BOOST_TEST(refusal("18446744073.709551616GHz", measure::hertz).message == "too large");
}

BOOST_AUTO_TEST_CASE(what_is_no_finite_number_is_refused) {
    for (const char* text : {"nan", "NaN", ".nan", ".NaN", "inf", ".inf", "-.inf", "+inf", "Infinity", "NaNGHz"})
        BOOST_TEST(refusal(text, measure::hertz).message == "not a finite number", text);
    for (const char* text : {"", "GHz", "x16", ".", "~", "null"})
        BOOST_TEST(refusal(text, measure::hertz).message == "not a number", text);
}

BOOST_AUTO_TEST_CASE(unusual_spellings_are_refused_with_a_reason) {
    BOOST_TEST(refusal("-1", measure::count).message == "negative");
    BOOST_TEST(refusal("-1GHz", measure::hertz).message == "negative");
    BOOST_TEST(refusal("+1", measure::count).message == "a sign in front of the number");
    BOOST_TEST(refusal("010", measure::count).message == "leading zero");
    BOOST_TEST(refusal("00", measure::count).message == "leading zero");
    BOOST_TEST(refusal("0x10", measure::count).message == "hexadecimal number");
    BOOST_TEST(refusal("1_000", measure::count).message == "digit separator in a number");
    BOOST_TEST(refusal("1,5GHz", measure::hertz).message == "digit separator in a number");
    BOOST_TEST(refusal("1e9Hz", measure::hertz).message == "exponent in a number");
    BOOST_TEST(refusal("1.GHz", measure::hertz).message == "no digits after the decimal point");
    BOOST_TEST(refusal(".5GHz", measure::hertz).hint == "write 0.5GHz");
    BOOST_TEST(refusal("1.5.2GHz", measure::hertz).message == "unknown unit '.2GHz'");
}

BOOST_AUTO_TEST_CASE(units_are_demanded_and_explained) {
    BOOST_TEST(refusal("64", measure::bytes).message == "missing unit");
    BOOST_TEST(refusal("64", measure::bytes).expected == "a size such as 64KiB");
    BOOST_TEST(refusal("0", measure::cycles).message == "missing unit");
    BOOST_TEST(refusal("64KB", measure::bytes).hint == "sizes are in powers of 1024: KiB");
    BOOST_TEST(refusal("64gb", measure::bytes).hint == "sizes are in powers of 1024: GiB");
    BOOST_TEST(refusal("64kib", measure::bytes).hint == "units are case-sensitive: KiB");
    BOOST_TEST(refusal("1ghz", measure::hertz).hint == "units are case-sensitive: GHz");
    BOOST_TEST(refusal("4cy", measure::count).message == "a unit after a plain number");
    BOOST_TEST(refusal("4ns", measure::cycles).message == "unknown unit 'ns'");
    BOOST_TEST(refusal("64B/cycle", measure::bytes_per_second).message == "unknown unit 'B/cycle'");
}

BOOST_AUTO_TEST_CASE(nothing_is_rounded) {
    BOOST_TEST(value_of("0.5KiB", measure::bytes) == 512u);
    BOOST_TEST(refusal("0.3KiB", measure::bytes).message == "not a whole number of bytes");
    BOOST_TEST(refusal("1.5B", measure::bytes).message == "not a whole number of bytes");
    BOOST_TEST(refusal("0.0005ns", measure::picoseconds).message == "not a whole number of picoseconds");
    BOOST_TEST(refusal("1.5", measure::count).message == "a fraction");
    BOOST_TEST(refusal("1." + std::string(19, '1') + "GHz", measure::hertz).message ==
               "more than 18 digits after the decimal point");
    BOOST_TEST(value_of("1." + std::string(400, '0') + "GHz", measure::hertz) == 1'000'000'000u);
}

BOOST_AUTO_TEST_CASE(what_is_printed_is_read_back) {
    BOOST_TEST(format_quantity(0, measure::bytes) == "0B");
    BOOST_TEST(format_quantity(1536, measure::bytes) == "1536B");
    BOOST_TEST(format_quantity(65536, measure::bytes) == "64KiB");
    BOOST_TEST(format_quantity(25'600'000'000, measure::bytes_per_second) == "25.6GB/s");
    BOOST_TEST(format_quantity(1'000'000'001, measure::hertz) == "1.000000001GHz");
    BOOST_TEST(format_quantity(4, measure::cycles) == "4cy");
    BOOST_TEST(format_quantity(31'200, measure::femtojoules_per_byte) == "31.2pJ/B");
    BOOST_TEST(format_quantity(1'688'000, measure::microwatts) == "1.688W");
    constexpr unsigned seed = 20240517;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t value = random() >> (random() % 64);
        for (const measure what : k_all)
            BOOST_REQUIRE_EQUAL(value_of(format_quantity(value, what), what), value);
    }
}
