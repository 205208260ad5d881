// The steps behind the sums: their operands on the way to L1, and the vector unit's commands.

#include "fw/loader/blocking_fit.h"
#include "fw/loader/contraction_stream.h"
#include "fw/loader/element_code.h"
#include "fw/loader/step_passes.h"

#include <array>
#include <utility>

namespace kpu::fw {

/// DRAM → L3 of what a block's steps need.
tile_slot& contraction_stream::fetch_steps(const step& s) {
    tile_slot& slot = m_l3.steps.oldest();
    m_l3.steps.assign(slot, {operand_role::steps, s.batch, s.row, s.column, 0});
    dependences free;
    slot.use.require_for_write(free);
    bool first = true;
    for (std::size_t i = 0; i < m_sizes.steps.size(); ++i) {
        dependences after = free;
        m_operands.steps[i].use->require_for_read(after);
        const address to = slot.base + step_operands_in_block(m_sizes, i, m_plan);
        for (const iface::copy_operands& move : loads_of_part(s, m_sizes.steps[i], m_operands.steps[i].place, to)) {
            slot.use.note_written(m_out.copy(next_loader(), steps_tag(s), move, after), first);
            first = false;
        }
    }
    return slot;
}

/// L3 → L2.
tile_slot* contraction_stream::move_steps(lane& to, const step& s) {
    tile_slot& source = fetch_steps(s);
    tile_slot& slot = to.l2_steps.oldest();
    to.l2_steps.assign(slot, source.key);
    dependences after;
    source.use.require_for_read(after);
    slot.use.require_for_write(after);
    bool first = true;
    for (std::size_t i = 0; i < m_sizes.steps.size(); ++i) {
        const bytes offset = step_operands_in_block(m_sizes, i, m_plan);
        for (const iface::copy_operands& move :
             moves_of_part(s, m_sizes.steps[i], source.base + offset, slot.base + offset)) {
            const point p = m_out.copy(mover_of(s.lane, k_mover_of_results), steps_tag(s), move, after);
            source.use.note_read(p);
            slot.use.note_written(p, first);
            first = false;
        }
    }
    return &slot;
}

address contraction_stream::step_operand_in_l1(const result_slot& slot, std::size_t number) const {
    const std::uint64_t part = m_sizes.steps[number].part(m_plan.fold_rows, m_plan.fold_columns);
    return slot.operands + step_operands_in_l1(m_sizes, number, m_plan) + bytes(slot.place * part);
}

/// L2 → L1, beside the folds: a group's part of each operand.
void contraction_stream::bring_step_operands(lane& l, const prepared_step& p, const fold_place& place) {
    result_slot& slot = *m_group.slot;
    dependences after;
    slot.operand_use.require_for_write(after);
    p.steps->use.require_for_read(after);
    const std::uint64_t row = (place.strip * m_plan.strip + place.first_row) * m_plan.fold_rows;
    const std::uint64_t column = place.column * m_plan.fold_columns;
    bool first = true;
    for (std::size_t i = 0; i < m_sizes.steps.size(); ++i) {
        const operand_size& what = m_sizes.steps[i];
        const address tile = p.steps->base + step_operands_in_block(m_sizes, i, m_plan);
        const address to = step_operand_in_l1(slot, i);
        copies moves;
        if (what.rows && what.columns) {
            cell_strip cells = m_group.cells;
            cells.element = what.element;
            moves = move_cells(cells, place_of(tile, place.strip, place.first_row, place.column, what.element),
                               {to, fold_cells() * what.element, 0});
        } else {
            const std::uint64_t offset = (what.rows ? row : what.columns ? column : 0) * what.element;
            moves.push_back(contiguous(tile + bytes(offset), to, what.part(m_group.cells.rows, m_group.cells.columns)));
        }
        for (const iface::copy_operands& move : moves) {
            const point read = m_out.copy(l.streamer(stream_role::seed), steps_tag(p.at), move, after);
            p.steps->use.note_read(read);
            slot.operand_use.note_written(read, first);
            first = false;
        }
    }
}

/// A function of a group's cells, in one command where they touch each other in both places. Returns the last command.
point contraction_stream::apply(lane& l, const cell_strip& cells, const cell_place& from, const cell_place& to,
                                const cell_function& what, std::uint32_t tag, const dependences& after) {
    const std::uint64_t full = m_plan.fold_rows * cells.columns;
    const bool touching = from.down == full * size_of(what.from) && to.down == full * size_of(what.to);
    const std::uint64_t rows = touching ? cells.rows : m_plan.fold_rows;
    const auto strides = [&](std::uint64_t element, bool along_rows, bool along_columns) {
        return std::array<std::uint32_t, iface::k_vector_dims>{
            0, static_cast<std::uint32_t>(along_rows ? (along_columns ? cells.columns : 1) * element : 0),
            static_cast<std::uint32_t>(along_columns ? element : 0)};
    };
    iface::vector_operands vector;
    vector.function = what.function;
    vector.from = code_of(what.from);
    vector.to = code_of(what.to);
    set_numbers(vector, what.low, what.high);
    vector.source.stride = strides(size_of(what.from), what.operand != nullptr, true);
    vector.destination.stride = strides(size_of(what.to), what.operand != nullptr, true);
    point last;
    for (std::uint64_t row = 0; row * rows < cells.rows; ++row) {
        const std::uint64_t count = piece(cells.rows, rows, row).count;
        vector.count = {1, 1, static_cast<std::uint32_t>(count * cells.columns)};
        vector.source.base = from.first + bytes(row * from.down);
        vector.destination.base = to.first + bytes(row * to.down);
        if (what.operand != nullptr) {
            vector.count = {1, static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(cells.columns)};
            const operand_size& o = *what.operand;
            const std::uint64_t down = o.rows ? o.part(m_plan.fold_rows, m_plan.fold_columns) : 0;
            vector.operand = {what.argument + bytes(row * down), strides(o.element, o.rows, o.columns)};
            if (what.operand_first)
                std::swap(vector.source, vector.operand);
        }
        last = m_out.vector(l.tile->vector_unit, tag, vector, after);
        if (what.operand_first)
            std::swap(vector.source, vector.operand);
    }
    return last;
}

/// The steps that follow the sum, and its rounding: in place, each behind the one before.
void contraction_stream::finish_results(lane& l, pending_drain& drain, bool full_width) {
    result_slot& slot = l.results[drain.slot];
    const auto pass = [&](const cell_function& what) {
        dependences after;
        after.read_after_write.add(drain.after);
        if (what.operand != nullptr)
            slot.operand_use.require_for_read(after);
        cell_place to = drain.from;
        if (full_width && what.to != what.from)
            to.down = fold_cells() * size_of(what.to); // packed: one command does the next step
        drain.after = apply(l, drain.cells, drain.from, to, what, drain.tag, after);
        drain.from = to;
        slot.use.note_more_written(drain.after);
        if (what.operand != nullptr)
            slot.operand_use.note_read(drain.after);
    };
    for (const step_pass& p : passes_of(m_work.steps, m_work.accumulator, m_work.result)) {
        cell_function what{code_of(p.step.function), p.from, p.step.result, p.step.low, p.step.high};
        if (p.step.operand) {
            const auto number = static_cast<std::size_t>(*p.step.operand);
            what.operand = &m_sizes.steps[number];
            what.argument = step_operand_in_l1(slot, number);
            what.operand_first = p.step.operand_first;
        }
        pass(what);
    }
}

} // namespace kpu::fw
