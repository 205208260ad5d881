#pragma once
// From counts of events to joules: what a run cost, by component.

#include "platforms/platform.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpu::trace {

/// What a run did that costs energy.
struct activity {
    struct traffic {
        bytes read, written;
    };
    std::array<std::uint64_t, platform::k_array_types> macs{}; ///< useful ones, by type as in energy_params::mac
    elements vector;                                           ///< of vector operations
    traffic dram, l3, l2, l1;                                  ///< whole bursts where the memory has any
    std::uint64_t dram_activations = 0;                        ///< rows opened
    bytes dma, block_mover, streamer;                          ///< written by all engines of a kind
    bytes interconnect;                                        ///< through crossbars, each counted
    picoseconds time;
};

enum class component {
    arrays,
    vector,
    l1,
    l2,
    l3,
    dram,
    dma,
    block_movers,
    streamers,
    interconnect,
    chip_static,
    dram_standby,
    count_
};
inline constexpr std::size_t k_components = static_cast<std::size_t>(component::count_);
[[nodiscard]] std::string_view name_of(component c);

struct energy_statistics {
    std::array<double, k_components> joules{}; ///< by component
    double total_j = 0;
    double static_j = 0;   ///< chip_static + dram_standby, contained in the total
    double edp_js = 0;     ///< energy-delay product: total energy times time
    double pj_per_mac = 0; ///< total energy; 0 where the run has no MACs
    double average_w = 0;
    [[nodiscard]] double of(component c) const { return joules[static_cast<std::size_t>(c)]; }
};

/// Every component is count · energy of the table, in double; static ones are power · time.
[[nodiscard]] energy_statistics energy_of(const activity& done, const platform::energy_params& table);

/// Where the sums do not follow from the components, time and MACs, or a component is negative or no number.
[[nodiscard]] std::vector<std::string> check(const energy_statistics& energy, std::uint64_t macs, picoseconds time);

/// In one line: total, energy per MAC, energy-delay product, average power.
[[nodiscard]] std::string to_line(const energy_statistics& energy);
/// By component: energy, share, energy per MAC, average power.
[[nodiscard]] std::string to_table(const energy_statistics& energy, std::uint64_t macs, picoseconds time);

/// Four digits or more with an SI prefix from a to G: "1.234 uJ".
[[nodiscard]] std::string with_prefix(double value, std::string_view unit);

} // namespace kpu::trace
