// The sample graphs on every shipped platform: the reference's bits, no findings, the same bits everywhere.

#include "tests/e2e/on_chip.h"

#include "compiler/object/object.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

const std::vector<std::string> k_samples = {"matmul.dfg",
                                            "non-batched-2-input-matmul.dfg",
                                            "non-batched-3-input-matmul.dfg",
                                            "AtimesBtimesC_skinny.dfg",
                                            "AtimesBtimesC_square.dfg",
                                            "matmul_8x8_chained.dfg",
                                            "matmul_16x16_chained.dfg",
                                            "matmul_256x256_chained.dfg",
                                            "matmul_8x4_expand_contract.dfg"};

void check_clean(const test::checked_chip::outcome& o) {
    for (const std::string& finding : o.findings)
        BOOST_ERROR(finding);
}

} // namespace

BOOST_DATA_TEST_CASE(sample_gives_the_references_bits, bdata::make(k_samples) * bdata::make(test::shipped_platforms()),
                     file, platform) {
    const test::compiled_graph g = test::compile(test::sample_graph(file));
    const tensor_map inputs = test::random_inputs(g, 42);
    test::checked_chip chip(test::shipped(platform));
    const auto o = chip.run(g.program, inputs);
    check_clean(o);
    // equal to the reference on every platform, so equal among platforms too
    BOOST_TEST((o.outputs == test::reference_outputs(g, inputs)));
}

BOOST_DATA_TEST_CASE(appendix_a_runs_unchanged, bdata::make(test::shipped_platforms()), platform) {
    const dfx::program program =
        object::read_program(std::string(KPU_SOURCE_DIR) + "/../shared/dfg/appendix-a.kpu.json");
    tensor_map inputs;
    inputs["A"] = random_tensor(dtype::f32, {4, 16}, 1);
    inputs["B"] = random_tensor(dtype::f32, {16, 4}, 2);
    test::checked_chip chip(test::shipped(platform));
    const auto o = chip.run(program, inputs);
    check_clean(o);
    BOOST_TEST((o.outputs.at("C") == dfg::multiply(inputs.at("A"), inputs.at("B"), nullptr, dtype::f32)));
}
