#include "hw/fabric/vector_kernel.h"

#include "hw/fabric/number_format.h"
#include "platforms/common/scalar_math.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace kpu::hw {

namespace {

using iface::element_type;
using iface::vector_function;
namespace math = scalar;

/// Elements of a row that are worked on at a time, in buffers on the stack.
constexpr std::size_t k_block = 512;

template <class T>
constexpr element_type code_of() {
    if constexpr (std::is_same_v<T, float>)
        return element_type::f32;
    else if constexpr (std::is_same_v<T, double>)
        return element_type::f64;
    else
        return element_type::i32;
}

/// `count` elements of `type`, `stride` bytes apart, as T.
template <class T>
void load_row(element_type type, const unsigned char* from, std::uint64_t stride, T* to, std::size_t count) {
    const std::uint64_t size = iface::size_of(type);
    if (stride == size) {
        convert(type, from, code_of<T>(), to, count);
        return;
    }
    const std::size_t distinct = stride == 0 ? 1 : count;
    for (std::size_t i = 0; i < distinct; ++i)
        convert(type, from + i * stride, code_of<T>(), to + i, 1);
    std::fill(to + distinct, to + count, to[0]);
}

template <class T>
void store_row(element_type type, const T* from, unsigned char* to, std::uint64_t stride, std::size_t count) {
    if (stride == iface::size_of(type)) {
        convert(code_of<T>(), from, type, to, count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i)
        convert(code_of<T>(), from + i, type, to + i * stride, 1);
}

template <class T, class F>
void each(const T* a, const T* b, T* out, std::size_t count, F f) {
    for (std::size_t i = 0; i < count; ++i)
        out[i] = f(a[i], b[i]);
}

/// Functions that are computed in double.
template <class T>
T by_double(vector_function f, T x) {
    const auto wide = static_cast<double>(x);
    switch (f) {
    case vector_function::sigmoid:
        return static_cast<T>(math::logistic(wide));
    case vector_function::arctangent:
        return static_cast<T>(math::arc_tangent(wide));
    default:
        return static_cast<T>(math::exponential(wide));
    }
}

template <class T>
T bound(double value) {
    if constexpr (std::is_integral_v<T>)
        return math::integer_bound(value);
    else
        return static_cast<T>(value);
}

/// sum + a·b, product and sum rounded apart, as the array forms them; integers wrap.
template <class T>
T sum_of(T sum, T a, T b) {
    if constexpr (std::is_integral_v<T>)
        return math::add(sum, math::multiply(a, b));
    else
        return sum + a * b;
}

/// out[i] = f(a[i], b[i]); multiply_add adds to out.
template <class T>
void apply(const iface::vector_operands& x, const T* a, const T* b, T* out, std::size_t count) {
    switch (x.function) {
    case vector_function::identity:
        std::copy_n(a, count, out);
        return;
    case vector_function::add:
        return each(a, b, out, count, [](T p, T q) { return math::add(p, q); });
    case vector_function::subtract:
        return each(a, b, out, count, [](T p, T q) { return math::subtract(p, q); });
    case vector_function::multiply:
        return each(a, b, out, count, [](T p, T q) { return math::multiply(p, q); });
    case vector_function::divide:
        return each(a, b, out, count, [](T p, T q) { return math::divide(p, q); });
    case vector_function::maximum:
        return each(a, b, out, count, [](T p, T q) { return math::maximum(p, q); });
    case vector_function::minimum:
        return each(a, b, out, count, [](T p, T q) { return math::minimum(p, q); });
    case vector_function::clamp:
        return each(a, a, out, count,
                    [low = bound<T>(x.low), high = bound<T>(x.high)](T p, T) { return math::clamp(p, low, high); });
    case vector_function::relu:
        return each(a, a, out, count, [](T p, T) { return math::maximum(p, T{0}); });
    case vector_function::absolute:
        return each(a, a, out, count, [](T p, T) { return math::magnitude(p); });
    case vector_function::negate:
        return each(a, a, out, count, [](T p, T) { return math::negate(p); });
    case vector_function::reciprocal:
        return each(a, a, out, count, [](T p, T) { return math::divide(T{1}, p); });
    case vector_function::multiply_add:
        for (std::size_t i = 0; i < count; ++i)
            out[i] = sum_of(out[i], a[i], b[i]);
        return;
    case vector_function::sigmoid:
    case vector_function::arctangent:
    case vector_function::exponential:
        break;
    }
    each(a, a, out, count, [f = x.function](T p, T) { return by_double(f, p); });
}

/// The rows of a command, computed in the type T.
template <class T>
class row_worker {
  public:
    row_worker(const iface::vector_operands& x, const vector_data& data) : m_x(x), m_data(data) {
        if (!reads_destination(x))
            return;
        if (is_destination(x, x.source))
            m_data.source = data.destination;
        if (iface::takes_operand(x.function) && is_destination(x, x.operand))
            m_data.operand = data.destination;
    }

    void run() {
        for (std::uint32_t i = 0; i < m_x.count[0]; ++i)
            for (std::uint32_t j = 0; j < m_x.count[1]; ++j)
                row(i, j);
    }

  private:
    static std::uint64_t offset(const iface::vector_side& side, std::uint64_t i, std::uint64_t j) {
        return i * side.stride[0] + j * side.stride[1];
    }

    void row(std::uint32_t i, std::uint32_t j) {
        const unsigned char* a = m_data.source + offset(m_x.source, i, j);
        const unsigned char* b = m_data.operand == nullptr ? nullptr : m_data.operand + offset(m_x.operand, i, j);
        unsigned char* out = m_data.destination + offset(m_x.destination, i, j);
        // a running value within the row is one element at a time
        const std::size_t step = m_x.destination.stride[2] == 0 && m_x.count[2] > 1 ? 1 : k_block;
        for (std::size_t at = 0; at < m_x.count[2]; at += step) {
            const std::size_t n = std::min<std::size_t>(step, m_x.count[2] - at);
            part(a + at * m_x.source.stride[2], b == nullptr ? nullptr : b + at * m_x.operand.stride[2],
                 out + at * m_x.destination.stride[2], n);
        }
    }

    void part(const unsigned char* a, const unsigned char* b, unsigned char* out, std::size_t n) {
        load_row(m_x.from, a, m_x.source.stride[2], m_a.data(), n);
        if (iface::takes_operand(m_x.function))
            load_row(m_x.from, b, m_x.operand.stride[2], m_b.data(), n);
        if (m_x.function == vector_function::multiply_add)
            load_row(m_x.to, out, m_x.destination.stride[2], m_out.data(), n);
        apply(m_x, m_a.data(), m_b.data(), m_out.data(), n);
        store_row(m_x.to, m_out.data(), out, m_x.destination.stride[2], n);
    }

    const iface::vector_operands& m_x;
    vector_data m_data;
    std::array<T, k_block> m_a, m_b, m_out;
};

/// The type that a command computes in.
element_type computing_type(const iface::vector_operands& x) {
    const element_type type = x.function == vector_function::multiply_add ? x.to : x.from;
    if (type == element_type::f64)
        return element_type::f64;
    return type == element_type::i8 || type == element_type::i32 ? element_type::i32 : element_type::f32;
}

} // namespace

byte_range range_of(const iface::vector_operands& x, const iface::vector_side& side, element_type type) {
    std::uint64_t last = 0;
    for (std::size_t d = 0; d < iface::k_vector_dims; ++d)
        last += std::uint64_t{x.count[d] - 1} * side.stride[d];
    return {side.base, bytes(last + iface::size_of(type))};
}

std::uint64_t dependent_elements(const iface::vector_operands& x) {
    std::uint64_t product = 1;
    for (std::size_t d = 0; d < iface::k_vector_dims; ++d)
        product *= x.destination.stride[d] == 0 ? x.count[d] : 1;
    return product;
}

std::uint64_t all_elements(const iface::vector_operands& x) {
    return std::uint64_t{x.count[0]} * x.count[1] * x.count[2];
}

bool reads_destination(const iface::vector_operands& x) {
    return x.function == vector_function::multiply_add || dependent_elements(x) > 1;
}

bool is_destination(const iface::vector_operands& x, const iface::vector_side& side) {
    bool same = side.base == x.destination.base;
    for (std::size_t d = 0; d < iface::k_vector_dims; ++d)
        same = same && (x.count[d] == 1 || side.stride[d] == x.destination.stride[d]);
    return same;
}

bool is_packed(const iface::vector_operands& x) {
    const std::uint64_t size = range_of(x, x.destination, x.to).size.value();
    return size == all_elements(x) / dependent_elements(x) * iface::size_of(x.to);
}

void compute(const iface::vector_operands& x, const vector_data& data) {
    if (x.function == vector_function::identity) {
        // one rounding from the source's own value
        for (std::uint32_t i = 0; i < x.count[0]; ++i)
            for (std::uint32_t j = 0; j < x.count[1]; ++j) {
                const unsigned char* from =
                    data.source + std::uint64_t{i} * x.source.stride[0] + std::uint64_t{j} * x.source.stride[1];
                unsigned char* to = data.destination + std::uint64_t{i} * x.destination.stride[0] +
                                    std::uint64_t{j} * x.destination.stride[1];
                const bool rows =
                    x.source.stride[2] == iface::size_of(x.from) && x.destination.stride[2] == iface::size_of(x.to);
                for (std::uint32_t k = 0; k < x.count[2]; k += rows ? x.count[2] : 1)
                    convert(x.from, from + std::uint64_t{k} * x.source.stride[2], x.to,
                            to + std::uint64_t{k} * x.destination.stride[2], rows ? x.count[2] : 1);
            }
        return;
    }
    switch (computing_type(x)) {
    case element_type::f64:
        return row_worker<double>(x, data).run();
    case element_type::i32:
        return row_worker<std::int32_t>(x, data).run();
    default:
        return row_worker<float>(x, data).run();
    }
}

} // namespace kpu::hw
