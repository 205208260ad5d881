// Element-wise operators with operands on the drain of products and convolutions: the bits of kernels apart, and of an
// evaluator that shares nothing with either; fewer kernels, and less DRAM traffic.

#include "compiler/dfx/interpreter.h"
#include "tests/e2e/networks.h"
#include "tests/e2e/on_chip.h"
#include "tests/e2e/random_fusion.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr dtype k_types[] = {dtype::f32, dtype::f16, dtype::bf16, dtype::i8};
constexpr std::uint64_t k_graphs_per_type = 12;

passes::lower_options apart() {
    passes::lower_options options;
    options.fusion = false;
    return options;
}

void check_clean(const test::checked_chip::outcome& o) {
    for (const std::string& finding : o.findings)
        BOOST_ERROR(finding.substr(0, 2000));
}

/// Steps with operands behind sums that arrays form.
std::size_t operands_on_drains(const test::checked_chip::outcome& o) {
    std::size_t count = 0;
    for (const fw::planned_work& work : o.plan)
        if (const fw::planned_contraction* c = work.contraction())
            count += c->work.step_operands.size();
    return count;
}

} // namespace

BOOST_DATA_TEST_CASE(random_graphs_give_the_bits_of_kernels_apart, bdata::make(test::shipped_platforms()), platform) {
    test::checked_chip chip(test::shipped(platform));
    std::size_t on_drains = 0;
    for (const dtype type : k_types) {
        for (std::uint64_t seed = 0; seed < k_graphs_per_type; ++seed) {
            BOOST_TEST_CONTEXT("seed " << seed << " " << name_of(type)) {
                const test::compiled_graph fused = test::compile(test::fusible_graph(seed, type).make());
                const test::compiled_graph plain = test::compile(test::fusible_graph(seed, type).make(), apart());
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
    const test::compiled_graph plain = test::compile(dfg::conv_graph(block), apart());
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
