// What vector commands compute, against loops of their own over the definition, and which commands are refused.

#include "hw/fabric/vector_check.h"
#include "hw/fabric/vector_kernel.h"
#include "tests/component/fabric/vector_reference.h"

#include <boost/test/unit_test.hpp>
#include <cstring>

using namespace kpu;
using namespace kpu::test;
using iface::element_type;
using iface::fault;
using iface::vector_function;

namespace {

std::vector<element_type> all_types() {
    std::vector<element_type> all;
    for (std::uint32_t t = 0; t < iface::k_element_types; ++t)
        all.push_back(static_cast<element_type>(t));
    return all;
}

std::string name_of(const iface::vector_operands& x) {
    const auto side = [](const iface::vector_side& s) {
        return std::to_string(s.base.value()) + "(" + std::to_string(s.stride[0]) + " " + std::to_string(s.stride[1]) +
               " " + std::to_string(s.stride[2]) + ")";
    };
    return std::string(iface::name_of(x.function)) + " " + std::string(iface::name_of(x.from)) + " to " +
           std::string(iface::name_of(x.to)) + ", " + std::to_string(x.count[0]) + "x" + std::to_string(x.count[1]) +
           "x" + std::to_string(x.count[2]) + " from " + side(x.source) + " and " + side(x.operand) + " to " +
           side(x.destination);
}

/// As the unit does it: operands from copies that hold their ranges and nothing else, so that a sanitizer sees what
/// reaches beyond them; only the destination's elements are written back.
void compute_apart(memory_image& memory, const iface::vector_operands& x) {
    const auto part = [&](const iface::vector_side& side, element_type type) {
        const hw::byte_range r = hw::range_of(x, side, type);
        const auto first = memory.begin() + static_cast<std::ptrdiff_t>(r.first.value());
        return memory_image(first, first + static_cast<std::ptrdiff_t>(r.size.value()));
    };
    const memory_image a = part(x.source, x.from);
    const memory_image b = iface::takes_operand(x.function) ? part(x.operand, x.from) : memory_image();
    memory_image out = part(x.destination, x.to);
    if (!hw::reads_destination(x))
        std::fill(out.begin(), out.end(), static_cast<unsigned char>(0xee)); // its old contents do not matter
    hw::compute(x, {a.data(), b.empty() ? nullptr : b.data(), out.data()});
    for_each_element(x, [&](const std::array<std::uint32_t, 3>& i) {
        const std::uint64_t at = place_of(x.destination, i);
        std::memcpy(&memory[at], &out[at - x.destination.base.value()], iface::size_of(x.to));
    });
}

/// Packed vectors of `count` elements, apart.
iface::vector_operands packed(vector_function f, element_type from, element_type to, std::uint32_t count) {
    iface::vector_operands x;
    x.function = f;
    x.from = from;
    x.to = to;
    x.count = {1, 1, count};
    x.source = {address(0), {0, 0, iface::size_of(from)}};
    x.operand = {address(8192), {0, 0, iface::size_of(from)}};
    x.destination = {address(16384), {0, 0, iface::size_of(to)}};
    x.low = -1;
    x.high = 2;
    return x;
}

/// True where the results, visited with the dimension of the largest stride outermost, lie one behind the other.
bool results_ascend(const iface::vector_operands& x) {
    std::array<std::size_t, 3> dims{0, 1, 2};
    std::sort(dims.begin(), dims.end(),
              [&](std::size_t a, std::size_t b) { return x.destination.stride[a] > x.destination.stride[b]; });
    iface::vector_operands sorted = x;
    for (std::size_t d = 0; d < 3; ++d) {
        sorted.destination.stride[d] = x.destination.stride[dims[d]];
        sorted.count[d] = sorted.destination.stride[d] == 0 ? 1 : x.count[dims[d]];
    }
    std::uint64_t free = 0;
    bool ascend = true;
    for_each_element(sorted, [&](const std::array<std::uint32_t, 3>& i) {
        ascend = ascend && place_of(sorted.destination, i) >= free;
        free = place_of(sorted.destination, i) + iface::size_of(x.to);
    });
    return ascend;
}

} // namespace

