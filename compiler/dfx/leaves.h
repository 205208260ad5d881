#pragma once
// The operations of a kernel in textual order, each with its loops: the form in which analyses look at a kernel.

#include "compiler/dfx/program.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kpu::dfx {

/// Points into the kernel that it was made from.
struct leaf {
    const statement* op = nullptr;
    std::vector<const tile_loop*> loops; ///< outermost first
    std::string path;                    ///< `kernels[0].body[2]`

    [[nodiscard]] const data_move_op* move() const { return std::get_if<data_move_op>(op); }
    [[nodiscard]] const compute_op* compute() const { return std::get_if<compute_op>(op); }
    [[nodiscard]] const barrier_op* barrier() const { return std::get_if<barrier_op>(op); }
    [[nodiscard]] std::uint64_t id() const;
};

/// `path` is the kernel's own, such as `kernels[0]`.
[[nodiscard]] std::vector<leaf> leaves_of(const kernel& k, const std::string& path);

/// How many loops, outermost first, enclose both.
[[nodiscard]] std::size_t common_loops(const leaf& a, const leaf& b);

/// Smallest and largest value of an affine form over all iterations of the loops; nothing where it leaves 64 bits.
/// Expects loops that are sane by the rules of verify().
[[nodiscard]] std::optional<std::pair<std::int64_t, std::int64_t>> range_of(const affine& form,
                                                                            const std::vector<const tile_loop*>& loops);

/// Tensor, extents and indices of a tile, and its level if asked for, as one word to look it up by.
[[nodiscard]] std::string tile_key(const tensor_region& r, bool with_level);

} // namespace kpu::dfx
