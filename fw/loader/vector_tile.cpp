#include "fw/loader/vector_tile.h"

#include "fw/loader/element_code.h"
#include "fw/loader/step_passes.h"

#include <algorithm>

namespace kpu::fw {

namespace {

using dfx::compute_type;
using dfx::element_function;
using iface::vector_function;

constexpr std::size_t k_depthwise_weights = 1;

bool has_window(const vector_work& work) {
    return work.type == compute_type::depthwise_conv2d_tile || work.type == compute_type::pool2d_tile;
}

bool sums(element_function combine) {
    return combine == element_function::add || combine == element_function::multiply;
}

/// In which a window's or an axis' values are combined.
dtype combining_type(const vector_work& work, dtype operand) {
    return work.type == compute_type::depthwise_conv2d_tile || sums(work.combine) ? work.accumulator : operand;
}

/// Input elements below `count` windows in a row.
std::uint64_t span_of(const window_2d& w, std::size_t d, std::uint64_t count) {
    return (count - 1) * w.stride[d] + (w.kernel[d] - 1) * w.dilation[d] + 1;
}

/// A value per element of the tile: where it is and of which type.
struct value {
    std::size_t buffer = 0;
    dtype type = dtype::f32;
};

class command_builder {
  public:
    command_builder(const vector_work& work, const vector_tile& tile)
        : m_work(work), m_tile(tile), m_result(work.inputs.size()) {}

    std::vector<tile_command> build() {
        switch (m_work.type) {
        case compute_type::depthwise_conv2d_tile:
        case compute_type::pool2d_tile:
            window();
            finish({m_result, combining_type(m_work, m_work.inputs.front().type)});
            break;
        case compute_type::reduction:
            reduction();
            break;
        case compute_type::softmax_tile:
            finish(softmax());
            break;
        case compute_type::layernorm_tile:
            finish(layer_norm());
            break;
        default:
            finish({0, m_work.inputs.front().type});
        }
        return std::move(m_all);
    }

  private:
    using strides = std::array<std::uint32_t, iface::k_vector_dims>;

    [[nodiscard]] std::size_t spare() const { return m_result + 1; }
    [[nodiscard]] std::size_t reduced() const { return m_result + 2; }
    [[nodiscard]] std::size_t squares() const { return m_result + 3; }

    [[nodiscard]] std::array<std::uint32_t, 3> tile_counts() const {
        return {static_cast<std::uint32_t>(m_tile.count[1]), static_cast<std::uint32_t>(m_tile.count[2]),
                static_cast<std::uint32_t>(m_tile.count[3])};
    }
    /// Of a packed box; 0 in dimensions where it has one element.
    static strides packed(const quad& count, dtype type) {
        const std::uint64_t e = size_of(type);
        strides all{static_cast<std::uint32_t>(count[2] * count[3] * e), static_cast<std::uint32_t>(count[3] * e),
                    static_cast<std::uint32_t>(e)};
        for (std::size_t d = 0; d < 3; ++d)
            if (count[d + 1] == 1)
                all[d] = 0;
        return all;
    }
    [[nodiscard]] buffer_side side_of(const value& v) const { return {v.buffer, 0, packed(m_tile.count, v.type)}; }
    [[nodiscard]] buffer_side side_of_input(std::size_t input) const {
        return {input, 0, packed(box_of(m_work, input, m_tile).count, m_work.inputs[input].type)};
    }

    tile_command& emit(vector_function f, dtype from, dtype to, const buffer_side& source, const buffer_side& operand,
                       const buffer_side& destination) {
        tile_command c;
        c.vector.function = f;
        c.vector.from = code_of(from);
        c.vector.to = code_of(to);
        c.vector.count = tile_counts();
        c.source = source;
        c.operand = operand;
        c.destination = destination;
        m_all.push_back(c);
        return m_all.back();
    }

    void zero(const value& v, std::uint64_t elements) {
        tile_command c;
        c.fills = true;
        c.destination = {v.buffer, 0, {}};
        c.fill_size = bytes(elements * size_of(v.type));
        m_all.push_back(c);
    }

    /// Where a value of a tile's size may go that is made from `from`: its own place unless it grows.
    [[nodiscard]] value place_for(const value& from, dtype type) const {
        const bool is_input = from.buffer < m_result;
        if (is_input)
            return {m_result, type};
        if (size_of(type) <= size_of(from.type))
            return {from.buffer, type};
        return {from.buffer == m_result ? spare() : m_result, type};
    }

    /// The steps, and the result in its buffer.
    void finish(value v) {
        for (const step_pass& pass : passes_of(m_work.steps, v.type, m_work.output.type))
            v = apply(pass.step, v);
        if (v.buffer != m_result)
            emit(vector_function::identity, v.type, v.type, v.buffer < m_result ? side_of_input(v.buffer) : side_of(v),
                 {}, side_of({m_result, v.type}));
    }

