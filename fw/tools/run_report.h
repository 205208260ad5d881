#pragma once
// Gathers what a run cost from the chip's counters.

#include "fw/tools/device.h"
#include "fw/tools/kernel_times.h"
#include "traces/statistics.h"

namespace kpu::fw {

/// Statistics of a finished run. Cycles and idle times count from the end of boot. Wall times and the program's hash
/// are the caller's to fill in.
[[nodiscard]] trace::run_statistics report_on(const hw::chip& chip, const device& host, const dfx::program& program);

/// What was seen of each kernel, into `run.kernels` of report_on().
void add_kernel_times(trace::run_statistics& run, const kernel_times& times, const hw::chip& chip, const device& host);

} // namespace kpu::fw
