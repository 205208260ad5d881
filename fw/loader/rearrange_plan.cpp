#include "fw/loader/rearrange_plan.h"

#include "platforms/common/diagnostic.h"

#include <algorithm>
#include <fmt/format.h>

namespace kpu::fw {

namespace {

constexpr std::uint64_t k_slot_alignment = 64;
/// Boxes are large enough to hide a DMA engine's start and small enough that loads and stores overlap.
constexpr std::uint64_t k_largest_box = 1 << 16;
constexpr std::size_t k_slots_per_engine = 3;

/// Dimensions of the result in groups that stay together: neighbours that are neighbours in the input too and of which
/// nothing is padded or concatenated within.
class grouped_dimensions {
  public:
    grouped_dimensions(const dfx::compute_op& op, const shape& input, const shape& result) : m_op(op) {
        for (std::size_t d = 0; d < result.size(); ++d) {
            if (d > 0 && axis(d) == axis(d - 1) + 1 && whole(d, input, result))
                m_groups.back().second = d + 1;
            else
                m_groups.emplace_back(d, d + 1);
        }
    }
    [[nodiscard]] std::size_t size() const { return m_groups.size(); }
    /// First result dimension of group g.
    [[nodiscard]] std::size_t first(std::size_t g) const { return m_groups[g].first; }
    /// The product of `dims`, of result dimensions, over group g.
    template <class Extent>
    [[nodiscard]] std::uint64_t product(std::size_t g, Extent extent) const {
        std::uint64_t all = 1;
        for (std::size_t d = m_groups[g].first; d < m_groups[g].second; ++d)
            all *= extent(d);
        return all;
    }
    [[nodiscard]] std::size_t axis(std::size_t d) const {
        return m_op.axes.empty() ? d : static_cast<std::size_t>(m_op.axes[d]);
    }

  private:
    /// Dimension d takes part as a whole: it may be the inner one of a group.
    [[nodiscard]] bool whole(std::size_t d, const shape& input, const shape& result) const {
        return input[axis(d)] == result[d] && (m_op.before.empty() || m_op.before[d] == 0);
    }
    const dfx::compute_op& m_op;
    std::vector<std::pair<std::size_t, std::size_t>> m_groups;
};

[[noreturn]] void refuse(const dfx::compute_op& op, std::size_t dimensions) {
    diagnostic problem;
    problem.message = "operation " + std::to_string(op.op_id) + " (" + std::string(name_of(op.type)) + ") moves " +
                      std::to_string(dimensions) + " dimensions apart from each other";
    problem.expected = "at most 4";
    throw input_error(std::move(problem));
}

/// The input's and the result's dimensions, four of each. `along`: where in the result's concatenated dimension the
/// input begins.
rearranged_input input_of(const dfx::program& p, const dfx::compute_op& op, std::size_t number, std::uint64_t along,
                          vector_operand& output) {
    const dfx::tensor_descriptor& in = *p.find(op.inputs[number].tensor_name);
    const shape& result = p.find(op.output.tensor_name)->dims;
    const grouped_dimensions groups(op, in.dims, result);
    if (groups.size() > 4)
        refuse(op, groups.size());
    rearranged_input one;
    one.from.tensor = in.name;
    one.from.type = in.type;
    output.dims = {1, 1, 1, 1};
    const std::size_t padding = 4 - groups.size();
    std::vector<std::size_t> order; // groups by the place of their dimensions in the input
    for (std::size_t g = 0; g < groups.size(); ++g)
        order.push_back(g);
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
        return groups.axis(groups.first(x)) < groups.axis(groups.first(y));
    });
    for (std::size_t d = 0; d < padding; ++d)
        one.place.source[d] = d;
    for (std::size_t place = 0; place < order.size(); ++place) {
        const std::size_t g = order[place];
        one.place.source[padding + g] = padding + place;
        one.from.dims[padding + place] = groups.product(g, [&](std::size_t d) { return in.dims[groups.axis(d)]; });
        output.dims[padding + g] = groups.product(g, [&](std::size_t d) { return result[d]; });
        // only a group's first dimension may begin elsewhere than at 0
        const std::size_t d = groups.first(g);
        const std::uint64_t inner = output.dims[padding + g] / result[d];
        const std::uint64_t begin = (op.before.empty() ? 0 : op.before[d]) + (d == op.along ? along : 0);
        one.place.offset[padding + g] = begin * inner;
    }
    return one;
}

/// Boxes of at most `limit` bytes: outer dimensions are cut first.
quad box_within(const vector_operand& from, std::uint64_t limit) {
    quad box = from.dims;
    const auto size = [&] { return box[0] * box[1] * box[2] * box[3] * size_of(from.type); };
    for (std::size_t d = 0; d < 4; ++d)
        while (box[d] > 1 && size() > limit)
            box[d] = ceil_div(box[d], 2);
    return box;
}

/// What of the result lies around `inner`, as boxes without overlap.
std::vector<box_in_tensor> around(const box_in_tensor& inner, const quad& dims) {
    std::vector<box_in_tensor> all;
    box_in_tensor rest{{}, dims};
    for (std::size_t d = 0; d < 4; ++d) {
        const std::uint64_t end = inner.first[d] + inner.count[d];
        for (const auto& [first, count] :
             {std::pair{std::uint64_t{0}, inner.first[d]}, std::pair{end, dims[d] - end}}) {
            box_in_tensor slab = rest;
            slab.first[d] = first;
            slab.count[d] = count;
            if (count > 0)
                all.push_back(slab);
        }
        rest.first[d] = inner.first[d];
        rest.count[d] = inner.count[d];
    }
    return all;
}

