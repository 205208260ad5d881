#pragma once
// The tensor below windows on its way through L3: each part comes from DRAM once while it is needed, and block movers
// take the windows from there.

#include "fw/loader/emitter.h"
#include "fw/loader/padded_input.h"

#include <vector>

namespace kpu::fw {

class input_ring {
  public:
    /// `region`: the plan's ring in L3; `earlier`: everything that used that memory before; `fillers` fill its border.
    input_ring(const padded_input& input, const ring_plan& plan, address region, const point_set& earlier,
               const std::vector<engine_id>& fillers);

    /// Slabs come in chunks: those that these rows of A need.
    [[nodiscard]] extent chunks_of(extent rows) const;
    /// The chunk is there, or on its way.
    [[nodiscard]] bool holds(std::uint64_t chunk) const;
    /// A chunk of `kept` would have to leave for it.
    [[nodiscard]] bool displaces_one_of(extent kept, std::uint64_t chunk) const;

    /// DRAM → L3.
    void load(std::uint64_t chunk, address tensor, const usage& written, engine_id loader, std::uint32_t tag,
              emitter& out);
    /// A mover of what is in the ring, and what it has to wait for besides.
    struct way {
        engine_id mover;
        std::uint32_t tag = 0;
        dependences after;
    };
    /// L3 → `to`: rows of A, packed, whose chunks are held. Calls note(point) for each copy.
    template <class Note>
    void gather(extent rows, extent depth, address to, const way& by, emitter& out, Note note) {
        carry_out(m_input.gather(rows, depth, m_ring, to), chunks_of(rows), by, out, note);
    }
    /// L3 → `to`: from the slabs below these rows of A a part of each line, all in chunks that are held.
    template <class Note>
    void copy_box(extent rows, extent line, std::uint64_t channels, address to, const way& by, emitter& out,
                  Note note) {
        carry_out(m_input.box(m_input.slabs_of(rows), line, channels, m_ring, to), chunks_of(rows), by, out, note);
    }

  private:
    struct place {
        usage use;
        bool valid = false;
        std::uint64_t chunk = 0; ///< that is there
    };
    void fill_border(std::uint32_t tag, emitter& out);
    [[nodiscard]] place& place_of(std::uint64_t chunk) { return m_places[chunk % m_places.size()]; }
    [[nodiscard]] const place& place_of(std::uint64_t chunk) const { return m_places[chunk % m_places.size()]; }

    template <class Note>
    void carry_out(const std::vector<iface::copy_operands>& moves, extent chunks, const way& by, emitter& out,
                   Note note) {
        dependences after = by.after;
        m_border.require_for_read(after);
        for (std::uint64_t c = chunks.first; c < chunks.first + chunks.count; ++c)
            place_of(c).use.require_for_read(after);
        for (const iface::copy_operands& move : moves) {
            const point p = out.copy(by.mover, by.tag, move, after);
            m_border.note_read(p);
            for (std::uint64_t c = chunks.first; c < chunks.first + chunks.count; ++c)
                place_of(c).use.note_read(p);
            note(p);
        }
    }

    padded_input m_input;
    std::uint64_t m_slabs_per_chunk;
    slab_ring m_ring;
    usage m_border;
    std::vector<engine_id> m_fillers; ///< none once the border is filled
    std::vector<place> m_places;
};

} // namespace kpu::fw
