#include "compiler/dfx/program.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <tuple>

namespace kpu::dfx {

const tensor_descriptor* program::find(const std::string& tensor_name) const {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const tensor_descriptor& t) { return t.name == tensor_name; });
    return found == tensors.end() ? nullptr : &*found;
}

bool has_operators(const std::string& version) {
    return reaches(version, 1);
}

bool has_checksums(const std::string& version) {
    return reaches(version, 3);
}

bool reaches(const std::string& version, unsigned minor) {
    unsigned own = 0;
    const char* const end = version.data() + version.size();
    return version.rfind("2.", 0) == 0 && std::from_chars(version.data() + 2, end, own).ptr == end && own >= minor;
}

namespace {

bool is_batched_or_seeded(const compute_op& whole) {
    return whole.type == compute_type::matmul_tile &&
           (whole.output.tile_shape.size() == 3 ||
            (whole.biased && whole.inputs.size() > 2 && whole.inputs[2].tile_shape.size() > 1));
}

bool uses_operators(const program& p) {
    return std::any_of(p.kernels.begin(), p.kernels.end(),
                       [](const kernel& k) { return whole_tensor_operator(k) != nullptr; }) ||
           std::any_of(p.tensors.begin(), p.tensors.end(),
                       [](const tensor_descriptor& t) { return !t.view_of.empty() || t.host; });
}

} // namespace

std::string_view newest_in(const kernel& k) {
    if (k.tiles == tile_policy::required_dataflow)
        return name_of(k.tiles);
    const compute_op* const whole = whole_tensor_operator(k);
    if (whole == nullptr)
        return {};
    if (whole->type == compute_type::spread_tile || whole->type == compute_type::gather_tile ||
        whole->type == compute_type::layernorm_tile)
        return name_of(whole->type);
    return is_batched_or_seeded(*whole) ? "batched or seeded MATMUL_TILE on whole tensors" : "";
}

std::string needed_version(const program& p) {
    if (std::any_of(p.kernels.begin(), p.kernels.end(), [](const kernel& k) { return !newest_in(k).empty(); }))
        return "2.2";
    return uses_operators(p) ? "2.1" : "2.0";
}

std::string lowest_version(const program& p) {
    return p.constants.empty() ? needed_version(p) : "2.3";
}

bool is_flat(const kernel& k) {
    return std::none_of(k.body.begin(), k.body.end(),
                        [](const statement& s) { return std::holds_alternative<loop_nest>(s); });
}

bool forms_sums(const compute_op& op) {
    switch (op.type) {
    case compute_type::matmul_tile:
    case compute_type::conv_tile:
    case compute_type::depthwise_conv2d_tile:
        return true;
    case compute_type::reduction:
    case compute_type::pool2d_tile:
        return op.combine == element_function::add || op.combine == element_function::multiply;
    default:
        return false;
    }
}

bool combines(compute_type type) {
    return type == compute_type::reduction || type == compute_type::pool2d_tile;
}

bool only_moves(compute_type type) {
    return type == compute_type::rearrange_tile || type == compute_type::spread_tile ||
           type == compute_type::gather_tile;
}

tensor_region whole(const tensor_descriptor& t) {
    tensor_region r;
    r.tensor_name = t.name;
    r.level = memory_level::external;
    r.tile_indices.resize(t.dims.size());
    r.tile_shape = t.dims;
    r.element_size = size_of(t.type);
    return r;
}

const compute_op* whole_tensor_operator(const kernel& k) {
    const auto* only = k.body.size() == 1 ? std::get_if<compute_op>(&k.body.front()) : nullptr;
    return only != nullptr && only->output.level == memory_level::external ? only : nullptr;
}

std::string_view name_of(memory_level level) {
    switch (level) {
    case memory_level::external:
        return "EXTERNAL";
    case memory_level::l3:
        return "L3";
    case memory_level::l2:
        return "L2";
    case memory_level::l1:
        return "L1";
    case memory_level::reg:
        break;
    }
    return "REGISTER";
}

