// Operands on their way in: DRAM → L3 → L2.

#include "fw/loader/boxes.h"
#include "fw/loader/contraction_stream.h"
#include "fw/loader/window_gather.h"

#include <algorithm>

namespace kpu::fw {

namespace {

/// While that many steps of every lane are on their way in, no fold hides a load: their tiles come in panels.
constexpr std::size_t k_opening_rounds = 2;

} // namespace

/// Where zeros come first, one engine does it all: its writes keep their order.
template <class Moves>
void contraction_stream::load(tile_slot& slot, const Moves& moves, std::uint64_t zeros, const dram_operand& from,
                              std::uint32_t tag) {
    dependences after;
    slot.use.require_for_write(after);
    bool first = true;
    const auto note = [&](point p) {
        slot.use.note_written(p, first);
        first = false;
    };
    const engine_id filler = next_loader();
    if (zeros > 0)
        note(m_out.fill(filler, tag, contiguous_fill(slot.base, zeros, 0), after));
    from.use->require_for_read(after);
    for (const iface::copy_operands& move : moves)
        note(m_out.copy(first || zeros > 0 ? filler : next_loader(), tag, move, after));
}

template <class Use>
void contraction_stream::with_loads_of_rows(const step& s, extent rows, address to, Use use) const {
    const extent depth = depth_of(s);
    const placed_operand& a = m_operands.a.place;
    if (!m_work.windows)
        return use(copies{load_rows(a, s.batch, rows, depth, to)}, 0);
    const gathered_rows gathered = gather_windows(*m_work.windows, a.first, a.element, rows, depth, to);
    use(gathered.moves, gathered.complete ? 0 : rows.count * depth.count * a.element);
}

void contraction_stream::open() {
    open_round(0);
    // the first folds wait for their seeds: these come before what later steps need
    for (std::size_t i = 0; m_operands.seed && i < std::min({m_window.size(), m_plan.lanes, m_plan.l3_seed}); ++i)
        if (m_window[i].slice == 0)
            fetch_seed(m_window[i]);
    for (std::size_t round = 1; round < k_opening_rounds; ++round)
        open_round(round);
}

/// The operands of every lane's step `round`, panel by panel, so that the folds wait for no more than they need.
void contraction_stream::open_round(std::size_t round) {
    const std::size_t first = std::min(m_window.size(), round * m_plan.lanes);
    const std::size_t end = std::min(m_window.size(), first + m_plan.lanes);
    std::vector<arriving_tile> arriving;
    for (std::size_t i = first; i < end; ++i) {
        for (const operand_role role : {operand_role::a, operand_role::b}) {
            const step& s = m_window[i];
            if (role == operand_role::a && m_ring)
                continue;
            if (m_l3.tiles.find(key_of(s, role)) != nullptr || !m_l3.tiles.has_empty())
                continue;
            arriving_tile tile{s, role, &m_l3.tiles.oldest(), {}};
            m_l3.tiles.assign(*tile.slot, key_of(s, role));
            (role == operand_role::a ? m_operands.a : m_operands.b).use->require_for_read(tile.after);
            tile.slot->use.require_for_write(tile.after);
            arriving.push_back(std::move(tile));
        }
    }
    const std::size_t parts = arriving.empty() ? 1 : ceil_div(m_chip.dma.size(), arriving.size());
    // in the order of need: the first strip takes its panels of A and one of B for each of its columns
    const auto load_panels_of = [&](operand_role role, std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t panel = from; panel < to; ++panel) {
            for (const arriving_tile& tile : arriving)
                if (tile.role == role && panel < panels_of(tile.at, tile.role))
                    load_panel(tile, panel, parts);
            for (std::size_t i = first; m_ring && role == operand_role::a && i < end; ++i)
                if (panel < panels_of(m_window[i], role))
                    fetch_windows(m_window[i], panel_of(m_window[i], role, panel), i);
        }
    };
    load_panels_of(operand_role::a, 0, 1);
    load_panels_of(operand_role::b, 0, 1);
    load_panels_of(operand_role::a, 1, m_plan.strip);
    load_panels_of(operand_role::b, 1, ceil_div(m_plan.nb, m_plan.fold_columns));
    load_panels_of(operand_role::a, m_plan.strip, ceil_div(m_plan.mb, m_plan.fold_rows));
}

