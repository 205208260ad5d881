// DRAM traffic of operators with windows: an input pixel lies below several of them, but is to come from DRAM once.
// Prints DRAM bytes / compulsory bytes (all inputs and the result once), cycles, and what the loader had estimated over
// what is measured (cycles, DRAM bytes), for layers × platforms, and holds bytes and estimates; of layers with few
// channels, whose windows keep the block movers busy, the cycles.

#include "compiler/dfx/verify.h"
#include "tests/e2e/on_chip.h"
#include "tests/support/fresh_context.h"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <limits>

using namespace kpu;

namespace {

constexpr double k_most_traffic = 1.05;
// by what factor at most the loader's estimates miss what is measured
constexpr double k_cycles_estimated = 1.25;
constexpr double k_bytes_estimated = 1.5;

/// One operator on an image [1, spatial…, channels]; outputs 0: depthwise, or a pool without weights.
struct layer {
    const char* name;
    shape spatial;
    std::uint64_t channels, outputs, kernel, stride;
    std::uint64_t before, after; ///< padding, in all spatial dimensions
    dfx::compute_type type = dfx::compute_type::conv_tile;
    dtype element = dtype::f32;
};

const std::vector<layer> k_layers = {
    {"conv 3x3 112x112x16-32", {112, 112}, 16, 32, 3, 1, 1, 1},
    {"conv 3x3 56x56x64-64", {56, 56}, 64, 64, 3, 1, 1, 1},
    {"conv 3x3 56x56x64-64 bf16", {56, 56}, 64, 64, 3, 1, 1, 1, dfx::compute_type::conv_tile, dtype::bf16},
    {"conv 3x3 28x28x128-128", {28, 28}, 128, 128, 3, 1, 1, 1},
    {"conv 3x3 14x14x256-256", {14, 14}, 256, 256, 3, 1, 1, 1},
    {"conv 3x3 14x14x512-512", {14, 14}, 512, 512, 3, 1, 1, 1},
    {"conv 3x3 224x224x64-64", {224, 224}, 64, 64, 3, 1, 1, 1},
    {"conv 1x1/2 56x56x64-128", {56, 56}, 64, 128, 1, 2, 0, 0},
    {"conv 3x3/2 56x56x64-128", {56, 56}, 64, 128, 3, 2, 0, 1},
    {"conv 3x3/2 224x224x3-32", {224, 224}, 3, 32, 3, 2, 0, 1},
    {"conv 3x3 64x64x3-16", {64, 64}, 3, 16, 3, 1, 1, 1},
    {"conv 5x5 56x56x32-32", {56, 56}, 32, 32, 5, 1, 2, 2},
    {"conv 5x5 14x14x64-96", {14, 14}, 64, 96, 5, 1, 2, 2},
    {"conv 5x5/2 56x56x24-48", {56, 56}, 24, 48, 5, 2, 2, 1},
    {"conv 3x3x3 8x28x28x16-32", {8, 28, 28}, 16, 32, 3, 1, 1, 1},
    {"depthwise 3x3 112x112x32", {112, 112}, 32, 0, 3, 1, 1, 1, dfx::compute_type::depthwise_conv2d_tile},
    {"depthwise 3x3/2 112x112x64", {112, 112}, 64, 0, 3, 2, 0, 1, dfx::compute_type::depthwise_conv2d_tile},
    {"depthwise 3x3 28x28x256", {28, 28}, 256, 0, 3, 1, 1, 1, dfx::compute_type::depthwise_conv2d_tile},
    {"depthwise 5x5 28x28x96", {28, 28}, 96, 0, 5, 1, 2, 2, dfx::compute_type::depthwise_conv2d_tile},
    {"pool 2x2/2 112x112x64", {112, 112}, 64, 0, 2, 2, 0, 0, dfx::compute_type::pool2d_tile},
    {"pool 3x3/2 56x56x64", {56, 56}, 64, 0, 3, 2, 1, 0, dfx::compute_type::pool2d_tile},
};

/// Of an array's block movers that gather windows side by side; one by one they take a tenth to a half more.
struct cycle_limit {
    const char* layer;
    const char* platform;
    std::uint64_t cycles;
};
const std::vector<cycle_limit> k_limits = {
    {"conv 3x3/2 224x224x3-32", "edge_ai", 55'500},   {"conv 3x3/2 224x224x3-32", "workstation", 30'600},
    {"conv 3x3/2 224x224x3-32", "datacenter", 8'600}, {"conv 3x3 64x64x3-16", "edge_ai", 12'300},
    {"conv 3x3 64x64x3-16", "workstation", 8'700},    {"conv 3x3/2 56x56x64-128", "datacenter", 16'500},
};

std::uint64_t most_cycles(const std::string& layer, const std::string& platform) {
    for (const cycle_limit& limit : k_limits)
        if (limit.layer == layer && limit.platform == platform)
            return limit.cycles;
    return std::numeric_limits<std::uint64_t>::max();
}

/// The layer as a program of one kernel, and its compulsory bytes.
struct made_layer {
    dfx::program program;
    std::uint64_t compulsory = 0;
};

class layer_maker {
  public:
    explicit layer_maker(const layer& l) : m_layer(l) {}