    value apply(const dfx::element_step& step, const value& v) {
        const buffer_side first = v.buffer < m_result ? side_of_input(v.buffer) : side_of(v);
        const value to = place_for(v, step.result);
        const buffer_side second =
            step.operand ? side_of_input(static_cast<std::size_t>(*step.operand)) : buffer_side{};
        tile_command& c = emit(code_of(step.function), v.type, step.result, step.operand_first ? second : first,
                               step.operand_first ? first : second, side_of(to));
        set_numbers(c.vector, step.low, step.high);
        return to;
    }

    // ---- windows: one command per tap

    /// The input's elements below tap (y, x) of the windows.
    [[nodiscard]] buffer_side tap(std::uint64_t y, std::uint64_t x) const {
        const window_2d& w = m_work.window;
        const operand_box box = box_of(m_work, 0, m_tile);
        const std::uint64_t e = size_of(m_work.inputs.front().type);
        const std::uint64_t pixel = box.count[3] * e;
        const std::uint64_t row = box.count[2] * pixel;
        return {0,
                y * w.dilation[0] * row + x * w.dilation[1] * pixel,
                {static_cast<std::uint32_t>(w.stride[0] * row), static_cast<std::uint32_t>(w.stride[1] * pixel),
                 static_cast<std::uint32_t>(e)}};
    }

    void window() {
        const dtype operand = m_work.inputs.front().type;
        const value sum{m_result, combining_type(m_work, operand)};
        const bool depthwise = m_work.type == compute_type::depthwise_conv2d_tile;
        bool fresh = true; // nothing is in the sum yet
        if (m_work.biased) {
            const dtype bias = m_work.inputs[k_depthwise_weights + 1].type;
            emit(vector_function::identity, bias, sum.type, side_of_input(k_depthwise_weights + 1), {}, side_of(sum));
            fresh = false;
        } else if (depthwise || m_work.combine == element_function::add) {
            zero(sum, elements());
            fresh = false;
        }
        for (std::uint64_t y = 0; y < m_work.window.kernel[0]; ++y)
            for (std::uint64_t x = 0; x < m_work.window.kernel[1]; ++x) {
                if (depthwise)
                    multiply_tap(tap(y, x), weight(y, x), operand, sum);
                else
                    combine_tap(tap(y, x), operand, sum, fresh);
                fresh = false;
            }
    }

    [[nodiscard]] buffer_side weight(std::uint64_t y, std::uint64_t x) const {
        const std::uint64_t e = size_of(m_work.inputs[k_depthwise_weights].type);
        const std::uint64_t channels = m_tile.count[3];
        return {k_depthwise_weights,
                (y * m_work.window.kernel[1] + x) * channels * e,
                {0, 0, static_cast<std::uint32_t>(e)}};
    }

    /// Every channel by its weight; by several weights row by row, with channel and weight as dimensions.
    void multiply_tap(const buffer_side& source, const buffer_side& weight, dtype operand, const value& sum) {
        const buffer_side to = side_of(sum);
        const std::uint64_t multiplier = m_work.multiplier;
        if (multiplier == 1) {
            emit(vector_function::multiply_add, operand, sum.type, source, weight, to);
            return;
        }
        const std::size_t along = m_tile.count[2] == 1 ? 0 : 1; // the dimension that is left to the command
        const std::size_t across = 1 - along;
        const std::uint64_t channels = m_tile.count[3] / multiplier;
        const auto element = static_cast<std::uint32_t>(size_of(operand));
        const auto own = static_cast<std::uint32_t>(size_of(sum.type));
        const auto pitch = static_cast<std::uint32_t>(channels == 1 ? 0 : multiplier);
        for (std::uint64_t i = 0; i < m_tile.count[across + 1]; ++i) {
            const auto row = [&](buffer_side side, std::uint32_t outer, std::uint32_t inner) {
                side.offset += i * side.stride[across];
                side.stride = {side.stride[along], outer, inner};
                return side;
            };
            tile_command& c = emit(vector_function::multiply_add, operand, sum.type, row(source, element, 0),
                                   row(weight, pitch * element, element), row(to, pitch * own, own));
            c.vector.count = {static_cast<std::uint32_t>(m_tile.count[along + 1]), static_cast<std::uint32_t>(channels),
                              static_cast<std::uint32_t>(multiplier)};
        }
    }

    void combine_tap(buffer_side source, dtype operand, const value& sum, bool fresh) {
        if (fresh) {
            emit(vector_function::identity, operand, sum.type, source, {}, side_of(sum));
            return;
        }
        if (operand != sum.type) { // widened first: both arguments have one type
            const value wide{spare(), sum.type};
            emit(vector_function::identity, operand, sum.type, source, {}, side_of(wide));
            source = side_of(wide);
        }
        emit(code_of(m_work.combine), sum.type, sum.type, side_of(sum), source, side_of(sum));
    }

