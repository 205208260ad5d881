#pragma once
// Turns accesses to one DRAM (sub-)channel into commands, and those into times. SystemC-free.

#include "hw/memory/dram_mapping.h"
#include "hw/memory/dram_rules.h"

#include <array>
#include <cstdint>
#include <vector>

namespace kpu::hw {

/// Bursts that found their row open, their bank closed, or another row open. A miss or conflict is one activate.
struct dram_counts {
    std::uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0;
};

/// Puts bursts on the data bus in the order of the calls, each as soon as the rules allow. Rows stay open until another
/// one is wanted or a refresh comes. An access's precharges and activates may be given from its arrival on, while data
/// of earlier ones still flows. A row is not opened for a burst that a refresh would come before.
///
/// A controller serves waiting requests to an open row before it opens another one, and waiting requests of the bus's
/// direction before it turns the bus round. Here requests have their times before later ones are known, so that the
/// effect is modelled instead: a burst that arrived before its row was closed (or before the bus turned) costs what it
/// would have cost then, a row hit (no turning), but takes its turn on the bus after those that came before it.
/// Without this, several engines' streams would close each other's rows as often as calls alternate, and time would
/// depend on how transfers are cut into calls.
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
    /// Rows that a bank has lately closed.
    static constexpr std::size_t k_closed_rows = 4;
    struct closed_row {
        std::uint64_t row = dram_rules::k_closed;
        picoseconds at;
    };
    struct bank_history {
        std::array<closed_row, k_closed_rows> rows;
        std::size_t oldest = 0;
    };

    std::uint64_t run(dram_command column, const dram_mapping::stripe& in, std::uint64_t bursts, picoseconds arrival);
    bool open_and_issue(dram_command column, std::uint32_t bank, std::uint64_t row, picoseconds arrival);
    std::uint64_t stream(dram_command column, const dram_mapping::stripe& in, std::uint64_t bursts,
                         picoseconds arrival);
    [[nodiscard]] bool turned_after(dram_command column, picoseconds arrival) const;
    [[nodiscard]] bool closed_after(std::uint32_t bank, std::uint64_t row, picoseconds arrival) const;
    void close(std::uint32_t bank, picoseconds at);
    void record_column(dram_command column, std::uint32_t bank, picoseconds at, bool unturned);
    void refresh_until(picoseconds t);
    [[nodiscard]] picoseconds column_time(std::uint64_t nth) const;

    dram_mapping m_mapping;
    dram_rules m_rules;
    picoseconds m_burst, m_read_latency, m_write_latency;
    bool m_groups_cover;             ///< bursts to all groups in turn take at least group_spacing()
    std::vector<picoseconds> m_lead; ///< of the stripe being served: times of the first column command to each group
    picoseconds m_column;            ///< time of the last column command
    dram_command m_direction = dram_command::read;
    picoseconds m_turned; ///< the last column command before the bus took m_direction
    std::vector<bank_history> m_history;
    dram_counts m_counts;
};

} // namespace kpu::hw
