#pragma once
// Random whole-tensor operators as programs of one kernel.

#include "compiler/dfx/program.h"

#include <algorithm>
#include <random>

namespace kpu::test {

class operator_generator {
  public:
    explicit operator_generator(std::uint64_t seed) : m_random(seed) {}

    std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
        return std::uniform_int_distribution<std::uint64_t>(low, high)(m_random);
    }
    bool coin() { return pick(0, 1) == 1; }

    dfx::program next() {
        begin();
        switch (pick(0, 9)) {
        case 0:
            convolution();
            break;
        case 1:
            depthwise();
            break;
        case 2:
            pool();
            break;
        case 3:
            reduction();
            break;
        case 4:
            softmax();
            break;
        case 5:
            rearrangement();
            break;
        case 6:
            product();
            break;
        case 7:
            spread();
            break;
        case 8:
            gather();
            break;
        default:
            elementwise();
        }
        return finish();
    }
    /// Windows on images that are much taller than these.
    dfx::program next_of_tall_images() {
        begin();
        switch (pick(0, 3)) {
        case 0:
            depthwise(150);
            break;
        case 1:
            pool(150);
            break;
        default:
            convolution(150);
        }
        return finish();
    }

  private:
    void begin() {
        m_program = {};
        m_program.graph_name = "random";
        m_op = {};
        m_op.op_id = m_op.produces = 1;
        static constexpr dtype k_types[] = {dtype::f32, dtype::f32, dtype::f16, dtype::bf16, dtype::f64, dtype::i8};
        m_type = k_types[pick(0, 5)];
    }
    dfx::program finish() {
        dfx::kernel k;
        k.name = m_op.output.tensor_name;
        if (m_op.type == dfx::compute_type::matmul_tile || m_op.type == dfx::compute_type::conv_tile)
            k.flow = dfx::all_of<dfx::dataflow>()[pick(0, 2)];
        k.body.emplace_back(m_op);
        m_program.kernels.push_back(k);
        m_program.version = dfx::lowest_version(m_program);
        return m_program;
    }
    dfx::tensor_region tensor(const std::string& name, const shape& dims, dtype type, dfx::tensor_role role) {
        m_program.tensors.push_back({name, dims, type, role, {name}, {}, {}});
        dfx::tensor_region r;
        r.tensor_name = name;
        r.level = dfx::memory_level::external;
        r.tile_indices.resize(dims.size());
        r.tile_shape = dims;
        r.element_size = size_of(type);
        return r;
    }
    void input(const shape& dims, dtype type) {
        m_op.inputs.push_back(tensor("x" + std::to_string(m_op.inputs.size()), dims, type, dfx::tensor_role::input));
    }
    void output(const shape& dims, dtype type) { m_op.output = tensor("y", dims, type, dfx::tensor_role::output); }
    /// With conversions in front of it at times, and steps behind them; behind sums of an array to types no wider.
    template <class Steps>
    void converted_output(const shape& dims, dtype type, Steps behind) {
        static constexpr dtype k_types[] = {dtype::f64, dtype::f32, dtype::f16, dtype::bf16,
                                            dtype::f8,  dtype::i8,  dtype::i32};
        const bool in_place = m_op.type == dfx::compute_type::matmul_tile || m_op.type == dfx::compute_type::conv_tile;
        while (pick(0, 2) == 0) {
            const dtype next = k_types[pick(0, 6)];
            if (in_place && size_of(next) > size_of(type))
                continue;
            if (m_op.steps.empty()) // sums are rounded to a type of their own first
                round_to(type);
            round_to(type = next);
            behind(type);
        }
        output(dims, type);
    }
    void converted_output(const shape& dims, dtype type) {
        converted_output(dims, type, [&](dtype t) { unary_steps(t); });
    }
    void round_to(dtype type) {
        dfx::element_step step;
        step.result = type;
        m_op.steps.push_back(step);
    }

    /// What sums of m_type are stored as.
    [[nodiscard]] dtype stored() const { return m_type == dtype::i8 ? dtype::i32 : m_type; }

