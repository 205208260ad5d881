#pragma once
// What firmware finds when it looks at the chip: read from identity and capability registers, never from a platform
// file.

#include "hw/interface/capabilities.h"
#include "hw/interface/engine.h"
#include "hw/interface/mmio.h"
#include "hw/interface/registers.h"
#include "platforms/common/units.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace kpu::fw {

/// One contiguous range of the address map, made of equal units.
struct memory_info {
    address base;
    bytes size;
    std::uint32_t units = 0;
    bytes interleave;                       ///< consecutive bytes in one unit
    std::uint32_t bytes_per_256_cycles = 0; ///< peak, all units together
    std::uint32_t latency = 0;              ///< cycles from a mover's request to the first data
    bytes burst{64};                        ///< what a unit moves whole: DRAM's burst, others' port

    [[nodiscard]] double bytes_per_cycle() const { return bytes_per_256_cycles / 256.0; }
};

struct engine_info {
    engine_id id;
    iface::engine_kind kind = iface::engine_kind::dma;
    std::uint32_t unit = 0; ///< number among its kind
    std::uint32_t queue_depth = 0;
    std::array<std::uint32_t, iface::engine_reg::capabilities> capabilities{};
    std::string name; ///< as the model's modules are called: "dma0", "array2.streamer1", …
};

struct l1_buffer {
    address base;
    bytes size;
};

/// A systolic array with what feeds and drains it.
struct compute_tile {
    engine_id array;
    std::vector<engine_id> streamers;
    engine_id vector_unit;
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    std::uint32_t dataflows = 0;                                     ///< bit per iface::array_dataflow
    std::array<std::uint32_t, iface::k_element_types> macs_per_pe{}; ///< and cycle; 0: type not supported
    l1_buffer row, column, result;
    std::uint32_t stream_bytes_per_cycle = 0; ///< of its slowest streamer
};

struct machine {
    std::uint32_t clock_khz = 0;
    std::uint32_t descriptor_cost = 0; ///< cycles to write one descriptor
    memory_info dram, l3, l2;
    std::vector<engine_info> engines; ///< by engine id
    std::vector<engine_id> dma;
    std::vector<engine_id> block_movers;
    std::vector<compute_tile> tiles;

    [[nodiscard]] const engine_info& engine(engine_id id) const { return engines.at(id.value()); }
};

/// Reads the chip's registers. Throws input_error if this is not a chip that this firmware knows, or if it lacks an
/// engine kind without which no program runs.
[[nodiscard]] machine discover(mmio& bus);

} // namespace kpu::fw
