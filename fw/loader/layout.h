#pragma once
// Where elements lie: row-major tensors in DRAM, packed tiles on the chip, and the strided copies between them.
//
//   A tile   rows × depth, row-major; its panels of `rows of the array` rows follow each other
//   B tile   panels of `columns of the array` columns follow each other, each depth × columns, row-major
//   C block  strips of a few rows of cells follow each other, in a strip its columns of cells, in a column its cells,
//   each
//            one fold's m × n, row-major, at a pitch of a full fold

#include "hw/interface/descriptor.h"
#include "platforms/common/units.h"

#include <boost/container/small_vector.hpp>
#include <cstdint>

namespace kpu::fw {

/// An operand's part of a tensor in DRAM.
struct placed_operand {
    address first;           ///< its element (0, 0) of batch 0
    std::uint64_t pitch = 0; ///< bytes from one row to the next
    std::uint64_t batch_stride = 0;
    std::uint64_t element = 0; ///< bytes

    [[nodiscard]] address at(std::uint64_t batch, std::uint64_t row, std::uint64_t column) const {
        return address(first.value() + batch * batch_stride + row * pitch + column * element);
    }
};

/// A range of one dimension, in elements.
struct extent {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};
/// The `index`-th piece when `total` is cut into pieces of `size`; the last one may be short.
[[nodiscard]] extent piece(std::uint64_t total, std::uint64_t size, std::uint64_t index);

/// One row of a C block's cells: up to `columns / cell_columns` full cells and a narrower one.
struct cell_row {
    std::uint64_t rows = 0;         ///< of the fold: m
    std::uint64_t columns = 0;      ///< of the block
    std::uint64_t cell_columns = 0; ///< of a full cell
    std::uint64_t cell_pitch = 0;   ///< bytes from a cell to the next one of the row
    std::uint64_t element = 0;      ///< bytes

    [[nodiscard]] std::uint64_t full_cells() const { return columns / cell_columns; }
    [[nodiscard]] std::uint64_t rest() const { return columns % cell_columns; }
};

/// Some rows of cells over some columns of them. The last row and the last column may be short.
struct cell_strip {
    std::uint64_t rows = 0, columns = 0;           ///< in elements
    std::uint64_t cell_rows = 0, cell_columns = 0; ///< of a full cell
    std::uint64_t element = 0;                     ///< bytes
};
/// Where a strip lies in one memory: its first cell, and bytes to the cell below and to the cell in the next column.
struct cell_place {
    address first;
    std::uint64_t down = 0, across = 0;
};

/// Few at a time: they stay off the heap.
using copies = boost::container::small_vector<iface::copy_operands, 4>;

[[nodiscard]] iface::copy_operands contiguous(address from, address to, std::uint64_t size);
/// DRAM → A tile.
[[nodiscard]] iface::copy_operands load_rows(const placed_operand& a, std::uint64_t batch, extent rows, extent columns,
                                             address to);
/// DRAM → B tile, in panels of `panel` columns.
[[nodiscard]] copies load_panels(const placed_operand& b, std::uint64_t batch, extent rows, extent columns,
                                 std::uint64_t panel, address to);
/// DRAM ↔ a row of cells.
[[nodiscard]] copies load_cells(const placed_operand& c, address matrix, const cell_row& row, address cells);
[[nodiscard]] copies store_cells(const placed_operand& c, address matrix, const cell_row& row, address cells);
/// A load or store of cells cut along the matrix's rows into at most `parts` copies.
[[nodiscard]] copies split_rows(const iface::copy_operands& cells, std::uint64_t parts);
/// One row of elements into every row of a column of cells; the strip is one cell wide.
[[nodiscard]] copies spread_row(address row, const cell_strip& strip, const cell_place& to);
/// A strip of cells between two memories of the chip: one copy, or up to four where cells are short.
[[nodiscard]] copies move_cells(const cell_strip& strip, const cell_place& from, const cell_place& to);

} // namespace kpu::fw
