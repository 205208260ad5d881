#pragma once
// The definition of a vector command (hw/interface/descriptor.h), element by element on one image of the address map;
// and random commands, half of which are nonsense.

#include "hw/fabric/number_format.h"
#include "hw/interface/descriptor.h"
#include "platforms/common/scalar_math.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace kpu::test {

using memory_image = std::vector<unsigned char>;

inline bool is_integer(iface::element_type type) {
    return type == iface::element_type::i8 || type == iface::element_type::i32;
}
inline double value_at(iface::element_type type, const unsigned char* at) {
    double value = 0;
    hw::convert(type, at, iface::element_type::f64, &value, 1);
    return value;
}
inline void put_value(iface::element_type type, double value, unsigned char* at) {
    hw::convert(iface::element_type::f64, &value, type, at, 1);
}

/// The element at indices i of a side.
inline std::uint64_t place_of(const iface::vector_side& side, const std::array<std::uint32_t, 3>& i) {
    return side.base.value() + std::uint64_t{i[0]} * side.stride[0] + std::uint64_t{i[1]} * side.stride[1] +
           std::uint64_t{i[2]} * side.stride[2];
}

template <class Visit>
void for_each_element(const iface::vector_operands& x, Visit visit) {
    std::array<std::uint32_t, 3> i{};
    for (i[0] = 0; i[0] < x.count[0]; ++i[0])
        for (i[1] = 0; i[1] < x.count[1]; ++i[1])
            for (i[2] = 0; i[2] < x.count[2]; ++i[2])
                visit(i);
}

/// NaN is the positive quiet one; the smaller zero is -0.
inline double larger(double a, double b) {
    if (std::isnan(a) || std::isnan(b))
        return std::numeric_limits<double>::quiet_NaN();
    return a > b || (a == b && std::signbit(b)) ? a : b;
}

/// f of floats, in double: exact for + - * / where the caller rounds to f32, since a double has more than twice its
/// digits.
inline double plain(const iface::vector_operands& x, double a, double b) {
    using iface::vector_function;
    switch (x.function) {
    case vector_function::add:
        return a + b;
    case vector_function::subtract:
        return a - b;
    case vector_function::multiply:
        return a * b;
    case vector_function::divide:
        return a / b;
    case vector_function::maximum:
        return larger(a, b);
    case vector_function::minimum:
        return -larger(-a, -b);
    case vector_function::clamp:
        return -larger(-larger(a, x.low), -x.high);
    case vector_function::relu:
        return larger(a, 0);
    case vector_function::sigmoid:
        return scalar::logistic(a);
    case vector_function::arctangent:
        return scalar::arc_tangent(a);
    case vector_function::exponential:
        return scalar::exponential(a);
    case vector_function::reciprocal:
        return 1 / a;
    case vector_function::absolute:
        return std::fabs(a);
    case vector_function::negate:
        return -a;
    default:
        return a;
    }
}

/// f of integers, to be wrapped.
inline std::int64_t plain_integer(const iface::vector_operands& x, std::int64_t a, std::int64_t b) {
    using iface::vector_function;
    switch (x.function) {
    case vector_function::add:
        return a + b;
    case vector_function::subtract:
        return a - b;
    case vector_function::multiply:
        return a * b;
    case vector_function::divide:
        return b == 0 ? 0 : a / b;
    case vector_function::maximum:
        return std::max(a, b);
    case vector_function::minimum:
        return std::min(a, b);
    case vector_function::clamp:
        return std::min(std::max(a, static_cast<std::int64_t>(x.low)), static_cast<std::int64_t>(x.high));
    case vector_function::relu:
        return std::max<std::int64_t>(a, 0);
    case vector_function::absolute:
        return a < 0 ? -a : a;
    case vector_function::negate:
        return -a;
    default:
        return a;
    }
}

/// One element: from `a` and, where the function has one, `b`, to `out`.
inline void element_plainly(const iface::vector_operands& x, const unsigned char* a, const unsigned char* b,
                            unsigned char* out) {
    using iface::element_type;
    using iface::vector_function;
    const bool adds = x.function == vector_function::multiply_add;
    if (x.function == vector_function::identity) {
        hw::convert(x.from, a, x.to, out, 1);
        return;
    }
    const double p = value_at(x.from, a);
    const double q = iface::takes_operand(x.function) ? value_at(x.from, b) : 0;
    if (is_integer(x.from)) {
        const auto m = static_cast<std::int64_t>(p), n = static_cast<std::int64_t>(q);
        const std::int64_t exact =
            adds ? static_cast<std::int64_t>(value_at(x.to, out)) + m * n : plain_integer(x, m, n);
        const auto wrapped = static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(exact)));
        hw::convert(element_type::i32, &wrapped, x.to, out, 1);
        return;
    }
    const bool wide = x.from == element_type::f64;
    const auto rounded = [&](double value) { return wide ? value : static_cast<double>(static_cast<float>(value)); };
    double value = adds ? rounded(value_at(x.to, out) + rounded(p * q)) : rounded(plain(x, p, q));
    if (std::isnan(value))
        value = std::numeric_limits<double>::quiet_NaN();
    put_value(x.to, value, out);
}

