// Element-wise operators with operands on the drain of products and convolutions: the bits of kernels apart, and of an
// evaluator that shares nothing with either; fewer kernels, and less DRAM traffic.

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/leaves.h"
#include "compiler/tensor/number_format.h"
#include "fw/tools/kernel_times.h"
#include "tests/e2e/network_inputs.h"
#include "tests/e2e/networks.h"
#include "tests/e2e/on_chip.h"
#include "tests/e2e/random_fusion.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <iterator>
#include <set>
#include <utility>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr dtype k_types[] = {dtype::f32, dtype::f16, dtype::bf16, dtype::i8};
constexpr std::uint64_t k_graphs_per_type = 12;

void check_clean(const test::checked_chip::outcome& o) {
    for (const std::string& finding : o.findings)
        BOOST_ERROR(finding.substr(0, 2000));
}

/// A chip without room for a row of a layer norm, or for a step's operand beside the sums that its array leaves.
platform::platform cramped() {
    platform::platform p = test::shipped("minimal");
    p.l1.row.capacity = bytes(512);
    p.l1.column.capacity = bytes(256);
    p.l1.result.capacity = bytes(384);
    return p;
}

/// Steps with operands behind sums that arrays form.
std::size_t operands_on_drains(const test::checked_chip::outcome& o) {
    std::size_t count = 0;
    for (const fw::planned_work& work : o.plan)
        if (const fw::planned_contraction* c = work.contraction())
            count += c->work.step_operands.size();
    return count;
}

/// Networks that are large enough for DRAM traffic to be more than what tiles share by chance.
std::vector<std::pair<std::string, dfg::graph>> larger_networks() {
    dfg::conv_spec residual;
    residual.height = residual.width = 28;
    residual.channels = {64, 64, 64};
    residual.residual = true;
    dfg::conv_spec pointwise = residual;
    pointwise.channels = {64, 128, 64};
    pointwise.kernel = 1;
    dfg::mlp_spec mlp;
    mlp.batch = 128;
    mlp.widths = {784, 1024, 10};
    dfg::attention_spec encoder;
    encoder.tokens = encoder.model = 64;
    encoder.heads = 4;
    encoder.hidden = 128;
    dfg::conv_spec halves = residual;
    halves.type = dtype::f16;
    return {{"residual", dfg::conv_graph(residual)},
            {"residual in f16", dfg::conv_graph(halves)},
            {"pointwise", dfg::conv_graph(pointwise)},
            {"mlp", dfg::mlp_graph(mlp)},
            {"encoder", dfg::attention_graph(encoder)}};
}

/// DRAM bytes per kernel, with those of tensors that stay on the chip as if they were read or written there once.
std::vector<std::uint64_t> measured_bytes(const platform::platform& p, const dfx::program& program) {
    const test::fresh_context context;
    hw::chip_options without_data;
    without_data.data = false;
    hw::chip chip("chip", p, without_data);
    fw::kernel_times times(chip);
    chip.attach(times);
    fw::device host(chip, program);
    host.run_without_data();
    BOOST_TEST(host.splits() == "");
    std::vector<std::uint64_t> all;
    for (const fw::kernel_time& kernel : times.of(program))
        all.push_back(kernel.dram.value());
    for (std::size_t k = 0; k < all.size(); ++k) {
        std::set<std::string> names;
        for (const dfx::leaf& l : dfx::leaves_of(program.kernels[k], "")) {
            if (const dfx::data_move_op* move = l.move())
                names.insert({move->source.tensor_name, move->destination.tensor_name});
            if (const dfx::compute_op* op = l.compute()) {
                names.insert(op->output.tensor_name);
                for (const dfx::tensor_region& r : op->inputs)
                    names.insert(r.tensor_name);
            }
        }
        for (const std::string& name : names)
            if (const fw::placed_tensor& tensor = host.tensors().at(name); tensor.on_chip)
                all[k] += tensor.size.value();
    }
    return all;
}

} // namespace

