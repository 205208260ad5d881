#pragma once
// What the loader expects of an array's time per fold, from its capability registers. The array's own account is in
// hw/fabric; here whole folds in steady state are enough.

#include "fw/driver/machine.h"
#include "hw/interface/descriptor.h"

namespace kpu::fw {

struct fold_time {
    double period = 0;  ///< cycles from one fold's entry to the next one's
    double latency = 0; ///< cycles from its entry until its results are in L1
};

/// Output stationary: a period of max(steps, rows), steps = ceil(k / macs per PE). Weight and input stationary: of
/// max(m, rows), or max(n, rows), whichever streams.
[[nodiscard]] fold_time time_of(const compute_tile& tile, const iface::fold_operands& fold);

} // namespace kpu::fw
