#pragma once
// Capability registers by engine kind: word numbers within the engine's `capability` registers.

#include <cstdint>

namespace kpu::iface {

/// dma, block_mover, streamer.
namespace mover_cap {
inline constexpr std::uint32_t array = 0;       ///< streamer: the compute tile that it serves; others: unused
inline constexpr std::uint32_t bytes_cycle = 1; ///< peak bytes per core cycle
inline constexpr std::uint32_t start_cost = 2;  ///< core cycles from the head of the queue to the first request
inline constexpr std::uint32_t in_flight = 3;   ///< bytes requested and not yet written, at most
} // namespace mover_cap

/// array. Its three L1 buffers are contiguous ranges of the address map.
namespace array_cap {
inline constexpr std::uint32_t unit = 0, rows = 1, columns = 2;
inline constexpr std::uint32_t dataflows = 3; ///< bit per array_dataflow
/// Multiply-accumulates per PE and cycle, 8 bits per element_type (0: not supported): the first four types, the others.
inline constexpr std::uint32_t macs_low = 4, macs_high = 11;
inline constexpr std::uint32_t row_base = 5, column_base = 6, result_base = 7;  ///< L1 addresses, below 4 GiB
inline constexpr std::uint32_t row_size = 8, column_size = 9, result_size = 10; ///< bytes
[[nodiscard]] constexpr std::uint32_t macs_word(std::uint32_t type) {
    return type < 4 ? macs_low : macs_high;
}
[[nodiscard]] constexpr std::uint32_t macs_shift(std::uint32_t type) {
    return 8 * (type % 4);
}
} // namespace array_cap

/// vector.
namespace vector_cap {
inline constexpr std::uint32_t array = 0; ///< the compute tile whose L1 buffers it works on
inline constexpr std::uint32_t lanes = 1; ///< elements per cycle
} // namespace vector_cap

} // namespace kpu::iface