    void unary_step(dtype type) {
        static constexpr dfx::element_function k_unary[] = {dfx::element_function::clamp, dfx::element_function::relu,
                                                            dfx::element_function::absolute,
                                                            dfx::element_function::negate};
        dfx::element_step step;
        step.function = k_unary[pick(0, 3)];
        step.result = type;
        if (step.function == dfx::element_function::clamp) {
            step.low = -0.5;
            step.high = 6;
            if (is_integer(type)) {
                step.low = -3;
            }
        }
        m_op.steps.push_back(step);
    }
    void unary_steps(dtype type) {
        for (std::uint64_t n = pick(0, 2); n > 0; --n)
            unary_step(type);
    }
    void binary_step(const shape& dims, dtype type) {
        shape operand = dims;
        for (std::uint64_t& extent : operand)
            if (pick(0, 2) == 0)
                extent = 1;
        binary_step_on(operand, type);
    }
    /// Behind sums: as many rows as the result, or one; as many columns, or one.
    void binary_step_behind_sums(const shape& dims, dtype type) {
        shape operand = dims;
        if (coin())
            std::fill(operand.begin(), operand.end() - 1, 1);
        if (pick(0, 2) == 0)
            operand.back() = 1;
        binary_step_on(operand, type);
    }
    void steps_behind_sums(const shape& dims, dtype type) {
        for (std::uint64_t n = pick(0, 3); n > 0; --n) {
            if (coin())
                unary_step(type);
            else
                binary_step_behind_sums(dims, type);
        }
    }
    void binary_step_on(const shape& operand, dtype type) {
        static constexpr dfx::element_function k_binary[] = {
            dfx::element_function::add, dfx::element_function::subtract, dfx::element_function::multiply,
            dfx::element_function::maximum, dfx::element_function::minimum};
        dfx::element_step step;
        step.function = k_binary[pick(0, 4)];
        step.operand = m_op.inputs.size();
        step.operand_first = coin();
        step.result = type;
        input(operand, type);
        m_op.steps.push_back(step);
    }

    /// Draws a window and gives the output's extents for an input of `extents`.
    shape window(const shape& extents, bool padded) {
        shape places;
        for (const std::uint64_t extent : extents) {
            const std::uint64_t kernel = pick(1, 3);
            const std::uint64_t dilation = pick(1, 2);
            const std::uint64_t reach = dilation * (kernel - 1) + 1;
            std::uint64_t before = padded ? pick(0, kernel - 1) : 0;
            const std::uint64_t after = padded ? pick(0, kernel - 1) : 0;
            if (before + extent + after < reach)
                before = reach - extent - after;
            const std::uint64_t stride = pick(1, 2);
            m_op.window.kernel.push_back(kernel);
            m_op.window.dilation.push_back(dilation);
            m_op.window.before.push_back(before);
            m_op.window.after.push_back(after);
            m_op.window.stride.push_back(stride);
            places.push_back((before + extent + after - reach) / stride + 1);
        }
        return places;
    }

    void convolution(std::uint64_t taller = 0) {
        m_op.type = dfx::compute_type::conv_tile;
        shape extents;
        for (std::uint64_t d = pick(1, 3); d > 0; --d)
            extents.push_back(pick(1, 12));
        extents.front() += taller;
        const std::uint64_t images = pick(1, 2), channels = pick(1, 9), outputs = pick(1, 20);
        const shape places = window(extents, true);
        shape in{images}, out{images}, weights;
        in.insert(in.end(), extents.begin(), extents.end());
        in.push_back(channels);
        out.insert(out.end(), places.begin(), places.end());
        out.push_back(outputs);
        std::uint64_t k = channels;
        for (const std::uint64_t extent : m_op.window.kernel)
            k *= extent;
        input(in, m_type);
        input({k, outputs}, m_type);
        bias_and_steps(out, outputs);
    }

    void bias_and_steps(const shape& out, std::uint64_t channels) {
        m_op.biased = coin();
        if (m_op.biased)
            input({channels}, stored());
        steps_and_output_of_sums(out);
    }
    void steps_and_output_of_sums(const shape& out) {
        steps_behind_sums(out, stored());
        converted_output(out, stored(), [&](dtype type) { steps_behind_sums(out, type); });
    }

    void product() {
        m_op.type = dfx::compute_type::matmul_tile;
        const std::uint64_t m = pick(1, 60), n = pick(1, 60), k = pick(1, 60);
        shape batch;
        if (pick(0, 3) == 0)
            batch = {pick(1, 3)};
        const auto batched = [&](std::uint64_t rows, std::uint64_t columns) {
            shape all = batch;
            all.insert(all.end(), {rows, columns});
            return all;
        };
        input(batched(m, k), m_type);
        input(batched(k, n), m_type);
        const bool seeded = pick(0, 2) == 0;
        if (!seeded)
            return bias_and_steps(batched(m, n), n);
        m_op.biased = true;
        input(batched(m, n), stored());
        steps_and_output_of_sums(batched(m, n));
    }

    void depthwise(std::uint64_t taller = 0) {
        m_op.type = dfx::compute_type::depthwise_conv2d_tile;
        const std::uint64_t images = pick(1, 2), channels = pick(1, 40);
        const shape extents{pick(1, 14) + taller, pick(1, 14)};
        const shape places = window(extents, true);
        const std::uint64_t results = channels * (coin() ? 1 : pick(2, 4));
        input({images, extents[0], extents[1], channels}, m_type);
        input({m_op.window.kernel[0], m_op.window.kernel[1], results}, m_type);
        bias_and_steps({images, places[0], places[1], results}, results);
    }

    void pool(std::uint64_t taller = 0) {
        m_op.type = dfx::compute_type::pool2d_tile;
        m_op.combine = coin() ? dfx::element_function::maximum : dfx::element_function::add;
        const std::uint64_t images = pick(1, 2), channels = pick(1, 40);
        const shape extents{pick(1, 14) + taller, pick(1, 14)};
        const shape places = window(extents, true);
        const dtype type = m_op.combine == dfx::element_function::add ? stored() : m_type;
        input({images, extents[0], extents[1], channels}, m_type);
        unary_steps(type);
        converted_output({images, places[0], places[1], channels}, type);
    }