BOOST_DATA_TEST_CASE(random_graphs_give_the_bits_of_kernels_apart, bdata::make(test::shipped_platforms()), platform) {
    test::checked_chip chip(test::shipped(platform));
    std::size_t on_drains = 0;
    for (const dtype type : k_types) {
        for (std::uint64_t seed = 0; seed < k_graphs_per_type; ++seed) {
            BOOST_TEST_CONTEXT("seed " << seed << " " << name_of(type)) {
                const test::compiled_graph fused = test::compile(test::fusible_graph(seed, type).make());
                const test::compiled_graph plain =
                    test::compile(test::fusible_graph(seed, type).make(), test::without_fusion());
                const tensor_map inputs = test::random_inputs(fused, seed);
                const tensor_map expected = test::reference_outputs(fused, inputs);
                const auto o = chip.run(fused.program, inputs);
                check_clean(o);
                on_drains += operands_on_drains(o);
                BOOST_TEST((o.outputs == expected));
                BOOST_TEST((dfx::interpret(fused.program, inputs) == expected));
                BOOST_TEST((chip.run(plain.program, inputs).outputs == expected));
            }
        }
    }
    BOOST_TEST_MESSAGE(on_drains << " operands on drains");
    BOOST_TEST(on_drains > 40U);
}

BOOST_AUTO_TEST_CASE(a_residual_is_added_on_the_drain) {
    dfg::conv_spec block;
    block.height = block.width = 28;
    block.channels = {16, 32, 16};
    block.residual = true;
    const test::compiled_graph fused = test::compile(dfg::conv_graph(block));
    const test::compiled_graph plain = test::compile(dfg::conv_graph(block), test::without_fusion());
    BOOST_TEST(fused.program.kernels.size() == 2U);
    BOOST_TEST(plain.program.kernels.size() == 5U);
    platform::platform small = test::shipped("minimal");
    small.l3.tiles = 1;
    small.l3.tile.capacity = bytes(64 * 1024); // nothing stays between kernels
    const tensor_map inputs = test::random_inputs(fused, 1);
    const trace::run_statistics one = test::measure(small, fused.program, inputs);
    const trace::run_statistics many = test::measure(small, plain.program, inputs);
    // two clamps on 32 and on 16 channels and a sum on 16: what each works on is written and read again
    const std::uint64_t between = 28 * 28 * (32 + 16 + 16) * 4;
    BOOST_TEST(one.fusion.bytes_not_written == between);
    BOOST_TEST(one.fusion.bytes_not_read == between);
    BOOST_TEST(many.dram.write_bytes - one.dram.write_bytes == between);
    // the residual's room changes how its convolution is cut, and so how often the edges of windows are read
    const double fewer_read = static_cast<double>(many.dram.read_bytes) - static_cast<double>(one.dram.read_bytes);
    BOOST_TEST(fewer_read == static_cast<double>(between), boost::test_tools::tolerance(0.02));
    BOOST_TEST(many.cycles > one.cycles);
}

BOOST_DATA_TEST_CASE(networks_run_where_merged_kernels_have_no_room, bdata::xrange(std::size(k_types)), number) {
    const dtype type = k_types[number];
    test::checked_chip chip(cramped());
    std::size_t split = 0;
    for (const test::network& n : test::k_networks) {
        BOOST_TEST_CONTEXT(n.name) {
            const test::compiled_graph g = test::compile(n.make(type));
            const tensor_map inputs = test::network_inputs(g, 3);
            const auto o = chip.run(g.program, inputs);
            check_clean(o);
            BOOST_TEST((o.outputs == test::reference_outputs(g, inputs)));
            split += o.splits.empty() ? 0 : 1;
        }
    }
    BOOST_TEST(split >= 1U);
}

