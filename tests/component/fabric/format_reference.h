#pragma once
// The number formats by their definition: values from the fields, nearest values by search. Slow, and independent of
// what is tested.

#include "hw/interface/engine.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace kpu::test {

/// A narrow float format: sign, exponent, significand.
class narrow_format {
  public:
    static narrow_format f16() { return {5, 10, true}; }
    static narrow_format bf16() { return {8, 7, true}; }
    static narrow_format f8() { return {4, 3, false}; } // E4M3: no infinities, saturating
    static narrow_format of(iface::element_type type) {
        return type == iface::element_type::f16 ? f16() : type == iface::element_type::bf16 ? bf16() : f8();
    }

    [[nodiscard]] std::uint32_t codes() const { return 2U << (m_exponent_bits + m_fraction_bits); }
    [[nodiscard]] std::uint32_t sign_bit() const { return codes() / 2; }
    [[nodiscard]] std::uint32_t infinity() const { return ((1U << m_exponent_bits) - 1) << m_fraction_bits; }
    [[nodiscard]] std::uint32_t quiet_nan() const {
        return m_ieee ? infinity() | 1U << (m_fraction_bits - 1) : sign_bit() - 1;
    }
    [[nodiscard]] bool is_nan(std::uint32_t code) const {
        const std::uint32_t magnitude = code & (sign_bit() - 1);
        return m_ieee ? magnitude > infinity() : magnitude == sign_bit() - 1;
    }
    /// Finite values that are not negative, ascending; the code is the index.
    [[nodiscard]] const std::vector<double>& values() const { return m_values; }
    [[nodiscard]] double value(std::uint32_t code) const {
        const std::uint32_t magnitude = code & (sign_bit() - 1);
        double result = std::numeric_limits<double>::quiet_NaN();
        if (m_ieee && magnitude == infinity())
            result = std::numeric_limits<double>::infinity();
        else if (!is_nan(code))
            result = m_values[magnitude];
        return (code & sign_bit()) != 0 ? -result : result;
    }
    /// To nearest, ties to the even code.
    [[nodiscard]] std::uint32_t encode(double v) const {
        const std::uint32_t sign = std::signbit(v) ? sign_bit() : 0;
        return sign | (std::isnan(v) ? quiet_nan() : encode_magnitude(std::fabs(v)));
    }

  private:
    narrow_format(int exponent_bits, int fraction_bits, bool ieee)
        : m_exponent_bits(exponent_bits), m_fraction_bits(fraction_bits), m_ieee(ieee) {
        const std::uint32_t end = ieee ? infinity() : sign_bit() - 1;
        for (std::uint32_t code = 0; code < end; ++code)
            m_values.push_back(finite(code));
    }
    [[nodiscard]] double finite(std::uint32_t code) const {
        const int bias = (1 << (m_exponent_bits - 1)) - 1;
        const int exponent = static_cast<int>(code >> m_fraction_bits);
        const int fraction = static_cast<int>(code & ((1U << m_fraction_bits) - 1));
        if (exponent == 0)
            return std::ldexp(fraction, 1 - bias - m_fraction_bits);
        return std::ldexp(fraction + (1 << m_fraction_bits), exponent - bias - m_fraction_bits);
    }
    [[nodiscard]] std::uint32_t encode_magnitude(double v) const {
        const auto last = static_cast<std::uint32_t>(m_values.size() - 1);
        if (v > m_values.back()) {
            // As if the next larger number existed: the largest one is odd for IEEE formats, so the tie goes to
            // infinity.
            const double next = 2 * m_values.back() - m_values[last - 1];
            return !m_ieee || v < m_values.back() + (next - m_values.back()) / 2 ? last : last + 1;
        }
        const auto above =
            static_cast<std::uint32_t>(std::lower_bound(m_values.begin(), m_values.end(), v) - m_values.begin());
        if (m_values[above] == v)
            return above;
        const double to_above = m_values[above] - v;
        const double to_below = v - m_values[above - 1];
        if (to_above != to_below)
            return to_above < to_below ? above : above - 1;
        return above % 2 == 0 ? above : above - 1;
    }

    int m_exponent_bits, m_fraction_bits;
    bool m_ieee;
    std::vector<double> m_values;
};

} // namespace kpu::test