/// 600 elements: more than are worked on at a time. Values of all kinds: any bits, then small ones.
BOOST_AUTO_TEST_CASE(every_function_of_every_type) {
    std::mt19937 random(5);
    unsigned computed = 0;
    for (std::uint32_t f = 0; f < iface::k_vector_functions; ++f)
        for (const element_type from : all_types())
            for (const element_type to : all_types()) {
                const iface::vector_operands x = packed(static_cast<vector_function>(f), from, to, 600);
                if (hw::refusal_of(x) != fault::none)
                    continue;
                ++computed;
                memory_image expected = small_values(from, 24576, random);
                for (std::size_t at = 0; at < 2400; ++at)
                    expected[at] = static_cast<unsigned char>(random()); // of the first operand only: no two NaNs meet
                const memory_image sums = small_values(to, 8192, random);
                std::copy(sums.begin(), sums.end(), expected.begin() + 16384);
                memory_image found = expected;
                compute_plainly(expected, x);
                compute_apart(found, x);
                same_nans(expected, x);
                same_nans(found, x);
                BOOST_TEST((found == expected), name_of(x));
            }
    // 11 functions of any type, 4 of floats, each stored as any type; sums in their own type and the accumulator's
    BOOST_TEST(computed == 11U * 7 * 7 + 4U * 5 * 7 + 7U + 4U);
}

BOOST_AUTO_TEST_CASE(unknown_functions_and_types_are_refused) {
    const iface::vector_operands good = packed(vector_function::add, element_type::f32, element_type::f32, 8);
    BOOST_TEST((hw::refusal_of(good) == fault::none));
    for (std::uint32_t code = 0; code < 256; ++code) {
        iface::vector_operands x = good;
        x.function = static_cast<vector_function>(code);
        BOOST_TEST((hw::refusal_of(x) == fault::none) == (code < iface::k_vector_functions));
        x = good;
        x.from = x.to = static_cast<element_type>(code);
        if (code < iface::k_element_types)
            x.source.stride[2] = x.operand.stride[2] = x.destination.stride[2] = iface::size_of(x.to);
        BOOST_TEST((hw::refusal_of(x) == fault::none) == (code < iface::k_element_types));
        x = good;
        x.to = static_cast<element_type>(code);
        x.destination.stride[2] = 8;
        BOOST_TEST((hw::refusal_of(x) == fault::none) == (code < iface::k_element_types));
    }
}

/// Every command that is not refused gives what one element after the other gives, wherever its sides lie.
BOOST_AUTO_TEST_CASE(random_commands_equal_one_element_after_the_other) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    random_commands commands(seed);
    std::mt19937 random(seed);
    constexpr unsigned rounds = 20000;
    unsigned carried_out = 0, in_place = 0, running = 0;
    std::vector<memory_image> before;
    for (const element_type type : all_types())
        before.push_back(small_values(type, random_commands::k_reach, random));
    for (unsigned round = 0; round < rounds; ++round) {
        const iface::vector_operands x = commands.next(0);
        if (hw::refusal_of(x) != fault::none)
            continue;
        ++carried_out;
        in_place += hw::is_destination(x, x.source) ? 1 : 0;
        running += hw::is_destination(x, x.source) && hw::dependent_elements(x) > 1 ? 1 : 0;
        memory_image expected = before[static_cast<std::uint32_t>(x.from)];
        memory_image found = expected;
        compute_plainly(expected, x);
        compute_apart(found, x);
        same_nans(expected, x);
        same_nans(found, x);
        BOOST_REQUIRE_MESSAGE(found == expected, "seed " << seed << ": " << name_of(x));
    }
    BOOST_TEST(carried_out > rounds / 4);
    BOOST_TEST(in_place > rounds / 50);
    BOOST_TEST(running > rounds / 100);
}