/// DRAM → L3 of one panel, cut along its rows into parts for that many DMA engines: while nothing is stored all of them
/// load.
void contraction_stream::load_panel(const arriving_tile& tile, std::uint64_t panel, std::size_t parts) {
    const extent across = panel_of(tile.at, tile.role, panel);
    const extent depth = depth_of(tile.at);
    const bool is_a = tile.role == operand_role::a;
    const std::uint64_t line = (is_a ? depth.count : across.count) * m_sizes.operand;
    const extent rows = is_a ? across : depth;
    const std::uint64_t rows_per_part = ceil_div(rows.count, parts);
    const address to =
        tile.slot->base + bytes((across.first - across_of(tile.at, tile.role).first) * depth.count * m_sizes.operand);
    for (std::uint64_t part = 0; part < ceil_div(rows.count, rows_per_part); ++part) {
        const extent cut = piece(rows.count, rows_per_part, part);
        const extent those{rows.first + cut.first, cut.count};
        const address into = to + bytes(cut.first * line);
        const engine_id loader = m_chip.dma[m_loads++ % m_chip.dma.size()];
        const std::uint32_t tag = load_tag(tile.at, tile.role);
        const auto emit = [&](const auto& moves, std::uint64_t zeros) {
            if (zeros > 0)
                tile.slot->note_panel(panel, m_out.fill(loader, tag, contiguous_fill(into, zeros, 0), tile.after));
            for (const iface::copy_operands& move : moves)
                tile.slot->note_panel(panel, m_out.copy(loader, tag, move, tile.after));
        };
        if (is_a)
            with_loads_of_rows(tile.at, those, into, emit);
        else
            emit(load_panels(m_operands.b.place, tile.at.batch, those, across, m_plan.fold_columns, into), 0);
    }
}

void contraction_stream::prefetch() {
    // several rounds of lanes ahead, as far as L3 has room for the tiles of that many steps
    const std::size_t most = 8 * m_plan.lanes + 1;
    const std::size_t distance = m_ring ? most : std::clamp<std::size_t>(m_plan.l3_tiles / 4, 1, most);
    while (m_prefetched < std::min(distance, m_window.size()) && fetch_ahead(m_prefetched))
        ++m_prefetched;
}

bool contraction_stream::fetch_ahead(std::size_t position) {
    const step& s = m_window[position];
    if (is_prepared(s))
        return true;
    const bool ahead = position > 0;
    const bool a_comes = m_ring ? fetch_windows(s, rows_of(s), position) : fetch_tile(s, operand_role::a, ahead);
    return a_comes && fetch_tile(s, operand_role::b, ahead);
}

bool contraction_stream::fetch_windows(const step& s, extent rows, std::optional<std::size_t> position) {
    const extent chunks = m_ring->chunks_of(rows);
    for (std::uint64_t chunk = chunks.first; chunk < chunks.first + chunks.count; ++chunk) {
        if (m_ring->holds(chunk))
            continue;
        for (std::size_t i = 0; position && i < *position; ++i)
            if (m_ring->displaces_one_of(m_ring->chunks_of(rows_of(m_window[i])), chunk))
                return false;
        m_ring->load(chunk, m_operands.a.place.first, *m_operands.a.use, next_loader(), load_tag(s, operand_role::a),
                     m_out);
    }
    return true;
}

bool contraction_stream::fetch_tile(const step& s, operand_role role, bool ahead_of_need) {
    const tile_key key = key_of(s, role);
    if (m_l3.tiles.find(key) != nullptr)
        return true;
    tile_slot& slot = m_l3.tiles.victim([&](const tile_key& k) { return m_uses.next(k); });
    if (ahead_of_need && slot.valid && m_uses.next(slot.key) != upcoming_uses::k_never)
        return false;
    m_l3.tiles.assign(slot, key);
    const std::uint32_t tag = load_tag(s, role);
    if (role == operand_role::a)
        with_loads_of_rows(s, rows_of(s), slot.base, [&](const auto& moves, std::uint64_t zeros) {
            load(slot, moves, zeros, m_operands.a, tag);
        });
    else
        load(slot, load_panels(m_operands.b.place, s.batch, depth_of(s), columns_of(s), m_plan.fold_columns, slot.base),
             0, m_operands.b, tag);
    return true;
}

tile_slot& contraction_stream::fetch_seed(const step& s) {
    const tile_key key = seed_key(s);
    if (tile_slot* resident = m_l3.seeds.find(key))
        return *resident;
    tile_slot& slot = m_l3.seeds.oldest();
    m_l3.seeds.assign(slot, key);
    load(slot, loads_of_part(s, seed_size(), m_operands.seed->place, slot.base), 0, *m_operands.seed,
         static_cast<std::uint32_t>(ids_of(s).load_seed));
    return slot;
}

