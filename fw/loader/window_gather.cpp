#include "fw/loader/window_gather.h"

#include "fw/loader/descriptor_field.h"

#include <algorithm>
#include <array>

namespace kpu::fw {

namespace {

/// A range of a dimension that may be empty, with ends that may lie outside.
struct range {
    std::int64_t first = 0, end = 0;
    [[nodiscard]] std::int64_t count() const { return std::max<std::int64_t>(0, end - first); }
};

std::int64_t as_signed(std::uint64_t n) {
    return static_cast<std::int64_t>(n);
}

/// The places p of [0, places) whose tap p·stride + offset lies in [0, extent).
range places_inside(std::uint64_t extent, std::uint64_t stride, std::int64_t offset, range places) {
    const std::int64_t s = as_signed(stride);
    const std::int64_t low = offset < 0 ? (-offset + s - 1) / s : 0;
    const std::int64_t high = as_signed(extent) - 1 - offset;
    return {std::max(places.first, low), std::min(places.end, high < 0 ? 0 : high / s + 1)};
}

/// One innermost line of spatial places of one image, and the line of the input below them: windows along x, elements
/// of all kernel columns and channels side by side where the kernel is not dilated.
class gatherer {
  public:
    gatherer(const dfx::window_rows& w, address tensor, std::uint64_t element, extent rows, extent depth, address to)
        : m_w(w), m_tensor(tensor), m_element(element), m_rows(rows), m_depth(depth), m_to(to),
          m_spatial(w.window.kernel.size()), m_channels(w.input.back()) {}

    gathered_rows run() {
        // innermost kernel dimension and channels together: a line of the window
        const std::size_t x = m_spatial - 1;
        const std::uint64_t line = m_w.window.kernel[x] * m_channels;
        for (std::uint64_t k = m_depth.first; k < m_depth.first + m_depth.count;) {
            const std::uint64_t within = k % line;
            const std::uint64_t count = std::min(line - within, m_depth.first + m_depth.count - k);
            kernel_line(k / line, {within, count}, k - m_depth.first);
            k += count;
        }
        m_out.complete = m_moved == m_rows.count * m_depth.count;
        return std::move(m_out);
    }

  private:
    /// Elements `part` of a line of the kernel (number `line` of its outer dimensions), which go to column `column`.
    void kernel_line(std::uint64_t line, extent part, std::uint64_t column) {
        const std::size_t x = m_spatial - 1;
        if (m_w.window.dilation[x] == 1)
            return taps(line, 0, part, column);
        while (part.count > 0) {
            const std::uint64_t tap = part.first / m_channels;
            const std::uint64_t within = part.first % m_channels;
            const std::uint64_t count = std::min(m_channels - within, part.count);
            taps(line, tap, {within, count}, column);
            part = {part.first + count, part.count - count};
            column += count;
        }
    }

    /// Elements `part` from tap `tap` of a kernel line on, for all rows.
    void taps(std::uint64_t line, std::uint64_t tap, extent part, std::uint64_t column) {
        std::vector<std::uint64_t> kernel(m_spatial, 0);
        for (std::size_t d = m_spatial - 1; d-- > 0;) {
            kernel[d] = line % m_w.window.kernel[d];
            line /= m_w.window.kernel[d];
        }
        kernel.back() = tap;
        const std::uint64_t across = m_w.places.back();
        for (std::uint64_t row = m_rows.first; row < m_rows.first + m_rows.count;) {
            const std::uint64_t first = row % across;
            const std::uint64_t left = m_rows.first + m_rows.count - row;
            const std::uint64_t lines = whole_lines(row, left);
            if (lines > 1) {
                place_lines(row / across, lines, kernel, part, column, row - m_rows.first);
                row += lines * across;
                continue;
            }
            const std::uint64_t count = std::min(across - first, left);
            place_line(row / across, {as_signed(first), as_signed(first + count)}, 1, 0, kernel, part, column,
                       row - m_rows.first);
            row += count;
        }
    }

    /// How many whole lines of places of one image begin at this row.
    [[nodiscard]] std::uint64_t whole_lines(std::uint64_t row, std::uint64_t left) const {
        const std::uint64_t across = m_w.places.back();
        if (row % across != 0 || m_spatial < 2)
            return row % across == 0 && left >= across ? 1 : 0;
        const std::uint64_t down = m_w.places[m_spatial - 1];
        return std::min(left / across, down - row / across % down);
    }

