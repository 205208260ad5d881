#pragma once
// The parts of check_operator(), for its own files only.

#include "compiler/dfx/verify_parts.h"

#include <string>

namespace kpu::dfx::parts {

/// One whole-tensor operator under examination.
struct operator_context {
    const context& kernel;
    const std::string& path;
    const compute_op& op;
    const tensor_descriptor* x = nullptr;   ///< of the first input, once the regions were checked
    const tensor_descriptor* out = nullptr; ///< likewise of the output
    std::size_t named = 0;                  ///< inputs that are no operands of steps
    bool failed = false;

    void error(const std::string& part, const std::string& message, const std::string& text = {},
               const std::string& expected = {});
    /// Of a region that was checked.
    [[nodiscard]] const tensor_descriptor& tensor(const tensor_region& r) const;
    /// Extents are the output's or 1.
    [[nodiscard]] bool broadcasts(const shape& dims) const;
};

/// Extents of the tensors, and the attributes that they follow from. Sets `named`. Expects regions that were checked.
void check_operator_extents(operator_context& c);
/// Element types, steps and their operands. Expects extents that were checked.
void check_operator_types(operator_context& c);

} // namespace kpu::dfx::parts
