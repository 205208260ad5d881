#include "compiler/tools/tune_for.h"

#include "platforms/reader.h"

#include <algorithm>

namespace kpu {

static_assert(passes::k_dtypes == platform::k_array_types, "platforms list types in the order of dtype");

passes::chip_model model_of(const platform::platform& p) {
    passes::chip_model chip;
    chip.rows = p.array.rows;
    chip.columns = p.array.columns;
    chip.arrays = p.array.count;
    chip.tile_room = p.l2.banks * p.l2.bank.capacity.value() / p.array.count;
    chip.capacity = p.l3.tiles * p.l3.tile.capacity.value();
    chip.dram_bytes_per_cycle = static_cast<double>(p.dram.channels * p.dram.bandwidth.value()) /
                                static_cast<double>(p.clock.frequency.value());
    chip.line_room = std::min(p.l1.row.capacity.value() / chip.rows, p.l1.column.capacity.value() / chip.columns);
    chip.macs_per_pe = p.array.macs_per_pe;
    return chip;
}

passes::target target_of(const std::string& platform_file) {
    const platform::platform p = platform::read_platform(platform_file);
    return passes::tuned_target(p.name, model_of(p));
}

} // namespace kpu
