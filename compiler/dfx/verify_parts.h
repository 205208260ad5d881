#pragma once
// The parts of verify(), for its own files only. Later parts expect what earlier ones check, so they run only on
// kernels that passed.

#include "compiler/dfx/leaves.h"
#include "compiler/dfx/program.h"
#include "compiler/dfx/walk.h"
#include "platforms/common/diagnostic.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kpu::dfx::parts {

/// One kernel under examination.
struct context {
    const program& whole;
    const kernel& subject;
    std::string path;
    std::vector<leaf> leaves;
    bool flat = false;
    diagnostics& problems;

    void error(const std::string& at, std::string message, std::string text = {}, std::string expected = {}) const;
};

/// Product of the extents where it is at most 2^48, which is what a tensor may have.
[[nodiscard]] std::optional<std::uint64_t> volume_of(const shape& dims);

void check_texts(const program& p, diagnostics& problems);
void check_tensors(const program& p, diagnostics& problems);
void check_loops(const kernel& k, const std::string& path, diagnostics& problems);
/// Regions, moves and computes, each by itself.
void check_operations(const context& c);
void check_matmul(const context& c, const leaf& at);
/// True where a compute has what only whole-tensor operators have a use for: a bias, a window, axes, steps, ….
[[nodiscard]] bool has_attributes(const compute_op& op);
/// A kernel that is one whole-tensor operator, at `path`.
void check_operator(const context& c, const std::string& path, const compute_op& op);
/// Dependences and barriers.
void check_dependences(const context& c);
/// On-chip reads follow the writes that they depend on.
void check_on_chip_data(const context& c);
/// The elements that a region's instances touch, as one box. Expects indices that were checked.
[[nodiscard]] element_box hull_of(const leaf& l, const tensor_region& r, const shape& dims);
[[nodiscard]] bool overlap(const element_box& a, const element_box& b);
/// EXTERNAL reads and writes of all kernels in order.
void check_external_data(const program& p, diagnostics& problems);

} // namespace kpu::dfx::parts