std::string_view name_of(data_move_type type) {
    switch (type) {
    case data_move_type::load:
        return "LOAD";
    case data_move_type::store:
        return "STORE";
    case data_move_type::prefetch:
        return "PREFETCH";
    case data_move_type::flush:
        break;
    }
    return "FLUSH";
}

std::string_view name_of(compute_type type) {
    switch (type) {
    case compute_type::matmul_tile:
        return "MATMUL_TILE";
    case compute_type::conv_tile:
        return "CONV_TILE";
    case compute_type::elementwise:
        return "ELEMENTWISE";
    case compute_type::reduction:
        return "REDUCTION";
    case compute_type::softmax_tile:
        return "SOFTMAX_TILE";
    case compute_type::layernorm_tile:
        return "LAYERNORM_TILE";
    case compute_type::depthwise_conv2d_tile:
        return "DEPTHWISE_CONV2D_TILE";
    case compute_type::pool2d_tile:
        return "POOL2D_TILE";
    case compute_type::rearrange_tile:
        return "REARRANGE_TILE";
    case compute_type::spread_tile:
        return "SPREAD_TILE";
    case compute_type::gather_tile:
        break;
    }
    return "GATHER_TILE";
}

std::string_view name_of(element_function function) {
    switch (function) {
    case element_function::identity:
        return "identity";
    case element_function::add:
        return "add";
    case element_function::subtract:
        return "subtract";
    case element_function::multiply:
        return "multiply";
    case element_function::divide:
        return "divide";
    case element_function::maximum:
        return "maximum";
    case element_function::minimum:
        return "minimum";
    case element_function::clamp:
        return "clamp";
    case element_function::relu:
        return "relu";
    case element_function::sigmoid:
        return "sigmoid";
    case element_function::arctangent:
        return "arctangent";
    case element_function::exponential:
        return "exponential";
    case element_function::reciprocal:
        return "reciprocal";
    case element_function::absolute:
        return "absolute";
    case element_function::negate:
        return "negate";
    case element_function::reciprocal_root:
        return "reciprocal_root";
    case element_function::multiply_shifted:
        break;
    }
    return "multiply_shifted";
}

std::string_view name_of(dataflow flow) {
    switch (flow) {
    case dataflow::output_stationary:
        return "output_stationary";
    case dataflow::weight_stationary:
        return "weight_stationary";
    case dataflow::input_stationary:
        break;
    }
    return "input_stationary";
}

std::string_view name_of(iteration_order order) {
    switch (order) {
    case iteration_order::row_major:
        return "row_major";
    case iteration_order::snake:
        return "snake";
    case iteration_order::morton:
        return "morton";
    case iteration_order::explicit_sequence:
        break;
    }
    return "explicit";
}

std::string_view name_of(tensor_role role) {
    switch (role) {
    case tensor_role::input:
        return "input";
    case tensor_role::constant:
        return "constant";
    case tensor_role::output:
        return "output";
    case tensor_role::intermediate:
        break;
    }
    return "intermediate";
}

std::string_view name_of(loop_kind kind) {
    return kind == loop_kind::parallel ? "parallel" : "reduction";
}

std::string_view name_of(tile_policy tiles) {
    switch (tiles) {
    case tile_policy::suggested:
        return "suggested";
    case tile_policy::required:
        return "required";
    case tile_policy::required_dataflow:
        break;
    }
    return "required_dataflow";
}

std::string_view name_of(accumulate_rule::kind when) {
    switch (when) {
    case accumulate_rule::kind::never:
        return "never";
    case accumulate_rule::kind::always:
        return "always";
    case accumulate_rule::kind::after_first:
        break;
    }
    return "after_first";
}

