#pragma once
// Turns accesses to one DRAM (sub-)channel into commands, and those into times. SystemC-free.

#include "hw/memory/dram_mapping.h"
#include "hw/memory/dram_rules.h"

#include <cstdint>
#include <vector>

namespace kpu::hw {

/// Bursts that found their row open, their bank closed, or another row open. A miss or conflict is one activate.
struct dram_counts {
    std::uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0;
};

/// Serves bursts in the order of the calls, each as soon as the rules allow. Rows stay open until another one is wanted
/// or a refresh comes. An access's precharges and activates may be given from its arrival on, while data of earlier
/// ones still flows. A row is not opened for a burst that a refresh would come before. Nothing is reordered.
class dram_scheduler {
  public:
    /// Channels' `params`, whose sub-channel this is.
    explicit dram_scheduler(const platform::dram_params& params);

    /// When the data bus carries an access: from the start of its first burst to the end of its last.
    struct window {
        picoseconds start, end;
        std::uint64_t bursts = 0;
    };
    /// To [local, local + length), length at least 1, requested at `arrival`. The cost is that of the stripes touched
    /// (dram_mapping), whatever their length.
    window access(bool is_write, std::uint64_t local, bytes length, picoseconds arrival);

    [[nodiscard]] const dram_counts& counts() const { return m_counts; }
    [[nodiscard]] picoseconds burst_time() const { return m_burst; }

  private:
    std::uint64_t run(dram_command column, const dram_mapping::stripe& in, std::uint64_t bursts, picoseconds arrival);
    bool open_and_issue(dram_command column, std::uint32_t bank, std::uint64_t row, picoseconds arrival);
    std::uint64_t stream(dram_command column, const dram_mapping::stripe& in, std::uint64_t bursts);
    [[nodiscard]] picoseconds column_time(std::uint64_t nth) const;

    dram_mapping m_mapping;
    dram_rules m_rules;
    picoseconds m_burst, m_read_latency, m_write_latency;
    bool m_groups_cover; ///< bursts to all groups in turn take at least group_spacing()
    std::vector<picoseconds> m_lead; ///< of the stripe being served: times of the first column command to each group
    picoseconds m_column;            ///< time of the last column command
    dram_counts m_counts;
};

} // namespace kpu::hw
