#pragma once
// The whole chip as one module: elaborated from a platform, programmed by firmware, watched by observers.

#include "hw/control/interrupt_controller.h"
#include "hw/control/management_core.h"
#include "hw/control/semaphores.h"
#include "hw/control/system_controller.h"
#include "hw/interconnect/control_bus.h"
#include "hw/interconnect/crossbar.h"
#include "hw/kpu/compute_tile.h"
#include "hw/kpu/host_port.h"
#include "hw/kpu/links.h"
#include "hw/kpu/memory_level.h"
#include "hw/movers/block_mover.h"
#include "hw/movers/dma_engine.h"
#include "platforms/common/diagnostic.h"
#include "platforms/platform.h"

#include <memory>
#include <optional>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

namespace kpu::hw {

/// Nothing can happen any more while the firmware waits. what() is the report.
class deadlock final : public run_error {
  public:
    deadlock(const std::string& report, std::vector<command_ref> waiting)
        : run_error(report), m_waiting(std::move(waiting)) {}
    /// The commands that wait, in the report's order: first those for which nobody else is to blame.
    [[nodiscard]] const std::vector<command_ref>& waiting() const { return m_waiting; }

  private:
    std::vector<command_ref> m_waiting;
};

struct chip_options {
    bool data = true;                   ///< false: memories keep nothing, nothing is computed; times are the same
    bool monitors = false;              ///< a protocol monitor on every link
    std::optional<stall_params> stalls; ///< random stalls on every link; the seed is reported
    std::vector<observer*> observers;   ///< as if attached one by one; must outlive the chip
};

/// Children: dram.channel0 …, l3.tile0 …, l2.bank0 …, dma0 …, block_mover0 …, array0.streamer0 …, array0.array,
/// array0.vector, dram_xbar, l3_xbar, l2_xbar, bus, system, semaphores, interrupts, core, host.
///
/// Any number of chips and other modules may share a simulation. Typical use:
///     hw::chip chip("chip", platform);
///     chip.poke(where, data, size);
///     chip.load_firmware([](mmio& io) { … });
///     chip.run();
class chip final : public sc_core::sc_module {
  public:
    /// `p` as the platform reader validated it. Throws input_error where its parts do not fit together.
    chip(sc_core::sc_module_name name, const platform::platform& p, const chip_options& options = {});
    ~chip() override;

    [[nodiscard]] const platform::platform& params() const { return m_platform; }
    [[nodiscard]] const platform::address_map& addresses() const { return m_map; }
    /// False: the chip was built to tell times only.
    [[nodiscard]] bool has_data() const { return m_has_data; }

    // ---- running
    // -----------------------------------------------------------------------------------------------------

    /// Hands over the program of the management core; when it ends, sc_start returns (sc_pause), and another may be
    /// loaded.
    void load_firmware(firmware_program program) { m_core.load(std::move(program)); }
    /// Simulates until the firmware has ended. Rethrows what the firmware threw. If nothing can happen any more while
    /// it waits, the firmware is abandoned and `deadlock` thrown; run_error if the simulation was stopped.
    void run();
    /// True when no firmware runs.
    [[nodiscard]] bool finished() const { return m_core.finished(); }
    /// Rethrows what left the firmware, if anything did. For simulations that call sc_start themselves.
    void rethrow_failure() const;
    /// Simulated time since the firmware started, up to its end.
    [[nodiscard]] picoseconds elapsed() const;
    [[nodiscard]] cycles elapsed_cycles() const { return cycles(elapsed() / m_platform.clock.period()); }

    /// Completes elaboration if that has not been done (sc_start for no time).
    void elaborate();
    /// The back door to all memories: no time, no statistics, no observers. Elaborates if need be. [where, where +
    /// length) lies in one memory level or L1 buffer: std::out_of_range otherwise.
    void poke(address where, const void* from, bytes length);
    void peek(address where, void* into, bytes length);

    // ---- watching
    // ----------------------------------------------------------------------------------------------------

    /// `who` must outlive the chip.
    void attach(observer& who);
    /// All engines, by id.
    [[nodiscard]] const std::vector<command_engine*>& engines() const { return m_engines; }
    [[nodiscard]] const command_engine& engine(engine_id e) const { return *m_engines.at(e.value()); }
    /// Name below the chip, e.g. "array0.streamer2".
    [[nodiscard]] std::string name_of(engine_id e) const { return local_name(*m_engines.at(e.value())); }
    [[nodiscard]] std::string local_name(const sc_core::sc_object& child) const;
    [[nodiscard]] const semaphore_if& semaphores() const { return m_semaphores; }
    [[nodiscard]] const memory_level& dram() const { return m_dram; }
    [[nodiscard]] const memory_level& l3() const { return m_l3; }
    [[nodiscard]] const memory_level& l2() const { return m_l2; }
    /// Every memory unit: DRAM channels, L3 tiles, L2 banks, then per array row, column and result buffer.
    [[nodiscard]] const std::vector<memory_module*>& memories() const { return m_memories; }
    /// DRAM, L3, L2 crossbar, then one router per array.
    [[nodiscard]] const std::vector<const crossbar*>& crossbars() const { return m_crossbars; }

    /// What is left undone, one line each: unfinished firmware, queued or incomplete commands, transactions under way.
    /// Empty after a run in which everything that was started was completed.
    [[nodiscard]] std::vector<std::string> leftovers() const;
    /// What the protocol monitors found; empty without monitors.
    [[nodiscard]] std::vector<protocol_violation> protocol_violations() const { return m_links.violations(); }
    /// Who waits for which count of which engine and where each chain of waits ends, shortest chains first, then what
    /// is left over; one line each.
    [[nodiscard]] deadlock describe_deadlock() const;

  private:
    void build_engines();
    void drop_data();
    void connect_memories();
    void connect_engines();
    void connect_control();
    void list_parts();
    [[nodiscard]] std::string describe(const command_ref& c) const;
    struct wait_chain;
    [[nodiscard]] wait_chain follow_waits(const command_engine& from) const;

    platform::platform m_platform;
    platform::address_map m_map;
    platform::engine_ids m_ids;
    bool m_has_data;
    links m_links;
    observer_list m_observers;

    dram_level m_dram;
    l3_level m_l3;
    l2_level m_l2;
    crossbar m_dram_xbar, m_l3_xbar, m_l2_xbar;
    std::vector<std::unique_ptr<dma_engine>> m_dmas;
    std::vector<std::unique_ptr<block_mover>> m_block_movers;
    std::vector<std::unique_ptr<compute_tile>> m_tiles;

    semaphore_unit m_semaphores;
    interrupt_controller m_interrupts;
    system_controller m_system;
    control_bus m_bus;
    management_core m_core;
    host_port m_host;
    sc_core::sc_vector<sc_core::sc_signal<bool>> m_irq;
    sc_core::sc_signal<bool> m_core_irq;

    std::vector<command_engine*> m_engines;
    std::vector<memory_module*> m_memories;
    std::vector<const crossbar*> m_crossbars;
};

} // namespace kpu::hw
