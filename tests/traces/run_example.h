#pragma once
// A consistent set of statistics for tests to bend.

#include "traces/statistics.h"

namespace kpu::trace::test {

inline engine_statistics engine(const std::string& name, const std::string& kind, std::uint64_t busy,
                                stall_cycles stalled, std::uint64_t total) {
    engine_statistics e;
    e.name = name;
    e.kind = kind;
    e.commands = 10;
    e.busy = busy;
    e.stalled = stalled;
    e.total = total;
    e.idle = total - busy - stalled.total();
    return e;
}

inline run_statistics example() {
    run_statistics run;
    run.tool = "kpu-loader 0.1.0";
    run.platform = "tiny";
    run.program = "matmul";
    run.program_hash = "00ff";
    run.cycles = 2000;
    run.time_ps = 2'000'000;
    run.macs = 100'000;
    run.dram.read_bytes = 6000;
    run.dram.write_bytes = 2000;
    run.dram.banks = {1000, 20, 30, 50, 6};
    run.dram.channel_busy_ps = {300'000, 200'000};
    run.engines.push_back(engine("dma0", "dma", 600, {0, 100, 0, 0, 0, 1200, 0}, 2000));
    run.engines.push_back(engine("mover0", "block_mover", 500, {1300, 0, 0, 0, 0, 0, 0}, 2000));
    run.engines.push_back(engine("streamer0", "streamer", 400, {0, 1400, 0, 0, 0, 0, 0}, 2000));
    run.engines.push_back(engine("array0", "array", 800, {0, 0, 1100, 0, 0, 0, 0}, 2000));
    run.engines.back().macs = 100'000;
    run.kernels = {{"k0", 60'000, 3000, 4000}, {"k1", 40'000, 2000, 3000}};
    run.resources = {{"arrays", "MAC", 100'000, 64}, {"dram", "B", 8000, 12.8}};
    run.wall.elaborate_s = 0.001;
    run.wall.simulate_s = 0.25;
    run.peak_rss_bytes = 10'000'000;
    derive(run, 64, 12.8);
    return run;
}

} // namespace kpu::trace::test
