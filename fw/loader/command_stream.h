#pragma once
// A program bound to a chip: descriptors, one at a time, in an order in which each waits only for earlier ones.

#include "compiler/dfx/contraction.h"
#include "fw/loader/blocking.h"
#include "fw/loader/contraction_stream.h"
#include "fw/loader/rearrange_plan.h"
#include "fw/loader/rearrange_stream.h"
#include "fw/loader/tensor_table.h"
#include "fw/loader/vector_plan.h"
#include "fw/loader/vector_stream.h"
#include "fw/loader/weighing.h"

#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace kpu::fw {

/// A contraction and how it is going to be carried out.
struct planned_contraction {
    dfx::contraction work;
    blocking plan;
};

/// A part of a kernel: a contraction on the arrays, an operator on the vector units, or a rearrangement by DMA.
struct planned_work {
    std::string kernel; ///< name
    std::variant<planned_contraction, vector_plan, rearrange_plan> how;
    weighing weighed = {}; ///< what the plan was chosen among; a rearrangement is not chosen

    [[nodiscard]] const planned_contraction* contraction() const { return std::get_if<planned_contraction>(&how); }
    [[nodiscard]] const vector_plan* vector() const { return std::get_if<vector_plan>(&how); }
    [[nodiscard]] const rearrange_plan* rearrangement() const { return std::get_if<rearrange_plan>(&how); }

    /// By the cost model; 0 for a rearrangement, which has none.
    [[nodiscard]] double estimated_cycles() const;
    /// As if no tensor stayed on the chip.
    [[nodiscard]] std::uint64_t estimated_dram_bytes() const;
};

/// One kernel's work in execution order, cut for the chip. Throws input_error where the chip cannot run it: an element
/// type without support, memories too small for one fold or one tile.
[[nodiscard]] std::vector<planned_work> plan_kernel(const machine& chip, const dfx::program& program,
                                                    const dfx::kernel& kernel);
/// That of all kernels as they are: none is split.
[[nodiscard]] std::vector<planned_work> plan_program(const machine& chip, const dfx::program& program);
/// "512x512x512 f32: blocks …", "ELEMENTWISE in …".
[[nodiscard]] std::string to_string(const planned_work& work);

/// Pull-based: its memory is that of the running work's window, whatever the number of tiles.
class command_stream {
  public:
    /// `chip`, `plan` and `tensors` must outlive the stream.
    command_stream(const machine& chip, const std::vector<planned_work>& plan, tensor_table& tensors);

    /// The next command, or nothing when the program has been emitted whole.
    [[nodiscard]] std::optional<bound_command> next();

  private:
    bool start_next();
    void start(const planned_contraction& planned);
    bool advance();

    const machine& m_chip;
    const std::vector<planned_work>& m_plan;
    tensor_table& m_tensors;
    emitter m_out;
    std::size_t m_next = 0;
    std::unique_ptr<contraction_stream> m_contraction; ///< what is running, one of these
    std::unique_ptr<vector_stream> m_vector;
    std::unique_ptr<rearrange_stream> m_rearrangement;
};

/// One line for --dry-run: engine, number, operation, operands, waits.
[[nodiscard]] std::string describe(const machine& chip, const bound_command& command);

} // namespace kpu::fw
