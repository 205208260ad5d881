#pragma once
// What observers of a chip need besides its events: names to show and the time of an event.

#include "platforms/common/units.h"

#include <functional>
#include <string>
#include <vector>

namespace kpu::hw {

/// Hierarchical module names, parts separated by dots.
struct observed_names {
    std::vector<std::string> engines;  ///< by engine id
    std::vector<std::string> memories; ///< as in observer::on_access
};

/// Simulated time now; never decreases.
using time_source = std::function<picoseconds()>;

} // namespace kpu::hw
