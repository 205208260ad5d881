#include "fw/loader/vector_work.h"

#include "platforms/common/diagnostic.h"

#include <algorithm>

namespace kpu::fw {

namespace {

using dfx::compute_type;

vector_operand operand_of(const dfx::program& p, const dfx::tensor_region& r) {
    const dfx::tensor_descriptor& t = *p.find(r.tensor_name);
    return {r.tensor_name, t.type, {1, 1, 1, 1}};
}

/// Dimensions of the result and of each operand, which are joined together as long as all of them are walked alike.
class dimension_joiner {
  public:
    explicit dimension_joiner(const shape& result) : m_result(result) {}

    /// Extents are the result's or 1.
    void add(const shape& operand) { m_operands.push_back(operand); }

    /// The groups of adjacent dimensions: first and end. `apart` is never joined.
    [[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> groups(std::size_t apart) const {
        std::vector<std::pair<std::size_t, std::size_t>> all;
        std::size_t last = m_result.size(); // of the group's dimensions that have more than one index
        for (std::size_t d = 0; d < m_result.size(); ++d) {
            const bool unlike = m_result[d] > 1 && last < d && !alike(last, d);
            if (!all.empty() && d != apart && all.back().second != apart + 1 && !unlike) {
                all.back().second = d + 1;
            } else {
                all.emplace_back(d, d + 1);
                last = m_result.size();
            }
            if (m_result[d] > 1)
                last = d;
        }
        return all;
    }

  private:
    [[nodiscard]] bool alike(std::size_t x, std::size_t y) const {
        return std::all_of(m_operands.begin(), m_operands.end(), [&](const shape& operand) {
            const auto whole = [&](std::size_t d) { return operand[d] == m_result[d]; };
            const auto single = [&](std::size_t d) { return operand[d] == 1; };
            return (whole(x) && whole(y)) || (single(x) && single(y));
        });
    }

    const shape& m_result;
    std::vector<shape> m_operands;
};

[[noreturn]] void refuse(const dfx::compute_op& op, std::size_t dimensions) {
    diagnostic problem;
    problem.message = "operation " + std::to_string(op.op_id) + " (" + std::string(name_of(op.type)) + ") has " +
                      std::to_string(dimensions) + " dimensions that its operands walk differently";
    problem.expected = "at most 4";
    throw input_error(std::move(problem));
}

quad joined(const shape& dims, const std::vector<std::pair<std::size_t, std::size_t>>& groups) {
    quad all{1, 1, 1, 1};
    for (std::size_t g = 0; g < groups.size(); ++g)
        for (std::size_t d = groups[g].first; d < groups[g].second; ++d)
            all[4 - groups.size() + g] *= dims[d];
    return all;
}

/// Element-wise operations, reductions and softmax: any rank.
void join_dimensions(const dfx::program& p, const dfx::compute_op& op, vector_work& work) {
    const auto dims_of = [&](const dfx::tensor_region& r) -> const shape& { return p.find(r.tensor_name)->dims; };
    const shape& result = dims_of(op.output);
    const std::size_t rank = result.size();
    const bool has_axis = op.type != compute_type::elementwise;
    const std::size_t axis = has_axis ? static_cast<std::size_t>(op.axes.front()) : rank;
    dimension_joiner joiner(result);
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        shape dims = dims_of(op.inputs[i]);
        if (has_axis && i == 0)
            dims[axis] = result[axis];
        joiner.add(dims);
    }
    const auto groups = joiner.groups(axis);
    // dimension 0 is walked tile by tile, so that an axis lies behind it
    const std::size_t most = has_axis && !groups.empty() && groups.front().first == axis ? 3 : 4;
    if (groups.size() > most)
        refuse(op, groups.size());
    work.output.dims = joined(result, groups);
    for (std::size_t i = 0; i < op.inputs.size(); ++i)
        work.inputs[i].dims = joined(dims_of(op.inputs[i]), groups);
    for (std::size_t g = 0; g < groups.size(); ++g)
        if (groups[g].first == axis)
            work.axis = 4 - groups.size() + g;
    if (has_axis)
        work.axis_extent = dims_of(op.inputs.front())[axis];
}

std::array<std::uint64_t, 2> pair_of(const std::vector<std::uint64_t>& list) {
    return {list.at(0), list.at(1)};
}

/// Windows over [n, h, w, c]; W[kh, kw, c] becomes [1, kh, kw, c], further operands end with their channels.
void take_window(const dfx::program& p, const dfx::compute_op& op, vector_work& work) {
    const auto quad_of = [&](const dfx::tensor_region& r) {
        const shape& dims = p.find(r.tensor_name)->dims;
        quad all{1, 1, 1, 1};
        std::copy(dims.begin(), dims.end(), all.end() - static_cast<std::ptrdiff_t>(dims.size()));
        return all;
    };
    for (std::size_t i = 0; i < op.inputs.size(); ++i)
        work.inputs[i].dims = quad_of(op.inputs[i]);
    work.output.dims = quad_of(op.output);
    work.window = {pair_of(op.window.kernel), pair_of(op.window.stride), pair_of(op.window.dilation),
                   pair_of(op.window.before)};
    work.multiplier = work.output.dims[3] / work.inputs.front().dims[3];
}

} // namespace

bool needs_rows(const vector_work& work) {
    return work.type == compute_type::softmax_tile || work.type == compute_type::layernorm_tile;
}

bool runs_on_vector_unit(const dfx::compute_op& op) {
    switch (op.type) {
    case compute_type::elementwise:
    case compute_type::reduction:
    case compute_type::softmax_tile:
    case compute_type::layernorm_tile:
    case compute_type::depthwise_conv2d_tile:
    case compute_type::pool2d_tile:
        return true;
    case compute_type::matmul_tile:
    case compute_type::conv_tile:
    case compute_type::rearrange_tile:
    case compute_type::spread_tile:
    case compute_type::gather_tile:
        break;
    }
    return false;
}

vector_work vector_work_of(const dfx::program& p, const dfx::compute_op& op) {
    vector_work work;
    work.type = op.type;
    work.op_id = op.op_id;
    work.biased = op.biased;
    work.combine = op.combine;
    work.steps = op.steps;
    for (const dfx::tensor_region& r : op.inputs)
        work.inputs.push_back(operand_of(p, r));
    work.output = operand_of(p, op.output);
    work.accumulator = accumulator_of(work.inputs.front().type);
    if (op.type == compute_type::depthwise_conv2d_tile || op.type == compute_type::pool2d_tile)
        take_window(p, op, work);
    else
        join_dimensions(p, op, work);
    return work;
}

} // namespace kpu::fw