template <>
const std::vector<memory_level>& all_of() {
    static const std::vector<memory_level> all = {memory_level::external, memory_level::l3, memory_level::l2,
                                                  memory_level::l1, memory_level::reg};
    return all;
}
template <>
const std::vector<data_move_type>& all_of() {
    static const std::vector<data_move_type> all = {data_move_type::load, data_move_type::store,
                                                    data_move_type::prefetch, data_move_type::flush};
    return all;
}
template <>
const std::vector<compute_type>& all_of() {
    static const std::vector<compute_type> all = {compute_type::matmul_tile,
                                                  compute_type::conv_tile,
                                                  compute_type::elementwise,
                                                  compute_type::reduction,
                                                  compute_type::softmax_tile,
                                                  compute_type::layernorm_tile,
                                                  compute_type::depthwise_conv2d_tile,
                                                  compute_type::pool2d_tile,
                                                  compute_type::rearrange_tile,
                                                  compute_type::spread_tile,
                                                  compute_type::gather_tile};
    return all;
}
template <>
const std::vector<element_function>& all_of() {
    static const std::vector<element_function> all = {element_function::identity,
                                                      element_function::add,
                                                      element_function::subtract,
                                                      element_function::multiply,
                                                      element_function::divide,
                                                      element_function::maximum,
                                                      element_function::minimum,
                                                      element_function::clamp,
                                                      element_function::relu,
                                                      element_function::sigmoid,
                                                      element_function::arctangent,
                                                      element_function::exponential,
                                                      element_function::reciprocal,
                                                      element_function::absolute,
                                                      element_function::negate,
                                                      element_function::reciprocal_root,
                                                      element_function::multiply_shifted};
    return all;
}
template <>
const std::vector<dataflow>& all_of() {
    static const std::vector<dataflow> all = {dataflow::output_stationary, dataflow::weight_stationary,
                                              dataflow::input_stationary};
    return all;
}
template <>
const std::vector<iteration_order>& all_of() {
    static const std::vector<iteration_order> all = {iteration_order::row_major, iteration_order::snake,
                                                     iteration_order::morton, iteration_order::explicit_sequence};
    return all;
}
template <>
const std::vector<tensor_role>& all_of() {
    static const std::vector<tensor_role> all = {tensor_role::input, tensor_role::constant, tensor_role::output,
                                                 tensor_role::intermediate};
    return all;
}
template <>
const std::vector<loop_kind>& all_of() {
    static const std::vector<loop_kind> all = {loop_kind::parallel, loop_kind::reduction};
    return all;
}
template <>
const std::vector<tile_policy>& all_of() {
    static const std::vector<tile_policy> all = {tile_policy::suggested, tile_policy::required,
                                                 tile_policy::required_dataflow};
    return all;
}
template <>
const std::vector<accumulate_rule::kind>& all_of() {
    static const std::vector<accumulate_rule::kind> all = {accumulate_rule::kind::never, accumulate_rule::kind::always,
                                                           accumulate_rule::kind::after_first};
    return all;
}
template <>
const std::vector<dtype>& all_of() {
    static const std::vector<dtype> all = {dtype::f64, dtype::f32, dtype::f16, dtype::bf16,
                                           dtype::f8,  dtype::i8,  dtype::i32};
    return all;
}

std::optional<std::uint64_t> indices_below(const program& p, const std::string& tensor) {
    std::optional<std::uint64_t> below;
    for (const kernel& k : p.kernels) {
        const compute_op* op = whole_tensor_operator(k);
        if (op == nullptr || op->type != compute_type::gather_tile || op->inputs.size() != 2)
            continue;
        const tensor_descriptor* indices = p.find(op->inputs[1].tensor_name);
        while (!indices->view_of.empty())
            indices = p.find(indices->view_of);
        if (indices->name == tensor)
            below = std::min(below.value_or(std::uint64_t{1} << 31U), op->inputs[0].tile_shape.at(1));
    }
    return below;
}

bool operator==(const affine& a, const affine& b) {
    const std::size_t n = std::max(a.coefficients.size(), b.coefficients.size());
    for (std::size_t d = 0; d < n; ++d)
        if (coefficient(a, d) != coefficient(b, d))
            return false;
    return a.offset == b.offset;
}