/// One element after the other. Addresses are indices into `memory`.
inline void compute_plainly(memory_image& memory, const iface::vector_operands& x) {
    for_each_element(x, [&](const std::array<std::uint32_t, 3>& i) {
        const unsigned char* b = iface::takes_operand(x.function) ? &memory[place_of(x.operand, i)] : nullptr;
        element_plainly(x, &memory[place_of(x.source, i)], b, &memory[place_of(x.destination, i)]);
    });
}

/// Every NaN of the destination is made the same one: sums of NaNs keep a payload and a sign that the host chooses.
inline void same_nans(memory_image& memory, const iface::vector_operands& x) {
    for_each_element(x, [&](const std::array<std::uint32_t, 3>& i) {
        unsigned char* at = &memory[place_of(x.destination, i)];
        if (std::isnan(value_at(x.to, at)))
            put_value(x.to, std::numeric_limits<double>::quiet_NaN(), at);
    });
}

/// `size` bytes of small values of a type.
inline memory_image small_values(iface::element_type type, std::size_t size, std::mt19937& random) {
    memory_image memory(size);
    const std::size_t e = iface::size_of(type);
    for (std::size_t at = 0; at + e <= size; at += e)
        put_value(type, (static_cast<double>(random() % 65) - 32) / (is_integer(type) ? 1 : 8), &memory[at]);
    return memory;
}

/// Commands of any function and type with small extents, whose sides lie where `base` says: packed, with gaps,
/// broadcast, in any order of dimensions, in one another's place, on top of themselves.
class random_commands {
  public:
    explicit random_commands(unsigned seed) : m_random(seed) {}
    std::uint32_t draw(std::uint32_t low, std::uint32_t high) {
        return low + static_cast<std::uint32_t>(m_random() % (high - low + 1));
    }

    /// Sides lie within [at, at + k_reach).
    static constexpr std::uint64_t k_reach = 32768;
    iface::vector_operands next(std::uint64_t at) {
        for (;;) {
            const iface::vector_operands x = any(at);
            const auto ends = [&](const iface::vector_side& s, iface::element_type type) {
                return place_of(s, {x.count[0] - 1, x.count[1] - 1, x.count[2] - 1}) + iface::size_of(type);
            };
            const std::uint64_t end =
                std::max({ends(x.source, x.from), ends(x.operand, x.from), ends(x.destination, x.to)});
            if (end <= at + k_reach && ends(x.destination, x.to) <= at + k_reach / 2)
                return x;
        }
    }

  private:
    iface::vector_operands any(std::uint64_t at) {
        iface::vector_operands x;
        x.function = static_cast<iface::vector_function>(draw(0, iface::k_vector_functions - 1));
        x.from = static_cast<iface::element_type>(draw(0, iface::k_element_types - 1));
        x.to = draw(0, 1) == 0 ? x.from : static_cast<iface::element_type>(draw(0, iface::k_element_types - 1));
        if (x.function == iface::vector_function::multiply_add && draw(0, 3) != 0)
            x.to = iface::accumulator_of(x.from);
        x.low = -1;
        x.high = 2;
        for (std::uint32_t& count : x.count)
            count = draw(1, 5);
        if (draw(0, 7) == 0)
            x.count = {1, draw(1, 2), draw(500, 530)}; // more than the kernel works on at a time
        x.destination = side(x, x.to);
        x.destination.base = address(at + 8 * draw(0, 2));
        x.source = beside(x, x.from, at);
        x.operand = beside(x, x.from, at);
        return x;
    }
    /// Strides of one side: nested in a random order of the dimensions, then perhaps spoilt.
    iface::vector_side side(const iface::vector_operands& x, iface::element_type type) {
        iface::vector_side s;
        std::array<std::size_t, 3> order{2, 1, 0};
        if (draw(0, 3) == 0)
            std::shuffle(order.begin(), order.end(), m_random);
        std::uint32_t next = iface::size_of(type);
        for (const std::size_t d : order) {
            const bool still = draw(0, 4) == 0;
            s.stride[d] = still ? 0 : next * (draw(0, 3) == 0 ? 2 : 1);
            next = still ? next : s.stride[d] * x.count[d];
        }
        if (draw(0, 7) == 0)
            s.stride[draw(0, 2)] = iface::size_of(type) * draw(0, 3);
        return s;
    }
    iface::vector_side beside(const iface::vector_operands& x, iface::element_type type, std::uint64_t at) {
        iface::vector_side s = draw(0, 1) == 0 ? like_destination(x, type) : side(x, type);
        switch (draw(0, 3)) {
        case 0: // far from the destination, where it fits
            s.base = address(at + k_reach / 2);
            break;
        case 1:
            s.base = address(at + 8 * draw(0, 4));
            break;
        default:
            s.base = x.destination.base;
        }
        return s;
    }

    /// The destination's own strides where they suit the type, else in elements.
    static iface::vector_side like_destination(const iface::vector_operands& x, iface::element_type type) {
        iface::vector_side s = x.destination;
        const std::uint32_t size = iface::size_of(type);
        const bool suits = std::all_of(s.stride.begin(), s.stride.end(), [&](auto bytes) { return bytes % size == 0; });
        for (std::uint32_t& stride : s.stride)
            stride = suits ? stride : stride / iface::size_of(x.to) * size;
        return s;
    }

    std::mt19937 m_random;
};

} // namespace kpu::test
