#pragma once
// A modelled chip with its firmware, as a host program sees it: give it a program and tensors, get tensors and cycles.

#include "compiler/dfx/program.h"
#include "fw/loader/program_plan.h"
#include "hw/kpu/chip.h"
#include "hw/observe/hazard_checker.h"

#include <functional>

namespace kpu::fw {

class device {
  public:
    /// Both must outlive the device.
    device(hw::chip& chip, const dfx::program& program) : m_chip(chip), m_program(program) {}

    /// Tells the checker which DRAM ranges are allocated, and which the host has filled, when they are known.
    void report_allocations_to(hw::hazard_checker& checker) { m_checker = &checker; }

    /// Boots the firmware, uploads the inputs (looked up by any of their keys) through the back door, runs the program,
    /// and reads the outputs back, under their first keys. Throws input_error where the program does not pass
    /// dfx::verify(), the chip cannot run it or inputs are missing, run_error where the run failed: a fault, a
    /// deadlock, both with the DFX operation.
    [[nodiscard]] tensor_map run(const tensor_map& inputs);

    /// As run, with inputs that are asked for, once, when the chip has turned out to have room for the program: nobody
    /// makes or reads them for one that is refused.
    [[nodiscard]] tensor_map run_with(const std::function<const tensor_map&()>& inputs);

    /// As run, on a chip without data: nothing is uploaded and nothing comes back but times and statistics, which are
    /// the same.
    void run_without_data();

    /// Boots and plans, then hands every command to `show` in the order in which it would be emitted, until that
    /// returns false. Nothing is executed.
    void dry_run(const std::function<bool(const machine&, const bound_command&)>& show);

    /// Where each tensor lies. Known once booted.
    [[nodiscard]] const std::map<std::string, placed_tensor>& tensors() const { return m_tensors->all(); }

    /// What this chip carries out: the program, or the one with kernels split that had no room here. Known once booted.
    [[nodiscard]] const dfx::program& runs() const { return m_plan.runs(m_program); }
    /// How it was cut for this chip; empty before a run.
    [[nodiscard]] const std::vector<planned_work>& plan() const { return m_plan.fitted.work; }
    /// Which kernels had to be split, why and into what, one per line.
    [[nodiscard]] const std::string& splits() const { return m_plan.fitted.splits; }
    /// Which tensors stay on the chip, one per line; empty where there are none between kernels.
    [[nodiscard]] std::string residents() const { return describe_residents(runs(), m_plan); }
    /// Time that the firmware spent on discovering the chip, before the program.
    [[nodiscard]] picoseconds boot_time() const { return m_boot; }
    /// From there to the end of the program.
    [[nodiscard]] picoseconds run_time() const { return m_chip.elapsed() - m_boot; }
    [[nodiscard]] cycles run_cycles() const { return cycles(run_time() / m_chip.params().clock.period()); }

  private:
    void boot(mmio& bus);
    /// Everything of a run but the tensors' way in and out; `upload` is called when it is known where they lie.
    void execute(const std::function<void()>& upload);
    void declare_memory();
    void upload(const tensor_map& inputs);
    [[nodiscard]] tensor_map download();

    hw::chip& m_chip;
    const dfx::program& m_program;
    hw::hazard_checker* m_checker = nullptr;
    machine m_machine;
    std::optional<tensor_table> m_tensors;
    program_plan m_plan;
    picoseconds m_boot;
};

/// "operation 7 (MATMUL_TILE of kernel 'matmul')"; just the number where the program has no such operation.
[[nodiscard]] std::string describe_operation(const dfx::program& program, std::uint64_t op_id);

/// The chip's report with the DFX operation of the command that it names first.
[[nodiscard]] std::string explain(const hw::chip& chip, const dfx::program& program, const hw::deadlock& found);

} // namespace kpu::fw
