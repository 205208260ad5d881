#include "fw/tools/checked_run.h"

#include <fmt/format.h>
#include <systemc>

namespace kpu::fw {

namespace {

picoseconds simulated_now() {
    return picoseconds(sc_core::sc_time_stamp().value());
}

hw::hazard_options hazard_options_for(const hw::chip& chip) {
    hw::hazard_options options;
    options.engines = static_cast<std::uint32_t>(chip.engines().size());
    options.engine_names = names_of(chip).engines;
    options.allocatable = chip.addresses().dram;
    return options;
}

} // namespace

hw::observed_names names_of(const hw::chip& chip) {
    hw::observed_names names;
    for (const hw::command_engine* engine : chip.engines())
        names.engines.emplace_back(engine->name());
    for (const hw::memory_module* memory : chip.memories())
        names.memories.emplace_back(memory->name());
    return names;
}

std::unique_ptr<hw::critical_path> critical_path_of(const hw::chip& chip) {
    std::vector<hw::path_engine> engines;
    for (const hw::command_engine* engine : chip.engines())
        engines.push_back({engine->config().kind, engine->config().queue_depth});
    return std::make_unique<hw::critical_path>(std::move(engines), simulated_now);
}

run_checks::run_checks(hw::chip& chip)
    : m_chip(chip), m_hazards(hazard_options_for(chip)), m_conservation(names_of(chip).engines) {
    chip.attach(m_hazards);
    chip.attach(m_conservation);
}

std::vector<std::string> run_checks::findings() {
    m_conservation.finish();
    std::vector<std::string> all = m_conservation.violations();
    if (!m_hazards.clean())
        all.push_back(m_hazards.report());
    for (const hw::protocol_violation& v : m_chip.protocol_violations())
        all.push_back(v.rule + ": " + v.message);
    for (const std::string& line : m_chip.leftovers())
        all.push_back(line);
    return all;
}

run_recorders::run_recorders(hw::chip& chip, const std::string& trace_file, const std::string& vcd_file,
                             const trace::provenance& from) {
    const hw::observed_names names = names_of(chip);
    if (!trace_file.empty()) {
        m_trace = std::make_unique<trace::chrome_writer>(trace_file, from);
        m_timeline = std::make_unique<hw::timeline>(names, simulated_now, *m_trace);
        chip.attach(*m_timeline);
    }
    if (!vcd_file.empty()) {
        const std::string comment =
            fmt::format("{}; platform {}; program {}", from.tool, chip.params().name, from.program);
        m_waves = std::make_unique<hw::wave_writer>(vcd_file, names, simulated_now, comment);
        chip.attach(*m_waves);
    }
}

void run_recorders::finish() {
    if (m_timeline) {
        m_timeline->finish();
        m_trace->finish();
    }
    if (m_waves)
        m_waves->finish();
}

} // namespace kpu::fw
