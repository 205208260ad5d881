#pragma once
// The unary functions on numbers of a compute type.

#include "compiler/dfg/ops/resolved.h"
#include "platforms/common/scalar_math.h"

#include <type_traits>

namespace kpu::dfg {

/// `low` and `high` bound a clamp. Integers know relu, clamp, abs and negate only. Transcendental functions are
/// computed in double and rounded once to T.
template <class T>
T call(unary_function f, T x, T low, T high) {
    if constexpr (std::is_floating_point_v<T>)
        switch (f) {
        case unary_function::sigmoid:
            return static_cast<T>(scalar::logistic(static_cast<double>(x)));
        case unary_function::atan:
            return static_cast<T>(scalar::arc_tangent(static_cast<double>(x)));
        case unary_function::exp:
            return static_cast<T>(scalar::exponential(static_cast<double>(x)));
        case unary_function::reciprocal:
            return scalar::divide(T{1}, x);
        case unary_function::reciprocal_root:
            return static_cast<T>(scalar::reciprocal_root(static_cast<double>(x)));
        default:
            break;
        }
    switch (f) {
    case unary_function::relu:
        return scalar::maximum(x, T{0});
    case unary_function::clamp:
        return scalar::clamp(x, low, high);
    case unary_function::negate:
        return scalar::negate(x);
    default:
        return scalar::magnitude(x);
    }
}

} // namespace kpu::dfg
