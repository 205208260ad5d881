#include "compiler/dfx/walk.h"

#include <algorithm>

namespace kpu::dfx {

namespace {

class walker {
  public:
    explicit walker(const instance_visitor& visit) : m_visit(visit) {}

    /// `odd`: the enclosing loop is at an odd-numbered iteration.
    void body(const std::vector<statement>& statements, bool odd) {
        for (const statement& s : statements) {
            if (const auto* nest = std::get_if<loop_nest>(&s))
                loop(*nest, odd);
            else
                m_visit(s, m_at);
        }
    }

  private:
    void loop(const loop_nest& nest, bool odd) {
        switch (nest.loop.kind == loop_kind::reduction ? iteration_order::row_major : nest.loop.order) {
        case iteration_order::row_major:
            ascending(nest, false);
            break;
        case iteration_order::snake:
            ascending(nest, odd);
            break;
        case iteration_order::explicit_sequence:
            sequence(nest);
            break;
        case iteration_order::morton:
            morton(nest);
            break;
        }
    }

    void ascending(const loop_nest& nest, bool backwards) {
        const std::uint64_t n = trip_count(nest.loop);
        m_at.push_back(0);
        for (std::uint64_t i = 0; i < n; ++i) {
            m_at.back() = nest.loop.start + (backwards ? n - 1 - i : i) * nest.loop.step;
            body(nest.body, i % 2 != 0);
        }
        m_at.pop_back();
    }

    void sequence(const loop_nest& nest) {
        m_at.push_back(0);
        for (std::size_t i = 0; i < nest.loop.sequence.size(); ++i) {
            m_at.back() = nest.loop.sequence[i];
            body(nest.body, i % 2 != 0);
        }
        m_at.pop_back();
    }

    void morton(const loop_nest& outer) {
        const loop_nest& inner = std::get<loop_nest>(outer.body.front());
        const std::uint64_t rows = trip_count(outer.loop);
        const std::uint64_t columns = trip_count(inner.loop);
        std::uint64_t side = 1;
        while (side < std::max(rows, columns))
            side *= 2;
        m_at.resize(m_at.size() + 2);
        bool odd = false;
        quadrant(outer, inner, {0, 0, side}, odd);
        m_at.resize(m_at.size() - 2);
    }

    struct square {
        std::uint64_t row, column, side;
    };
    /// Recursion over quadrants leaves out those that lie outside the box as a whole, so a long thin box costs no more
    /// than its points times the depth.
    void quadrant(const loop_nest& outer, const loop_nest& inner, square s, bool& odd) {
        if (s.row >= trip_count(outer.loop) || s.column >= trip_count(inner.loop))
            return;
        if (s.side == 1) {
            m_at[m_at.size() - 2] = outer.loop.start + s.row * outer.loop.step;
            m_at[m_at.size() - 1] = inner.loop.start + s.column * inner.loop.step;
            body(inner.body, odd);
            odd = !odd;
            return;
        }
        const std::uint64_t half = s.side / 2;
        quadrant(outer, inner, {s.row, s.column, half}, odd);
        quadrant(outer, inner, {s.row, s.column + half, half}, odd);
        quadrant(outer, inner, {s.row + half, s.column, half}, odd);
        quadrant(outer, inner, {s.row + half, s.column + half, half}, odd);
    }

    const instance_visitor& m_visit;
    loop_values m_at;
};

} // namespace

void walk(const kernel& k, const instance_visitor& visit) {
    walker(visit).body(k.body, false);
}

std::int64_t evaluate(const affine& form, const loop_values& at) {
    std::int64_t value = form.offset;
    for (std::size_t d = 0; d < form.coefficients.size() && d < at.size(); ++d)
        value += form.coefficients[d] * static_cast<std::int64_t>(at[d]);
    return value;
}

std::uint64_t element_box::volume() const {
    std::uint64_t product = 1;
    for (std::size_t d = 0; d < low.size(); ++d)
        product *= extent(d);
    return product;
}

element_box box_of(const tensor_region& region, const shape& dims, const loop_values& at) {
    element_box box;
    for (std::size_t d = 0; d < dims.size(); ++d) {
        const std::uint64_t low =
            static_cast<std::uint64_t>(evaluate(region.tile_indices[d], at)) * region.tile_shape[d];
        box.low.push_back(low);
        box.high.push_back(std::min(low + region.tile_shape[d], dims[d]));
    }
    return box;
}

} // namespace kpu::dfx
