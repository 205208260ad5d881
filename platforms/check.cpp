// Relations between the keys of a platform.

#include "platforms/common/utf8.h"
#include "platforms/reader.h"
#include "platforms/schema.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kpu::platform {

namespace {

/// As in hw/interface/registers.h, of which this folder knows nothing; tests/platforms compares them.
constexpr std::uint64_t k_max_engines = 256;
constexpr std::uint64_t k_picoseconds_per_second = 1'000'000'000'000;

class checker {
  public:
    checker(const platform& p, const locate& where) : m_platform(p), m_where(where) {}

    diagnostics run() {
        check_ranges();
        check_clock();
        check_dram();
        if (m_platform.dram.timing == dram_timing::banked && !m_problems.has_errors())
            check_banks();
        check_l3();
        check_movers();
        check_types();
        check_engines();
        if (!m_problems.has_errors())
            check_address_map();
        return std::move(m_problems);
    }

  private:
    void problem(const std::string& key, std::string message, std::string expected, std::string hint = {}) {
        const field* f = m_keys.find(key);
        location where;
        where.path = key;
        m_problems.error(m_where ? m_where(key) : where, std::move(message),
                         f != nullptr ? format_value(*f, f->get(m_platform)) : std::string(), std::move(expected),
                         std::move(hint));
    }

    /// The reader refuses such values with their text; this is for platforms built in a program.
    void check_ranges() {
        for (const field& f : m_keys.fields()) {
            const field_value value = f.get(m_platform);
            const auto* text = std::get_if<std::string>(&value);
            if (text != nullptr && !f.choices.empty() &&
                std::find(f.choices.begin(), f.choices.end(), *text) == f.choices.end())
                problem(f.path, "unknown value", expectation(f));
            if (text != nullptr && f.path != "description" && has_controls(*text))
                problem(f.path, "control characters in a text of one line", expectation(f));
            const auto* number = std::get_if<std::uint64_t>(&value);
            if (number == nullptr)
                continue;
            if (*number < f.min || *number > f.max)
                problem(f.path, "out of range", expectation(f));
            else if (f.power_of_two && (*number & (*number - 1)) != 0)
                problem(f.path, "not a power of two", expectation(f));
        }
    }

    void check_clock();
    void check_dram();
    void check_banks();
    void check_bank_times();
    void at_least(const char* key, picoseconds value, picoseconds least, const char* sum);
    void check_l3();
    /// Something that moves so many bytes at a time.
    struct beat {
        std::string key;
        bytes width;
    };
    void check_movers();
    void check_mover(const std::string& section, const mover_params& mover, std::vector<beat> on_the_way);
    void check_types();
    void check_engines();
    void check_address_map();