BOOST_DATA_TEST_CASE(random_graphs_run_where_merged_kernels_have_no_room, bdata::xrange(std::size(k_types)), number) {
    const dtype type = k_types[number];
    test::checked_chip chip(cramped());
    std::size_t split = 0;
    for (std::uint64_t seed = 0; seed < k_graphs_per_type; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            const test::compiled_graph g = test::compile(test::fusible_graph(seed, type).make());
            const tensor_map inputs = test::random_inputs(g, seed);
            const auto o = chip.run(g.program, inputs);
            check_clean(o);
            BOOST_TEST((o.outputs == test::reference_outputs(g, inputs)));
            split += o.splits.empty() ? 0 : 1;
        }
    }
    BOOST_TEST(split >= k_graphs_per_type / 4);
}

BOOST_AUTO_TEST_CASE(where_kernels_apart_have_no_room_either_sizes_are_said) {
    platform::platform smaller = cramped();
    smaller.l1.result.capacity = bytes(128); // half of what an array leaves
    test::checked_chip chip(smaller);
    for (const passes::lower_options& options : {passes::lower_options(), test::without_fusion()}) {
        const test::compiled_graph g = test::compile(test::residual(dtype::f32), options);
        BOOST_CHECK_EXCEPTION((void)chip.run(g.program, test::random_inputs(g, 1)), input_error,
                              [](const input_error& e) {
                                  const std::string text = e.what();
                                  return text.find("too small for one fold") != std::string::npos &&
                                         text.find("result 128 B") != std::string::npos &&
                                         text.find("row 64 B, column 64 B, result 256 B") != std::string::npos;
                              });
    }
}

BOOST_DATA_TEST_CASE(hints_are_what_kernels_move, bdata::make(test::shipped_platforms()), platform) {
    constexpr double k_factor = 1.1;
    for (auto& [name, graph] : larger_networks()) {
        const test::compiled_graph g = test::compile(std::move(graph));
        const std::vector<std::uint64_t> measured = measured_bytes(test::shipped(platform), g.program);
        for (std::size_t k = 0; k < measured.size(); ++k) {
            const dfx::kernel& kernel = g.program.kernels[k];
            const double ratio =
                static_cast<double>(kernel.hints.estimated_dram_bytes) / static_cast<double>(measured[k]);
            BOOST_TEST_MESSAGE(name << " " << kernel.name << ": hint " << kernel.hints.estimated_dram_bytes
                                    << ", measured " << measured[k] << ", " << ratio);
            BOOST_TEST((ratio < k_factor && ratio > 1 / k_factor),
                       name << " " << kernel.name << " " << ratio << " on " << platform);
        }
    }
}

BOOST_DATA_TEST_CASE(a_narrower_bias_costs_a_small_kernel, bdata::make(test::shipped_platforms()), platform) {
    dfg::conv_spec block;
    block.height = block.width = 28;
    block.channels = {64, 64};
    block.kernel = 1;
    block.type = dtype::f16;
    const test::compiled_graph g = test::compile(dfg::conv_graph(block));
    dfx::program narrow = g.program;
    BOOST_TEST_REQUIRE(narrow.kernels.size() == 1U);
    dfx::tensor_region& bias = std::get<dfx::compute_op>(narrow.kernels[0].body[0]).inputs.at(2);
    BOOST_TEST_REQUIRE(bias.element_size == 4U);
    bias.element_size = 2;
    for (dfx::tensor_descriptor& t : narrow.tensors)
        if (t.name == bias.tensor_name)
            t.type = dtype::f16;
    tensor_map inputs = test::random_inputs(g, 1);
    for (auto& [key, value] : inputs)
        value = convert(value, dtype::f16);
    test::checked_chip chip(test::shipped(platform));
    const auto o = chip.run(narrow, inputs);
    check_clean(o);
    BOOST_TEST((o.outputs == dfx::interpret(narrow, inputs)));
    BOOST_TEST(o.splits.find("its bias is widened once") != std::string::npos, o.splits);
    for (auto& [key, value] : inputs)
        if (value.dims.size() == 1)
            value = convert(value, dtype::f32);
    const auto wide = chip.run(g.program, inputs);
    BOOST_TEST((o.outputs == wide.outputs));
    BOOST_TEST(wide.splits == "");
    BOOST_TEST(o.taken.value() < wide.taken.value() + 500, o.taken.value() << " " << wide.taken.value());
}