/// A refusal has a reason: results that overlap or interleave, or an operand among them.
BOOST_AUTO_TEST_CASE(what_is_apart_is_not_refused) {
    const unsigned seed = std::random_device{}();
    BOOST_TEST_MESSAGE("seed " << seed);
    random_commands commands(seed);
    unsigned refused = 0;
    for (unsigned round = 0; round < 4000; ++round) {
        iface::vector_operands x = commands.next(0);
        x.function = vector_function::add;
        if (hw::refusal_of(x) == fault::none)
            continue;
        ++refused;
        bool reason = !results_ascend(x);
        for (const iface::vector_side* side : {&x.source, &x.operand}) {
            const hw::byte_range from = hw::range_of(x, *side, x.from), to = hw::range_of(x, x.destination, x.to);
            reason = reason || (from.first < to.first + to.size && to.first < from.first + from.size);
        }
        BOOST_TEST(reason, "seed " << seed << ": " << name_of(x));
    }
    BOOST_TEST(refused > 400U);
}

BOOST_AUTO_TEST_CASE(places_that_operands_and_results_share) {
    const auto verdict = [](vector_function f, element_type from, element_type to, std::uint32_t count,
                            std::uint32_t source_stride, std::uint32_t destination_stride) {
        iface::vector_operands x = packed(f, from, to, count);
        x.source = {address(64), {0, 0, source_stride}};
        x.destination = {address(64), {0, 0, destination_stride}};
        return hw::refusal_of(x) == fault::none;
    };
    constexpr auto f32 = element_type::f32, f16 = element_type::f16;
    constexpr auto identity = vector_function::identity, add = vector_function::add,
                   mac = vector_function::multiply_add;
    BOOST_TEST(verdict(identity, f32, f32, 8, 4, 4));
    BOOST_TEST(verdict(identity, f32, f16, 8, 4, 2));  // narrowing in place
    BOOST_TEST(verdict(identity, f32, f16, 8, 4, 4));  // leaving gaps
    BOOST_TEST(verdict(identity, f32, f32, 8, 8, 4));  // closing up
    BOOST_TEST(!verdict(identity, f32, f32, 8, 4, 8)); // spreading out: overtakes what it reads
    BOOST_TEST(!verdict(identity, f16, f32, 8, 2, 4)); // widening in place
    BOOST_TEST(verdict(identity, f16, f32, 8, 4, 4));  // into gaps
    BOOST_TEST(!verdict(identity, f32, f32, 8, 0, 4)); // the first result is what all others are made of
    BOOST_TEST(verdict(add, f32, f32, 8, 0, 0));       // a running value
    BOOST_TEST(verdict(add, f32, f32, 8, 4, 0));       // keeps the last
    BOOST_TEST(!verdict(add, f32, f16, 8, 0, 0));      // a running value of two types
    BOOST_TEST(verdict(add, f32, f16, 1, 0, 0));
    BOOST_TEST(verdict(mac, f32, f32, 8, 4, 4));
    BOOST_TEST(!verdict(mac, f16, f32, 8, 4, 4)); // the sum would be read from the source's bytes
    BOOST_TEST(!verdict(mac, f16, f32, 1, 0, 0));
    BOOST_TEST(!verdict(identity, f32, f32, 8, 64, 2)); // misaligned

    iface::vector_operands x = packed(identity, f32, f32, 4);
    const auto destination = [&](std::uint32_t s0, std::uint32_t s1, std::uint32_t s2) {
        x.count = {2, 3, 4};
        x.destination.stride = {s0, s1, s2};
        return hw::refusal_of(x) == fault::none;
    };
    BOOST_TEST(destination(48, 16, 4));
    BOOST_TEST(destination(4, 8, 24)); // any order of the dimensions
    BOOST_TEST(destination(0, 16, 4));
    BOOST_TEST(destination(0, 0, 0));
    BOOST_TEST(!destination(48, 12, 4)); // rows overlap
    BOOST_TEST(!destination(44, 16, 4));
    BOOST_TEST(!destination(16, 16, 4)); // 24 results in 16 places, as many bytes as if they were packed with gaps
    BOOST_TEST(!destination(4, 16, 4));
    x.destination.base = address(~std::uint64_t{0} - 99);
    BOOST_TEST(destination(48, 16, 4));
    BOOST_TEST(!destination(64, 16, 4)); // around the end of all addresses
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
