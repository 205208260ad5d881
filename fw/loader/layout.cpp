#include "fw/loader/layout.h"

#include "fw/loader/descriptor_field.h"

#include <algorithm>
#include <array>

namespace kpu::fw {

namespace {

struct dimension {
    std::uint64_t count = 1, source_stride = 0, destination_stride = 0;

    [[nodiscard]] std::uint32_t from() const { return stride_field(count, static_cast<std::int64_t>(source_stride)); }
    [[nodiscard]] std::uint32_t to() const {
        return stride_field(count, static_cast<std::int64_t>(destination_stride));
    }
};

/// Outer dimension first; unused ones in front have count 1.
iface::copy_operands strided(address from, address to, dimension outer, dimension inner, std::uint64_t run) {
    iface::copy_operands copy;
    copy.run = count_field(run);
    copy.count = {1, 1, count_field(outer.count), count_field(inner.count)};
    copy.source = {from, {0, 0, outer.from(), inner.from()}};
    copy.destination = {to, {0, 0, outer.to(), inner.to()}};
    return copy;
}

/// For full cells and for the rest: (address offset in the matrix row, offset in the cells, cells, their columns).
template <class Make>
copies per_cell_width(const cell_row& row, Make make) {
    copies all;
    if (row.full_cells() > 0)
        all.push_back(make(0, row.full_cells(), row.cell_columns));
    if (row.rest() > 0)
        all.push_back(make(row.full_cells(), 1, row.rest()));
    return all;
}

/// Cells of one size along a side of a strip.
struct part {
    std::uint64_t first = 0, count = 0; ///< in cells
    std::uint64_t size = 0;             ///< of each, in elements
};

/// The full cells, and the short one at the end.
std::array<part, 2> parts_of(std::uint64_t elements, std::uint64_t cell) {
    const std::uint64_t full = elements / cell;
    return {part{0, full, cell}, part{full, elements % cell != 0 ? 1U : 0U, elements % cell}};
}

} // namespace

extent piece(std::uint64_t total, std::uint64_t size, std::uint64_t index) {
    const std::uint64_t first = index * size;
    return {first, std::min(size, total - first)};
}

iface::copy_operands contiguous(address from, address to, std::uint64_t size) {
    return strided(from, to, {}, {}, size);
}

iface::copy_operands load_rows(const placed_operand& a, std::uint64_t batch, extent rows, extent columns, address to) {
    const std::uint64_t run = columns.count * a.element;
    return strided(a.at(batch, rows.first, columns.first), to, {}, {rows.count, a.pitch, run}, run);
}

copies load_panels(const placed_operand& b, std::uint64_t batch, extent rows, extent columns, std::uint64_t panel,
                   address to) {
    copies all;
    const std::uint64_t full = columns.count / panel;
    const std::uint64_t rest = columns.count % panel;
    const std::uint64_t run = panel * b.element;
    if (full > 0)
        all.push_back(strided(b.at(batch, rows.first, columns.first), to, {rows.count, b.pitch, run},
                              {full, run, rows.count * run}, run));
    if (rest > 0)
        all.push_back(strided(b.at(batch, rows.first, columns.first + full * panel),
                              to + bytes(full * rows.count * run), {}, {rows.count, b.pitch, rest * b.element},
                              rest * b.element));
    return all;
}

copies load_cells(const placed_operand& c, address matrix, const cell_row& row, address cells) {
    return per_cell_width(row, [&](std::uint64_t first, std::uint64_t count, std::uint64_t width) {
        const std::uint64_t run = width * row.element;
        return strided(matrix + bytes(first * row.cell_columns * row.element), cells + bytes(first * row.cell_pitch),
                       {row.rows, c.pitch, run}, {count, run, row.cell_pitch}, run);
    });
}

copies store_cells(const placed_operand& c, address matrix, const cell_row& row, address cells) {
    return per_cell_width(row, [&](std::uint64_t first, std::uint64_t count, std::uint64_t width) {
        const std::uint64_t run = width * row.element;
        return strided(cells + bytes(first * row.cell_pitch), matrix + bytes(first * row.cell_columns * row.element),
                       {row.rows, run, c.pitch}, {count, row.cell_pitch, run}, run);
    });
}

copies split_rows(const iface::copy_operands& cells, std::uint64_t parts) {
    constexpr std::size_t k_rows = 2; // as load_cells and store_cells lay their dimensions out
    copies all;
    const std::uint64_t rows = cells.count[k_rows];
    const std::uint64_t rows_per_part = ceil_div(rows, parts);
    for (std::uint64_t first = 0; first < rows; first += rows_per_part) {
        iface::copy_operands part = cells;
        part.count[k_rows] = count_field(std::min(rows_per_part, rows - first));
        part.source.base = cells.source.base + bytes(first * cells.source.stride[k_rows]);
        part.destination.base = cells.destination.base + bytes(first * cells.destination.stride[k_rows]);
        all.push_back(part);
    }
    return all;
}

copies spread_row(address row, const cell_strip& strip, const cell_place& to) {
    copies all;
    const std::uint64_t run = strip.columns * strip.element;
    for (const part& rows : parts_of(strip.rows, strip.cell_rows))
        if (rows.count * rows.size != 0)
            all.push_back(strided(row, to.first + bytes(rows.first * to.down), {rows.count, 0, to.down},
                                  {rows.size, 0, run}, run));
    return all;
}

copies move_cells(const cell_strip& strip, const cell_place& from, const cell_place& to) {
    copies all;
    for (const part& columns : parts_of(strip.columns, strip.cell_columns)) {
        for (const part& rows : parts_of(strip.rows, strip.cell_rows)) {
            if (rows.count * columns.count == 0)
                continue;
            const auto start = [&](const cell_place& place) {
                return place.first + bytes(columns.first * place.across + rows.first * place.down);
            };
            all.push_back(strided(start(from), start(to), {columns.count, from.across, to.across},
                                  {rows.count, from.down, to.down}, rows.size * columns.size * strip.element));
        }
    }
    return all;
}

} // namespace kpu::fw
