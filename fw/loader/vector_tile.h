#pragma once
// One tile of a vector_work: which boxes of the operands it needs, and the commands that compute it in L1.

#include "fw/loader/vector_work.h"
#include "hw/interface/descriptor.h"

#include <cstdint>
#include <vector>

namespace kpu::fw {

/// How a result is cut: extents of a full tile (of dimension 0 always 1), and how much of a reduction's axis is read at
/// a time.
struct tile_extents {
    quad count{1, 1, 1, 1};
    std::uint64_t chunk = 1;
};

/// A tile of the result, or of a reduction the part of its work that one chunk of the axis is.
struct vector_tile {
    quad first{}, count{1, 1, 1, 1};
    std::uint64_t chunk_first = 0, chunk = 1;
    bool opens = true, closes = true; ///< first and last chunk
};

/// A box of an operand. It may reach beyond the tensor's edges: there are zeros, or what a maximum ignores.
struct operand_box {
    std::array<std::int64_t, 4> first{};
    quad count{1, 1, 1, 1};

    [[nodiscard]] std::uint64_t elements() const { return count[0] * count[1] * count[2] * count[3]; }
    friend bool operator==(const operand_box& a, const operand_box& b) {
        return a.first == b.first && a.count == b.count;
    }
};

[[nodiscard]] operand_box box_of(const vector_work& work, std::size_t input, const vector_tile& tile);
/// What elements outside of the tensor are, repeated to eight bytes.
[[nodiscard]] std::uint64_t border_pattern(const vector_work& work);

/// Buffers of a tile in L1 by number: one per input, then the result, and scratch that only the tile's own commands
/// use.
struct tile_buffers {
    std::vector<bytes> size;
    std::size_t result = 0;

    [[nodiscard]] std::size_t spare() const { return result + 1; }   ///< for values that become wider
    [[nodiscard]] std::size_t reduced() const { return result + 2; } ///< one value per row of a softmax or layer norm
    [[nodiscard]] std::size_t squares() const { return result + 3; } ///< of a layer norm
};
/// Sizes for a full tile; zero for buffers that the work does not use.
[[nodiscard]] tile_buffers buffers_of(const vector_work& work, const tile_extents& extents);

/// An operand within a buffer.
struct buffer_side {
    std::size_t buffer = 0;
    std::uint64_t offset = 0; ///< bytes
    std::array<std::uint32_t, iface::k_vector_dims> stride{};
};

/// A vector command on buffers, or a fill of one.
struct tile_command {
    bool fills = false;
    iface::vector_operands vector; ///< without addresses
    buffer_side source, operand, destination;
    bytes fill_size; ///< of the destination, with zeros

    [[nodiscard]] bool has_operand() const { return !fills && iface::takes_operand(vector.function); }
};

/// The commands that compute a tile, in order. The last one leaves the result packed in its buffer.
[[nodiscard]] std::vector<tile_command> commands_of(const vector_work& work, const vector_tile& tile);

} // namespace kpu::fw