    /// `lines` whole lines of places from line `number` on, of one image: those inside of the input are one box.
    void place_lines(std::uint64_t number, std::uint64_t lines, const std::vector<std::uint64_t>& kernel, extent part,
                     std::uint64_t column, std::uint64_t to_row) {
        const std::size_t y = m_spatial - 2;
        const std::uint64_t down = m_w.places[y + 1];
        const std::int64_t first = as_signed(number % down);
        const std::int64_t offset = tap_offset(y, kernel[y]);
        const range inside =
            places_inside(m_w.input[y + 1], m_w.window.stride[y], offset, {first, first + as_signed(lines)});
        if (inside.count() == 0)
            return;
        const auto skipped = static_cast<std::uint64_t>(inside.first - first);
        place_line(number + skipped, {0, as_signed(m_w.places.back())}, static_cast<std::uint64_t>(inside.count()),
                   m_w.window.stride[y] * m_w.input.back() * m_w.input[m_spatial], kernel, part, column,
                   to_row + skipped * m_w.places.back());
    }

    [[nodiscard]] std::int64_t tap_offset(std::size_t d, std::uint64_t kernel) const {
        return as_signed(kernel * m_w.window.dilation[d]) - as_signed(m_w.window.before[d]);
    }

    /// Where the input's line below a line of places begins, in elements; negative outside.
    [[nodiscard]] std::int64_t input_line(std::uint64_t number, const std::vector<std::uint64_t>& kernel) const {
        std::vector<std::uint64_t> place(m_spatial, 0); // image, then all spatial dimensions but the last
        for (std::size_t d = m_spatial; d-- > 0;) {
            place[d] = number % m_w.places[d];
            number /= m_w.places[d];
        }
        std::int64_t line = as_signed(place[0]);
        for (std::size_t d = 0; d + 1 < m_spatial; ++d) {
            const std::int64_t at = as_signed(place[d + 1] * m_w.window.stride[d]) + tap_offset(d, kernel[d]);
            if (at < 0 || at >= as_signed(m_w.input[d + 1]))
                return -1;
            line = line * as_signed(m_w.input[d + 1]) + at;
        }
        return line * as_signed(m_w.input[m_spatial] * m_channels);
    }

    /// Places `xs` of `lines` lines from line `number` on, whose input lines are `line_step` elements apart.
    void place_line(std::uint64_t number, range xs, std::uint64_t lines, std::uint64_t line_step,
                    const std::vector<std::uint64_t>& kernel, extent part, std::uint64_t column, std::uint64_t to_row) {
        const std::int64_t line = input_line(number, kernel);
        if (line < 0)
            return;
        const std::size_t x = m_spatial - 1;
        const std::int64_t width = as_signed(m_w.input[m_spatial] * m_channels);
        const std::int64_t step = as_signed(m_w.window.stride[x] * m_channels);
        const std::int64_t offset = tap_offset(x, kernel.back()) * as_signed(m_channels) + as_signed(part.first);
        // places whose part lies inside as a whole; the few at the edges come one by one
        for (std::int64_t p = xs.first; p < xs.end;) {
            const std::int64_t begin = p * step + offset;
            const range inside{std::max<std::int64_t>(begin, 0), std::min(begin + as_signed(part.count), width)};
            const bool whole = inside.count() == as_signed(part.count);
            const std::int64_t count =
                whole ? std::min(xs.end - p, (width - as_signed(part.count) - begin) / step + 1) : 1;
            if (inside.count() > 0)
                emit(line + inside.first, static_cast<std::uint64_t>(inside.count()), static_cast<std::uint64_t>(count),
                     lines, line_step, column + static_cast<std::uint64_t>(inside.first - begin),
                     to_row + static_cast<std::uint64_t>(p - xs.first));
            p += count;
        }
    }

    void emit(std::int64_t from, std::uint64_t run, std::uint64_t places, std::uint64_t lines, std::uint64_t line_step,
              std::uint64_t column, std::uint64_t to_row) {
        const std::uint64_t pitch = m_depth.count * m_element;
        const std::uint64_t step = m_w.window.stride.back() * m_channels * m_element;
        iface::copy_operands copy;
        const auto strides = [&](std::uint64_t of_line, std::uint64_t of_place) {
            return std::array<std::uint32_t, iface::k_copy_dims>{0, 0, stride_field(lines, as_signed(of_line)),
                                                                 stride_field(places, as_signed(of_place))};
        };
        copy.run = count_field(run * m_element);
        copy.count = {1, 1, count_field(lines), count_field(places)};
        copy.source = {m_tensor + bytes(static_cast<std::uint64_t>(from) * m_element),
                       strides(line_step * m_element, step)};
        copy.destination = {m_to + bytes(to_row * pitch + column * m_element),
                            strides(m_w.places.back() * pitch, pitch)};
        m_out.moves.push_back(copy);
        m_moved += run * places * lines;
    }

    const dfx::window_rows& m_w;
    address m_tensor;
    std::uint64_t m_element;
    extent m_rows, m_depth;
    address m_to;
    std::size_t m_spatial;
    std::uint64_t m_channels;
    std::uint64_t m_moved = 0;
    gathered_rows m_out;
};

} // namespace

gathered_rows gather_windows(const dfx::window_rows& windows, address tensor, std::uint64_t element, extent rows,
                             extent depth, address to) {
    return gatherer(windows, tensor, element, rows, depth, to).run();
}

} // namespace kpu::fw
