// The presets, in clock cycles as their source has them.

#include "platforms/dram_presets.h"

#include <algorithm>

namespace kpu::platform {

namespace {

/// Cycles of the device's command clock.
struct clocked {
    std::uint64_t tck_ps;
    std::uint64_t burst, cl, cwl, rcd, rp, ras, rc, rtp, wr;
    std::uint64_t ccd_s, ccd_l, rrd_s, rrd_l, faw, wtr_s, wtr_l, rfc, refi;
};

dram_device device(bytes row, const clocked& c) {
    const auto time = [&c](std::uint64_t clocks) { return picoseconds(clocks * c.tck_ps); };
    dram_device d;
    d.bank_groups = 4;
    d.banks = 4;
    d.row = row;
    d.t_cl = time(c.cl);
    d.t_cwl = time(c.cwl);
    d.t_rcd = time(c.rcd);
    d.t_rp = time(c.rp);
    d.t_ras = time(c.ras);
    d.t_rc = time(c.rc);
    d.t_rtp = time(c.rtp);
    d.t_wr = time(c.wr);
    d.t_ccd_s = time(c.ccd_s);
    d.t_ccd_l = time(c.ccd_l);
    d.t_rrd_s = time(c.rrd_s);
    d.t_rrd_l = time(c.rrd_l);
    d.t_faw = time(c.faw);
    d.t_wtr_s = time(c.wtr_s);
    d.t_wtr_l = time(c.wtr_l);
    d.t_rtw = time(c.cl + c.burst + 2 - c.cwl); // the bus turns round in two clocks
    d.t_rfc = time(c.rfc);
    d.t_refi = time(c.refi);
    return d;
}

} // namespace

const std::string& dram_preset_source() {
    static const std::string source =
        "Ramulator 2 (github.com/CMU-SAFARI/ramulator2), python/ramulator/dram: ddr4.py at 38c51d40, lpddr5.py, "
        "hbm2.py "
        "and hbm3.py at 0aba1928. HBM's time from ACT to a column is that of reads for writes too.";
    return source;
}

const std::vector<dram_preset>& dram_presets() {
    //                      tCK BL CL CWL RCD RP RAS RC RTP WR CCD_S,L RRD_S,L FAW WTR_S,L RFC REFI
    static const std::vector<dram_preset> all = {
        {"DDR4_2400R", "64 bits, 64B, 19.2GB/s, of 8 Gb x8",
         device(bytes(8192), {833, 4, 16, 12, 16, 16, 39, 55, 9, 18, 4, 6, 4, 6, 26, 3, 9, 433, 9364})},
        {"DDR4_3200AA", "64 bits, 64B, 25.6GB/s, of 8 Gb x8",
         device(bytes(8192), {625, 4, 22, 16, 22, 22, 52, 74, 12, 24, 4, 8, 4, 8, 34, 4, 12, 576, 12480})},
        {"LPDDR5_6400", "16 bits, 32B, 12.8GB/s, of 8 Gb x16",
         device(bytes(2048), {1250, 2, 17, 9, 15, 15, 34, 49, 8, 28, 2, 4, 4, 4, 16, 5, 10, 168, 3125})},
        {"HBM2_2000Mbps", "128 bits (both pseudo channels in step), 64B, 32GB/s, of 4 Gb per pseudo channel",
         device(bytes(2048), {1000, 2, 14, 5, 14, 14, 34, 48, 5, 16, 2, 4, 4, 4, 15, 6, 8, 260, 3900})},
        {"HBM3_6400Mbps", "64 bits (both pseudo channels in step), 64B, 51.2GB/s, of 4 Gb per pseudo channel",
         device(bytes(2048), {625, 2, 26, 8, 26, 26, 48, 74, 6, 24, 2, 4, 8, 8, 24, 8, 12, 560, 6240})},
    };
    return all;
}

const dram_preset* find_dram_preset(const std::string& name) {
    const std::vector<dram_preset>& all = dram_presets();
    const auto found = std::find_if(all.begin(), all.end(), [&](const dram_preset& p) { return p.name == name; });
    return found == all.end() ? nullptr : &*found;
}

} // namespace kpu::platform
