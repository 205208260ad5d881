#pragma once
// A platform as text for people.

#include "platforms/platform.h"

#include <string>
#include <vector>

namespace kpu::platform {

/// Every range of the address map in ascending order: first and last address, size, what lies there. Throws input_error
/// if the on-chip memories do not fit.
[[nodiscard]] std::string show_memory_map(const platform& p);

/// The chip from DRAM to the arrays, one block per line group, with counts, sizes and peak bytes per cycle.
[[nodiscard]] std::string show_diagram(const platform& p);

/// One key that differs.
struct difference {
    std::string path;
    std::string left, right; ///< as in a platform file
};
[[nodiscard]] std::vector<difference> compare(const platform& a, const platform& b);

} // namespace kpu::platform
