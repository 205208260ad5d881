#pragma once
// Devices for tests of banked DRAM.

#include "platforms/dram_presets.h"
#include "platforms/platform.h"

#include <stdexcept>
#include <string>

namespace kpu::test {

/// Four groups of four banks with rows of 2 KiB; no rule holds anything up, and there is no refresh.
inline platform::dram_device bare_device() {
    platform::dram_device d;
    d.bank_groups = d.banks = 4;
    d.row = bytes(2048);
    for (picoseconds platform::dram_device::*time :
         {&platform::dram_device::t_cl, &platform::dram_device::t_cwl, &platform::dram_device::t_rcd,
          &platform::dram_device::t_rp, &platform::dram_device::t_ras, &platform::dram_device::t_rc,
          &platform::dram_device::t_rtp, &platform::dram_device::t_wr, &platform::dram_device::t_ccd_s,
          &platform::dram_device::t_ccd_l, &platform::dram_device::t_rrd_s, &platform::dram_device::t_rrd_l,
          &platform::dram_device::t_faw, &platform::dram_device::t_wtr_s, &platform::dram_device::t_wtr_l,
          &platform::dram_device::t_rtw, &platform::dram_device::t_rfc, &platform::dram_device::t_refi})
        d.*time = picoseconds();
    return d;
}

/// One channel of the preset's width and rate: bursts of `burst` bytes.
inline platform::dram_params channel_of(const std::string& preset, std::uint64_t bandwidth, std::uint64_t burst) {
    const platform::dram_preset* known = platform::find_dram_preset(preset);
    if (known == nullptr)
        throw std::logic_error("no preset " + preset);
    platform::dram_params p;
    p.timing = platform::dram_timing::banked;
    p.preset = preset;
    p.device = known->device;
    p.bandwidth = bytes_per_second(bandwidth);
    p.burst = bytes(burst);
    return p;
}
inline platform::dram_params ddr4_2400() {
    return channel_of("DDR4_2400R", 19'200'000'000, 64);
}
inline platform::dram_params ddr4_3200() {
    return channel_of("DDR4_3200AA", 25'600'000'000, 64);
}
inline platform::dram_params lpddr5_6400() {
    return channel_of("LPDDR5_6400", 12'800'000'000, 32);
}
inline platform::dram_params hbm2_2000() {
    return channel_of("HBM2_2000Mbps", 32'000'000'000, 64);
}
inline platform::dram_params hbm3_6400() {
    return channel_of("HBM3_6400Mbps", 51'200'000'000, 64);
}

inline platform::dram_params without_refresh(platform::dram_params p) {
    p.device.t_refi = picoseconds();
    return p;
}

} // namespace kpu::test
