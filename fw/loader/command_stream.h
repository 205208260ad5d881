#pragma once
// A program bound to a chip: descriptors, one at a time, in an order in which each waits only for earlier ones.

#include "compiler/dfx/contraction.h"
#include "fw/loader/blocking.h"
#include "fw/loader/contraction_stream.h"
#include "fw/loader/tensor_table.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace kpu::fw {

/// A contraction and how it is going to be carried out.
struct planned_contraction {
    std::string kernel; ///< name
    dfx::contraction work;
    blocking plan;
};

/// Every contraction of the program in execution order, each with its blocking. Throws input_error, naming the kernel,
/// where the chip cannot run one: an element type without support, memories too small for one fold.
[[nodiscard]] std::vector<planned_contraction> plan_program(const machine& chip, const dfx::program& program);

/// Pull-based: its memory is that of the running contraction's window, whatever the number of tiles.
class command_stream {
  public:
    /// `chip`, `plan` and `tensors` must outlive the stream.
    command_stream(const machine& chip, const std::vector<planned_contraction>& plan, tensor_table& tensors);

    /// The next command, or nothing when the program has been emitted whole.
    [[nodiscard]] std::optional<bound_command> next();

  private:
    bool start_next();

    const machine& m_chip;
    const std::vector<planned_contraction>& m_plan;
    tensor_table& m_tensors;
    emitter m_out;
    std::size_t m_next = 0;
    std::unique_ptr<contraction_stream> m_running;
};

/// One line for --dry-run: engine, number, operation, operands, waits.
[[nodiscard]] std::string describe(const machine& chip, const bound_command& command);

} // namespace kpu::fw