/// As many slots as keep the engines busy, or fewer where L3 has no room for these. Throws input_error where it has
/// none for one.
void cut_slots(const machine& chip, const dfx::compute_op& op, rearrange_plan& plan) {
    const std::uint64_t units = chip.l3.size.value() / k_slot_alignment;
    if (units == 0) {
        diagnostic problem;
        problem.where.file = "chip";
        problem.message =
            fmt::format("the platform is too small for a box of operation {} ({})", op.op_id, name_of(op.type));
        problem.text = fmt::format("L3 {} B, beside tensors that stay there", chip.l3.size.value());
        problem.expected = fmt::format("at least {} B", k_slot_alignment);
        throw input_error(std::move(problem));
    }
    const std::uint64_t wanted = std::max<std::uint64_t>(2, k_slots_per_engine * chip.dma.size());
    plan.slots = static_cast<std::size_t>(std::min(wanted, units));
    plan.slot = bytes(std::min(k_largest_box, units / plan.slots * k_slot_alignment));
}

/// The tensor's dimensions behind as many of extent 1 as make four.
vector_operand operand_of(const dfx::tensor_descriptor& t) {
    vector_operand operand{t.name, t.type, {1, 1, 1, 1}};
    std::copy(t.dims.begin(), t.dims.end(), operand.dims.end() - static_cast<std::ptrdiff_t>(t.dims.size()));
    return operand;
}

/// What lies between the elements is zero before they come; `parts` boxes of it.
void plan_spread(const dfx::program& p, const dfx::compute_op& op, std::uint64_t parts, rearrange_plan& plan) {
    rearranged_input one;
    one.from = operand_of(*p.find(op.inputs.front().tensor_name));
    plan.output = operand_of(*p.find(op.output.tensor_name));
    for (std::size_t d = 0; d < 2; ++d) {
        const std::uint64_t stride = op.window.stride[d];
        one.place.step[d + 1] = -static_cast<std::int64_t>(stride);
        one.place.offset[d + 1] = op.window.before[d] + stride * (one.from.dims[d + 1] - 1);
    }
    one.box = box_within(one.from, plan.slot.value());
    if (one.from.dims != plan.output.dims) {
        plan.zeros_first = true;
        const quad& dims = plan.output.dims;
        const std::uint64_t rows = ceil_div(dims[1], parts);
        for (std::uint64_t first = 0; first < dims[1]; first += rows)
            plan.zeros.push_back({{0, first, 0, 0}, {dims[0], std::min(rows, dims[1] - first), dims[2], dims[3]}});
    }
    plan.inputs.push_back(std::move(one));
}

void plan_gather(const dfx::program& p, const dfx::compute_op& op, rearrange_plan& plan) {
    const dfx::tensor_descriptor& values = *p.find(op.inputs[0].tensor_name);
    plan.gather = gathered_rows{op.inputs[1].tensor_name, values.dims[1]};
    plan.output = operand_of(*p.find(op.output.tensor_name));
    rearranged_input one;
    one.from = plan.output;
    one.from.tensor = values.name;
    one.box = plan.output.dims;
    one.box[0] = one.box[1] = 1;
    one.box[2] = std::min<std::uint64_t>(one.box[2], iface::k_most_indices);
    const vector_operand rows{one.from.tensor, one.from.type, one.box};
    one.box = box_within(rows, plan.slot.value());
    plan.inputs.push_back(std::move(one));
}

void plan_inputs(const dfx::program& p, const dfx::compute_op& op, rearrange_plan& plan) {
    std::uint64_t along = 0;
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        rearranged_input one = input_of(p, op, i, along, plan.output);
        one.box = box_within(one.from, plan.slot.value());
        const shape& dims = p.find(op.inputs[i].tensor_name)->dims;
        along += dims.empty() ? 0 : dims[op.axes.empty() ? op.along : op.axes[op.along]];
        plan.inputs.push_back(std::move(one));
    }
    if (!op.before.empty()) {
        const rearranged_input& only = plan.inputs.front();
        box_in_tensor inner;
        for (std::size_t d = 0; d < 4; ++d) {
            inner.first[d] = only.place.offset[d];
            inner.count[d] = only.from.dims[only.place.source[d]];
        }
        plan.zeros = around(inner, plan.output.dims);
    }
}

} // namespace

rearrange_plan plan_rearrangement(const machine& chip, const dfx::program& p, const dfx::compute_op& op) {
    rearrange_plan plan;
    plan.op_id = op.op_id;
    plan.type = op.type;
    const dfx::tensor_descriptor& out = *p.find(op.output.tensor_name);
    plan.output.tensor = out.name;
    plan.output.type = out.type;
    cut_slots(chip, op, plan);
    if (op.type == dfx::compute_type::spread_tile)
        plan_spread(p, op, chip.dma.size(), plan);
    else if (op.type == dfx::compute_type::gather_tile)
        plan_gather(p, op, plan);
    else
        plan_inputs(p, op, plan);
    return plan;
}

std::string to_string(const rearrange_plan& plan) {
    const quad& box = plan.inputs.front().box;
    return fmt::format("{} of {} input(s) in boxes of {}x{}x{}x{}, {} slots of {} bytes in L3", name_of(plan.type),
                       plan.inputs.size(), box[0], box[1], box[2], box[3], plan.slots, plan.slot.value());
}

} // namespace kpu::fw
