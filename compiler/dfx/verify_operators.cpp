// Whole-tensor operators: regions, and attributes that the operation has no use for.

#include "compiler/dfx/verify_operator_parts.h"

#include <algorithm>

namespace kpu::dfx::parts {

namespace {

void check_region(operator_context& c, const tensor_region& r, const std::string& part) {
    const tensor_descriptor* t = c.kernel.whole.find(r.tensor_name);
    if (t == nullptr)
        return c.error(part + ".tensor", "no such tensor", r.tensor_name);
    const bool from_start =
        std::all_of(r.tile_indices.begin(), r.tile_indices.end(), [](const affine& form) { return form == affine{}; });
    if (r.level != memory_level::external || !from_start || r.tile_shape != t->dims ||
        r.tile_indices.size() != t->dims.size())
        c.error(part, "a whole-tensor operator works on all of " + t->name + " in EXTERNAL");
    if (r.element_size != size_of(t->type))
        c.error(part + ".element_size", "element size differs from that of " + std::string(name_of(t->type)),
                std::to_string(r.element_size), std::to_string(size_of(t->type)));
}

bool check_regions(operator_context& c) {
    if (c.op.inputs.empty())
        c.error(".inputs", "an operator has inputs");
    for (std::size_t i = 0; i < c.op.inputs.size(); ++i)
        check_region(c, c.op.inputs[i], ".inputs[" + std::to_string(i) + "]");
    check_region(c, c.op.output, ".output");
    if (c.op.accumulate.when != accumulate_rule::kind::never || !c.op.accumulate.loop.empty())
        c.error(".accumulate", "a whole-tensor operator has no step before");
    if (!c.op.depends_on.empty())
        c.error(".depends_on", "a whole-tensor operator is its kernel's only operation");
    return !c.failed;
}

/// What the type of operation has no use for has its default.
void check_unused(operator_context& c) {
    const compute_op none;
    const auto type = c.op.type;
    const bool window = type == compute_type::conv_tile || type == compute_type::depthwise_conv2d_tile ||
                        type == compute_type::pool2d_tile || type == compute_type::spread_tile;
    const bool weighs = type == compute_type::matmul_tile || type == compute_type::conv_tile ||
                        type == compute_type::depthwise_conv2d_tile;
    const bool rearranges = type == compute_type::rearrange_tile;
    const bool axes = rearranges || type == compute_type::reduction || type == compute_type::softmax_tile ||
                      type == compute_type::layernorm_tile;
    if ((!window && !(c.op.window == none.window)) || (!combines(type) && c.op.combine != none.combine) ||
        (!weighs && c.op.biased) || (!rearranges && (!c.op.before.empty() || c.op.along != 0)) ||
        (!axes && !c.op.axes.empty()) || (only_moves(type) && !c.op.steps.empty()))
        c.error("", std::string(name_of(type)) + " has attributes of another operation");
}

} // namespace

void operator_context::error(const std::string& part, const std::string& message, const std::string& text,
                             const std::string& expected) {
    kernel.error(path + part, message, text, expected);
    failed = true;
}

const tensor_descriptor& operator_context::tensor(const tensor_region& r) const {
    return *kernel.whole.find(r.tensor_name);
}

bool operator_context::broadcasts(const shape& dims) const {
    bool fits = dims.size() == out->dims.size();
    for (std::size_t d = 0; fits && d < dims.size(); ++d)
        fits = dims[d] == 1 || dims[d] == out->dims[d];
    return fits;
}

bool has_attributes(const compute_op& op) {
    const compute_op none;
    return op.biased || op.combine != none.combine || !(op.window == none.window) || !op.axes.empty() ||
           !op.before.empty() || op.along != 0 || !op.steps.empty();
}

void check_operator(const context& c, const std::string& path, const compute_op& op) {
    operator_context one{c, path, op};
    if (!check_regions(one))
        return;
    one.x = &one.tensor(one.op.inputs.front());
    one.out = &one.tensor(one.op.output);
    check_operator_extents(one);
    check_unused(one);
    if (!one.failed)
        check_operator_types(one);
}

} // namespace kpu::dfx::parts
