// What a descriptor has no room for is refused, wherever copies are made; the largest that it has room for is not.

#include "fw/loader/descriptor_field.h"

#include "fw/loader/boxes.h"
#include "fw/loader/layout.h"
#include "fw/loader/padded_input.h"
#include "fw/loader/window_gather.h"
#include "platforms/common/diagnostic.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::fw;

namespace {

constexpr std::uint64_t k_too_far = std::uint64_t{1} << 31;
constexpr address k_tensor(1 << 20), k_tile(1 << 16);

bool names(const input_error& problem, const std::string& text) {
    return std::string(problem.what()).find(text) != std::string::npos;
}
bool names_the_stride(const input_error& problem) {
    return names(problem, "2147483648 bytes");
}

/// Rows of `columns` elements of four bytes.
vector_operand wide(std::uint64_t columns) {
    return {"t", dtype::f32, {1, 1, 2, columns}};
}

} // namespace

BOOST_AUTO_TEST_CASE(fields_take_what_fits) {
    BOOST_TEST(count_field(0xffffffff) == 0xffffffffU);
    BOOST_TEST(stride_field(2, 0x7fffffff) == 0x7fffffffU);
    BOOST_TEST(stride_field(2, -0x7fffffff) == 0x80000001U);
    BOOST_TEST(stride_field(1, std::int64_t{1} << 40) == 0U); // no second element
    BOOST_CHECK_EXCEPTION((void)count_field(0x100000000), input_error,
                          [](const input_error& e) { return names(e, "4294967296"); });
    BOOST_CHECK_EXCEPTION((void)stride_field(2, k_too_far), input_error, names_the_stride);
    BOOST_CHECK_EXCEPTION((void)stride_field(2, -std::int64_t{k_too_far}), input_error, names_the_stride);
}

BOOST_AUTO_TEST_CASE(boxes_of_rows_that_are_too_long) {
    const operand_box both{{0, 0, 0, 0}, {1, 1, 2, 4}};
    const operand_box one{{0, 0, 1, 0}, {1, 1, 1, 4}};
    const auto in = [](const operand_box& box, std::uint64_t columns) { return clipped(box, wide(columns).dims); };
    const std::uint64_t fits = k_too_far / 4 - 1;
    const std::uint64_t columns = k_too_far / 4;
    BOOST_TEST(load_box(k_tensor, wide(fits), in(both, fits), both, k_tile).source.stride[3] == fits * 4);
    BOOST_TEST(load_box(k_tensor, wide(columns), in(one, columns), one, k_tile).source.base.value() ==
               k_tensor.value() + k_too_far);
    BOOST_CHECK_EXCEPTION((void)load_box(k_tensor, wide(columns), in(both, columns), both, k_tile), input_error,
                          names_the_stride);
    BOOST_CHECK_EXCEPTION((void)store_box(k_tensor, wide(columns), both, k_tile), input_error, names_the_stride);
    BOOST_CHECK_EXCEPTION((void)fill_box(k_tensor, wide(columns), in(both, columns), 0), input_error, names_the_stride);
    const placement backwards{{0, 1, 2, 3}, {1, 1, -1, 1}, {0, 0, 1, 0}};
    BOOST_CHECK_EXCEPTION((void)store_placed(k_tensor, wide(columns), both, k_tile, backwards), input_error,
                          names_the_stride);
    BOOST_TEST(store_placed(k_tensor, wide(fits), both, k_tile, backwards).destination.stride[3] ==
               static_cast<std::uint32_t>(-static_cast<std::int64_t>(fits * 4)));
}

BOOST_AUTO_TEST_CASE(rows_of_a_matrix_that_are_too_long) {
    const placed_operand matrix{k_tensor, k_too_far, 4 * k_too_far, 4};
    BOOST_TEST(load_rows(matrix, 0, {3, 1}, {0, 16}, k_tile).run == 64U);
    BOOST_CHECK_EXCEPTION((void)load_rows(matrix, 0, {0, 2}, {0, 16}, k_tile), input_error, names_the_stride);
    BOOST_CHECK_EXCEPTION((void)load_panels(matrix, 0, {0, 2}, {0, 16}, 16, k_tile), input_error, names_the_stride);
}

BOOST_AUTO_TEST_CASE(windows_over_lines_that_are_too_long) {
    dfx::window_rows w;
    w.input = {1, 4, k_too_far / 4, 1};
    w.places = {1, 2, 2};
    w.window = {{3, 3}, {1, k_too_far / 16}, {1, 1}, {0, 0}, {0, 0}};
    BOOST_CHECK_EXCEPTION((void)gather_windows(w, k_tensor, 4, {0, 4}, {0, 9}, k_tile), input_error, names_the_stride);
    const padded_input input(w, 4);
    const slab_ring ring{k_tile, input.slabs()};
    BOOST_CHECK_EXCEPTION((void)input.load_slabs({0, 2}, k_tensor, ring), input_error, names_the_stride);
}
