#pragma once
// The tensor below a convolution's windows on its way through L3: each part comes from DRAM once while it is needed,
// and block movers gather the windows from there.

#include "fw/loader/blocking.h"
#include "fw/loader/emitter.h"
#include "fw/loader/padded_input.h"

#include <vector>

namespace kpu::fw {

class input_ring {
  public:
    /// `region`: the plan's ring in L3; `earlier`: everything that used that memory before.
    input_ring(const dfx::window_rows& windows, std::uint64_t element, const ring_plan& plan, address region,
               const point_set& earlier);

    /// Slabs come in chunks: those that these rows of A need.
    [[nodiscard]] extent chunks_of(extent rows) const;
    /// The chunk is there, or on its way.
    [[nodiscard]] bool holds(std::uint64_t chunk) const;
    /// A chunk of `kept` would have to leave for it.
    [[nodiscard]] bool displaces_one_of(extent kept, std::uint64_t chunk) const;

    /// DRAM → L3.
    void load(std::uint64_t chunk, address tensor, const usage& written, engine_id loader, std::uint32_t tag,
              emitter& out);
    /// L3 → `to`: rows of A, packed, whose chunks are held. Calls note(point) for each copy.
    template <class Note>
    void gather(extent rows, extent depth, address to, engine_id mover, std::uint32_t tag, dependences after,
                emitter& out, Note note) {
        const extent chunks = chunks_of(rows);
        m_border.require_for_read(after);
        for (std::uint64_t c = chunks.first; c < chunks.first + chunks.count; ++c)
            place_of(c).use.require_for_read(after);
        for (const iface::copy_operands& move : m_input.gather(rows, depth, m_ring, to)) {
            const point p = out.copy(mover, tag, move, after);
            m_border.note_read(p);
            for (std::uint64_t c = chunks.first; c < chunks.first + chunks.count; ++c)
                place_of(c).use.note_read(p);
            note(p);
        }
    }

  private:
    struct place {
        usage use;
        bool valid = false;
        std::uint64_t chunk = 0; ///< that is there
    };
    [[nodiscard]] place& place_of(std::uint64_t chunk) { return m_places[chunk % m_places.size()]; }
    [[nodiscard]] const place& place_of(std::uint64_t chunk) const { return m_places[chunk % m_places.size()]; }

    padded_input m_input;
    std::uint64_t m_slabs_per_chunk;
    slab_ring m_ring;
    usage m_border;
    bool m_bordered = false;
    std::vector<place> m_places;
};

/// The ring that holds `slabs` of the input at least, or all of it.
[[nodiscard]] ring_plan ring_for(const padded_input& input, std::uint64_t slabs);

} // namespace kpu::fw
