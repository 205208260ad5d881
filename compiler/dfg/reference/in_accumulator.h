#pragma once
// Chooses the C++ type in which an operator computes.

#include "compiler/tensor/dtype.h"

#include <cstdint>

namespace kpu::dfg {

/// A value that only carries a type.
template <class T>
struct host_type {
    using type = T;
};

/// `run(host_type<T>)` with double for f64, std::int32_t for i8 and i32, float for the rest.
template <class Run>
auto in_accumulator(dtype t, Run&& run) {
    switch (accumulator_of(t)) {
    case dtype::f64:
        return run(host_type<double>{});
    case dtype::i32:
        return run(host_type<std::int32_t>{});
    default:
        return run(host_type<float>{});
    }
}

} // namespace kpu::dfg
