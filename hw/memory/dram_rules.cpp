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

picoseconds dram_rules::earliest(dram_command command, std::uint32_t bank, picoseconds t) const {
    const bank_state& b = m_banks[bank];
    const group_state& g = m_groups[bank & (m_groups.size() - 1)];
    switch (command) {
    case dram_command::precharge:
        raise(t, b.precharge_from);
        break;
    case dram_command::activate:
        t = std::max({t, b.activate_from, g.activate_from, m_activate_from, m_window_from[m_oldest]});
        break;
    case dram_command::read:
        t = std::max({t, b.column_from, g.read_from, m_read_from});
        break;
    case dram_command::write:
        t = std::max({t, b.column_from, g.write_from, m_write_from});
        break;
    }
    return after_refresh(t);
}

void dram_rules::record_read(bank_state& bank, group_state& group, picoseconds t) {
    raise(bank.precharge_from, t + m_device.t_rtp);
    raise(group.read_from, t + m_group_spacing);
    raise(m_read_from, t + m_spacing);
    raise(m_write_from, t + m_device.t_rtw);
}

void dram_rules::record_write(bank_state& bank, group_state& group, picoseconds t) {
    const picoseconds end = t + m_write_data;
    raise(bank.precharge_from, end + m_device.t_wr);
    raise(group.write_from, t + m_group_spacing);
    raise(m_write_from, t + m_spacing);
    raise(group.read_from, end + m_device.t_wtr_l);
    raise(m_read_from, end + m_device.t_wtr_s);
}

void dram_rules::record_activate(bank_state& bank, group_state& group, picoseconds t) {
    bank.column_from = t + m_device.t_rcd;
    raise(bank.precharge_from, t + m_device.t_ras);
    bank.activate_from = t + m_device.t_rc;
    group.activate_from = t + m_device.t_rrd_l;
    m_activate_from = t + m_device.t_rrd_s;
    m_window_from[m_oldest] = t + m_device.t_faw;
    m_oldest = (m_oldest + 1) % k_activates;
}

void dram_rules::record(dram_command command, std::uint32_t bank, picoseconds t, std::uint64_t row) {
    bank_state& b = m_banks[bank];
    group_state& g = m_groups[bank & (m_groups.size() - 1)];
    switch (command) {
    case dram_command::precharge:
        b.row = k_closed;
        raise(b.activate_from, t + m_device.t_rp);
        break;
    case dram_command::activate:
        b.row = row;
        record_activate(b, g, t);
        break;
    case dram_command::read:
        record_read(b, g, t);
        break;
    case dram_command::write:
        record_write(b, g, t);
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