    [[nodiscard]] std::uint64_t elements() const { return m_tile.count[1] * m_tile.count[2] * m_tile.count[3]; }

    // ---- reductions: the axis is one of the command's dimensions

    void reduction() {
        const dtype operand = m_work.inputs.front().type;
        const value sum{m_result, combining_type(m_work, operand)};
        reduce(side_of_input(0), box_of(m_work, 0, m_tile).count, operand, sum, m_work.combine, m_tile.opens);
        if (m_tile.closes)
            finish(sum);
    }

    /// `sum` has one element along the axis of the `count` elements at `source`.
    void reduce(buffer_side source, const quad& count, dtype operand, const value& sum, element_function combine,
                bool opens) {
        std::array<std::uint32_t, 3> counts{};
        quad one = count;
        one[m_work.axis] = 1;
        for (std::size_t d = 0; d < 3; ++d)
            counts[d] = static_cast<std::uint32_t>(count[d + 1]);
        if (operand != sum.type) {
            const buffer_side wide{spare(), 0, packed(count, sum.type)};
            emit(vector_function::identity, operand, sum.type, source, {}, wide).vector.count = counts;
            source = wide;
        }
        const buffer_side to{sum.buffer, 0, packed(one, sum.type)};
        const std::size_t axis = m_work.axis - 1;
        if (opens && combine == element_function::add) {
            zero(sum, one[1] * one[2] * one[3]);
        } else if (opens) {
            std::array<std::uint32_t, 3> first = counts;
            first[axis] = 1;
            emit(vector_function::identity, sum.type, sum.type, source, {}, to).vector.count = first;
            source.offset += source.stride[axis];
            --counts[axis];
        }
        if (counts[axis] > 0)
            emit(code_of(combine), sum.type, sum.type, to, source, to).vector.count = counts;
    }

    // ---- whole rows; one value per row lies in `reduced`

    /// The tile's rows as a box.
    [[nodiscard]] quad rows() const {
        quad one = m_tile.count;
        one[m_work.axis] = 1;
        return one;
    }
    [[nodiscard]] buffer_side per_row(dtype type) const { return {reduced(), 0, packed(rows(), type)}; }

    /// On the values of the rows, in place.
    void on_rows(vector_function f, dtype from, dtype to, const buffer_side& operand = {}) {
        const quad one = rows();
        tile_command& c = emit(f, from, to, per_row(from), operand, per_row(to));
        for (std::size_t d = 0; d < 3; ++d)
            c.vector.count[d] = static_cast<std::uint32_t>(one[d + 1]);
    }

    /// The sums of the rows, rounded to the input's type.
    void sum_rows(const buffer_side& source) {
        const dtype type = m_work.inputs.front().type;
        reduce(source, m_tile.count, type, {reduced(), m_work.accumulator}, element_function::add, true);
        if (m_work.accumulator != type)
            on_rows(vector_function::identity, m_work.accumulator, type);
    }

    /// As the six operators that it stands for, each rounded to the input's type.
    value softmax() {
        const dtype type = m_work.inputs.front().type;
        const value e{m_result, type};
        reduce(side_of_input(0), m_tile.count, type, {reduced(), type}, element_function::maximum, true);
        emit(vector_function::subtract, type, type, side_of_input(0), per_row(type), side_of(e));
        emit(vector_function::exponential, type, type, side_of(e), {}, side_of(e));
        sum_rows(side_of(e));
        on_rows(vector_function::reciprocal, type, type);
        emit(vector_function::multiply, type, type, side_of(e), per_row(type), side_of(e));
        return e;
    }

    /// As the nine operators that it stands for, each rounded to the input's type.
    value layer_norm() {
        const dtype type = m_work.inputs.front().type;
        const value e{m_result, type};
        const value square{squares(), type};
        sum_rows(side_of_input(0));
        on_rows(vector_function::multiply, type, type, side_of_input(1));
        emit(vector_function::subtract, type, type, side_of_input(0), per_row(type), side_of(e));
        emit(vector_function::multiply, type, type, side_of(e), side_of(e), side_of(square));
        sum_rows(side_of(square));
        on_rows(vector_function::multiply, type, type, side_of_input(2));
        on_rows(vector_function::add, type, type, side_of_input(3));
        on_rows(vector_function::reciprocal_root, type, type);
        emit(vector_function::multiply, type, type, side_of(e), per_row(type), side_of(e));
        return e;
    }

