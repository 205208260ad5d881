#pragma once
// kpu-loader's command line.

#include "fw/tools/tensor_files.h"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace kpu::fw {

struct loader_options {
    std::string program;
    std::string platform;
    input_files inputs;
    output_files outputs;
    std::string stats, trace, vcd; ///< files to write; empty: none
    std::optional<std::uint64_t> stall_seed;
    bool no_data = false, verify = false, check = false, profile = false, dry_run = false, verbose = false;
};

void add_options(CLI::App& app, loader_options& o);

} // namespace kpu::fw
