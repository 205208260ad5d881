#include "hw/memory/dram_rules.h"

#include <algorithm>
#include <limits>

namespace kpu::hw {

namespace {

void raise(picoseconds& from, picoseconds to) {
    from = std::max(from, to);
}

} // namespace

dram_rules::dram_rules(const platform::dram_device& device, picoseconds burst)
    : m_device(device), m_spacing(std::max(device.t_ccd_s, burst)),
      m_group_spacing(std::max(device.t_ccd_l, m_spacing)), m_write_data(device.t_cwl + burst),
      m_banks(std::size_t{device.bank_groups} * device.banks), m_groups(device.bank_groups),
      m_group_mask(device.bank_groups - 1),
      m_next_refresh(device.t_refi != picoseconds() ? device.t_refi
                                                    : picoseconds(std::numeric_limits<std::uint64_t>::max())) {}

picoseconds dram_rules::after_refresh(picoseconds t) const {
    if (t < m_next_refresh) {
        // The last one may still be going on.
        const picoseconds end = m_refreshes * m_device.t_refi + m_device.t_rfc;
        return m_refreshes != 0 ? std::max(t, end) : t;
    }
    const picoseconds into = t % m_device.t_refi;
    return picoseconds(t.value() + (into < m_device.t_rfc ? (m_device.t_rfc - into).value() : 0));
}

picoseconds dram_rules::earliest_unturned(std::uint32_t bank, picoseconds t) const {
    return after_refresh(std::max({t, m_banks[bank].column_from, group_of(bank).column_from, m_column_from}));
}

picoseconds dram_rules::earliest(dram_command command, std::uint32_t bank, picoseconds t) const {
    const bank_state& b = m_banks[bank];
    const group_state& g = group_of(bank);
    switch (command) {
    case dram_command::precharge:
        return after_refresh(std::max(t, b.precharge_from));
    case dram_command::activate:
        return after_refresh(std::max({t, b.activate_from, g.activate_from, m_activate_from, m_window_from[m_oldest]}));
    case dram_command::read:
        return earliest_unturned(bank, std::max({t, g.read_from, m_read_from}));
    case dram_command::write:
        break;
    }
    return earliest_unturned(bank, std::max(t, m_write_from));
}

void dram_rules::record_unturned(dram_command column, std::uint32_t bank, picoseconds t) {
    raise(m_groups[bank & m_group_mask].column_from, t + m_group_spacing);
    raise(m_column_from, t + m_spacing);
    const picoseconds recovery = column == dram_command::read ? m_device.t_rtp : m_write_data + m_device.t_wr;
    raise(m_banks[bank].precharge_from, t + recovery);
}

void dram_rules::record_activate(std::uint32_t bank, std::uint64_t row, picoseconds t) {
    bank_state& b = m_banks[bank];
    b.row = row;
    b.column_from = t + m_device.t_rcd;
    raise(b.precharge_from, t + m_device.t_ras);
    b.activate_from = t + m_device.t_rc;
    m_groups[bank & m_group_mask].activate_from = t + m_device.t_rrd_l;
    m_activate_from = t + m_device.t_rrd_s;
    m_window_from[m_oldest] = t + m_device.t_faw;
    m_oldest = (m_oldest + 1) % k_activates;
}

void dram_rules::record(dram_command command, std::uint32_t bank, picoseconds t, std::uint64_t row) {
    switch (command) {
    case dram_command::precharge:
        m_banks[bank].row = k_closed;
        raise(m_banks[bank].activate_from, t + m_device.t_rp);
        break;
    case dram_command::activate:
        record_activate(bank, row, t);
        break;
    case dram_command::read:
        record_unturned(command, bank, t);
        raise(m_write_from, t + m_device.t_rtw);
        break;
    case dram_command::write:
        record_unturned(command, bank, t);
        raise(m_groups[bank & m_group_mask].read_from, t + m_write_data + m_device.t_wtr_l);
        raise(m_read_from, t + m_write_data + m_device.t_wtr_s);
        break;
    }
}

void dram_rules::refresh_until(picoseconds t) {
    if (t < m_next_refresh)
        return;
    m_refreshes = t / m_device.t_refi;
    m_next_refresh = (m_refreshes + 1) * m_device.t_refi;
    for (bank_state& b : m_banks)
        b.row = k_closed;
}

} // namespace kpu::hw
