#include "fw/loader/rearrange_stream.h"

#include "fw/loader/descriptor_field.h"

#include <algorithm>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_most_rows = std::uint64_t{1} << 31; ///< that an index can name

/// Box number `index` of an input, innermost boxes first.
operand_box box_number(const rearranged_input& input, std::uint64_t index) {
    operand_box box;
    for (std::size_t d = 4; d-- > 0;) {
        const std::uint64_t pieces = ceil_div(input.from.dims[d], input.box[d]);
        const std::uint64_t first = index % pieces * input.box[d];
        box.first[d] = static_cast<std::int64_t>(first);
        box.count[d] = std::min(input.box[d], input.from.dims[d] - first);
        index /= pieces;
    }
    return box;
}

std::uint64_t boxes_of(const rearranged_input& input) {
    std::uint64_t all = 1;
    for (std::size_t d = 0; d < 4; ++d)
        all *= ceil_div(input.from.dims[d], input.box[d]);
    return all;
}

} // namespace

rearrange_stream::rearrange_stream(const machine& chip, const rearrange_plan& plan, const tensor_table& tensors,
                                   emitter& out)
    : m_chip(chip), m_plan(plan), m_tensors(tensors), m_out(out), m_tag(static_cast<std::uint32_t>(plan.op_id)),
      m_before(earlier_uses(tensors.at(plan.output.tensor), chip, out)) {
    const point_set earlier = out.latest(chip, {iface::engine_kind::dma, iface::engine_kind::block_mover});
    for (std::size_t i = 0; i < plan.slots; ++i)
        m_slots.push_back({chip.l3.base + plan.slot * i, usage(earlier)});
}

bool rearrange_stream::advance() {
    if (m_done)
        return false;
    if (!m_begun)
        fill_zeros();
    m_begun = true;
    const rearranged_input& input = m_plan.inputs[m_input];
    load(input, box_number(input, m_box));
    if (++m_box == boxes_of(input)) {
        m_box = 0;
        m_done = ++m_input == m_plan.inputs.size();
    }
    // stores follow their loads at a distance, so that no engine's next load queues behind a store that waits
    const std::size_t lag = m_done ? 0 : m_slots.size() / 2;
    for (; m_loaded.size() > lag; m_loaded.pop_front())
        store(m_loaded.front());
    return true;
}

void rearrange_stream::fill_zeros() {
    const placed_tensor& tensor = m_tensors.at(m_plan.output.tensor);
    dependences after;
    after.write_after.merge(m_before);
    for (const box_in_tensor& zeros : m_plan.zeros) {
        const point p = m_out.fill(next_engine(), m_tag, fill_box(tensor.base, m_plan.output, zeros, 0), after);
        tensor.use->note_more_written(p);
        if (m_plan.zeros_first)
            m_before.add(p);
    }
}

void rearrange_stream::load(const rearranged_input& input, const operand_box& box) {
    const placed_tensor& tensor = m_tensors.at(input.from.tensor);
    slot& to = m_slots[m_next_slot];
    m_next_slot = (m_next_slot + 1) % m_slots.size();
    dependences after;
    tensor.use->require_for_read(after);
    to.use.require_for_write(after);
    to.use.note_overwrite(
        m_plan.gather
            ? gather(input, box, to.base, after)
            : m_out.copy(next_engine(), m_tag,
                         load_box(tensor.base, input.from, clipped(box, input.from.dims), box, to.base), after));
    m_loaded.push_back({&input, box, &to});
}

/// Which rows are read is known to the engine only: all of the tensor has to be there, and its indices.
point rearrange_stream::gather(const rearranged_input& input, const operand_box& box, address to, dependences& after) {
    const placed_tensor& indices = m_tensors.at(m_plan.gather->indices);
    indices.use->require_for_read(after);
    const std::uint64_t element = size_of(input.from.type);
    const auto n = static_cast<std::uint64_t>(box.first[1]);
    const auto first = static_cast<std::uint64_t>(box.first[2]);
    iface::gather_operands rows;
    rows.count = count_field(box.count[2]);
    rows.run = count_field(box.count[3] * element);
    rows.rows = static_cast<std::uint32_t>(std::min(m_plan.gather->rows, k_most_rows));
    rows.pitch = input.from.dims[3] * element;
    rows.indices = indices.base + bytes((n * input.from.dims[2] + first) * sizeof(std::int32_t));
    rows.source = m_tensors.at(input.from.tensor).base +
                  bytes(n * m_plan.gather->rows * rows.pitch + static_cast<std::uint64_t>(box.first[3]) * element);
    rows.destination = to;
    return m_out.gather(next_engine(), m_tag, rows, after);
}

void rearrange_stream::store(const departure& d) {
    const placed_tensor& tensor = m_tensors.at(m_plan.output.tensor);
    dependences after;
    d.at->use.require_for_read(after);
    after.write_after.merge(m_before);
    const point p = m_out.copy(next_engine(), m_tag,
                               store_placed(tensor.base, m_plan.output, d.box, d.at->base, d.input->place), after);
    d.at->use.note_read(p);
    tensor.use->note_more_written(p);
}

} // namespace kpu::fw
