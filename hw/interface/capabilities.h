#pragma once
// Capability registers by engine kind: word numbers within the engine's `capability` registers.

#include <cstdint>

namespace kpu::iface {

/// dma, block_mover, streamer.
namespace mover_cap {
inline constexpr std::uint32_t array = 0;       ///< streamer: the compute tile that it serves; others: unused
inline constexpr std::uint32_t bytes_cycle = 1; ///< peak bytes per core cycle
} // namespace mover_cap

/// array. Its three L1 buffers are contiguous ranges of the address map.
namespace array_cap {
inline constexpr std::uint32_t unit = 0, rows = 1, columns = 2;
inline constexpr std::uint32_t dataflows = 3;                                   ///< bit per array_dataflow
inline constexpr std::uint32_t types = 4;                                       ///< bit per element_type
inline constexpr std::uint32_t row_base = 5, column_base = 6, result_base = 7;  ///< L1 addresses, below 4 GiB
inline constexpr std::uint32_t row_size = 8, column_size = 9, result_size = 10; ///< bytes
} // namespace array_cap

/// vector.
namespace vector_cap {
inline constexpr std::uint32_t array = 0; ///< the compute tile whose L1 buffers it works on
inline constexpr std::uint32_t lanes = 1; ///< elements per cycle
} // namespace vector_cap

} // namespace kpu::iface
