#pragma once
// Counts every operator new of the program that links it.

#include <cstddef>

namespace kpu::test {

[[nodiscard]] std::size_t allocations();

/// The most bytes that were allocated at the same time since forget_peak_heap() was last called, and not yet then.
[[nodiscard]] std::size_t peak_heap();
void forget_peak_heap();

} // namespace kpu::test
