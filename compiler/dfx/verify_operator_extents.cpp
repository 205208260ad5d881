// Extents of whole-tensor operators, and the attributes that they follow from.

#include "compiler/dfx/verify.h"
#include "compiler/dfx/verify_operator_parts.h"

#include <algorithm>

namespace kpu::dfx::parts {

namespace {

constexpr std::size_t k_norm_inputs = 4;        ///< of a LAYERNORM_TILE: rows and three numbers
constexpr std::uint64_t k_max_window = 1 << 20; ///< of kernel, stride, dilation and padding

class extent_checker {
  public:
    explicit extent_checker(operator_context& c) : m_c(c) {}

    void run() {
        switch (m_c.op.type) {
        case compute_type::matmul_tile:
            return check_product();
        case compute_type::conv_tile:
        case compute_type::depthwise_conv2d_tile:
        case compute_type::pool2d_tile:
            return check_window();
        case compute_type::elementwise:
            m_c.named = 1;
            if (!m_c.broadcasts(m_c.x->dims))
                m_c.error(".output", "wrong extents", to_string(m_c.out->dims), to_string(m_c.x->dims));
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

  private:
    void expect_dims(const std::string& part, const shape& found, const shape& wanted) {
        if (found != wanted)
            m_c.error(part, "wrong extents", to_string(found), to_string(wanted));
    }
    void expect_inputs(std::size_t count) {
        m_c.named = count + (m_c.op.biased ? 1 : 0);
        if (m_c.op.inputs.size() < m_c.named)
            return m_c.error(".inputs", "too few inputs", std::to_string(m_c.op.inputs.size()),
                             std::to_string(m_c.named));
        if (!m_c.op.biased)
            return;
        const shape& bias = m_c.tensor(m_c.op.inputs[count]).dims;
        const bool seeds = m_c.op.type == compute_type::matmul_tile && bias.size() > 1;
        expect_dims(".inputs[" + std::to_string(count) + "]", bias,
                    seeds ? m_c.out->dims : shape{m_c.out->dims.back()});
    }

    void check_product() {
        expect_inputs(2);
        if (m_c.failed)
            return;
        const shape& b = m_c.tensor(m_c.op.inputs[1]).dims;
        const std::size_t rank = m_c.x->dims.size();
        if (rank < 2 || rank > 3 || b.size() != rank || m_c.out->dims.size() != rank)
            return m_c.error("", "operands of MATMUL_TILE on whole tensors have rank 2, or all rank 3");
        shape product = m_c.x->dims;
        product.back() = b.back();
        shape second = b;
        second.front() = rank == 3 ? m_c.x->dims.front() : second.front();
        second[rank - 2] = m_c.x->dims.back();
        expect_dims(".inputs[1]", b, second);
        expect_dims(".output", m_c.out->dims, product);
        check_macs(m_c.x->dims.back());
    }

    void check_window() {
        const sliding_window& w = m_c.op.window;
        const bool conv = m_c.op.type == compute_type::conv_tile;
        expect_inputs(m_c.op.type == compute_type::pool2d_tile ? 1 : 2);
        if (m_c.failed)
            return;
        const std::size_t spatial = w.kernel.size();
        const std::size_t rank = spatial + 2;
        if (spatial < 1 || spatial > 3 || (!conv && spatial != 2) || m_c.x->dims.size() != rank ||
            m_c.out->dims.size() != rank)
            return m_c.error(".window", "a window has a dimension less than two of its tensors'",
                             std::to_string(spatial));
        for (const auto* list : {&w.stride, &w.dilation, &w.before, &w.after})
            if (list->size() != spatial)
                return m_c.error(".window", "lists of a window have one entry per spatial dimension");
        shape places = {m_c.x->dims.front()};
        for (std::size_t d = 0; d < spatial && !m_c.failed; ++d)
            places.push_back(places_along(d));
        const bool depthwise = m_c.op.type == compute_type::depthwise_conv2d_tile;
        if (depthwise && m_c.out->dims.back() % m_c.x->dims.back() != 0)
            m_c.error(".output", "not as many results for each channel", std::to_string(m_c.out->dims.back()),
                      "a multiple of " + std::to_string(m_c.x->dims.back()));
        places.push_back(conv || depthwise ? m_c.out->dims.back() : m_c.x->dims.back());
        if (m_c.failed)
            return;
        expect_dims(".output", m_c.out->dims, places);
        shape weights = w.kernel;
        weights.push_back(conv ? m_c.x->dims.back() : m_c.out->dims.back());
        const std::optional<std::uint64_t> patch = volume_of(weights);
        if (!patch)
            return m_c.error(".window", "more than 2^48 elements below a window", to_string(w.kernel));
        if (conv)
            weights = {*patch, m_c.out->dims.back()};
        if (m_c.op.type != compute_type::pool2d_tile)
            expect_dims(".inputs[1]", m_c.tensor(m_c.op.inputs[1]).dims, weights);
        if (m_c.op.type == compute_type::pool2d_tile && m_c.op.combine != element_function::add &&
            m_c.op.combine != element_function::maximum)
            m_c.error(".combine", "a pool adds or takes the maximum", std::string(name_of(m_c.op.combine)));
        check_macs(conv ? *patch : *patch / m_c.x->dims.back());
    }

    std::uint64_t places_along(std::size_t d) {
        const sliding_window& w = m_c.op.window;
        for (const std::uint64_t n : {w.kernel[d], w.stride[d], w.dilation[d], w.before[d] + 1, w.after[d] + 1})
            if (n == 0 || n > k_max_window) {
                m_c.error(".window", "extents, strides and dilations are 1 to 2^20, padding less", std::to_string(n));
                return 1;
            }
        const std::uint64_t reach = w.dilation[d] * (w.kernel[d] - 1) + 1;
        const std::uint64_t extent = w.before[d] + m_c.x->dims[d + 1] + w.after[d];
        if (extent < reach) {
            m_c.error(".window", "the window is larger than the padded input", std::to_string(reach),
                      std::to_string(extent));
            return 1;
        }
        return (extent - reach) / w.stride[d] + 1;
    }

    void check_macs(std::uint64_t depth) {
        std::uint64_t macs = depth;
        for (const std::uint64_t extent : m_c.out->dims)
            if (__builtin_mul_overflow(macs, extent, &macs) || macs > k_max_macs)
                return m_c.error("", "more than 2^56 multiply-accumulates");
    }

    void check_axis() {
        m_c.named = m_c.op.type == compute_type::layernorm_tile ? k_norm_inputs : 1;
        if (m_c.op.inputs.size() < m_c.named)
            return m_c.error(".inputs", "too few inputs", std::to_string(m_c.op.inputs.size()),
                             std::to_string(m_c.named));
        for (std::size_t i = 1; i < m_c.named; ++i)
            expect_dims(".inputs[" + std::to_string(i) + "]", m_c.tensor(m_c.op.inputs[i]).dims,
                        shape(m_c.x->dims.size(), 1));
        if (m_c.op.axes.size() != 1 || m_c.op.axes.front() >= m_c.x->dims.size())
            return m_c.error(".axes", "names one dimension of the input");
        const std::uint64_t axis = m_c.op.axes.front();
        shape wanted = m_c.x->dims;
        if (m_c.op.type == compute_type::reduction)
            wanted[axis] = 1;
        else if (axis + 1 != m_c.x->dims.size())
            m_c.error(".axes", "rows lie along the last dimension", std::to_string(axis));
        expect_dims(".output", m_c.out->dims, wanted);
        const auto& f = m_c.op.combine;
        if (m_c.op.type == compute_type::reduction && f != element_function::add && f != element_function::multiply &&
            f != element_function::maximum && f != element_function::minimum)
            m_c.error(".combine", "a reduction adds, multiplies, or takes the maximum or minimum",
                      std::string(name_of(f)));
    }

    void check_rearrangement() {
        const std::size_t rank = m_c.out->dims.size();
        m_c.named = m_c.op.inputs.size();
        if (m_c.op.inputs.size() == 1 && m_c.op.along != 0)
            return m_c.error(".along", "one input follows none", std::to_string(m_c.op.along), "0");
        std::vector<std::uint64_t> axes = m_c.op.axes;
        if (axes.empty())
            for (std::uint64_t d = 0; d < rank; ++d)
                axes.push_back(d);
        std::vector<std::uint64_t> sorted = axes;
        std::sort(sorted.begin(), sorted.end());
        for (std::uint64_t d = 0; d < sorted.size(); ++d)
            if (sorted[d] != d || sorted.size() != rank)
                return m_c.error(".axes", "not a permutation of the dimensions");
        if (!m_c.op.before.empty() && (m_c.op.before.size() != rank || m_c.op.inputs.size() != 1))
            return m_c.error(".before", "padding has an entry per dimension, and one input");
        if (m_c.op.along >= rank)
            return m_c.error(".along", "no dimension of the output", std::to_string(m_c.op.along));
        if (m_c.op.inputs.size() > 1 && !m_c.op.axes.empty())
            return m_c.error(".axes", "several inputs are not permuted");
        std::uint64_t along = 0;
        for (const tensor_region& r : m_c.op.inputs) {
            const shape& in = m_c.tensor(r).dims;
            if (in.size() != rank)
                return m_c.error(".inputs", "an input has another rank than the output", to_string(in));
            for (std::uint64_t d = 0; d < rank; ++d) {
                const std::uint64_t extent = in[axes[d]];
                const bool fits = m_c.op.before.empty() ? extent == m_c.out->dims[d]
                                                        : m_c.op.before[d] <= m_c.out->dims[d] &&
                                                              extent <= m_c.out->dims[d] - m_c.op.before[d];
                if (!fits && !(d == m_c.op.along && m_c.op.inputs.size() > 1))
                    return m_c.error(".output", "an input's extents are not the output's", to_string(in),
                                     to_string(m_c.out->dims));
            }
            if (__builtin_add_overflow(along, in[axes[m_c.op.along]], &along))
                return m_c.error(".inputs", "extents overflow");
        }
        if (m_c.op.inputs.size() > 1 && along != m_c.out->dims[m_c.op.along])
            m_c.error(".output", "the inputs do not add up", std::to_string(along),
                      std::to_string(m_c.out->dims[m_c.op.along]));
    }

    void check_spread() {
        const sliding_window& w = m_c.op.window;
        m_c.named = m_c.op.inputs.size();
        if (m_c.op.inputs.size() != 1)
            return m_c.error(".inputs", "one input is spread", std::to_string(m_c.op.inputs.size()));
        if (m_c.x->dims.size() != 4 || m_c.out->dims.size() != 4)
            return m_c.error("", "operands of SPREAD_TILE have rank 4");
        if (w.stride.size() != 2 || w.before.size() != 2 || !w.kernel.empty() || !w.dilation.empty() ||
            !w.after.empty())
            return m_c.error(".window", "stride and before have one entry per spatial dimension, the other lists none");
        for (std::size_t d = 0; d < 2; ++d) {
            if (w.stride[d] == 0 || w.stride[d] > k_max_window || w.before[d] >= k_max_window)
                return m_c.error(".window", "strides are 1 to 2^20, places less", std::to_string(w.stride[d]));
            const std::uint64_t last = w.before[d] + w.stride[d] * (m_c.x->dims[d + 1] - 1);
            if (last >= m_c.out->dims[d + 1])
                return m_c.error(".output", "an element's place lies behind the output's end", std::to_string(last),
                                 "less than " + std::to_string(m_c.out->dims[d + 1]));
        }
        expect_dims(".output", m_c.out->dims, {m_c.x->dims[0], m_c.out->dims[1], m_c.out->dims[2], m_c.x->dims[3]});
    }

    void check_gather() {
        m_c.named = m_c.op.inputs.size();
        if (m_c.op.inputs.size() != 2)
            return m_c.error(".inputs", "rows and indices", std::to_string(m_c.op.inputs.size()), "2");
        const tensor_descriptor& indices = m_c.tensor(m_c.op.inputs[1]);
        if (m_c.x->dims.size() != 3 || indices.dims.size() != 2)
            return m_c.error(".inputs", "rows have rank 3, indices rank 2");
        if (indices.type != dtype::i32)
            m_c.error(".inputs[1]", "indices are integers", std::string(name_of(indices.type)), "i32");
        expect_dims(".inputs[1]", indices.dims, {m_c.x->dims[0], indices.dims[1]});
        expect_dims(".output", m_c.out->dims, {m_c.x->dims[0], indices.dims[1], m_c.x->dims[2]});
    }

    operator_context& m_c;
};

} // namespace

void check_operator_extents(operator_context& c) {
    extent_checker(c).run();
}

} // namespace kpu::dfx::parts
