#pragma once
// Element types, dataflows and element functions as descriptors name them.

#include "compiler/dfx/program.h"
#include "hw/interface/descriptor.h"

namespace kpu::fw {

[[nodiscard]] constexpr iface::element_type code_of(dtype t) {
    switch (t) {
    case dtype::f64:
        return iface::element_type::f64;
    case dtype::f32:
        return iface::element_type::f32;
    case dtype::f16:
        return iface::element_type::f16;
    case dtype::bf16:
        return iface::element_type::bf16;
    case dtype::f8:
        return iface::element_type::f8;
    case dtype::i8:
        return iface::element_type::i8;
    case dtype::i32:
        break;
    }
    return iface::element_type::i32;
}

[[nodiscard]] constexpr iface::array_dataflow code_of(dfx::dataflow flow) {
    switch (flow) {
    case dfx::dataflow::weight_stationary:
        return iface::array_dataflow::weight_stationary;
    case dfx::dataflow::input_stationary:
        return iface::array_dataflow::input_stationary;
    case dfx::dataflow::output_stationary:
        break;
    }
    return iface::array_dataflow::output_stationary;
}

[[nodiscard]] constexpr iface::vector_function code_of(dfx::element_function f) {
    constexpr iface::vector_function codes[] = {iface::vector_function::identity,
                                                iface::vector_function::add,
                                                iface::vector_function::subtract,
                                                iface::vector_function::multiply,
                                                iface::vector_function::divide,
                                                iface::vector_function::maximum,
                                                iface::vector_function::minimum,
                                                iface::vector_function::clamp,
                                                iface::vector_function::relu,
                                                iface::vector_function::sigmoid,
                                                iface::vector_function::arctangent,
                                                iface::vector_function::exponential,
                                                iface::vector_function::reciprocal,
                                                iface::vector_function::absolute,
                                                iface::vector_function::negate,
                                                iface::vector_function::reciprocal_root,
                                                iface::vector_function::multiply_shifted};
    return codes[static_cast<std::size_t>(f)];
}

/// A step's numbers, by its function: the bounds of a clamp, a shift.
inline void set_numbers(iface::vector_operands& x, double low, double high) {
    if (x.function == iface::vector_function::multiply_shifted) {
        x.shift = static_cast<std::uint32_t>(low);
        return;
    }
    x.low = low;
    x.high = high;
}

} // namespace kpu::fw
