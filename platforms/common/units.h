#pragma once
// Strong types for quantities with a unit and for indices, so that bytes never meet cycles and an engine never meets a
// bank.

#include <cstdint>
#include <functional>
#include <limits>

namespace kpu {

/// A count of one unit. Arithmetic stays within the unit; scaling by plain numbers is allowed, mixing units does not
/// compile.
template <class Unit, class Rep = std::uint64_t>
class quantity {
  public:
    using rep = Rep;
    constexpr quantity() = default;
    constexpr explicit quantity(Rep count) : m_count(count) {}
    [[nodiscard]] constexpr Rep value() const { return m_count; }

    constexpr quantity& operator+=(quantity other) { return m_count += other.m_count, *this; }
    constexpr quantity& operator-=(quantity other) { return m_count -= other.m_count, *this; }
    friend constexpr quantity operator+(quantity a, quantity b) { return quantity(a.m_count + b.m_count); }
    friend constexpr quantity operator-(quantity a, quantity b) { return quantity(a.m_count - b.m_count); }
    friend constexpr quantity operator*(quantity a, Rep n) { return quantity(a.m_count * n); }
    friend constexpr quantity operator*(Rep n, quantity a) { return quantity(a.m_count * n); }
    friend constexpr quantity operator/(quantity a, Rep n) { return quantity(a.m_count / n); }
    friend constexpr Rep operator/(quantity a, quantity b) { return a.m_count / b.m_count; }
    friend constexpr quantity operator%(quantity a, quantity b) { return quantity(a.m_count % b.m_count); }
    friend constexpr bool operator==(quantity a, quantity b) { return a.m_count == b.m_count; }
    friend constexpr bool operator!=(quantity a, quantity b) { return a.m_count != b.m_count; }
    friend constexpr bool operator<(quantity a, quantity b) { return a.m_count < b.m_count; }
    friend constexpr bool operator<=(quantity a, quantity b) { return a.m_count <= b.m_count; }
    friend constexpr bool operator>(quantity a, quantity b) { return a.m_count > b.m_count; }
    friend constexpr bool operator>=(quantity a, quantity b) { return a.m_count >= b.m_count; }

  private:
    Rep m_count = 0;
};

using bytes = quantity<struct bytes_unit>;
using cycles = quantity<struct cycles_unit>;
using elements = quantity<struct elements_unit>;
using picoseconds = quantity<struct picoseconds_unit>;
using hertz = quantity<struct hertz_unit>;
using bytes_per_second = quantity<struct bytes_per_second_unit>;
using femtojoules = quantity<struct femtojoules_unit>; ///< of one event; energies of whole runs are doubles in joules
using femtojoules_per_byte = quantity<struct femtojoules_per_byte_unit>;
using microwatts = quantity<struct microwatts_unit>;

/// A byte address in the chip's unified address map.
using address = quantity<struct address_unit>;
[[nodiscard]] constexpr address operator+(address base, bytes offset) {
    return address(base.value() + offset.value());
}
[[nodiscard]] constexpr bytes distance(address from, address to) {
    return bytes(to.value() - from.value());
}

/// A position in a list of one kind of thing: ordered and comparable, without arithmetic.
template <class Kind, class Rep = std::uint32_t>
class index_of {
  public:
    using rep = Rep;
    constexpr index_of() = default;
    constexpr explicit index_of(Rep position) : m_position(position) {}
    [[nodiscard]] constexpr Rep value() const { return m_position; }
    friend constexpr bool operator==(index_of a, index_of b) { return a.m_position == b.m_position; }
    friend constexpr bool operator!=(index_of a, index_of b) { return a.m_position != b.m_position; }
    friend constexpr bool operator<(index_of a, index_of b) { return a.m_position < b.m_position; }

  private:
    Rep m_position = 0;
};

/// Number of an engine on the chip: its slot in the engine table, in the interrupt controller and among the semaphores.
using engine_id = index_of<struct engine_kind_tag, std::uint16_t>;

[[nodiscard]] constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
    return a / b + (a % b != 0 ? 1 : 0);
}
[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t a, std::uint64_t multiple) {
    return ceil_div(a, multiple) * multiple;
}
/// True where [offset, offset + length) lies inside [0, size); written so that it cannot wrap.
[[nodiscard]] constexpr bool fits(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
    return length <= size && offset <= size - length;
}

} // namespace kpu

template <class Kind, class Rep>
struct std::hash<kpu::index_of<Kind, Rep>> {
    std::size_t operator()(kpu::index_of<Kind, Rep> i) const noexcept { return std::hash<Rep>{}(i.value()); }
};
