#pragma once
// A platform: what chip the YAML describes. Plain validated values; the model is elaborated from them and nothing else.

#include "platforms/common/units.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpu::platform {

struct clock_params {
    hertz frequency{1'000'000'000};
    /// One core cycle. The reader refuses frequencies whose period is not a whole number of picoseconds.
    [[nodiscard]] picoseconds period() const { return picoseconds(1'000'000'000'000ULL / frequency.value()); }
};

/// How the time of a DRAM access is found: latency and bandwidth, or the state of its banks.
enum class dram_timing : std::uint8_t { fixed, banked };

/// What a DRAM device's banks are like: times between commands as JEDEC names them, each "from … to …". The values here
/// are those of LPDDR5_6400; platforms/dram_presets.h has others.
struct dram_device {
    std::uint32_t bank_groups = 4;
    std::uint32_t banks = 4; ///< per group
    bytes row{2048};         ///< of one bank, over the channel's whole width
    picoseconds t_cl{21'250};
    picoseconds t_cwl{11'250};
    picoseconds t_rcd{18'750};
    picoseconds t_rp{18'750};
    picoseconds t_ras{42'500};
    picoseconds t_rc{61'250};
    picoseconds t_rtp{10'000};
    picoseconds t_wr{35'000};
    picoseconds t_ccd_s{2'500};
    picoseconds t_ccd_l{5'000};
    picoseconds t_rrd_s{5'000};
    picoseconds t_rrd_l{5'000};
    picoseconds t_faw{20'000};
    picoseconds t_wtr_s{6'250};
    picoseconds t_wtr_l{12'500};
    picoseconds t_rtw{15'000};
    picoseconds t_rfc{210'000};
    picoseconds t_refi{3'906'250}; ///< 0: no refresh
};

/// External memory: `channels` equal channels, interleaved.
struct dram_params {
    std::string kind = "LPDDR5"; ///< for reports
    dram_timing timing = dram_timing::fixed;
    std::string preset = "LPDDR5_6400"; ///< where a file's `device` values come from that it does not give
    std::uint32_t channels = 1;
    std::uint32_t sub_channels = 1; ///< banked: independent parts of a channel, each with its share of the bandwidth
    bytes capacity{1ULL << 32};     ///< of all channels together
    bytes_per_second bandwidth{12'800'000'000ULL}; ///< of one channel
    picoseconds latency{60'000};                   ///< from request to first data
    bytes burst{64};                        ///< smallest transfer; shorter or misaligned accesses cost whole bursts
    bytes interleave{1024};                 ///< consecutive bytes on one channel, and on one sub-channel of it
    picoseconds controller_latency{20'000}; ///< banked: on top of the device's time
    dram_device device;                     ///< banked
    /// Time of one burst on a sub-channel's data bus, rounded up.
    [[nodiscard]] picoseconds burst_time() const;
};

/// An on-chip memory unit (an L3 tile, an L2 bank, an L1 buffer).
struct memory_params {
    bytes capacity{256ULL * 1024};
    std::uint32_t read_ports = 1;
    std::uint32_t write_ports = 1;
    bytes port_width{64}; ///< per cycle and port
    cycles latency{2};    ///< from request to first data
};

struct l3_params {
    std::uint32_t tiles = 1;
    bytes interleave{1024}; ///< consecutive bytes in one tile
    memory_params tile;
};

struct l2_params {
    std::uint32_t banks = 2; ///< consecutive ranges of the address map, not interleaved
    memory_params bank;
};

/// A crossbar: every initiator port and every target port carries port_width bytes per cycle.
struct crossbar_params {
    bytes port_width{64};
    cycles hop_latency{1};
};

/// What DMA engines, block movers and streamers have in common.
struct mover_params {
    std::uint32_t queue_depth = 32;
    bytes width{64};               ///< bytes per cycle through the engine
    cycles start_cost{4};          ///< from the head of the queue to the first request
    bytes in_flight{32ULL * 1024}; ///< read requested and not yet written: the engine's buffer
    bytes chunk{4096};             ///< bytes per simulated request: a speed knob, at most half of in_flight
};

struct dma_params {
    std::uint32_t engines = 1;
    mover_params mover;
};
struct block_mover_params {
    std::uint32_t engines = 1;
    mover_params mover;
};
/// Streamers belong to a compute tile. Roles (row stream, column stream, seeds, results) are given to them in that
/// order; the last one takes those that are left.
struct streamer_params {
    std::uint32_t per_array = 4;
    mover_params mover;
};

/// L1 buffers of one compute tile. Their ports are as wide as the array's edge needs unless given.
struct l1_params {
    memory_params row;
    memory_params column;
    memory_params result;
};

inline constexpr std::size_t k_array_types = 7; ///< in the order of iface::element_type

struct array_params {
    std::uint32_t count = 1; ///< equal compute tiles
    std::uint32_t rows = 16;
    std::uint32_t columns = 16;
    bool pipelined = true; ///< double accumulators: the next fold's wavefront follows directly
    std::uint32_t queue_depth = 32;
    cycles start_cost{0};
    /// Multiply-accumulates per PE and cycle: f64, f32, f16, bf16, f8, i8, i32; 0 = type not supported.
    std::array<std::uint32_t, k_array_types> macs_per_pe{1, 1, 1, 1, 1, 1, 1};
};

struct vector_params {
    std::uint32_t lanes = 16; ///< elements per cycle
    std::uint32_t queue_depth = 32;
    cycles start_cost{2};
    cycles latency{4};
};

/// The processor that runs the firmware.
struct management_params {
    cycles access_cost{2};     ///< per register access or burst
    bytes burst_width{32};     ///< further cost of a burst: one cycle per that many bytes
    cycles interrupt_cost{20}; ///< from line high to firmware running
};

struct access_energy {
    femtojoules_per_byte read, write;
};

/// What single events cost. Whole femtojoules, which hold three decimals of the usual picojoules exactly.
struct energy_params {
    femtojoules vector;                              ///< per element of a vector operation
    femtojoules_per_byte dma, block_mover, streamer; ///< through an engine, without the memories at its ends
    femtojoules_per_byte interconnect;               ///< through a crossbar
    microwatts chip_static;                          ///< leakage and clock of the whole chip
    microwatts dram_standby;                         ///< of all channels together
    std::array<femtojoules, k_array_types> mac;      ///< per multiply-accumulate, as in macs_per_pe
    access_energy dram;                              ///< per byte of whole bursts
    femtojoules dram_activation;                     ///< per row opened; 0 where `dram` contains it
    access_energy l3, l2, l1;
};

struct platform {
    std::string name;
    std::string description;
    clock_params clock;
    dram_params dram;
    crossbar_params dram_crossbar; ///< DMA engines ↔ DRAM channels
    dma_params dma;
    crossbar_params l3_crossbar; ///< DMA engines, block movers ↔ L3 tiles
    l3_params l3;
    block_mover_params block_mover;
    crossbar_params l2_crossbar; ///< block movers, streamers ↔ L2 banks
    l2_params l2;
    streamer_params streamer;
    l1_params l1;
    array_params array;
    vector_params vector;
    management_params management;
    std::optional<energy_params> energy; ///< without it nothing is said about energy
};

/// Where things lie in the unified address map. Derived from the platform, never given.
struct address_range {
    address base;
    bytes size;
    [[nodiscard]] bool contains(address a, bytes length) const {
        return a >= base && fits(a.value() - base.value(), length.value(), size.value());
    }
};
struct l1_ranges {
    address_range row, column, result;
};
struct address_map {
    address_range registers; ///< control bus only
    address_range l3, l2, dram;
    std::vector<l1_ranges> l1; ///< one per array
};
/// Registers, L1, L2 and L3 lie below 4 GiB, DRAM from 4 GiB on. Throws input_error if the on-chip memories do not fit
/// there.
[[nodiscard]] address_map map_addresses(const platform& p);

/// The number of engines, and their ids: all DMA engines, then block movers, then per array its streamers, the array,
/// its vector unit.
struct engine_ids {
    std::uint32_t dma, block_movers, streamers_per_array, arrays;
    [[nodiscard]] engine_id dma_engine(std::uint32_t i) const { return engine_id(static_cast<std::uint16_t>(i)); }
    [[nodiscard]] engine_id block_mover(std::uint32_t i) const {
        return engine_id(static_cast<std::uint16_t>(dma + i));
    }
    [[nodiscard]] engine_id streamer(std::uint32_t array, std::uint32_t i) const { return at(array, i); }
    [[nodiscard]] engine_id array(std::uint32_t array) const { return at(array, streamers_per_array); }
    [[nodiscard]] engine_id vector_unit(std::uint32_t array) const { return at(array, streamers_per_array + 1); }
    [[nodiscard]] std::uint32_t count() const { return dma + block_movers + arrays * (streamers_per_array + 2); }

  private:
    [[nodiscard]] engine_id at(std::uint32_t array, std::uint32_t i) const {
        return engine_id(static_cast<std::uint16_t>(dma + block_movers + array * (streamers_per_array + 2) + i));
    }
};
[[nodiscard]] engine_ids number_engines(const platform& p);

[[nodiscard]] const char* name_of(dram_timing timing);

/// Peak multiply-accumulates per cycle of all arrays for a type (index as in macs_per_pe).
[[nodiscard]] std::uint64_t peak_macs(const platform& p, std::size_t type);

} // namespace kpu::platform
