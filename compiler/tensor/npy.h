#pragma once
// Tensors in files: NumPy's .npy format, and raw bytes.
//
// bf16 and f8 have no NumPy type. They are written as the void types '<V2' and '|V1', which NumPy passes through; read
// where bf16 or f8 is expected they may also be the unsigned integers '<u2' and '|u1' that hold the bits.

#include "compiler/tensor/tensor.h"
#include "platforms/common/diagnostic.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kpu {

/// What an .npy file says of itself. Its type is not decided before someone expects one.
struct npy_header {
    std::string descr; ///< "<f4", "|V1", …
    shape dims;
    std::uint64_t item_size = 0; ///< bytes, as `descr` says
    std::size_t length = 0;      ///< bytes before the data

    /// Bytes of data that must follow.
    [[nodiscard]] std::uint64_t data_size() const { return element_count(dims) * item_size; }
};

struct npy_array {
    std::string descr;
    shape dims;
    std::vector<std::byte> data; ///< row-major, little endian
};

/// Longest header accepted, in bytes. NumPy itself refuses more than 10000 characters.
constexpr std::size_t k_longest_npy_header = 65536;

/// Reads the header at the start of `bytes`, which need not hold the data. Formats 1.0, 2.0 and 3.0. Throws input_error
/// at `where` for anything malformed, and for big endian, Fortran order, structured and object arrays.
[[nodiscard]] npy_header parse_npy_header(std::string_view bytes, const location& where);
/// A whole file; the data must end where the header says.
[[nodiscard]] npy_array parse_npy(std::string_view bytes, const location& where);
[[nodiscard]] npy_array read_npy(const std::string& path);

/// The header of a format 1.0 file for a tensor of this type and shape, padded so that data start at a multiple of 64
/// bytes.
[[nodiscard]] std::string npy_header_bytes(dtype t, const shape& dims);
void write_npy(const std::string& path, const tensor& value);

/// The array as a tensor of the type and shape that are expected. Throws input_error at `where` where they disagree.
[[nodiscard]] tensor as_tensor(npy_array array, dtype expected, const shape& expected_dims, const location& where);
/// The array as a tensor of the type that `descr` names (void types are bf16 and f8).
[[nodiscard]] tensor as_tensor(npy_array array, const location& where);

/// A file that holds the elements of a tensor and nothing else.
[[nodiscard]] tensor read_raw(const std::string& path, dtype t, const shape& dims);
void write_raw(const std::string& path, const tensor& value);

/// "4x16 f32", "scalar f32": for messages.
[[nodiscard]] std::string describe(dtype t, const shape& dims);

} // namespace kpu
