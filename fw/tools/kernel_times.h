#pragma once
// When each kernel of a run was at work, and what it moved: an observer that sorts commands by their DFX operation.

#include "compiler/dfx/program.h"
#include "hw/kpu/chip.h"

#include <unordered_map>
#include <vector>

namespace kpu::fw {

struct kernel_time {
    picoseconds end;                   ///< completion of its last command
    picoseconds vector_busy;           ///< of all vector units together
    std::uint64_t vector_elements = 0; ///< that they computed
    bytes dram;                        ///< read and written
};

class kernel_times final : public hw::observer {
  public:
    /// Attach to the chip before the run; it must outlive this.
    explicit kernel_times(const hw::chip& chip);

    void on_start(const hw::command_ref& c, const iface::command_header& header) override;
    void on_complete(const hw::command_ref& c) override;
    void on_access(const std::string& memory, const memory_access& access) override;

    /// One per kernel of the program that ran.
    [[nodiscard]] std::vector<kernel_time> of(const dfx::program& ran) const;

  private:
    const hw::chip& m_chip;
    std::unordered_map<std::uint32_t, kernel_time> m_operations; ///< by id
    std::vector<picoseconds> m_started;                          ///< by engine: vector units run one command at a time
    std::vector<std::uint64_t> m_computed; ///< by engine: vector elements up to its latest command
};

} // namespace kpu::fw
