#pragma once
// DRAM devices by name, with the public source of their figures.

#include "platforms/platform.h"

#include <string>
#include <vector>

namespace kpu::platform {

struct dram_preset {
    std::string name;
    std::string channel; ///< what one (sub-)channel is: width, burst, bandwidth, density
    dram_device device;
};

/// Where the figures come from: repository, commit and file by standard.
[[nodiscard]] const std::string& dram_preset_source();
[[nodiscard]] const std::vector<dram_preset>& dram_presets();
/// Null where there is none of that name.
[[nodiscard]] const dram_preset* find_dram_preset(const std::string& name);

} // namespace kpu::platform
