#pragma once
// GTKWave save files: which signals of a dump to show, grouped and formatted, so that the waves open ready to read.

#include <string>
#include <vector>

namespace kpu::trace {

enum class gtkw_format { hexadecimal, decimal, binary, ascii };

struct gtkw_signal {
    std::string scope; ///< hierarchical, parts separated by dots
    std::string name;
    unsigned width = 1;
    gtkw_format format = gtkw_format::decimal;
};

struct gtkw_group {
    std::string title;
    bool open = true;
    std::vector<gtkw_signal> signals;
};

/// The save file's text for the dump at `dump_path`, to be stored at `save_path` (GTKWave finds a moved pair by both
/// paths).
[[nodiscard]] std::string to_gtkw(const std::string& dump_path, const std::string& save_path,
                                  const std::vector<gtkw_group>& groups);

} // namespace kpu::trace