bool operator==(const tensor_region& a, const tensor_region& b) {
    return std::tie(a.tensor_name, a.level, a.tile_indices, a.tile_shape, a.element_size) ==
           std::tie(b.tensor_name, b.level, b.tile_indices, b.tile_shape, b.element_size);
}

bool operator==(const dependence& a, const dependence& b) {
    return std::tie(a.op, a.distance) == std::tie(b.op, b.distance);
}

bool operator==(const data_move_op& a, const data_move_op& b) {
    return std::tie(a.op_id, a.type, a.source, a.destination, a.transpose, a.broadcast, a.depends_on, a.produces) ==
           std::tie(b.op_id, b.type, b.source, b.destination, b.transpose, b.broadcast, b.depends_on, b.produces);
}

bool operator==(const accumulate_rule& a, const accumulate_rule& b) {
    return std::tie(a.when, a.loop) == std::tie(b.when, b.loop);
}

namespace {

std::uint64_t bits_of(double value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

} // namespace

bool has_bounds(const element_step& step) {
    return bits_of(step.low) != 0 || bits_of(step.high) != 0;
}

std::optional<double> bound_of(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || end != text.c_str() + text.size())
        return std::nullopt;
    return value;
}

bool operator==(const element_step& a, const element_step& b) {
    return std::tie(a.function, a.operand, a.operand_first, a.result) ==
               std::tie(b.function, b.operand, b.operand_first, b.result) &&
           bits_of(a.low) == bits_of(b.low) && bits_of(a.high) == bits_of(b.high);
}

bool operator==(const sliding_window& a, const sliding_window& b) {
    return std::tie(a.kernel, a.stride, a.dilation, a.before, a.after) ==
           std::tie(b.kernel, b.stride, b.dilation, b.before, b.after);
}

bool operator==(const compute_op& a, const compute_op& b) {
    const auto fields = [](const compute_op& op) {
        return std::tie(op.op_id, op.type, op.inputs, op.output, op.accumulate, op.biased, op.combine, op.window,
                        op.axes, op.before, op.along, op.steps, op.depends_on, op.produces);
    };
    return fields(a) == fields(b);
}

bool operator==(const barrier_op& a, const barrier_op& b) {
    return std::tie(a.op_id, a.wait_for, a.label) == std::tie(b.op_id, b.wait_for, b.label);
}

bool operator==(const tile_loop& a, const tile_loop& b) {
    return std::tie(a.induction_var, a.start, a.end, a.step, a.kind, a.order, a.sequence) ==
           std::tie(b.induction_var, b.start, b.end, b.step, b.kind, b.order, b.sequence);
}

bool operator==(const loop_nest& a, const loop_nest& b) {
    return std::tie(a.loop, a.body) == std::tie(b.loop, b.body);
}

bool operator==(const kernel_hints& a, const kernel_hints& b) {
    return std::tie(a.estimated_dram_bytes, a.estimated_compute_cycles, a.parallelism_degree) ==
           std::tie(b.estimated_dram_bytes, b.estimated_compute_cycles, b.parallelism_degree);
}

bool operator==(const kernel& a, const kernel& b) {
    return std::tie(a.name, a.graph_nodes, a.flow, a.tiles, a.body, a.hints) ==
           std::tie(b.name, b.graph_nodes, b.flow, b.tiles, b.body, b.hints);
}

bool operator==(const host_layout& a, const host_layout& b) {
    return std::tie(a.dims, a.permutation) == std::tie(b.dims, b.permutation);
}

bool operator==(const tensor_descriptor& a, const tensor_descriptor& b) {
    return std::tie(a.name, a.dims, a.type, a.role, a.keys, a.view_of, a.host) ==
           std::tie(b.name, b.dims, b.type, b.role, b.keys, b.view_of, b.host);
}

bool operator==(const program& a, const program& b) {
    return std::tie(a.version, a.graph_name, a.compiler, a.tuned_for, a.tensors, a.kernels, a.constants) ==
           std::tie(b.version, b.graph_name, b.compiler, b.tuned_for, b.tensors, b.kernels, b.constants);
}

} // namespace kpu::dfx
