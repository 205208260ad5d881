#include "fw/loader/vector_stream.h"

#include "fw/loader/blocking.h"
#include "fw/loader/boxes.h"

#include <algorithm>

namespace kpu::fw {

namespace {

// Streamers of a compute tile, where it has enough of them.
constexpr std::size_t k_row_role = 0, k_column_role = 1, k_fill_role = 2, k_drain_role = 3;

} // namespace

vector_stream::vector_stream(const machine& chip, const vector_plan& plan, const tensor_table& tensors, emitter& out)
    : m_chip(chip), m_plan(plan), m_tensors(tensors), m_out(out), m_tag(static_cast<std::uint32_t>(plan.work.op_id)),
      m_before(earlier_uses(tensors.at(plan.work.output.tensor), chip, out)),
      m_lag(plan.l1[plan.buffers.result].count > 1 ? plan.lanes : 0), m_loaders(loaders_among(chip.dma.size())) {
    using iface::engine_kind;
    const point_set l3 = out.latest(chip, {engine_kind::dma, engine_kind::block_mover});
    const point_set l2 = out.latest(chip, {engine_kind::block_mover, engine_kind::streamer});
    const point_set l1 = out.latest(chip, {engine_kind::streamer, engine_kind::array, engine_kind::vector});
    if (plan.ring.slabs > 0)
        m_ring.emplace(padded_input_of(plan), plan.ring, chip.l3.base, l3, chip.dma);
    const bytes l3_share = share_of_l3(chip, plan);
    for (std::size_t i = 0; i < plan.lanes; ++i) {
        lane_state lane;
        lane.tile = &chip.tiles.at(i);
        const address homes[] = {lane.tile->row.base, lane.tile->column.base, lane.tile->result.base};
        for (std::size_t b = 0; b < plan.l1.size(); ++b)
            lane.l1.emplace_back(homes[plan.l1_home[b]], plan.l1[b], l1);
        for (const slot_range& range : plan.l2)
            lane.l2.emplace_back(chip.l2.base + share_of_l2(chip.l2, plan.lanes, i).offset, range, l2);
        for (const slot_range& range : plan.l3)
            lane.l3.emplace_back(chip.l3.base + plan.ring.size + l3_share * i, range, l3);
        lane.resident.resize(plan.work.inputs.size());
        m_lanes.push_back(std::move(lane));
    }
}

bool vector_stream::advance() {
    if (m_done)
        return false;
    // lanes work on one tile each, chunk by chunk together
    const std::uint64_t number = m_first_of_round + m_tile;
    begin_tile(static_cast<std::size_t>(m_tile), m_plan.tile(number, m_chunk));
    const std::uint64_t in_round = std::min<std::uint64_t>(m_plan.lanes, m_plan.tiles() - m_first_of_round);
    if (++m_tile == in_round) {
        m_tile = 0;
        if (++m_chunk == m_plan.chunks()) {
            m_chunk = 0;
            m_first_of_round += in_round;
        }
    }
    m_done = m_first_of_round == m_plan.tiles();
    send_out(m_done ? 0 : m_lag);
    return true;
}

void vector_stream::begin_tile(std::size_t lane_number, const vector_tile& tile) {
    for (std::size_t input = 0; input < m_plan.work.inputs.size(); ++input)
        bring(lane_number, input, tile);
    compute(lane_number, tile);
    if (tile.closes)
        m_computed.push_back({lane_number, tile, &m_lanes[lane_number].l1[m_plan.buffers.result].current()});
}

void vector_stream::bring(std::size_t lane_number, std::size_t input, const vector_tile& tile) {
    lane_state& lane = m_lanes[lane_number];
    const operand_box box = box_of(m_plan.work, input, tile);
    if (lane.resident[input] && *lane.resident[input] == box)
        return;
    lane.resident[input] = box;
    slot& in_l2 = lane.l2[input].take();
    slot& in_l1 = lane.l1[input].take();
    const std::uint64_t size = box.elements() * size_of(m_plan.work.inputs[input].type);
    const auto forward = [&](engine_id engine, slot& from, slot& to) {
        dependences after;
        from.use.require_for_read(after);
        to.use.require_for_write(after);
        const point p = m_out.copy(engine, m_tag, contiguous(from.base, to.base, size), after);
        from.use.note_read(p);
        to.use.note_overwrite(p);
    };
    if (input == 0 && m_ring) {
        copy_from_ring(lane_number, tile, box, in_l2);
    } else {
        slot& in_l3 = lane.l3[input].take();
        load(input, box, in_l3);
        forward(mover(lane_number, input == 0 ? 0 : 1), in_l3, in_l2);
    }
    forward(streamer(lane, input == 0 ? k_row_role : k_column_role), in_l2, in_l1);
}

void vector_stream::copy_from_ring(std::size_t lane_number, const vector_tile& tile, const operand_box& box, slot& to) {
    const placed_tensor& tensor = m_tensors.at(m_plan.work.inputs[0].tensor);
    const extent rows = rows_of(m_plan, tile);
    const extent chunks = m_ring->chunks_of(rows);
    for (std::uint64_t chunk = chunks.first; chunk < chunks.first + chunks.count; ++chunk)
        if (!m_ring->holds(chunk))
            m_ring->load(chunk, tensor.base, *tensor.use, loader(), m_tag, m_out);
    dependences after;
    to.use.require_for_write(after);
    bool first = true;
    const extent line{tile.first[2] * m_plan.work.window.stride[1], box.count[2]};
    m_ring->copy_box(rows, line, box.count[3], to.base, {mover(lane_number, 0), m_tag, after}, m_out, [&](point p) {
        to.use.note_written(p, first);
        first = false;
    });
}

/// DRAM → L3, packed, with what lies around the tensor.
void vector_stream::load(std::size_t input, const operand_box& box, slot& to) {
    const vector_operand& operand = m_plan.work.inputs[input];
    const placed_tensor& tensor = m_tensors.at(operand.tensor);
    const box_in_tensor part = clipped(box, operand.dims);
    dependences after;
    to.use.require_for_write(after);
    const engine_id engine = loader();
    bool first = true;
    if (part.elements() < box.elements()) {
        const std::uint64_t size = box.elements() * size_of(operand.type);
        to.use.note_overwrite(
            m_out.fill(engine, m_tag, contiguous_fill(to.base, size, border_pattern(m_plan.work)), after));
        first = false;
        after = {};
    }
    if (part.elements() == 0)
        return;
    tensor.use->require_for_read(after);
    const point p = m_out.copy(engine, m_tag, load_box(tensor.base, operand, part, box, to.base), after);
    if (first)
        to.use.note_overwrite(p);
    else
        to.use.note_more_written(p);
}

void vector_stream::compute(std::size_t lane_number, const vector_tile& tile) {
    lane_state& lane = m_lanes[lane_number];
    if (tile.opens)
        lane.l1[m_plan.buffers.result].take();
    for (const tile_command& command : commands_of(m_plan.work, tile))
        emit(lane, command);
}

void vector_stream::emit(lane_state& lane, const tile_command& command) {
    slot& to = buffer(lane, command.destination.buffer);
    dependences after;
    if (command.fills) {
        to.use.require_for_write(after);
        to.use.note_overwrite(m_out.fill(streamer(lane, k_fill_role), m_tag,
                                         contiguous_fill(to.base, command.fill_size.value(), 0), after));
        return;
    }
    iface::vector_operands vector = command.vector;
    const auto bind = [&](const buffer_side& side) {
        return iface::vector_side{buffer(lane, side.buffer).base + bytes(side.offset), side.stride};
    };
    slot& from = buffer(lane, command.source.buffer);
    vector.source = bind(command.source);
    vector.destination = bind(command.destination);
    from.use.require_for_read(after);
    if (command.has_operand()) {
        vector.operand = bind(command.operand);
        buffer(lane, command.operand.buffer).use.require_for_read(after);
    }
    // a command may add to what is there
    to.use.require_for_read(after);
    to.use.require_for_write(after);
    const point p = m_out.vector(lane.tile->vector_unit, m_tag, vector, after);
    from.use.note_read(p);
    if (command.has_operand())
        buffer(lane, command.operand.buffer).use.note_read(p);
    to.use.note_overwrite(p);
}

void vector_stream::send_out(std::size_t lag) {
    while (m_moved.size() > lag) {
        store(m_moved.front());
        m_moved.pop_front();
    }
    while (m_drained.size() > lag) {
        move_out(m_drained.front());
        m_drained.pop_front();
    }
    while (m_computed.size() > lag) {
        drain(m_computed.front());
        m_computed.pop_front();
    }
    if (lag == 0 && (!m_drained.empty() || !m_moved.empty()))
        send_out(0);
}

void vector_stream::drain(const departure& d) {
    lane_state& lane = m_lanes[d.lane];
    slot& to = lane.l2[m_plan.buffers.result].take();
    const std::uint64_t size = d.tile.count[1] * d.tile.count[2] * d.tile.count[3] * size_of(m_plan.work.output.type);
    dependences after;
    d.at->use.require_for_read(after);
    to.use.require_for_write(after);
    const point p = m_out.copy(streamer(lane, k_drain_role), m_tag, contiguous(d.at->base, to.base, size), after);
    d.at->use.note_read(p);
    to.use.note_overwrite(p);
    m_drained.push_back({d.lane, d.tile, &to});
}

void vector_stream::move_out(const departure& d) {
    lane_state& lane = m_lanes[d.lane];
    slot& to = lane.l3[m_plan.buffers.result].take();
    const std::uint64_t size = d.tile.count[1] * d.tile.count[2] * d.tile.count[3] * size_of(m_plan.work.output.type);
    dependences after;
    d.at->use.require_for_read(after);
    to.use.require_for_write(after);
    const point p = m_out.copy(mover(d.lane, 2), m_tag, contiguous(d.at->base, to.base, size), after);
    d.at->use.note_read(p);
    to.use.note_overwrite(p);
    m_moved.push_back({d.lane, d.tile, &to});
}

void vector_stream::store(const departure& d) {
    const placed_tensor& tensor = m_tensors.at(m_plan.work.output.tensor);
    operand_box box;
    for (std::size_t i = 0; i < 4; ++i) {
        box.first[i] = static_cast<std::int64_t>(d.tile.first[i]);
        box.count[i] = d.tile.count[i];
    }
    dependences after;
    d.at->use.require_for_read(after);
    after.write_after.merge(m_before);
    const point p = m_out.copy(storer(), m_tag, store_box(tensor.base, m_plan.work.output, box, d.at->base), after);
    d.at->use.note_read(p);
    tensor.use->note_more_written(p);
}

engine_id vector_stream::storer() {
    if (m_chip.dma.size() == m_loaders)
        return m_chip.dma[m_stores++ % m_loaders];
    return m_chip.dma[m_loaders + m_stores++ % (m_chip.dma.size() - m_loaders)];
}

engine_id vector_stream::mover(std::size_t lane_number, std::size_t role) const {
    const std::size_t movers = m_chip.block_movers.size();
    const std::size_t per_lane = std::max<std::size_t>(1, movers / m_plan.lanes);
    return m_chip.block_movers[(lane_number * per_lane + role % per_lane) % movers];
}

engine_id vector_stream::streamer(const lane_state& lane, std::size_t role) const {
    return lane.tile->streamers[std::min(role, lane.tile->streamers.size() - 1)];
}

} // namespace kpu::fw