    void reduction() {
        m_op.type = dfx::compute_type::reduction;
        static constexpr dfx::element_function k_combine[] = {
            dfx::element_function::add, dfx::element_function::maximum, dfx::element_function::minimum,
            dfx::element_function::multiply};
        m_op.combine = k_combine[pick(0, 3)];
        shape dims;
        for (std::uint64_t d = pick(1, 4); d > 0; --d)
            dims.push_back(pick(1, 12));
        const std::uint64_t axis = pick(0, dims.size() - 1);
        dims[axis] = pick(1, 100);
        input(dims, m_type);
        m_op.axes = {axis};
        dims[axis] = 1;
        const bool sums = m_op.combine == dfx::element_function::add || m_op.combine == dfx::element_function::multiply;
        const dtype type = sums ? stored() : m_type;
        unary_steps(type);
        converted_output(dims, type);
    }

    /// What works on whole rows.
    void softmax() {
        m_op.type = dfx::compute_type::softmax_tile;
        if (m_type == dtype::i8)
            m_type = dtype::f32;
        const shape dims{pick(1, 9), pick(1, 9), pick(1, 60)};
        input(dims, m_type);
        m_op.axes = {2};
        if (coin()) { // a layer norm
            m_op.type = dfx::compute_type::layernorm_tile;
            for (int number = 0; number < 3; ++number)
                input({1, 1, 1}, m_type);
        }
        unary_steps(m_type);
        if (coin()) {
            constexpr dtype k_narrower[] = {dtype::f16, dtype::f32, dtype::f64};
            m_type = k_narrower[pick(0, 2)];
            dfx::element_step rounds;
            rounds.result = m_type;
            m_op.steps.push_back(rounds);
        }
        output(dims, m_type);
    }

    void rearrangement() {
        m_op.type = dfx::compute_type::rearrange_tile;
        shape dims;
        for (std::uint64_t d = pick(1, 4); d > 0; --d)
            dims.push_back(pick(1, 12));
        switch (pick(0, 2)) {
        case 0: { // transpose
            for (std::uint64_t d = 0; d < dims.size(); ++d)
                m_op.axes.push_back(d);
            std::shuffle(m_op.axes.begin(), m_op.axes.end(), m_random);
            input(dims, m_type);
            shape out;
            for (const std::uint64_t axis : m_op.axes)
                out.push_back(dims[axis]);
            return output(out, m_type);
        }
        case 1: { // pad
            input(dims, m_type);
            for (std::uint64_t& extent : dims) {
                m_op.before.push_back(pick(0, 3));
                extent += m_op.before.back() + pick(0, 3);
            }
            return output(dims, m_type);
        }
        default: // concatenation
            m_op.along = pick(0, dims.size() - 1);
            std::uint64_t sum = 0;
            for (std::uint64_t n = pick(2, 4); n > 0; --n) {
                dims[m_op.along] = pick(1, 12);
                sum += dims[m_op.along];
                input(dims, m_type);
            }
            dims[m_op.along] = sum;
            output(dims, m_type);
        }
    }

    void spread() {
        m_op.type = dfx::compute_type::spread_tile;
        const shape in{pick(1, 2), pick(1, 9), pick(1, 9), pick(1, 20)};
        shape out = in;
        for (std::size_t d = 0; d < 2; ++d) {
            m_op.window.stride.push_back(pick(1, 3));
            m_op.window.before.push_back(pick(0, 2));
            out[d + 1] = m_op.window.before[d] + m_op.window.stride[d] * (in[d + 1] - 1) + pick(1, 3);
        }
        input(in, m_type);
        output(out, m_type);
    }

    void gather() {
        m_op.type = dfx::compute_type::gather_tile;
        const std::uint64_t batch = pick(1, 3), columns = coin() ? pick(1, 9) : pick(1, 1500), picks = pick(1, 60);
        input({batch, pick(1, 30), columns}, m_type);
        input({batch, picks}, dtype::i32);
        output({batch, picks, columns}, m_type);
    }

    void elementwise() {
        m_op.type = dfx::compute_type::elementwise;
        shape dims;
        for (std::uint64_t d = pick(1, 4); d > 0; --d)
            dims.push_back(pick(1, 20));
        shape first = dims;
        for (std::uint64_t& extent : first)
            if (pick(0, 5) == 0)
                extent = 1;
        input(first, m_type);
        for (std::uint64_t n = pick(1, 3); n > 0; --n) {
            if (coin())
                binary_step(dims, m_type);
            else
                unary_step(m_type);
        }
        converted_output(dims, m_type);
    }

    std::mt19937_64 m_random;
    dfx::program m_program;
    dfx::compute_op m_op;
    dtype m_type = dtype::f32;
};

} // namespace kpu::test