    const platform& m_platform;
    const locate& m_where;
    const schema& m_keys = schema::get();
    diagnostics m_problems;
};

/// The nearest frequencies whose period is a whole number of picoseconds: those that divide 10^12 = 2^12 · 5^12.
std::string whole_periods_around(std::uint64_t frequency) {
    std::uint64_t below = 0;
    std::uint64_t above = 0;
    std::uint64_t twos = 1;
    for (int a = 0; a <= 12; ++a, twos *= 2) {
        std::uint64_t f = twos;
        for (int b = 0; b <= 12; ++b, f *= 5) {
            if (f <= frequency && f > below)
                below = f;
            if (f >= frequency && (above == 0 || f < above))
                above = f;
        }
    }
    return "the nearest are " + format_quantity(below, measure::hertz) + " and " +
           format_quantity(above, measure::hertz);
}

void checker::check_clock() {
    const std::uint64_t frequency = m_platform.clock.frequency.value();
    if (frequency == 0 || frequency > k_picoseconds_per_second)
        return; // out of range
    if (k_picoseconds_per_second % frequency != 0)
        problem("clock.frequency", "the period is not a whole number of picoseconds", "",
                whole_periods_around(frequency));
}

void checker::check_dram() {
    const dram_params& dram = m_platform.dram;
    if (dram.interleave < dram.burst)
        problem("dram.interleave", "smaller than dram.burst",
                "at least " + format_quantity(dram.burst.value(), measure::bytes));
    // Interleave is at most 16 MiB and channels at most 256 here, or that was reported: the product does not wrap.
    const std::uint64_t stripe = dram.interleave.value() * dram.channels;
    if (stripe != 0 && dram.capacity.value() % stripe != 0)
        problem("dram.capacity", "does not divide into equal channels",
                "a multiple of channels * interleave, " + format_quantity(stripe, measure::bytes));
}

/// A time of the device that is at least the sum of others, which `sum` names.
void checker::at_least(const char* key, picoseconds value, picoseconds least, const char* sum) {
    if (value < least)
        problem(std::string("dram.device.") + key, std::string("less than ") + sum,
                "at least " + format_quantity(least.value(), measure::picoseconds));
}

void checker::check_bank_times() {
    const dram_device& d = m_platform.dram.device;
    const picoseconds burst = m_platform.dram.burst_time();
    at_least("t_ras", d.t_ras, d.t_rcd, "t_rcd");
    at_least("t_rc", d.t_rc, d.t_ras + d.t_rp, "t_ras + t_rp");
    at_least("t_ccd_l", d.t_ccd_l, d.t_ccd_s, "t_ccd_s");
    at_least("t_rrd_l", d.t_rrd_l, d.t_rrd_s, "t_rrd_s");
    at_least("t_faw", d.t_faw, d.t_rrd_s, "t_rrd_s");
    at_least("t_wtr_l", d.t_wtr_l, d.t_wtr_s, "t_wtr_s");
    const picoseconds read = d.t_cl + burst;
    at_least("t_rtw", d.t_rtw, read > d.t_cwl ? read - d.t_cwl : picoseconds(), "t_cl + a burst - t_cwl");
    if (d.t_refi != picoseconds()) // between two refreshes at least one column is read or written
        at_least("t_refi", d.t_refi, d.t_rfc + d.t_rcd + picoseconds(1), "t_rfc + t_rcd + 1ps");
}

void checker::check_banks() {
    const dram_params& dram = m_platform.dram;
    const dram_device& d = dram.device;
    check_bank_times();
    if (d.row < dram.burst)
        problem("dram.device.row", "smaller than dram.burst",
                "at least " + format_quantity(dram.burst.value(), measure::bytes));
    if (dram.burst_time() < d.t_ccd_s)
        problem("dram.bandwidth", "more than bursts every t_ccd_s carry",
                "a burst of " + format_quantity(dram.burst.value(), measure::bytes) + " in at least " +
                    format_quantity(d.t_ccd_s.value(), measure::picoseconds) + " on each sub-channel",
                "the preset is for another width or rate");
    // Rows are at most 1 MiB, banks at most 16 * 64, channels and sub-channels at most 256 each: this does not wrap.
    const std::uint64_t rows = d.row.value() * d.bank_groups * d.banks;
    const std::uint64_t interleave = dram.interleave.value();
    const std::uint64_t stripe = (rows > interleave ? rows : interleave) * dram.channels * dram.sub_channels;
    if (stripe != 0 && dram.capacity.value() % stripe != 0)
        problem("dram.capacity", "does not divide into equal banks of whole rows",
                "a multiple of channels * sub_channels * bank_groups * banks * row, " +
                    format_quantity(stripe, measure::bytes));
}

void checker::check_l3() {
    const l3_params& l3 = m_platform.l3;
    if (l3.interleave.value() != 0 && l3.tile.capacity.value() % l3.interleave.value() != 0)
        problem("l3.tile.capacity", "not a multiple of l3.interleave",
                "a multiple of " + format_quantity(l3.interleave.value(), measure::bytes));
}

void checker::check_movers() {
    const platform& p = m_platform;
    const beat l3_ports{"l3_crossbar.port_width", p.l3_crossbar.port_width};
    const beat l3_tile{"l3.tile.port_width", p.l3.tile.port_width};
    const beat l2_ports{"l2_crossbar.port_width", p.l2_crossbar.port_width};
    const beat l2_bank{"l2.bank.port_width", p.l2.bank.port_width};
    check_mover(
        "dma", p.dma.mover,
        {{"dram.burst", p.dram.burst}, {"dram_crossbar.port_width", p.dram_crossbar.port_width}, l3_ports, l3_tile});
    check_mover("block_mover", p.block_mover.mover, {l3_ports, l3_tile, l2_ports, l2_bank});
    check_mover("streamer", p.streamer.mover,
                {l2_ports,
                 l2_bank,
                 {"l1.row.port_width", p.l1.row.port_width},
                 {"l1.column.port_width", p.l1.column.port_width},
                 {"l1.result.port_width", p.l1.result.port_width}});
}

void checker::check_mover(const std::string& section, const mover_params& mover, std::vector<beat> on_the_way) {
    if (mover.chunk > mover.in_flight / 2)
        problem(section + ".chunk", "more than half of " + section + ".in_flight",
                "at most " + format_quantity(mover.in_flight.value() / 2, measure::bytes),
                "one chunk is written while the next is read");
    on_the_way.insert(on_the_way.begin(), {section + ".width", mover.width});
    const beat& widest = *std::max_element(on_the_way.begin(), on_the_way.end(),
                                           [](const beat& a, const beat& b) { return a.width < b.width; });
    if (mover.chunk < widest.width)
        problem(section + ".chunk", "less than " + widest.key + " moves at once",
                "at least " + format_quantity(widest.width.value(), measure::bytes),
                "part of a beat takes as long as a whole one");
}

void checker::check_types() {
    for (const std::uint32_t macs : m_platform.array.macs_per_pe)
        if (macs != 0)
            return;
    problem("array.macs_per_pe", "the array supports no type", "at least one type with 1 or more");
}

void checker::check_engines() {
    const std::uint64_t engines = number_engines(m_platform).count();
    if (engines > k_max_engines)
        problem("array.count", std::to_string(engines) + " engines on the chip",
                "at most " + std::to_string(k_max_engines) +
                    ": dma.engines + block_mover.engines + array.count * (streamer.per_array + 2)");
}

void checker::check_address_map() {
    try {
        static_cast<void>(map_addresses(m_platform));
    } catch (const input_error& e) {
        for (const diagnostic& d : e.problems().items())
            problem("l3.tile.capacity", d.message, d.expected,
                    "l3.tiles, l2.banks and array.count multiply capacities");
    }
}

} // namespace

diagnostics check(const platform& p, const locate& where) {
    return checker(p, where).run();
}

} // namespace kpu::platform
