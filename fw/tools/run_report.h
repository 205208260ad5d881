#pragma once
// Gathers what a run cost from the chip's counters.

#include "fw/tools/device.h"
#include "fw/tools/kernel_times.h"
#include "hw/observe/critical_path.h"
#include "traces/statistics.h"

namespace kpu::fw {

/// Statistics of a finished run of a program as it was compiled. Cycles and idle times count from the end of boot. Wall
/// times and the program's hash are the caller's to fill in.
[[nodiscard]] trace::run_statistics report_on(const hw::chip& chip, const device& host, const dfx::program& program);

/// What was seen of each kernel, into `run.kernels` of report_on().
void add_kernel_times(trace::run_statistics& run, const kernel_times& times, const hw::chip& chip, const device& host);

/// The longest chain of commands by kind of engine, into `run.critical_path`; the rest of the run is the firmware's.
void add_critical_path(trace::run_statistics& run, const hw::critical_path& seen, const hw::chip& chip);

} // namespace kpu::fw
