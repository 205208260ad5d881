// Operators that move elements: RESHAPE, TRANSPOSE, CONCAT, PAD, GATHER; and those that fold a dimension or a window.

#include "compiler/dfg/ops/resolvers.h"

#include <algorithm>
#include <limits>

namespace kpu::dfg {

namespace {

/// Product of the extents from `first` on, before `last`.
std::uint64_t extent_of(const shape& dims, std::size_t first, std::size_t last) {
    std::uint64_t out = 1;
    for (std::size_t d = first; d < last; ++d)
        out *= dims[d];
    return out;
}

reduce_function reduce_of(operator_kind op) {
    switch (op) {
    case operator_kind::reduce_max:
        return reduce_function::max;
    case operator_kind::reduce_min:
        return reduce_function::min;
    case operator_kind::reduce_prod:
        return reduce_function::prod;
    case operator_kind::reduce_all:
        return reduce_function::all;
    default:
        return reduce_function::sum;
    }
}

} // namespace

resolved_op resolve_reduction(op_reader& r) {
    r.know_attributes({"axis", "nan_mode"});
    r.need_operands(1, 1);
    r.need_one_type(1);
    reduction out;
    out.function = reduce_of(r.source().op);
    if (out.function == reduce_function::all)
        r.require(r.in(0).type == dtype::i8, "the elements are no truth values", std::string(name_of(r.in(0).type)),
                  "i1 or i8");
    out.axis = r.axis();
    shape dims = r.in(0).dims;
    out.outer = extent_of(dims, 0, out.axis);
    out.extent = dims[out.axis];
    out.inner = extent_of(dims, out.axis + 1, dims.size());
    dims[out.axis] = 1;
    r.need_result(dims);
    if (r.has("nan_mode")) {
        const std::string& mode = r.source().attributes.at("nan_mode");
        r.require(mode.find("PROPAGATE") != std::string::npos, "a NaN stays a NaN", "nan_mode:" + mode, "PROPAGATE");
    }
    return r.finish(out);
}

resolved_op resolve_reshape(op_reader& r) {
    r.know_attributes({"new_shape"});
    r.need_operands(1, 1);
    r.need_one_type(1);
    const shape& dims = r.op().dims;
    r.require(element_count(dims) == element_count(r.in(0).dims), "the stated result has another number of elements",
              to_string(make_type(r.op().result, dims)), std::to_string(element_count(r.in(0).dims)));
    if (r.has("new_shape")) {
        const auto stated = r.integers("new_shape", 0);
        bool fits = stated.size() == dims.size();
        for (std::size_t d = 0; fits && d < dims.size(); ++d)
            fits = stated[d] == -1 || stated[d] == static_cast<std::int64_t>(dims[d]);
        r.require(fits, "new_shape disagrees with the stated result", r.source().attributes.at("new_shape"),
                  to_string(dims));
    }
    return r.finish(reshaping{});
}

resolved_op resolve_transpose(op_reader& r) {
    r.know_attributes({"perms"});
    if (!r.has("perms") && r.operands() > 1)
        r.error("the permutation is a constant whose value the file does not hold", {}, "the attribute perms");
    r.stop_on_errors();
    r.need_operands(1, r.has("perms") ? 2 : 1);
    r.need_one_type(1);
    const shape& from = r.in(0).dims;
    const auto perms = r.integers("perms", 0);
    auto sorted = perms;
    std::sort(sorted.begin(), sorted.end());
    bool permutation = perms.size() == from.size();
    for (std::size_t d = 0; permutation && d < sorted.size(); ++d)
        permutation = sorted[d] == static_cast<std::int64_t>(d);
    r.require(permutation, "perms is no permutation of the dimensions", r.source().attributes.at("perms"));
    r.stop_on_errors();
    transposition out;
    shape dims;
    for (const std::int64_t d : perms) {
        const auto source = static_cast<std::size_t>(d);
        out.order.push_back(source);
        out.strides.push_back(extent_of(from, source + 1, from.size()));
        dims.push_back(from[source]);
    }
    r.need_result(dims);
    return r.finish(std::move(out));
}

resolved_op resolve_concat(op_reader& r) {
    r.know_attributes({"axis"});
    r.need_operands(1, std::numeric_limits<std::size_t>::max());
    r.need_one_type(r.operands());
    concatenation out;
    out.axis = r.axis();
    shape dims = r.in(0).dims;
    out.outer = extent_of(dims, 0, out.axis);
    dims[out.axis] = 0;
    for (std::size_t i = 0; i < r.operands(); ++i) {
        r.need_rank(i, dims.size());
        shape own = r.in(i).dims;
        out.runs.push_back(extent_of(own, out.axis, own.size()));
        dims[out.axis] += own[out.axis];
        own[out.axis] = dims[out.axis];
        r.require(own == dims, "operand " + std::to_string(i) + " has other extents beside the axis",
                  to_string(r.in(i).dims));
    }
    r.stop_on_errors();
    r.need_result(dims);
    return r.finish(std::move(out));
}

resolved_op resolve_pad(op_reader& r) {
    r.know_attributes({"padding"});
    if (!r.has("padding"))
        r.error("the padding is a constant whose value the file does not hold", {},
                "the attribute padding:array<i64: before, after, ...>");
    r.stop_on_errors();
    r.need_operands(1, 3);
    r.need_one_type(1);
    shape dims = r.in(0).dims;
    const auto pads = r.integers("padding", 2 * dims.size());
    padding out;
    for (std::size_t d = 0; d < dims.size(); ++d) {
        const std::int64_t before = pads[2 * d];
        const std::int64_t after = pads[2 * d + 1];
        const std::int64_t most = std::int64_t{1} << 48;
        if (!r.require(before >= 0 && after >= 0 && before <= most && after <= most, "padding out of range",
                       r.source().attributes.at("padding"), "from 0"))
            break;
        out.before.push_back(static_cast<std::uint64_t>(before));
        dims[d] += static_cast<std::uint64_t>(before) + static_cast<std::uint64_t>(after);
    }
    r.need_result(dims);
    if (r.operands() == 3) {
        out.value = 2;
        r.require(r.in(2).type == r.op().result && element_count(r.in(2).dims) == 1,
                  "operand 2 is no single element of the result's type");
    }
    return r.finish(std::move(out));
}

resolved_op resolve_gather(op_reader& r) {
    r.know_attributes({});
    r.need_operands(2, 2);
    r.need_rank(0, 3);
    r.need_rank(1, 2);
    r.need_one_type(1);
    const shape& values = r.in(0).dims;
    const shape& indices = r.in(1).dims;
    r.require(r.in(1).type == dtype::i32, "indices are integers", std::string(name_of(r.in(1).type)), "i32");
    r.require(values[0] == indices[0], "values and indices differ in batch", std::to_string(indices[0]),
              std::to_string(values[0]));
    r.need_result({values[0], indices[1], values[2]});
    return r.finish(gathering{values[0], values[1], values[2], indices[1]});
}

resolved_op resolve_pooling(op_reader& r) {
    r.know_attributes({"kernel", "stride", "pad"});
    r.need_operands(1, 1);
    r.need_rank(0, 4);
    r.need_one_type(1);
    const shape& x = r.in(0).dims;
    const auto kernel = r.integers("kernel", 2);
    const auto stride = r.integers("stride", 2);
    const auto pad = r.integers("pad", 4);
    pooling out;
    out.function = r.source().op == operator_kind::maxpool2d ? pool_function::max : pool_function::average;
    out.batch = x[0];
    out.channels = x[3];
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        window_axis& axis = i == 0 ? out.row : out.column;
        const std::string name = i == 0 ? "row" : "column";
        const std::int64_t most = std::int64_t{1} << 31;
        const bool sane = kernel[i] >= 1 && kernel[i] <= most && stride[i] >= 1 && stride[i] <= most;
        r.require(sane, name + ": kernel or stride out of range", {}, "from 1");
        r.require(pad[2 * i] >= 0 && pad[2 * i] < kernel[i] && pad[2 * i + 1] >= 0 && pad[2 * i + 1] < kernel[i],
                  name + ": padding out of range", {}, "from 0, less than the kernel");
        r.stop_on_errors();
        axis.in = x[1 + i];
        axis.kernel = static_cast<std::uint64_t>(kernel[i]);
        axis.stride = static_cast<std::uint64_t>(stride[i]);
        axis.before = pad[2 * i];
        axis.after = pad[2 * i + 1];
        set_window(r, axis, name);
    }
    r.need_result({x[0], out.row.out, out.column.out, x[3]});
    return r.finish(out);
}

} // namespace kpu::dfg
