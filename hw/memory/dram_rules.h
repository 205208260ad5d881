#pragma once
// When a DRAM device may be given a command: the minimal times between commands, and refresh. SystemC-free; times are
// absolute picoseconds.

#include "platforms/platform.h"

#include <array>
#include <cstdint>
#include <vector>

namespace kpu::hw {

enum class dram_command : std::uint8_t { precharge, activate, read, write };

/// The state of one (sub-)channel's banks. A bank's group is its number modulo bank_groups. The rules know times only:
/// that a row is open for a read is the caller's business, who asks open_row(). Commands to columns are recorded in
/// order of time, activates likewise; one of the one kind may lie before an earlier one of the other. The command bus
/// is not modelled, nor is the device's clock: commands are given at any picosecond.
///
/// Refresh: from every multiple of t_refi on, but 0, no command is given for t_rfc; all rows are closed then. Data of
/// earlier commands may still flow, and rows need no precharge before: refresh costs t_rfc in t_refi exactly.
class dram_rules {
  public:
    static constexpr std::uint64_t k_closed = ~std::uint64_t{0};
    static constexpr std::uint32_t k_activates = 4; ///< in t_faw

    /// `burst`: time of one burst on the data bus.
    dram_rules(const platform::dram_device& device, picoseconds burst);

    /// The earliest legal time at or after `t`, as far as recorded commands and refreshes say.
    [[nodiscard]] picoseconds earliest(dram_command command, std::uint32_t bank, picoseconds t) const;
    /// The same for a read or write for which the bus need not turn round.
    [[nodiscard]] picoseconds earliest_unturned(std::uint32_t bank, picoseconds t) const;
    /// The command is given at `t`, which is legal. `row` is that of an activate.
    void record(dram_command command, std::uint32_t bank, picoseconds t, std::uint64_t row = k_closed);
    /// A read or write after which the bus's direction is as before.
    void record_unturned(dram_command column, std::uint32_t bank, picoseconds t);

    [[nodiscard]] std::uint64_t open_row(std::uint32_t bank) const { return m_banks[bank].row; }
    /// When the next refresh begins; open rows are lost for commands from then on.
    [[nodiscard]] picoseconds next_refresh() const { return m_next_refresh; }
    /// Does all refreshes that begin at `t` or before.
    void refresh_until(picoseconds t);

    /// Commands to columns of one kind: apart in any case, and within a group.
    [[nodiscard]] picoseconds spacing() const { return m_spacing; }
    [[nodiscard]] picoseconds group_spacing() const { return m_group_spacing; }
    /// Precharge to activate, activate to column command: for plans that are not recorded yet.
    [[nodiscard]] picoseconds precharge_time() const { return m_device.t_rp; }
    [[nodiscard]] picoseconds activate_time() const { return m_device.t_rcd; }

  private:
    struct bank_state {
        std::uint64_t row = k_closed;
        picoseconds activate_from, precharge_from, column_from;
    };
    struct group_state {
        picoseconds activate_from;
        picoseconds column_from; ///< a burst in the group, whatever its direction
        picoseconds read_from;   ///< after a write
    };
    [[nodiscard]] picoseconds after_refresh(picoseconds t) const;
    [[nodiscard]] const group_state& group_of(std::uint32_t bank) const { return m_groups[bank & m_group_mask]; }
    void record_activate(std::uint32_t bank, std::uint64_t row, picoseconds t);

    platform::dram_device m_device;
    picoseconds m_spacing, m_group_spacing;
    picoseconds m_write_data; ///< from a write to the end of its data
    std::vector<bank_state> m_banks;
    std::vector<group_state> m_groups;
    std::uint32_t m_group_mask;
    picoseconds m_activate_from, m_column_from;
    picoseconds m_read_from, m_write_from;                ///< after a command of the other kind
    std::array<picoseconds, k_activates> m_window_from{}; ///< t_faw after each of the last activates
    std::uint32_t m_oldest = 0;
    picoseconds m_next_refresh;
    std::uint64_t m_refreshes = 0;
};

} // namespace kpu::hw
