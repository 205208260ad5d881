// Packed layouts against their definition, element by element.

#include "fw/loader/layout.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>

using namespace kpu;
using namespace kpu::fw;

namespace {

/// destination byte → source byte
std::map<std::uint64_t, std::uint64_t> bytes_moved(const copies& all) {
    std::map<std::uint64_t, std::uint64_t> moved;
    for (const iface::copy_operands& c : all)
        for (std::uint64_t i = 0; i < c.count[2]; ++i)
            for (std::uint64_t j = 0; j < c.count[3]; ++j)
                for (std::uint64_t b = 0; b < c.run; ++b)
                    moved[c.destination.base.value() + i * c.destination.stride[2] + j * c.destination.stride[3] + b] =
                        c.source.base.value() + i * c.source.stride[2] + j * c.source.stride[3] + b;
    return moved;
}

const placed_operand k_matrix{address(1000), 100, 10000, 2};

} // namespace

BOOST_AUTO_TEST_CASE(an_a_tile_is_row_major) {
    const auto moved = bytes_moved({load_rows(k_matrix, 1, {3, 4}, {5, 6}, address(0))});
    BOOST_TEST(moved.size() == 4U * 6U * 2U);
    for (std::uint64_t r = 0; r < 4; ++r)
        for (std::uint64_t c = 0; c < 6; ++c)
            BOOST_REQUIRE(moved.at((r * 6 + c) * 2) == 1000 + 10000 + (3 + r) * 100 + (5 + c) * 2);
}

BOOST_AUTO_TEST_CASE(a_b_tile_is_panels_of_columns) {
    const auto moved = bytes_moved(load_panels(k_matrix, 0, {2, 5}, {1, 7}, 3, address(0)));
    BOOST_TEST(moved.size() == 5U * 7U * 2U);
    for (std::uint64_t r = 0; r < 5; ++r)
        for (std::uint64_t c = 0; c < 7; ++c) {
            const std::uint64_t width = c < 6 ? 3 : 1;
            const std::uint64_t at = (c / 3 * 3 * 5 + r * width + c % 3) * 2;
            BOOST_REQUIRE(moved.at(at) == 1000 + (2 + r) * 100 + (1 + c) * 2);
        }
}

BOOST_AUTO_TEST_CASE(cells_leave_for_where_they_came_from) {
    const cell_row row{2, 7, 3, 24, 2}; // two rows of cells three wide, at a pitch of 24 bytes
    const address matrix = k_matrix.at(0, 4, 5);
    const auto in = bytes_moved(load_cells(k_matrix, matrix, row, address(0)));
    const auto out = bytes_moved(store_cells(k_matrix, matrix, row, address(0)));
    BOOST_TEST(in.size() == 2U * 7U * 2U);
    for (const auto& [cell, element] : in)
        BOOST_REQUIRE(out.at(element) == cell);
    // element (1, 4), two bytes each, is in cell 1, row 1, column 1
    BOOST_TEST(in.at(24 + 8) == matrix.value() + 100 + 8);
    // element (1, 6) is in the narrow cell 2, row 1
    BOOST_TEST(in.at(48 + 2) == matrix.value() + 100 + 12);
}

// All heights and widths of a strip of cells 3 × 4: every element goes from its cell to its cell, whatever the pitches.
BOOST_AUTO_TEST_CASE(a_strip_of_cells_moves_between_different_pitches) {
    const cell_place from{address(1000), 24, 100};
    const cell_place to{address(9000), 100, 24};
    for (std::uint64_t rows = 1; rows <= 7; ++rows) {
        for (std::uint64_t columns = 1; columns <= 9; ++columns) {
            const copies all = move_cells({rows, columns, 3, 4, 2}, from, to);
            const auto moved = bytes_moved(all);
            BOOST_TEST(moved.size() == rows * columns * 2);
            BOOST_TEST(all.size() <= 4U);
            for (std::uint64_t r = 0; r < rows; ++r)
                for (std::uint64_t c = 0; c < columns; ++c) {
                    // a cell is packed: its rows are as wide as the cell is
                    const std::uint64_t width = std::min<std::uint64_t>(4, columns - c / 4 * 4);
                    const std::uint64_t within = (r % 3 * width + c % 4) * 2;
                    BOOST_REQUIRE(moved.at(9000 + r / 3 * 100 + c / 4 * 24 + within) ==
                                  1000 + r / 3 * 24 + c / 4 * 100 + within);
                }
        }
    }
}

BOOST_AUTO_TEST_CASE(touching_cells_move_as_one) {
    BOOST_TEST(move_cells({6, 8, 3, 4, 2}, {address(0), 24, 48}, {address(4096), 24, 48}).size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_last_piece_is_short) {
    BOOST_TEST(piece(10, 4, 2).first == 8U);
    BOOST_TEST(piece(10, 4, 2).count == 2U);
    BOOST_TEST(piece(8, 4, 1).count == 4U);
}

BOOST_AUTO_TEST_CASE(parts_of_rows_move_what_the_whole_moves) {
    const cell_row row{7, 10, 4, 128, 2};
    for (const iface::copy_operands& whole : store_cells(k_matrix, address(5000), row, address(64)))
        for (const std::uint64_t parts : {1U, 2U, 3U, 7U, 20U}) {
            const copies cut = split_rows(whole, parts);
            BOOST_TEST(cut.size() <= std::max<std::uint64_t>(parts, 1));
            BOOST_TEST((bytes_moved(cut) == bytes_moved({whole})));
        }
}