    const vector_work& m_work;
    const vector_tile& m_tile;
    std::size_t m_result;
    std::vector<tile_command> m_all;
};

/// The widest type that a value of the tile has on its way.
std::uint64_t widest(const vector_work& work) {
    std::uint64_t size = size_of(work.output.type);
    for (const dfx::element_step& step : work.steps)
        size = std::max<std::uint64_t>(size, size_of(step.result));
    if (has_window(work) || work.type == compute_type::reduction)
        size = std::max<std::uint64_t>(size, size_of(combining_type(work, work.inputs.front().type)));
    if (needs_rows(work))
        size = std::max<std::uint64_t>(size, size_of(work.inputs.front().type));
    return size;
}

bool uses_spare(const vector_work& work) {
    const dtype operand = work.inputs.front().type;
    if (needs_rows(work) && operand != work.accumulator)
        return true;
    if (work.type == compute_type::reduction || work.type == compute_type::pool2d_tile)
        if (combining_type(work, operand) != operand)
            return true;
    // an input's first copy goes to the result's buffer, whatever its type
    std::uint64_t size = work.type == compute_type::elementwise ? 8
                         : needs_rows(work)                     ? size_of(operand)
                                                                : size_of(combining_type(work, operand));
    for (const dfx::element_step& step : work.steps) {
        if (size_of(step.result) > size)
            return true;
        size = size_of(step.result);
    }
    return size_of(work.output.type) > size;
}

} // namespace

operand_box box_of(const vector_work& work, std::size_t input, const vector_tile& tile) {
    const quad& dims = work.inputs[input].dims;
    operand_box box;
    for (std::size_t d = 0; d < 4; ++d) {
        box.first[d] = dims[d] == 1 ? 0 : static_cast<std::int64_t>(tile.first[d]);
        box.count[d] = dims[d] == 1 ? 1 : tile.count[d];
    }
    if (has_window(work) && input == 0) {
        for (std::size_t d = 0; d < 2; ++d) {
            box.first[d + 1] = static_cast<std::int64_t>(tile.first[d + 1] * work.window.stride[d]) -
                               static_cast<std::int64_t>(work.window.before[d]);
            box.count[d + 1] = span_of(work.window, d, tile.count[d + 1]);
        }
        box.first[3] /= static_cast<std::int64_t>(work.multiplier);
        box.count[3] = ceil_div(box.count[3], work.multiplier);
    } else if (work.type == compute_type::depthwise_conv2d_tile && input == k_depthwise_weights) {
        for (std::size_t d = 0; d < 2; ++d) {
            box.first[d + 1] = 0;
            box.count[d + 1] = work.window.kernel[d];
        }
    } else if (work.type == compute_type::reduction && input == 0) {
        box.first[work.axis] = static_cast<std::int64_t>(tile.chunk_first);
        box.count[work.axis] = tile.chunk;
    }
    return box;
}

std::uint64_t border_pattern(const vector_work& work) {
    if (work.type != compute_type::pool2d_tile || work.combine != element_function::maximum)
        return 0;
    switch (work.inputs.front().type) { // minus infinity, or the least value
    case dtype::f64:
        return 0xfff0000000000000ULL;
    case dtype::f32:
        return 0xff800000ff800000ULL;
    case dtype::f16:
        return 0xfc00fc00fc00fc00ULL;
    case dtype::bf16:
        return 0xff80ff80ff80ff80ULL;
    case dtype::f8: // E4M3 has no infinity
        return 0xfefefefefefefefeULL;
    case dtype::i8:
        return 0x8080808080808080ULL;
    case dtype::i32:
        break;
    }
    return 0x8000000080000000ULL;
}

tile_buffers buffers_of(const vector_work& work, const tile_extents& extents) {
    vector_tile full;
    full.count = extents.count;
    full.chunk = extents.chunk;
    tile_buffers buffers;
    for (std::size_t i = 0; i < work.inputs.size(); ++i)
        buffers.size.push_back(bytes(box_of(work, i, full).elements() * size_of(work.inputs[i].type)));
    buffers.result = work.inputs.size();
    const std::uint64_t elements = full.count[1] * full.count[2] * full.count[3];
    buffers.size.push_back(bytes(elements * widest(work)));
    const std::uint64_t widened = work.type == compute_type::reduction ? box_of(work, 0, full).elements() : elements;
    const std::uint64_t wide = std::max<std::uint64_t>(widest(work), size_of(work.accumulator));
    buffers.size.push_back(bytes(uses_spare(work) ? widened * wide : 0));
    const bool rows = needs_rows(work);
    const std::uint64_t accumulator = std::max(size_of(work.accumulator), size_of(work.inputs.front().type));
    buffers.size.push_back(bytes(rows ? elements / full.count[work.axis] * accumulator : 0));
    const bool norm = work.type == compute_type::layernorm_tile;
    buffers.size.push_back(bytes(norm ? elements * size_of(work.inputs.front().type) : 0));
    return buffers;
}

std::vector<tile_command> commands_of(const vector_work& work, const vector_tile& tile) {
    return command_builder(work, tile).build();
}

} // namespace kpu::fw
