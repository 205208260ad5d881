#pragma once
// Address generation of movers: one side of a strided copy as a sequence of contiguous segments. SystemC-free.

#include "hw/interface/descriptor.h"
#include "platforms/common/units.h"

#include <array>
#include <cstdint>

namespace kpu::hw {

struct segment {
    address where;
    bytes length;
};

/// Bytes that a copy moves; zero if an extent is zero or if they are more than k_largest_copy.
[[nodiscard]] bytes total_bytes(const iface::copy_operands& copy);
inline constexpr std::uint64_t k_largest_copy = std::uint64_t{1} << 40;

/// The copy's bytes have one order (last index fastest, then along the run) on both sides, so each side can be walked
/// by itself and cut at its own places.
class strided_walk {
  public:
    strided_walk() = default;
    /// `copy` moves at least one byte; `side` is its source or its destination. Dimensions that follow each other
    /// without a gap are joined.
    strided_walk(const iface::copy_operands& copy, const iface::copy_side& side);

    /// Bytes not yet walked.
    [[nodiscard]] bytes left() const { return bytes(m_left); }
    /// The next contiguous bytes, as many as there are up to `limit`; both left() and limit are at least one.
    segment next(bytes limit);

    /// Length of the equal runs that remain after joining.
    [[nodiscard]] bytes run() const { return bytes(m_run); }
    /// Where the byte at `position` in the copy's order lies; does not move the walk.
    [[nodiscard]] address locate(bytes position) const;

  private:
    struct dimension {
        std::uint64_t count = 1, stride = 0, index = 0;
    };
    void advance();

    std::uint64_t m_base = 0;
    std::uint64_t m_run = 0;
    std::uint64_t m_left = 0;
    std::uint64_t m_here = 0;                           ///< address of the current run
    std::uint64_t m_offset = 0;                         ///< walked bytes of the current run
    std::array<dimension, iface::k_copy_dims> m_dims{}; ///< innermost first
    std::size_t m_rank = 0;
};

/// The source of a gather: one segment per row, in the order of the indices, which have been checked.
class row_walk {
  public:
    row_walk() = default;
    /// `indices` must outlive the walk.
    row_walk(const iface::gather_operands& gather, const std::uint32_t* indices)
        : m_indices(indices), m_source(gather.source), m_pitch(gather.pitch), m_run(gather.run) {}

    /// The next contiguous bytes of the current row, up to `limit`. There are rows left.
    segment next(bytes limit);

  private:
    const std::uint32_t* m_indices = nullptr;
    address m_source;
    std::uint64_t m_pitch = 0, m_run = 0;
    std::uint64_t m_offset = 0; ///< walked bytes of the current row
    std::size_t m_row = 0;
};

/// Where to cut a copy into chunks of at most `limit` bytes (a multiple of `alignment`), so that cuts cost nothing on
/// the side given: between runs where runs are short, else at aligned addresses. `position`: bytes before the chunk.
[[nodiscard]] bytes chunk_length(const strided_walk& side, bytes position, bytes left, bytes limit, bytes alignment);

} // namespace kpu::hw
