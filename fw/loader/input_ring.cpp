#include "fw/loader/input_ring.h"

namespace kpu::fw {

input_ring::input_ring(const padded_input& input, const ring_plan& plan, address region, const point_set& earlier,
                       const std::vector<engine_id>& fillers)
    : m_input(input), m_slabs_per_chunk(plan.chunk), m_ring{input.first_slab(region), plan.slabs}, m_border(earlier),
      m_fillers(fillers), m_places(static_cast<std::size_t>(plan.slabs / plan.chunk), place{usage(earlier), false, 0}) {
}

extent input_ring::chunks_of(extent rows) const {
    const extent slabs = m_input.slabs_of(rows);
    const std::uint64_t first = slabs.first / m_slabs_per_chunk;
    return {first, (slabs.first + slabs.count - 1) / m_slabs_per_chunk + 1 - first};
}

bool input_ring::holds(std::uint64_t chunk) const {
    const place& at = place_of(chunk);
    return at.valid && at.chunk == chunk;
}

bool input_ring::displaces_one_of(extent kept, std::uint64_t chunk) const {
    const place& at = place_of(chunk);
    return at.valid && at.chunk >= kept.first && at.chunk < kept.first + kept.count;
}

void input_ring::fill_border(std::uint32_t tag, emitter& out) {
    if (m_fillers.empty())
        return;
    dependences after;
    m_border.require_for_write(after);
    bool first = true;
    auto filler = m_fillers.begin();
    for (const std::vector<iface::fill_operands>& fills : m_input.border(m_ring, m_fillers.size())) {
        for (const iface::fill_operands& fill : fills) {
            m_border.note_written(out.fill(*filler, tag, fill, after), first);
            first = false;
        }
        ++filler;
    }
    m_fillers.clear();
}

void input_ring::load(std::uint64_t chunk, address tensor, const usage& written, engine_id loader, std::uint32_t tag,
                      emitter& out) {
    fill_border(tag, out);
    place& at = place_of(chunk);
    dependences after;
    at.use.require_for_write(after);
    bool first = true;
    const auto note = [&](point p) {
        at.use.note_written(p, first);
        first = false;
    };
    const padded_input::load load =
        m_input.load_slabs(piece(m_input.slabs(), m_slabs_per_chunk, chunk), tensor, m_ring);
    for (const iface::fill_operands& fill : load.fills)
        note(out.fill(loader, tag, fill, after));
    written.require_for_read(after);
    for (const iface::copy_operands& move : load.moves)
        note(out.copy(loader, tag, move, after));
    at.valid = true;
    at.chunk = chunk;
}

} // namespace kpu::fw
