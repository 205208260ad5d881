#include "fw/driver/machine.h"

#include "platforms/common/diagnostic.h"

#include <algorithm>

namespace kpu::fw {

namespace {

using namespace iface;

std::string describe(const std::string& what, std::uint32_t value) {
    return what + " " + std::to_string(value);
}

[[noreturn]] void refuse(const std::string& what, const std::string& expected) {
    diagnostic problem;
    problem.where.file = "chip";
    problem.message = what;
    problem.expected = expected;
    throw input_error(std::move(problem));
}

memory_info read_memory(mmio& bus, memory_kind kind) {
    std::array<std::uint32_t, system_reg::memory_words> w{};
    bus.read_block(address(system_reg::memory + 4u * static_cast<std::uint32_t>(kind) * system_reg::memory_words),
                   w.data(), w.size());
    memory_info memory;
    memory.base = address(w[0] | std::uint64_t{w[1]} << 32);
    memory.size = bytes(w[2] | std::uint64_t{w[3]} << 32);
    memory.units = w[4];
    memory.interleave = bytes(w[5]);
    memory.bytes_per_256_cycles = w[6];
    memory.latency = w[7];
    memory.burst = bytes(std::max<std::uint32_t>(1, w[8]));
    return memory;
}

engine_info read_engine(mmio& bus, std::uint32_t number) {
    const std::uint64_t base = engine_base(number);
    const std::uint32_t id = bus.read32(address(base + engine_reg::id));
    engine_info engine;
    engine.id = engine_id(static_cast<std::uint16_t>(id >> 16));
    engine.unit = id >> 8 & 0xff;
    const std::uint32_t kind = id & 0xff;
    if (kind == 0 || kind > k_engine_kinds || engine.id.value() != number)
        refuse(describe("engine", number) + describe(" identifies itself as", id), "a known kind and its own number");
    engine.kind = static_cast<engine_kind>(kind);
    engine.queue_depth = bus.read32(address(base + engine_reg::queue_depth));
    bus.read_block(address(base + engine_reg::capability), engine.capabilities.data(), engine.capabilities.size());
    return engine;
}

compute_tile& tile_at(machine& found, std::uint32_t unit) {
    if (unit >= found.tiles.size())
        refuse(describe("an engine belongs to compute tile", unit),
               describe("a tile below", std::uint32_t(found.tiles.size())));
    return found.tiles[unit];
}

l1_buffer buffer(const engine_info& array, std::uint32_t base, std::uint32_t size) {
    return {address(array.capabilities[base]), bytes(array.capabilities[size])};
}

void add_array(machine& found, const engine_info& engine) {
    compute_tile& tile = tile_at(found, engine.capabilities[array_cap::unit]);
    tile.array = engine.id;
    tile.rows = engine.capabilities[array_cap::rows];
    tile.columns = engine.capabilities[array_cap::columns];
    tile.dataflows = engine.capabilities[array_cap::dataflows];
    for (std::uint32_t t = 0; t < k_element_types; ++t)
        tile.macs_per_pe[t] = engine.capabilities[array_cap::macs_word(t)] >> array_cap::macs_shift(t) & 0xff;
    tile.row = buffer(engine, array_cap::row_base, array_cap::row_size);
    tile.column = buffer(engine, array_cap::column_base, array_cap::column_size);
    tile.result = buffer(engine, array_cap::result_base, array_cap::result_size);
}

void add_streamer(machine& found, const engine_info& engine) {
    compute_tile& tile = tile_at(found, engine.capabilities[mover_cap::array]);
    tile.streamers.push_back(engine.id);
    const std::uint32_t rate = engine.capabilities[mover_cap::bytes_cycle];
    tile.stream_bytes_per_cycle = tile.stream_bytes_per_cycle == 0 ? rate : std::min(tile.stream_bytes_per_cycle, rate);
}

/// Puts the engine where it belongs and names it after that place.
void sort_into_machine(machine& found, engine_info& engine) {
    const auto of_tile = [](std::uint32_t tile, const std::string& what) {
        return "array" + std::to_string(tile) + "." + what;
    };
    switch (engine.kind) {
    case engine_kind::dma:
    case engine_kind::block_mover:
        (engine.kind == engine_kind::dma ? found.dma : found.block_movers).push_back(engine.id);
        engine.name = std::string(name_of(engine.kind)) + std::to_string(engine.unit);
        break;
    case engine_kind::streamer: {
        const std::uint32_t tile = engine.capabilities[mover_cap::array];
        add_streamer(found, engine);
        engine.name = of_tile(tile, "streamer" + std::to_string(found.tiles[tile].streamers.size() - 1));
        break;
    }
    case engine_kind::array:
        add_array(found, engine);
        engine.name = of_tile(engine.capabilities[array_cap::unit], "array");
        break;
    case engine_kind::vector:
        tile_at(found, engine.capabilities[vector_cap::array]).vector_unit = engine.id;
        engine.name = of_tile(engine.capabilities[vector_cap::array], "vector");
        break;
    }
}

void check_complete(const machine& found) {
    if (found.dma.empty() || found.block_movers.empty() || found.tiles.empty())
        refuse("the chip lacks DMA engines, block movers or arrays", "at least one of each");
    for (const compute_tile& tile : found.tiles)
        if (tile.streamers.empty() || tile.rows == 0 || tile.columns == 0)
            refuse("a compute tile without streamers or PEs", "at least one streamer, one row and one column");
}

} // namespace

machine discover(mmio& bus) {
    const std::uint32_t magic = bus.read32(address(system_reg::magic));
    if (magic != k_system_magic)
        refuse(describe("unknown system controller, magic", magic), describe("magic", k_system_magic));
    machine found;
    const std::uint32_t engines = bus.read32(address(system_reg::engines));
    found.tiles.resize(bus.read32(address(system_reg::arrays)));
    found.clock_khz = bus.read32(address(system_reg::clock_khz));
    found.descriptor_cost = bus.read32(address(system_reg::descriptor_cost));
    found.dram = read_memory(bus, memory_kind::dram);
    found.l3 = read_memory(bus, memory_kind::l3);
    found.l2 = read_memory(bus, memory_kind::l2);
    for (std::uint32_t e = 0; e < engines; ++e) {
        found.engines.push_back(read_engine(bus, e));
        sort_into_machine(found, found.engines.back());
    }
    check_complete(found);
    return found;
}

} // namespace kpu::fw
