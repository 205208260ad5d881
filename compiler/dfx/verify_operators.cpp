// Whole-tensor operators: regions, extents, types and steps.

#include "compiler/dfx/verify.h"
#include "compiler/dfx/verify_parts.h"

#include <algorithm>
#include <cmath>

namespace kpu::dfx::parts {

namespace {

constexpr double k_max_shift = 62;
constexpr std::size_t k_norm_inputs = 4;        ///< of a LAYERNORM_TILE: rows and three numbers
constexpr std::uint64_t k_max_window = 1 << 20; ///< of kernel, stride, dilation and padding

bool takes_operand(element_function f) {
    return (f >= element_function::add && f <= element_function::minimum) || f == element_function::multiply_shifted;
}

bool needs_float(element_function f) {
    return f == element_function::sigmoid || f == element_function::arctangent || f == element_function::exponential ||
           f == element_function::reciprocal || f == element_function::reciprocal_root;
}

bool is_sum(const compute_op& op) {
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

class operator_checker {
  public:
    operator_checker(const context& c, const leaf& l, const compute_op& op) : m_c(c), m_at(l.path), m_op(op) {}

    void run() {
        if (!check_regions())
            return;
        m_x = &tensor(m_op.inputs.front());
        m_out = &tensor(m_op.output);
        check_extents();
        check_unused();
        if (!m_failed)
            check_types();
    }

  private:
    [[nodiscard]] const tensor_descriptor& tensor(const tensor_region& r) const {
        return *m_c.whole.find(r.tensor_name);
    }
    void error(const std::string& part, const std::string& message, const std::string& text = {},
               const std::string& expected = {}) {
        m_c.error(m_at + part, message, text, expected);
        m_failed = true;
    }

    bool check_regions() {
        if (m_op.inputs.empty())
            error(".inputs", "an operator has inputs");
        for (std::size_t i = 0; i < m_op.inputs.size(); ++i)
            check_region(m_op.inputs[i], ".inputs[" + std::to_string(i) + "]");
        check_region(m_op.output, ".output");
        if (m_op.accumulate.when != accumulate_rule::kind::never || !m_op.accumulate.loop.empty())
            error(".accumulate", "a whole-tensor operator has no step before");
        if (!m_op.depends_on.empty())
            error(".depends_on", "a whole-tensor operator is its kernel's only operation");
        return !m_failed;
    }

    void check_region(const tensor_region& r, const std::string& part) {
        const tensor_descriptor* t = m_c.whole.find(r.tensor_name);
        if (t == nullptr)
            return error(part + ".tensor", "no such tensor", r.tensor_name);
        const bool from_start = std::all_of(r.tile_indices.begin(), r.tile_indices.end(),
                                            [](const affine& form) { return form == affine{}; });
        if (r.level != memory_level::external || !from_start || r.tile_shape != t->dims ||
            r.tile_indices.size() != t->dims.size())
            error(part, "a whole-tensor operator works on all of " + t->name + " in EXTERNAL");
        if (r.element_size != size_of(t->type))
            error(part + ".element_size", "element size differs from that of " + std::string(name_of(t->type)),
                  std::to_string(r.element_size), std::to_string(size_of(t->type)));
    }

    // ---- extents

    void check_extents() {
        switch (m_op.type) {
        case compute_type::matmul_tile:
            return check_product();
        case compute_type::conv_tile:
        case compute_type::depthwise_conv2d_tile:
        case compute_type::pool2d_tile:
            return check_window();
        case compute_type::elementwise:
            if (!broadcasts(m_x->dims))
                error(".output", "wrong extents", to_string(m_out->dims), to_string(m_x->dims));
            return;
        case compute_type::reduction:
        case compute_type::softmax_tile:
        case compute_type::layernorm_tile:
            return check_axis();
        case compute_type::rearrange_tile:
            return check_rearrangement();
        case compute_type::spread_tile:
            return check_spread();
        case compute_type::gather_tile:
            return check_gather();
        }
    }

    void expect_dims(const std::string& part, const shape& found, const shape& wanted) {
        if (found != wanted)
            error(part, "wrong extents", to_string(found), to_string(wanted));
    }
    void expect_inputs(std::size_t count) {
        m_named = count + (m_op.biased ? 1 : 0);
        if (m_op.inputs.size() < m_named)
            return error(".inputs", "too few inputs", std::to_string(m_op.inputs.size()), std::to_string(m_named));
        if (!m_op.biased)
            return;
        const shape& bias = tensor(m_op.inputs[count]).dims;
        const bool seeds = m_op.type == compute_type::matmul_tile && bias.size() > 1;
        expect_dims(".inputs[" + std::to_string(count) + "]", bias, seeds ? m_out->dims : shape{m_out->dims.back()});
    }

    /// Extents are the output's or 1.
    [[nodiscard]] bool broadcasts(const shape& dims) const {
        bool fits = dims.size() == m_out->dims.size();
        for (std::size_t d = 0; fits && d < dims.size(); ++d)
            fits = dims[d] == 1 || dims[d] == m_out->dims[d];
        return fits;
    }

    void check_product() {
        expect_inputs(2);
        if (m_failed)
            return;
        const shape& b = tensor(m_op.inputs[1]).dims;
        const std::size_t rank = m_x->dims.size();
        if (rank < 2 || rank > 3 || b.size() != rank || m_out->dims.size() != rank)
            return error("", "operands of MATMUL_TILE on whole tensors have rank 2, or all rank 3");
        shape product = m_x->dims;
        product.back() = b.back();
        shape second = b;
        second.front() = rank == 3 ? m_x->dims.front() : second.front();
        second[rank - 2] = m_x->dims.back();
        expect_dims(".inputs[1]", b, second);
        expect_dims(".output", m_out->dims, product);
        check_macs(m_x->dims.back());
    }

    void check_window() {
        const sliding_window& w = m_op.window;
        const bool conv = m_op.type == compute_type::conv_tile;
        expect_inputs(m_op.type == compute_type::pool2d_tile ? 1 : 2);
        if (m_failed)
            return;
        const std::size_t spatial = w.kernel.size();
        const std::size_t rank = spatial + 2;
        if (spatial < 1 || spatial > 3 || (!conv && spatial != 2) || m_x->dims.size() != rank ||
            m_out->dims.size() != rank)
            return error(".window", "a window has a dimension less than two of its tensors'", std::to_string(spatial));
        for (const auto* list : {&w.stride, &w.dilation, &w.before, &w.after})
            if (list->size() != spatial)
                return error(".window", "lists of a window have one entry per spatial dimension");
        shape places = {m_x->dims.front()};
        for (std::size_t d = 0; d < spatial && !m_failed; ++d)
            places.push_back(places_along(d));
        const bool depthwise = m_op.type == compute_type::depthwise_conv2d_tile;
        if (depthwise && m_out->dims.back() % m_x->dims.back() != 0)
            error(".output", "not as many results for each channel", std::to_string(m_out->dims.back()),
                  "a multiple of " + std::to_string(m_x->dims.back()));
        places.push_back(conv || depthwise ? m_out->dims.back() : m_x->dims.back());
        if (m_failed)
            return;
        expect_dims(".output", m_out->dims, places);
        shape weights = w.kernel;
        weights.push_back(conv ? m_x->dims.back() : m_out->dims.back());
        const std::optional<std::uint64_t> patch = volume_of(weights);
        if (!patch)
            return error(".window", "more than 2^48 elements below a window", to_string(w.kernel));
        if (conv)
            weights = {*patch, m_out->dims.back()};
        if (m_op.type != compute_type::pool2d_tile)
            expect_dims(".inputs[1]", tensor(m_op.inputs[1]).dims, weights);
        if (m_op.type == compute_type::pool2d_tile && m_op.combine != element_function::add &&
            m_op.combine != element_function::maximum)
            error(".combine", "a pool adds or takes the maximum", std::string(name_of(m_op.combine)));
        check_macs(conv ? *patch : *patch / m_x->dims.back());
    }

    std::uint64_t places_along(std::size_t d) {
        const sliding_window& w = m_op.window;
        for (const std::uint64_t n : {w.kernel[d], w.stride[d], w.dilation[d], w.before[d] + 1, w.after[d] + 1})
            if (n == 0 || n > k_max_window) {
                error(".window", "extents, strides and dilations are 1 to 2^20, padding less", std::to_string(n));
                return 1;
            }
        const std::uint64_t reach = w.dilation[d] * (w.kernel[d] - 1) + 1;
        const std::uint64_t extent = w.before[d] + m_x->dims[d + 1] + w.after[d];
        if (extent < reach) {
            error(".window", "the window is larger than the padded input", std::to_string(reach),
                  std::to_string(extent));
            return 1;
        }
        return (extent - reach) / w.stride[d] + 1;
    }

    void check_macs(std::uint64_t depth) {
        std::uint64_t macs = depth;
        for (const std::uint64_t extent : m_out->dims)
            if (__builtin_mul_overflow(macs, extent, &macs) || macs > k_max_macs)
                return error("", "more than 2^56 multiply-accumulates");
    }

    void check_axis() {
        m_named = m_op.type == compute_type::layernorm_tile ? k_norm_inputs : 1;
        if (m_op.inputs.size() < m_named)
            return error(".inputs", "too few inputs", std::to_string(m_op.inputs.size()), std::to_string(m_named));
        for (std::size_t i = 1; i < m_named; ++i)
            expect_dims(".inputs[" + std::to_string(i) + "]", tensor(m_op.inputs[i]).dims, shape(m_x->dims.size(), 1));
        if (m_op.axes.size() != 1 || m_op.axes.front() >= m_x->dims.size())
            return error(".axes", "names one dimension of the input");
        const std::uint64_t axis = m_op.axes.front();
        shape wanted = m_x->dims;
        if (m_op.type == compute_type::reduction)
            wanted[axis] = 1;
        else if (axis + 1 != m_x->dims.size())
            error(".axes", "rows lie along the last dimension", std::to_string(axis));
        expect_dims(".output", m_out->dims, wanted);
        const auto& f = m_op.combine;
        if (m_op.type == compute_type::reduction && f != element_function::add && f != element_function::multiply &&
            f != element_function::maximum && f != element_function::minimum)
            error(".combine", "a reduction adds, multiplies, or takes the maximum or minimum", std::string(name_of(f)));
    }

    void check_rearrangement() {
        const std::size_t rank = m_out->dims.size();
        m_named = m_op.inputs.size();
        if (m_op.inputs.size() == 1 && m_op.along != 0)
            return error(".along", "one input follows none", std::to_string(m_op.along), "0");
        std::vector<std::uint64_t> axes = m_op.axes;
        if (axes.empty())
            for (std::uint64_t d = 0; d < rank; ++d)
                axes.push_back(d);
        std::vector<std::uint64_t> sorted = axes;
        std::sort(sorted.begin(), sorted.end());
        for (std::uint64_t d = 0; d < sorted.size(); ++d)
            if (sorted[d] != d || sorted.size() != rank)
                return error(".axes", "not a permutation of the dimensions");
        if (!m_op.before.empty() && (m_op.before.size() != rank || m_op.inputs.size() != 1))
            return error(".before", "padding has an entry per dimension, and one input");
        if (m_op.along >= rank)
            return error(".along", "no dimension of the output", std::to_string(m_op.along));
        if (m_op.inputs.size() > 1 && !m_op.axes.empty())
            return error(".axes", "several inputs are not permuted");
        std::uint64_t along = 0;
        for (const tensor_region& r : m_op.inputs) {
            const shape& in = tensor(r).dims;
            if (in.size() != rank)
                return error(".inputs", "an input has another rank than the output", to_string(in));
            for (std::uint64_t d = 0; d < rank; ++d) {
                const std::uint64_t extent = in[axes[d]];
                const bool fits = m_op.before.empty()
                                      ? extent == m_out->dims[d]
                                      : m_op.before[d] <= m_out->dims[d] && extent <= m_out->dims[d] - m_op.before[d];
                if (!fits && !(d == m_op.along && m_op.inputs.size() > 1))
                    return error(".output", "an input's extents are not the output's", to_string(in),
                                 to_string(m_out->dims));
            }
            if (__builtin_add_overflow(along, in[axes[m_op.along]], &along))
                return error(".inputs", "extents overflow");
        }
        if (m_op.inputs.size() > 1 && along != m_out->dims[m_op.along])
            error(".output", "the inputs do not add up", std::to_string(along),
                  std::to_string(m_out->dims[m_op.along]));
    }

    void check_spread() {
        const sliding_window& w = m_op.window;
        m_named = m_op.inputs.size();
        if (m_op.inputs.size() != 1)
            return error(".inputs", "one input is spread", std::to_string(m_op.inputs.size()));
        if (m_x->dims.size() != 4 || m_out->dims.size() != 4)
            return error("", "operands of SPREAD_TILE have rank 4");
        if (w.stride.size() != 2 || w.before.size() != 2 || !w.kernel.empty() || !w.dilation.empty() ||
            !w.after.empty())
            return error(".window", "stride and before have one entry per spatial dimension, the other lists none");
        for (std::size_t d = 0; d < 2; ++d) {
            if (w.stride[d] == 0 || w.stride[d] > k_max_window || w.before[d] >= k_max_window)
                return error(".window", "strides are 1 to 2^20, places less", std::to_string(w.stride[d]));
            const std::uint64_t last = w.before[d] + w.stride[d] * (m_x->dims[d + 1] - 1);
            if (last >= m_out->dims[d + 1])
                return error(".output", "an element's place lies behind the output's end", std::to_string(last),
                             "less than " + std::to_string(m_out->dims[d + 1]));
        }
        expect_dims(".output", m_out->dims, {m_x->dims[0], m_out->dims[1], m_out->dims[2], m_x->dims[3]});
    }

    void check_gather() {
        m_named = m_op.inputs.size();
        if (m_op.inputs.size() != 2)
            return error(".inputs", "rows and indices", std::to_string(m_op.inputs.size()), "2");
        const tensor_descriptor& indices = tensor(m_op.inputs[1]);
        if (m_x->dims.size() != 3 || indices.dims.size() != 2)
            return error(".inputs", "rows have rank 3, indices rank 2");
        if (indices.type != dtype::i32)
            error(".inputs[1]", "indices are integers", std::string(name_of(indices.type)), "i32");
        expect_dims(".inputs[1]", indices.dims, {m_x->dims[0], indices.dims[1]});
        expect_dims(".output", m_out->dims, {m_x->dims[0], indices.dims[1], m_x->dims[2]});
    }

    /// What the type of operation has no use for has its default.
    void check_unused() {
        const compute_op none;
        const auto type = m_op.type;
        const bool window = type == compute_type::conv_tile || type == compute_type::depthwise_conv2d_tile ||
                            type == compute_type::pool2d_tile || type == compute_type::spread_tile;
        const bool combines = type == compute_type::reduction || type == compute_type::pool2d_tile;
        const bool weighs = type == compute_type::matmul_tile || type == compute_type::conv_tile ||
                            type == compute_type::depthwise_conv2d_tile;
        const bool rearranges = type == compute_type::rearrange_tile;
        const bool axes = rearranges || type == compute_type::reduction || type == compute_type::softmax_tile ||
                          type == compute_type::layernorm_tile;
        if ((!window && !(m_op.window == none.window)) || (!combines && m_op.combine != none.combine) ||
            (!weighs && m_op.biased) || (!rearranges && (!m_op.before.empty() || m_op.along != 0)) ||
            (!axes && !m_op.axes.empty()) || (only_moves(type) && !m_op.steps.empty()))
            error("", std::string(name_of(type)) + " has attributes of another operation");
        if (type == compute_type::elementwise)
            m_named = 1;
    }

    // ---- types

    void check_types() {
        const bool sum = is_sum(m_op);
        dtype type = m_x->type;
        if (only_moves(m_op.type)) {
            for (std::size_t i = 0; i < (m_op.type == compute_type::gather_tile ? 1 : m_op.inputs.size()); ++i)
                if (tensor(m_op.inputs[i]).type != m_out->type)
                    error(".inputs", "what only moves elements keeps their type",
                          std::string(name_of(tensor(m_op.inputs[i]).type)));
            return;
        }
        if (m_named > 1 && sum && tensor(m_op.inputs[1]).type != type && m_op.type != compute_type::reduction)
            error(".inputs[1]", "operands have different types", std::string(name_of(tensor(m_op.inputs[1]).type)));
        if (m_op.biased && !widens(tensor(m_op.inputs[2]).type, accumulator_of(type)))
            error(".inputs[2]", "the bias' type does not widen to the accumulator's",
                  std::string(name_of(tensor(m_op.inputs[2]).type)));
        const bool rows = m_op.type == compute_type::softmax_tile || m_op.type == compute_type::layernorm_tile;
        if (rows && is_integer(type))
            error(".inputs[0]", "softmax and layer norm are of floats", std::string(name_of(type)));
        for (std::size_t i = 1; rows && i < m_named; ++i)
            if (tensor(m_op.inputs[i]).type != type)
                error(".inputs[" + std::to_string(i) + "]", "operands have different types",
                      std::string(name_of(tensor(m_op.inputs[i]).type)));
        if (m_op.type == compute_type::elementwise && m_op.steps.empty())
            error(".steps", "an element-wise operation has steps");
        if (sum) {
            const dtype stored = m_op.steps.empty() ? m_out->type : m_op.steps.front().result;
            const dtype accumulator = accumulator_of(type);
            if (is_integer(accumulator) ? stored != accumulator : is_integer(stored))
                error(".output", "sums in " + std::string(name_of(accumulator)) + " cannot be stored as this type",
                      std::string(name_of(stored)));
            type = stored;
        }
        for (std::size_t i = 0; i < m_op.steps.size(); ++i)
            type = check_step(m_op.steps[i], type, ".steps[" + std::to_string(i) + "]");
        check_operands_are_used();
        if (type != m_out->type)
            error(".output", "the last step has another type", std::string(name_of(type)),
                  std::string(name_of(m_out->type)));
    }

    dtype check_step(const element_step& step, dtype type, const std::string& part) {
        if (step.result != type && step.function != element_function::identity)
            error(part, "only identity changes the type", std::string(name_of(step.result)),
                  std::string(name_of(type)));
        if (needs_float(step.function) && is_integer(step.result))
            error(part, "a function of floats", std::string(name_of(step.function)));
        if (takes_operand(step.function) != step.operand.has_value() || (step.operand_first && !step.operand))
            error(part,
                  takes_operand(step.function) ? "the function has two arguments" : "the function has one argument",
                  std::string(name_of(step.function)));
        const bool shifts = step.function == element_function::multiply_shifted;
        if (shifts && (step.result != dtype::i32 || !(step.low >= 1 && step.low <= k_max_shift) || step.high != 0 ||
                       step.low != std::floor(step.low)))
            error(part, "products in i32 are shifted by 1 to 62", std::to_string(step.low));
        if (step.function == element_function::clamp ? !(step.low <= step.high) : !shifts && has_bounds(step))
            error(part, "low and high are clamp's, in this order");
        if (step.operand)
            check_operand(*step.operand, step.result, part);
        return step.result;
    }

    void check_operands_are_used() {
        for (std::size_t i = m_named; i < m_op.inputs.size(); ++i)
            if (std::none_of(m_op.steps.begin(), m_op.steps.end(),
                             [&](const element_step& step) { return step.operand == i; }))
                error(".inputs[" + std::to_string(i) + "]", "no step uses this input", m_op.inputs[i].tensor_name);
    }

    void check_operand(std::uint64_t number, dtype type, const std::string& part) {
        if (number < m_named || number >= m_op.inputs.size())
            return error(part + ".operand", "no further input", std::to_string(number));
        const tensor_descriptor& t = tensor(m_op.inputs[static_cast<std::size_t>(number)]);
        if (t.type != type)
            error(part + ".operand", "operand has another type", std::string(name_of(t.type)),
                  std::string(name_of(type)));
        if (!broadcasts(t.dims))
            error(part + ".operand", "extents are neither the output's nor 1", to_string(t.dims),
                  to_string(m_out->dims));
    }

    const context& m_c;
    std::string m_at;
    const compute_op& m_op;
    const tensor_descriptor* m_x = nullptr;
    const tensor_descriptor* m_out = nullptr;
    std::size_t m_named = 0; ///< inputs that are no operands of steps
    bool m_failed = false;
};

} // namespace

bool has_attributes(const compute_op& op) {
    const compute_op none;
    return op.biased || op.combine != none.combine || !(op.window == none.window) || !op.axes.empty() ||
           !op.before.empty() || op.along != 0 || !op.steps.empty();
}

void check_operator(const context& c, const leaf& at) {
    operator_checker(c, at, *at.compute()).run();
}

} // namespace kpu::dfx::parts