    made_layer make() {
        m_made.program.version = "2.1";
        m_made.program.graph_name = m_layer.name;
        m_op.op_id = m_op.produces = 1;
        m_op.type = m_layer.type;
        shape in{1}, out{1}, weights;
        std::uint64_t k = m_layer.channels;
        for (std::size_t d = 0; d < m_layer.spatial.size(); ++d) {
            in.push_back(m_layer.spatial[d]);
            out.push_back((m_layer.before + in.back() + m_layer.after - m_layer.kernel) / m_layer.stride + 1);
            weights.push_back(m_layer.kernel);
            k *= m_layer.kernel;
            m_op.window.kernel.push_back(m_layer.kernel);
            m_op.window.stride.push_back(m_layer.stride);
            m_op.window.dilation.push_back(1);
            m_op.window.before.push_back(m_layer.before);
            m_op.window.after.push_back(m_layer.after);
        }
        in.push_back(m_layer.channels);
        weights.push_back(m_layer.channels);
        out.push_back(m_layer.outputs == 0 ? m_layer.channels : m_layer.outputs);
        input("x", in);
        if (m_layer.type == dfx::compute_type::conv_tile)
            input("w", {k, m_layer.outputs});
        else if (m_layer.type == dfx::compute_type::depthwise_conv2d_tile)
            input("w", weights);
        m_op.biased = m_layer.type != dfx::compute_type::pool2d_tile;
        if (m_op.biased)
            input("b", {out.back()});
        else // a pool
            m_op.combine = dfx::element_function::maximum;
        m_op.output = tensor("y", out, dfx::tensor_role::output);
        dfx::kernel kernel;
        kernel.name = "layer";
        kernel.body.emplace_back(m_op);
        m_made.program.kernels.push_back(kernel);
        dfx::require_valid(m_made.program, m_layer.name);
        return m_made;
    }

  private:
    dfx::tensor_region tensor(const std::string& name, const shape& dims, dfx::tensor_role role) {
        m_made.program.tensors.push_back({name, dims, m_layer.element, role, {name}, {}, {}});
        dfx::tensor_region r;
        r.tensor_name = name;
        r.level = dfx::memory_level::external;
        r.tile_indices.resize(dims.size());
        r.tile_shape = dims;
        r.element_size = size_of(m_layer.element);
        m_made.compulsory += element_count(dims) * r.element_size;
        return r;
    }
    void input(const std::string& name, const shape& dims) {
        m_op.inputs.push_back(tensor(name, dims, dfx::tensor_role::input));
    }

    const layer& m_layer;
    made_layer m_made;
    dfx::compute_op m_op;
};

struct outcome {
    double traffic = 0;
    std::uint64_t cycles = 0;
    test::estimate_ratios estimated;
};

outcome run_without_data(const platform::platform& p, const made_layer& made) {
    const test::fresh_context context;
    hw::chip_options options;
    options.data = false;
    hw::chip chip("chip", p, options);
    fw::device host(chip, made.program);
    host.run_without_data();
    const trace::run_statistics run = fw::report_on(chip, host, made.program);
    return {static_cast<double>(run.dram.read_bytes + run.dram.write_bytes) / static_cast<double>(made.compulsory),
            run.cycles, test::estimates_of(run)};
}

} // namespace

BOOST_AUTO_TEST_CASE(pixels_come_from_dram_once) {
    std::string title = fmt::format("{:<28}", "DRAM bytes / compulsory");
    std::vector<platform::platform> platforms;
    for (const std::string& name : test::shipped_platforms()) {
        platforms.push_back(test::shipped(name));
        title += fmt::format(" {:>31}", name);
    }
    std::string grid = title + "\n";
    for (const layer& l : k_layers) {
        const made_layer made = layer_maker(l).make();
        grid += fmt::format("{:<28}", l.name);
        for (const platform::platform& p : platforms) {
            const outcome o = run_without_data(p, made);
            grid += fmt::format(" {:>5.2f} {:>7} cycles {:.3f} {:.3f}", o.traffic, o.cycles, o.estimated.cycles,
                                o.estimated.dram_bytes);
            BOOST_TEST(test::within(o.estimated.cycles, k_cycles_estimated),
                       p.name << " " << l.name << ": " << o.estimated.cycles);
            BOOST_TEST(test::within(o.estimated.dram_bytes, k_bytes_estimated),
                       p.name << " " << l.name << ": " << o.estimated.dram_bytes);
            BOOST_TEST(o.traffic <= k_most_traffic, p.name << " " << l.name << ": " << o.traffic);
            BOOST_TEST(o.cycles <= most_cycles(l.name, p.name), p.name << " " << l.name << ": " << o.cycles);
        }
        grid += "\n";
    }
    BOOST_TEST_MESSAGE(grid);
}