/// DRAM → L3, row by row of cells.
copies contraction_stream::loads_of_part(const step& s, const operand_size& what, const placed_operand& matrix,
                                         address tile) const {
    copies all;
    if (!what.rows || !what.columns) {
        const address from = matrix.at(what.rows ? s.batch : 0, what.rows ? rows_of(s).first : 0,
                                       what.columns ? columns_of(s).first : 0);
        all.push_back(contiguous(from, tile, what.part(rows_of(s).count, columns_of(s).count)));
        return all;
    }
    for (std::uint64_t strip = 0; strip < strips_of(s); ++strip) {
        const cell_strip cells = strip_of(s, strip, what.element);
        cell_place place = place_of(tile, strip, 0, 0, what.element);
        const std::uint64_t first = rows_of(s).first + rows_of_strip(s, strip).first;
        for (std::uint64_t row = 0; row < cells_down(s, strip); ++row) {
            const address from = matrix.at(s.batch, first + row * m_plan.fold_rows, columns_of(s).first);
            const copies loads = load_cells(matrix, from, row_of(cells, place, row), place.first);
            all.insert(all.end(), loads.begin(), loads.end());
            place.first = place.first + bytes(place.down);
        }
    }
    return all;
}

prepared_step contraction_stream::prepare(const step& s) {
    lane& l = m_lanes[s.lane];
    prepared_step p;
    p.at = s;
    const tile_move a = claim_tile(l, s, operand_role::a);
    // where B has yet to be fetched, that may displace A: A moves first
    const bool in_turns = a.panels > 1 && m_l3.tiles.find(b_key(s)) != nullptr;
    if (!in_turns)
        move_panels(s, a, 0, a.panels);
    const tile_move b = claim_tile(l, s, operand_role::b);
    if (!in_turns) {
        move_panels(s, b, 0, b.panels);
    } else {
        const std::size_t strip = std::min(a.panels, static_cast<std::size_t>(m_plan.strip));
        move_panels(s, a, 0, 1);
        move_panels(s, b, 0, 1);
        move_panels(s, a, 1, strip);
        move_panels(s, b, 1, b.panels);
        move_panels(s, a, strip, a.panels);
    }
    p.a = a.slot;
    p.b = b.slot;
    m_uses.drop(a_key(s));
    m_uses.drop(b_key(s));
    begin_sums(l, p);
    return p;
}

contraction_stream::tile_move contraction_stream::claim_tile(lane& to, const step& s, operand_role role) {
    const tile_key key = key_of(s, role);
    tile_cache& cache = role == operand_role::a ? to.l2_a : to.l2_b;
    tile_move move{role, cache.find(key), nullptr, 0, true, {}};
    if (move.slot != nullptr)
        return move;
    if (role == operand_role::a && m_ring) {
        fetch_windows(s, rows_of(s), std::nullopt);
        move.whole = s.number >= k_opening_rounds * m_plan.lanes;
        move.panels = move.whole ? 1 : static_cast<std::size_t>(panels_of(s, role));
    } else {
        fetch_tile(s, role, false);
        move.source = m_l3.tiles.find(key);
        move.whole = move.source->panels.empty();
        move.panels = move.whole ? 1 : move.source->panels.size();
    }
    move.slot = &cache.oldest();
    cache.assign(*move.slot, key);
    move.slot->use.require_for_write(move.free);
    return move;
}

/// L3 → L2 of some panels of a tile that comes panel by panel, else of the whole.
void contraction_stream::move_panels(const step& s, const tile_move& move, std::size_t first, std::size_t end) {
    const extent tile = across_of(s, move.role);
    const std::uint64_t line = depth_of(s).count * m_sizes.operand;
    for (std::size_t panel = first; panel < std::min(end, move.panels); ++panel) {
        if (move.source == nullptr) {
            gather_panel(s, move, panel);
            continue;
        }
        const extent across = move.whole ? tile : panel_of(s, move.role, panel);
        const bytes offset((across.first - tile.first) * line);
        dependences after = move.free;
        move.source->require_panel(after, panel);
        const point p = m_out.copy(
            mover_of(s.lane, move.role == operand_role::a ? k_mover_of_a : k_mover_of_b), load_tag(s, move.role),
            contiguous(move.source->base + offset, move.slot->base + offset, across.count * line), after);
        move.source->use.note_read(p);
        if (move.whole)
            move.slot->use.note_overwrite(p);
        else
            move.slot->note_panel(panel, p);
    }
}

/// Short runs keep a mover busy for longer than its bytes would: the lane's movers share a whole tile, and take panels
/// in turn.
void contraction_stream::gather_panel(const step& s, const tile_move& move, std::size_t panel) {
    const extent rows = move.whole ? rows_of(s) : panel_of(s, move.role, panel);
    const extent depth = depth_of(s);
    const std::uint64_t rows_per_part = ceil_div(rows.count, move.whole ? movers_per_lane() : 1);
    bool first = true;
    for (std::size_t part = 0; part < ceil_div(rows.count, rows_per_part); ++part) {
        const extent cut = piece(rows.count, rows_per_part, part);
        const extent those{rows.first + cut.first, cut.count};
        const bytes offset((those.first - rows_of(s).first) * depth.count * m_sizes.operand);
        // the first one does not queue behind results, which wait for their sums
        const engine_id mover = mover_of(s.lane, k_mover_of_results + 1 + panel + part);
        m_ring->gather(those, depth, move.slot->base + offset, {mover, load_tag(s, move.role), move.free}, m_out,
                       [&](point p) {
                           if (move.whole)
                               move.slot->use.note_written(p, first);
                           else
                               move.slot->note_panel(panel, p);
                           first = false;
                       });
    }
}

