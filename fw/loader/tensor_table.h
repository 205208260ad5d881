#pragma once
// Where a program's tensors lie in DRAM, and who wrote them last.

#include "compiler/dfx/program.h"
#include "fw/driver/machine.h"
#include "fw/loader/emitter.h"
#include "fw/loader/layout.h"
#include "fw/loader/ordering.h"
#include "fw/loader/resident_tensors.h"

#include <deque>
#include <map>
#include <string>

namespace kpu::fw {

struct placed_tensor {
    const dfx::tensor_descriptor* what = nullptr;
    address base;
    bytes size;
    usage* use = nullptr; ///< of the storage, which views share
    bool on_chip = false; ///< in memory that other tensors use at other times
};

/// Tensors lie one after the other, each on a 4 KiB boundary; a view lies where the tensor does that it shows.
/// References stay valid as long as the table and the program live.
class tensor_table {
  public:
    /// Throws input_error with the sizes if the tensors do not fit.
    tensor_table(const dfx::program& program, const memory_info& dram, const resident_tensors& residents = {});
    tensor_table(const tensor_table&) = delete;
    tensor_table& operator=(const tensor_table&) = delete;

    /// Throws input_error for a name that the program does not have.
    [[nodiscard]] const placed_tensor& at(const std::string& name) const;
    [[nodiscard]] const std::map<std::string, placed_tensor>& all() const { return m_tensors; }

  private:
    std::map<std::string, placed_tensor> m_tensors;
    std::deque<usage> m_uses;
};

/// What a command that stores to the tensor must wait for because of other tensors that lay there: all that the engines
/// that move tensors have been told so far. Nothing where the tensor has memory of its own.
[[nodiscard]] point_set earlier_uses(const placed_tensor& tensor, const machine& chip, const emitter& out);

/// The rank-2 (or batched rank-3) view of a tensor from an element on.
[[nodiscard]] placed_operand view_of(const placed_tensor& tensor, std::uint64_t batch, std::uint64_t row,
                                     std::uint64_t column);

} // namespace kpu::fw
