#pragma once
// The tensor below windows as it lies in L3: with its padding, so that the windows are boxes, and as a ring of slabs,
// so that a part of it is enough.

#include "compiler/dfx/contraction.h"
#include "fw/loader/layout.h"

#include <vector>

namespace kpu::fw {

/// Room for slabs: slab s lies at place s mod `slabs`.
struct slab_ring {
    address first;
    std::uint64_t slabs = 0;
};

/// How much of a tensor below windows is in L3 at a time.
struct ring_plan {
    std::uint64_t slabs = 0, chunk = 0; ///< slabs come that many at a time
    bool whole = false;                 ///< all of the tensor
    bytes size;                         ///< with all that belongs to the ring
};

/// A slab is what has one image and one index of the outermost spatial dimension: of a picture a line of pixels, of a
/// volume a plane. Slabs of all images follow each other, with their padding and without what lies behind the last
/// window. Where channels are cut into slices, the images of one slice follow those of the one before.
class padded_input {
  public:
    /// `element` in bytes; `slice`: channels at a time; `padding`: what lies around the tensor, repeated to eight
    /// bytes.
    padded_input(const dfx::window_rows& windows, std::uint64_t element, std::uint64_t slice, std::uint64_t padding);
    /// All channels, and zeros around them.
    padded_input(const dfx::window_rows& windows, std::uint64_t element)
        : padded_input(windows, element, windows.input.back(), 0) {}

    [[nodiscard]] std::uint64_t slab_bytes() const { return m_pitch.front(); }
    [[nodiscard]] std::uint64_t slabs() const { return m_slices * m_images * m_padded.front(); }
    /// Those below the windows of these rows of A; rows go through all images of a slice before the next slice.
    [[nodiscard]] extent slabs_of(extent rows) const;
    /// At least as many as lie below any `rows` successive rows of A.
    [[nodiscard]] std::uint64_t most_slabs_of(std::uint64_t rows) const;
    /// Bytes of a window that lie side by side.
    [[nodiscard]] std::uint64_t run_bytes() const { return m_kernel.back() * m_element; }
    /// False where all is padding in some dimension.
    [[nodiscard]] bool has_elements() const;

    /// Bytes before the ring's first slab, and behind its last one, that border() fills, too.
    [[nodiscard]] std::uint64_t room_before() const;
    [[nodiscard]] std::uint64_t room_behind() const;
    /// Of a ring in memory from `region` on.
    [[nodiscard]] address first_slab(address region) const;
    /// The padding within slabs, of all places of the ring: what is loaded leaves it as it is. One list for each of up
    /// to `fillers` engines; that of a volume overlaps itself and is one engine's.
    [[nodiscard]] std::vector<std::vector<iface::fill_operands>> border(const slab_ring& ring,
                                                                        std::uint64_t fillers) const;

    /// What brings slabs from a tensor at `tensor` to their places, which follow each other. Padding is filled.
    struct load {
        std::vector<iface::fill_operands> fills;
        std::vector<iface::copy_operands> moves;
    };
    [[nodiscard]] load load_slabs(extent slabs, address tensor, const slab_ring& ring) const;

    /// Copies of some rows × some depth of A, packed row by row, from the ring to `to`.
    [[nodiscard]] std::vector<iface::copy_operands> gather(extent rows, extent depth, const slab_ring& ring,
                                                           address to) const;
    /// Copies of a box of a picture's slice from the ring to `to`, packed: successive slabs × a part of their padded
    /// lines × the first `channels` channels.
    [[nodiscard]] std::vector<iface::copy_operands> box(extent slabs, extent line, std::uint64_t channels,
                                                        const slab_ring& ring, address to) const;

  private:
    struct inside {
        std::uint64_t first = 0, count = 0; ///< of a padded dimension: indices that the tensor has
    };
    [[nodiscard]] inside inside_of(std::size_t d) const;
    [[nodiscard]] std::uint64_t before_bytes(std::size_t d) const { return inside_of(d).first * m_pitch[d]; }
    [[nodiscard]] std::uint64_t after_bytes(std::size_t d) const {
        return (m_padded[d] - inside_of(d).first - inside_of(d).count) * m_pitch[d];
    }
    [[nodiscard]] iface::copy_operands elements_of_slabs(std::uint64_t slabs, std::uint64_t channels) const;

    dfx::window_rows m_windows;
    std::uint64_t m_element, m_slice, m_padding, m_images, m_slices;
    std::size_t m_spatial;
    std::vector<std::uint64_t> m_padded; ///< extents of the spatial dimensions
    std::vector<std::uint64_t> m_pitch;  ///< bytes from one index to the next
    std::vector<std::uint64_t> m_kernel; ///< extents of a window; the last one is of elements side by side
};

/// A ring that holds that many slabs at least, or all of them.
[[nodiscard]] ring_plan ring_for(const padded_input& input, std::uint64_t slabs);

} // namespace kpu::fw