/// Some of the block's cells have yet to be told to leave.
bool contraction_stream::is_leaving(const lane& l, const c_block& block) {
    for (std::size_t i = 0; i < l.leaving.size(); ++i)
        if (l.leaving[i].from == &block)
            return true;
    return false;
}

void contraction_stream::begin_sums(lane& to, prepared_step& p) {
    if (p.at.first_slice_of_visit) {
        c_block& block = to.blocks[to.next_block];
        to.next_block = (to.next_block + 1) % to.blocks.size();
        if (is_leaving(to, block))
            settle(to);
        to.last_sums = &block;
        if (p.at.slice > 0)
            fetch_sums(p.at, block);
        else if (m_operands.seed)
            p.seed = move_seed(to, p.at);
    }
    if (complete_after(p.at) && !m_operands.steps.empty())
        p.steps = move_steps(to, p.at);
    p.sums = to.last_sums;
}

tile_slot* contraction_stream::move_seed(lane& to, const step& s) {
    const tile_key key = seed_key(s);
    if (tile_slot* resident = to.l2_seed.find(key))
        return resident;
    tile_slot& source = fetch_seed(s);
    tile_slot& slot = to.l2_seed.oldest();
    to.l2_seed.assign(slot, key);
    dependences after;
    source.use.require_for_read(after);
    slot.use.require_for_write(after);
    bool first = true;
    for (const iface::copy_operands& move : moves_of_part(s, seed_size(), source.base, slot.base)) {
        const point p = m_out.copy(mover_of(s.lane, k_mover_of_results),
                                   static_cast<std::uint32_t>(ids_of(s).load_seed), move, after);
        source.use.note_read(p);
        slot.use.note_written(p, first);
        first = false;
    }
    return &slot;
}

copies contraction_stream::moves_of_part(const step& s, const operand_size& what, address from, address to) const {
    copies all;
    if (!what.rows || !what.columns) {
        all.push_back(contiguous(from, to, what.part(rows_of(s).count, columns_of(s).count)));
        return all;
    }
    for (std::uint64_t strip = 0; strip < strips_of(s); ++strip) {
        const auto place = [&](address tile) { return place_of(tile, strip, 0, 0, what.element); };
        const copies moves = move_cells(strip_of(s, strip, what.element), place(from), place(to));
        all.insert(all.end(), moves.begin(), moves.end());
    }
    return all;
}

void contraction_stream::fetch_sums(const step& s, c_block& into) {
    l3_block& source = *m_l3.sums_of(c_key(s));
    if (source.pending > 0)
        settle_all();
    for (std::uint64_t strip = 0; strip < strips_of(s); ++strip) {
        const std::size_t begin = column_index(strip, 0);
        const std::size_t end = begin + static_cast<std::size_t>(ceil_div(columns_of(s).count, m_plan.fold_columns));
        dependences after;
        source.use.require_for_read(after);
        for (std::size_t column = begin; column < end; ++column)
            into.columns[column].require_for_write(after);
        const auto place = [&](address block) { return place_of(block, strip, 0, 0, m_sizes.accumulator); };
        bool first = true;
        for (const iface::copy_operands& move :
             move_cells(strip_of(s, strip, m_sizes.accumulator), place(source.base), place(into.base))) {
            const point p = m_out.copy(mover_of(s.lane, k_mover_of_results),
                                       static_cast<std::uint32_t>(ids_of(s).compute), move, after);
            source.use.note_read(p);
            for (std::size_t column = begin; column < end; ++column)
                into.columns[column].note_written(p, first);
            first = false;
        }
    }
    source.live = false; // the commands that fetch them are emitted
}

engine_id contraction_stream::next_loader() {
    return m_chip.dma[m_loads++ % (m_chip.dma.size() - m_plan.storers)];
}

engine_id contraction_stream::next_storer() {
    const std::size_t storers = all_loaded() ? m_chip.dma.size() : std::max<std::size_t>(1, m_plan.storers);
    return m_chip.dma[m_chip.dma.size() - storers + m_stored++ % storers];
}

std::size_t contraction_stream::movers_per_lane() const {
    return std::max<std::size_t>(1, m_chip.block_movers.size() / m_plan.lanes);
}

engine_id contraction_stream::mover_of(std::size_t lane_number, std::size_t number) const {
    const std::size_t per_lane = movers_per_lane();
    return m_chip.block_movers[(lane_number * per_lane + number % per_lane) % m_chip.block_movers.size()];
}

} // namespace kpu::fw
