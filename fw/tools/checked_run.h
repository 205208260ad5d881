#pragma once
// The observers and checkers that a run can have, attached and judged together.

#include "fw/tools/device.h"
#include "hw/observe/conservation.h"
#include "hw/observe/critical_path.h"
#include "hw/observe/hazard_checker.h"
#include "hw/observe/timeline.h"
#include "hw/observe/wave_writer.h"
#include "traces/chrome_writer.h"

#include <memory>
#include <string>
#include <vector>

namespace kpu::fw {

/// Hierarchical module names, for traces, waves and messages.
[[nodiscard]] hw::observed_names names_of(const hw::chip& chip);

/// An observer of the chip's longest chain of commands, to be attached before elaboration.
[[nodiscard]] std::unique_ptr<hw::critical_path> critical_path_of(const hw::chip& chip);

/// Hazard and conservation checkers, the chip's protocol monitors and what it leaves undone.
class run_checks {
  public:
    explicit run_checks(hw::chip& chip);
    /// For device::report_allocations_to.
    [[nodiscard]] hw::hazard_checker& hazards() { return m_hazards; }
    /// Everything that was found, one line each; empty after a clean run.
    [[nodiscard]] std::vector<std::string> findings();

  private:
    hw::chip& m_chip;
    hw::hazard_checker m_hazards;
    hw::conservation_checker m_conservation;
};

/// Timeline and waves of a run, each optional.
class run_recorders {
  public:
    run_recorders(hw::chip& chip, const std::string& trace_file, const std::string& vcd_file,
                  const trace::provenance& from);
    /// Completes the files.
    void finish();

  private:
    std::unique_ptr<trace::chrome_writer> m_trace;
    std::unique_ptr<hw::timeline> m_timeline;
    std::unique_ptr<hw::wave_writer> m_waves;
};

} // namespace kpu::fw
