#pragma once
// Counts every operator new of the program that links it.

#include <cstddef>

namespace kpu::test {

[[nodiscard]] std::size_t allocations();

} // namespace kpu::test
