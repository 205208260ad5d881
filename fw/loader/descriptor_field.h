#pragma once
// Numbers on their way into a descriptor, whose fields have 32 bits.

#include <cstdint>

namespace kpu::fw {

/// A count or a length. Throws input_error with the number where it does not fit.
[[nodiscard]] std::uint32_t count_field(std::uint64_t number);

/// A stride in bytes, in two's complement; 0 where there are not two elements for it to lie between. Throws input_error
/// with the number where it does not fit.
[[nodiscard]] std::uint32_t stride_field(std::uint64_t count, std::int64_t stride);

} // namespace kpu::fw
