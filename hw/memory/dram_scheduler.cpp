#include "hw/memory/dram_scheduler.h"

#include <algorithm>

namespace kpu::hw {

dram_scheduler::dram_scheduler(const platform::dram_params& params)
    : m_mapping(params.device, params.burst), m_rules(params.device, params.burst_time()), m_burst(params.burst_time()),
      m_read_latency(params.device.t_cl), m_write_latency(params.device.t_cwl),
      m_groups_cover(m_rules.spacing() * m_mapping.groups() >= m_rules.group_spacing()), m_lead(m_mapping.groups()),
      m_history(std::size_t{params.device.bank_groups} * params.device.banks) {}

dram_scheduler::window dram_scheduler::access(bool is_write, std::uint64_t local, bytes length, picoseconds arrival) {
    const dram_command column = is_write ? dram_command::write : dram_command::read;
    const picoseconds latency = is_write ? m_write_latency : m_read_latency;
    std::uint64_t burst = m_mapping.burst_of(local);
    const std::uint64_t end = m_mapping.burst_of(local + length.value() - 1) + 1;
    window done;
    done.bursts = end - burst;
    for (bool first = true; burst < end;) {
        const dram_mapping::stripe in = m_mapping.locate(burst);
        const std::uint64_t served = run(column, in, std::min(end - burst, in.left), arrival);
        if (first && served != 0) {
            done.start = m_lead[0] + latency;
            first = false;
        }
        burst += served;
    }
    done.end = m_column + latency + m_burst;
    return done;
}

/// Up to `bursts` bursts of a stripe. Returns how many were served: fewer where a refresh came between, which is done.
std::uint64_t dram_scheduler::run(dram_command column, const dram_mapping::stripe& in, std::uint64_t bursts,
                                  picoseconds arrival) {
    const std::uint64_t lead = std::min<std::uint64_t>(bursts, m_lead.size());
    for (std::uint64_t i = 0; i < lead; ++i) {
        if (!open_and_issue(column, m_mapping.bank_of(in, i), in.row, arrival))
            return i;
        m_lead[i] = m_column;
    }
    return lead < bursts ? stream(column, in, bursts, arrival) : bursts;
}

/// The bus had this command's direction when it arrived, and has the other one now.
bool dram_scheduler::turned_after(dram_command column, picoseconds arrival) const {
    return column != m_direction && arrival < m_turned;
}

bool dram_scheduler::closed_after(std::uint32_t bank, std::uint64_t row, picoseconds arrival) const {
    const auto& rows = m_history[bank].rows;
    return std::any_of(rows.begin(), rows.end(), [&](const closed_row& r) { return r.row == row && arrival < r.at; });
}

void dram_scheduler::close(std::uint32_t bank, picoseconds at) {
    bank_history& history = m_history[bank];
    history.rows[history.oldest] = {m_rules.open_row(bank), at};
    history.oldest = (history.oldest + 1) % k_closed_rows;
    m_rules.record(dram_command::precharge, bank, at);
}

void dram_scheduler::refresh_until(picoseconds t) {
    m_rules.refresh_until(t);
    m_turned = picoseconds();
    std::fill(m_history.begin(), m_history.end(), bank_history());
}

void dram_scheduler::record_column(dram_command column, std::uint32_t bank, picoseconds at, bool unturned) {
    if (unturned) {
        m_rules.record_unturned(column, bank, at);
    } else {
        if (column != m_direction)
            m_turned = m_column;
        m_direction = column;
        m_rules.record(column, bank, at);
    }
    m_column = at;
}

/// Opens the row if need be, and reads or writes one burst of it, at m_column. False if a refresh was in the way: it is
/// done, the burst is not.
bool dram_scheduler::open_and_issue(dram_command column, std::uint32_t bank, std::uint64_t row, picoseconds arrival) {
    const std::uint64_t open = m_rules.open_row(bank);
    const bool hit = open == row || closed_after(bank, row, arrival);
    const bool unturned = turned_after(column, arrival);
    picoseconds precharge;
    picoseconds activate;
    picoseconds from = arrival;
    if (!hit) {
        activate = arrival;
        if (open != dram_rules::k_closed) {
            precharge = m_rules.earliest(dram_command::precharge, bank, arrival);
            activate = precharge + m_rules.precharge_time();
        }
        activate = m_rules.earliest(dram_command::activate, bank, activate);
        from = activate + m_rules.activate_time();
    }
    const picoseconds at = unturned ? m_rules.earliest_unturned(bank, from) : m_rules.earliest(column, bank, from);
    if (at >= m_rules.next_refresh()) {
        refresh_until(at);
        return false;
    }
    if (!hit) {
        if (open != dram_rules::k_closed)
            close(bank, precharge);
        m_rules.record(dram_command::activate, bank, activate, row);
    }
    ++(hit ? m_counts.row_hits : open == dram_rules::k_closed ? m_counts.row_misses : m_counts.row_conflicts);
    record_column(column, bank, at, unturned);
    return true;
}

/// The time of a stripe's burst number `nth`, of those after the first to each group: every burst follows the one
/// before by spacing(), and the one before in its group by group_spacing(). Where the groups' turn takes longer than
/// the latter, only the former counts; else burst q·G + r waits for burst r of the lead through its group, or for the
/// lead's last burst through q - 1 turns of its group and r + 1 neighbours.
picoseconds dram_scheduler::column_time(std::uint64_t nth) const {
    const std::uint64_t groups = m_lead.size();
    const picoseconds last = m_lead.back();
    if (m_groups_cover)
        return last + m_rules.spacing() * (nth + 1 - groups);
    const std::uint64_t turn = nth / groups;
    const std::uint64_t within = nth % groups;
    return std::max(m_lead[within] + m_rules.group_spacing() * turn,
                    last + m_rules.group_spacing() * (turn - 1) + m_rules.spacing() * (within + 1));
}

/// The bursts of a stripe after the lead, all row hits: as many as precede the next refresh. Only the last one to each
/// group is recorded; the others leave no trace.
std::uint64_t dram_scheduler::stream(dram_command column, const dram_mapping::stripe& in, std::uint64_t bursts,
                                     picoseconds arrival) {
    const std::uint64_t lead = m_lead.size();
    const bool unturned = turned_after(column, arrival);
    bool cut = false;
    while (bursts > lead && column_time(bursts - 1) >= m_rules.next_refresh()) {
        --bursts; // a few hundred steps per refresh at most
        cut = true;
    }
    for (std::uint64_t i = bursts > 2 * lead ? bursts - lead : lead; i < bursts; ++i)
        record_column(column, m_mapping.bank_of(in, i), column_time(i), unturned);
    m_counts.row_hits += bursts - lead;
    if (cut)
        refresh_until(m_rules.next_refresh());
    return bursts;
}

} // namespace kpu::hw
