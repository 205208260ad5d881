#pragma once
// Well-formedness of DFX programs. What passes can be interpreted, analysed and bound without further checks.

#include "compiler/dfx/program.h"
#include "platforms/common/diagnostic.h"

namespace kpu::dfx {

/// Limits that keep every computation on indices within 64 bits and every analysis bounded.
inline constexpr std::uint64_t k_max_extent = 1ULL << 40; ///< of a tensor dimension, a tile dimension, a loop's end
inline constexpr std::size_t k_max_rank = 8;
inline constexpr std::size_t k_max_depth = 16;          ///< nested loops
inline constexpr std::size_t k_max_sequence = 1U << 20; ///< values of an explicit iteration order
inline constexpr std::size_t k_max_text = 1U << 16;     ///< bytes of a name, a key, a label

inline constexpr std::uint64_t k_max_macs = 1ULL << 56; ///< of a matmul, so that its traffic in bytes fits too

/// Every violation found, each with a path such as `kernels[0].body[1].source.tile_indices[0]`. The rules:
/// - text: every name, key and label is UTF-8 and at most k_max_text bytes long;
/// - tensors: unique names, rank 1 to 8, extents from 1, unique keys; constants match their descriptors;
/// - operations: ids unique in the program and not 0; regions name tensors, have an index and a tile extent per
/// dimension and the
///   tensor's element size; no instance of a tile lies outside its tensor (interval arithmetic over the loops);
/// - moves: both ends the same tile of one tensor; LOAD and PREFETCH towards the array, STORE and FLUSH away from it,
/// one level at
///   a time (a kernel without loops may jump levels); nothing is loaded into REGISTER;
/// - loops: step > 0, start < end, distinct names along a path, reductions ascending, sequences permutations, morton
/// over two
///   perfectly nested parallel loops;
/// - dependences: on an operation of the same kernel, lexicographically not negative, carried by no parallel loop, at
/// distance 0 acyclic and backwards in the text;
/// - MATMUL_TILE: two or three inputs in L1, output in REGISTER, extents, indices and types that agree, an accumulate
/// rule that names the reduction loop around it, by whose preceding step it waits for itself (in a flat kernel: an
/// earlier operation on the same tile);
/// - sums: over all tiles of k, each once, ascending, of the same operands; they leave REGISTER once, when they are
/// complete;
/// - data: what is read on chip was brought there before by an operation that the reader depends on; what is read from
/// EXTERNAL is an input, a constant, or was stored before, in the same kernel by an operation that the reader depends
/// on; outputs, of which there is one at least, and
/// intermediates that are used are stored completely and once.
[[nodiscard]] diagnostics verify(const program& p);

/// "1.x" or "2.x", x a number up to 65535.
[[nodiscard]] bool is_version(const std::string& text);

/// Throws input_error with the violations, if any, `name` (a file) put before each path.
void require_valid(const program& p, const std::string& name);

} // namespace kpu::dfx
