// kpu-trace-analyzer: sums up a trace of kpu-loader --trace-output per track.

#include "platforms/common/files.h"
#include "platforms/common/number_option.h"
#include "platforms/common/tool.h"
#include "traces/analysis.h"

#include <CLI/CLI.hpp>
#include <iostream>

int main(int argc, char** argv) {
    CLI::App app("Sums up a Chrome/Perfetto trace: busy time, causes and longest gaps of every track",
                 "kpu-trace-analyzer");
    std::string file;
    std::size_t gaps = 3;
    app.add_option("trace", file, "trace as written by kpu-loader --trace-output")->required();
    kpu::add_number(app, "--gaps", gaps, "how many of the longest gaps to show per track")->capture_default_str();
    return kpu::run_tool(app, argc, argv, [&] {
        std::cout << kpu::trace::to_table(kpu::trace::analyse(kpu::read_file(file), file, gaps));
        return kpu::exit_success;
    });
}
