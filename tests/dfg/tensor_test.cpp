// Tensors and random values.

#include "compiler/tensor/number_format.h"
#include "compiler/tensor/tensor.h"
#include "platforms/common/diagnostic.h"

#include <boost/test/unit_test.hpp>
#include <set>

using kpu::dtype;

BOOST_AUTO_TEST_CASE(element_counts) {
    BOOST_TEST(kpu::element_count({}) == 1U);
    BOOST_TEST(kpu::element_count({4, 16}) == 64U);
    BOOST_TEST(kpu::element_count({4, 0, 16}) == 0U);
    BOOST_TEST(kpu::element_count({std::uint64_t{1} << 24U, std::uint64_t{1} << 24U}) == std::uint64_t{1} << 48U);
    BOOST_CHECK_THROW((void)kpu::element_count({std::uint64_t{1} << 24U, (std::uint64_t{1} << 24U) + 1}),
                      kpu::input_error);
    // The product wraps to 0 in 64 bits.
    BOOST_CHECK_THROW((void)kpu::element_count({std::uint64_t{1} << 32U, std::uint64_t{1} << 32U}), kpu::input_error);
    BOOST_TEST(kpu::to_string(kpu::shape{4, 16}) == "4x16");
}

BOOST_AUTO_TEST_CASE(names_of_types) {
    for (const char* name : {"f64", "f32", "f16", "bf16", "f8", "i8", "i32"})
        BOOST_TEST(kpu::name_of(kpu::dtype_named(name).value()) == name);
    BOOST_TEST(!kpu::dtype_named("f33"));
}

BOOST_AUTO_TEST_CASE(random_tensors_are_pinned) {
    // splitmix64 of seed 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4 (published test values).
    const kpu::tensor t = kpu::random_tensor(dtype::f64, {2}, 0);
    BOOST_TEST(kpu::load(dtype::f64, &t.data[0]) == static_cast<double>(0xe220a8397b1dcdafU >> 11U) * 0x1p-52 - 1.0);
    BOOST_TEST(kpu::load(dtype::f64, &t.data[8]) == static_cast<double>(0x6e789e6aa1b965f4U >> 11U) * 0x1p-52 - 1.0);
    const kpu::tensor bytes = kpu::random_tensor(dtype::i8, {1}, 0);
    BOOST_TEST(kpu::load(dtype::i8, bytes.data.data()) == 0xe2 - 128);
}

BOOST_AUTO_TEST_CASE(random_tensors_have_their_ranges) {
    for (const dtype t : {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8, dtype::i32}) {
        const kpu::tensor values = kpu::random_tensor(t, {100, 100}, 7);
        double low = 1e9;
        double high = -1e9;
        for (std::size_t i = 0; i < 10000; ++i) {
            const double value = kpu::load(t, &values.data[i * kpu::size_of(t)]);
            low = std::min(low, value);
            high = std::max(high, value);
        }
        const double bound = t == dtype::i8 ? 128 : t == dtype::i32 ? 1000 : 1;
        BOOST_TEST(low >= -bound);
        BOOST_TEST(high <= bound);
        BOOST_TEST(low < -0.9 * bound);
        BOOST_TEST(high > 0.9 * bound);
        BOOST_TEST((kpu::random_tensor(t, {100, 100}, 7) == values));
        BOOST_TEST(!(kpu::random_tensor(t, {100, 100}, 8) == values));
    }
}
