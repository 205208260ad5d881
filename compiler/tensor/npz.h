#pragma once
// Named tensors in one file: NumPy's .npz format, a zip archive of .npy files.

#include "compiler/tensor/npy.h"

#include <map>
#include <string>
#include <string_view>

namespace kpu {

using npz_arrays = std::map<std::string, npy_array>;

/// What an archive may claim before it is refused. The size is that of all arrays together, in bytes.
struct npz_limits {
    std::uint64_t most_entries = 1U << 16U;
    std::uint64_t most_bytes = std::uint64_t{1} << 37U;
};

/// Entries are `<key>.npy`, stored or deflated, zip64 where large. Throws input_error at `where` (its path is the key)
/// for a damaged archive, an entry that is no .npy array, two entries of one key, and sizes beyond the limits.
[[nodiscard]] npz_arrays parse_npz(std::string_view bytes, const location& where, const npz_limits& limits = {});
[[nodiscard]] npz_arrays read_npz(const std::string& path);
/// All entries as tensors, without an expectation.
[[nodiscard]] tensor_map read_npz_tensors(const std::string& path);

/// The archive: entries in the order of their keys, stored, of one fixed date, so that equal tensors give equal bytes.
[[nodiscard]] std::string npz_bytes(const tensor_map& tensors);
/// Writes the file complete or not at all.
void write_npz(const std::string& path, const tensor_map& tensors);

} // namespace kpu
