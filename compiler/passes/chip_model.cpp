#include "compiler/passes/chip_model.h"

#include <algorithm>

namespace kpu::passes {

std::uint64_t chip_model::macs(dtype operand) const {
    return std::max<std::uint64_t>(1, macs_per_pe.at(static_cast<std::size_t>(operand)));
}

chip_model square_chip(std::uint64_t side, std::uint64_t capacity, double dram_bytes_per_cycle) {
    chip_model chip;
    chip.rows = chip.columns = side;
    chip.tile_room = chip.capacity = capacity;
    chip.dram_bytes_per_cycle = dram_bytes_per_cycle;
    return chip;
}

target nominal_target() {
    target nominal;
    nominal.chips = {square_chip(8, 1ULL << 16U, 8), square_chip(16, 1ULL << 18U, 16),
                     square_chip(32, 1ULL << 20U, 128), square_chip(64, 1ULL << 22U, 1024)};
    nominal.chips[2].arrays = 2;
    nominal.chips[3].arrays = 4;
    nominal.typical = square_chip(16, 1ULL << 20U, 16);
    nominal.typical.tile_room = 128ULL * 1024;
    return nominal;
}

target tuned_target(std::string platform, const chip_model& chip) {
    return {std::move(platform), {chip}, chip};
}

} // namespace kpu::passes
