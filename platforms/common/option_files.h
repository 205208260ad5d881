#pragma once
// Which files a command line names, and that none of them is written over another.

#include <string>
#include <vector>

namespace kpu {

struct option_file {
    std::string option; ///< as the user knows it: "--stats"
    std::string path;   ///< empty: not given
};

/// Throws input_error, naming both options, where an output is one of the inputs or another of the outputs: the same
/// file after symbolic links, whether it exists yet or not. Devices and pipes may be named more than once.
void require_separate(const std::vector<option_file>& inputs, const std::vector<option_file>& outputs);

} // namespace kpu
