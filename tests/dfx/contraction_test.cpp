#include "compiler/dfx/contraction.h"

#include "compiler/dfx/verify.h"
#include "compiler/dfx/walk.h"
#include "tests/dfx/programs.h"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace kpu;

namespace {

dfx::program nest(dfx::dataflow flow, bool batched) {
    dfg::matmul_graph_spec spec;
    spec.m = 40;
    spec.n = 24;
    spec.k = 56;
    spec.seeded = true;
    spec.type = dtype::f16;
    if (batched)
        spec.batch = 3;
    passes::lower_options options;
    options.flow = flow;
    options.tiles = passes::parse_tile_request("fixed:16,8,16");
    return test::compile(spec, options).program;
}

std::vector<dfx::loop_values> visited(const dfx::program& p) {
    std::vector<dfx::loop_values> out;
    dfx::walk(p.kernels[0], [&](const dfx::statement&, const dfx::loop_values& at) { out.push_back(at); });
    return out;
}

/// A kernel that only marks its iterations.
dfx::program marker(dfx::iteration_order order, std::uint64_t rows, std::uint64_t columns) {
    dfx::loop_nest inner;
    inner.loop = {"j", 0, columns, 1, dfx::loop_kind::parallel, dfx::iteration_order::row_major, {}};
    inner.body.emplace_back(dfx::barrier_op{1, {}, ""});
    dfx::loop_nest outer;
    outer.loop = {"i", 0, rows, 1, dfx::loop_kind::parallel, dfx::iteration_order::row_major, {}};
    (order == dfx::iteration_order::snake ? inner : outer).loop.order = order;
    outer.body.emplace_back(std::move(inner));
    dfx::program p;
    p.kernels.resize(1);
    p.kernels[0].body.emplace_back(std::move(outer));
    return p;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_nest_is_one_contraction) {
    for (const bool batched : {false, true}) {
        const dfx::program p = nest(dfx::dataflow::output_stationary, batched);
        const auto all = dfx::contractions_of(p, p.kernels[0]);
        BOOST_TEST_REQUIRE(all.size() == 1U);
        const dfx::contraction& c = all[0];
        BOOST_TEST(c.a == "A");
        BOOST_TEST(c.b == "B");
        BOOST_TEST(c.c == "Cout");
        BOOST_TEST(c.seed.value() == "Cin");
        BOOST_TEST(c.batch == (batched ? 3U : 1U));
        BOOST_TEST(c.m == 40U);
        BOOST_TEST(c.n == 24U);
        BOOST_TEST(c.k == 56U);
        BOOST_TEST((c.tile == std::array<std::uint64_t, 3>{16, 8, 16}));
        BOOST_TEST((c.operand == dtype::f16 && c.accumulator == dtype::f32 && c.result == dtype::f16));
        BOOST_TEST((c.order == dfx::iteration_order::morton));
        BOOST_TEST((c.tiles == dfx::tile_policy::required));
        BOOST_TEST(!c.columns_outer);
        BOOST_TEST((c.ids.load_seed == 1 && c.ids.load_a == 4 && c.ids.load_b == 7));
        BOOST_TEST((c.ids.compute == 10 && c.ids.store == 14));
        BOOST_TEST(c.chain.empty());
        BOOST_TEST(c.macs() == c.batch * 40 * 24 * 56);
        BOOST_TEST(c.seed_bytes() == c.batch * 40 * 24 * 2);
    }
}

BOOST_AUTO_TEST_CASE(weight_stationary_nests_have_columns_outside) {
    const dfx::program p = nest(dfx::dataflow::weight_stationary, false);
    const dfx::contraction c = dfx::contractions_of(p, p.kernels[0]).at(0);
    BOOST_TEST(c.columns_outer);
    BOOST_TEST((c.order == dfx::iteration_order::snake));
    BOOST_TEST((c.flow == dfx::dataflow::weight_stationary));
    BOOST_TEST((c.m == 40 && c.n == 24 && c.k == 56));
}

BOOST_AUTO_TEST_CASE(flat_kernels_give_a_chain_per_output_tile) {
    const dfx::program p = test::flat_matmul(10, 7, 13, {4, 3, 5});
    const auto all = dfx::contractions_of(p, p.kernels[0]);
    BOOST_TEST(all.size() == 9U);
    std::uint64_t macs = 0;
    for (const dfx::contraction& c : all) {
        macs += c.macs();
        BOOST_TEST(c.k == 13U);
        BOOST_TEST(c.chain.size() == 3U);
        BOOST_TEST(c.ids.compute == c.chain[0].compute);
        BOOST_TEST(c.ids_of_k_tile(2).load_a > c.ids_of_k_tile(0).load_a);
        BOOST_TEST(c.chain[2].store == c.ids.store);
        BOOST_TEST(c.tile[2] == 5U);
    }
    BOOST_TEST(macs == 10U * 7 * 13);
    const dfx::contraction& last = all.back();
    BOOST_TEST((last.c_origin.row == 8 && last.c_origin.column == 6 && last.m == 2 && last.n == 1));
    BOOST_TEST((last.a_origin.row == 8 && last.a_origin.column == 0));
    BOOST_TEST((last.b_origin.row == 0 && last.b_origin.column == 6));

    const auto whole = dfx::joined(all);
    BOOST_TEST_REQUIRE(whole.size() == 1U);
    BOOST_TEST((whole[0].m == 10 && whole[0].n == 7 && whole[0].k == 13));
}

BOOST_AUTO_TEST_CASE(what_is_no_contraction_is_refused_by_name) {
    // D = C * B reads C in L1, where the first product leaves it: valid DFX, but operands of a contraction lie in
    // EXTERNAL.
    dfx::program p = test::flat_matmul(4, 4, 4, {4, 4, 4});
    p.tensors.push_back({"D", {4, 4}, dtype::f32, dfx::tensor_role::output, {"D"}, {}, {}});
    auto& body = p.kernels[0].body;
    auto store = std::get<dfx::data_move_op>(body.back());
    auto way_out = store;
    std::get<dfx::data_move_op>(body.back()).destination.level = dfx::memory_level::l1;
    way_out.op_id = way_out.produces = 9;
    way_out.source.level = dfx::memory_level::l1;
    way_out.depends_on = {{8, {}}};
    auto product = std::get<dfx::compute_op>(body[6]);
    product.op_id = product.produces = 10;
    product.inputs[0] = way_out.source;
    product.output.tensor_name = "D";
    product.depends_on = {{6, {}}, {8, {}}};
    store.op_id = store.produces = 11;
    store.source.tensor_name = store.destination.tensor_name = "D";
    store.depends_on = {{10, {}}};
    body.emplace_back(way_out);
    body.emplace_back(product);
    body.emplace_back(store);
    BOOST_TEST(to_string(dfx::verify(p)) == "");
    try {
        (void)dfx::contractions_of(p, p.kernels[0]);
        BOOST_TEST(false);
    } catch (const input_error& problem) {
        BOOST_TEST(std::string(problem.what()).find("operation 10") != std::string::npos, problem.what());
    }
}

BOOST_AUTO_TEST_CASE(snake_turns_back) {
    const std::vector<dfx::loop_values> expected = {{0, 0}, {0, 1}, {0, 2}, {1, 2}, {1, 1},
                                                    {1, 0}, {2, 0}, {2, 1}, {2, 2}};
    BOOST_TEST((visited(marker(dfx::iteration_order::snake, 3, 3)) == expected));
}

BOOST_AUTO_TEST_CASE(morton_is_z_order) {
    const std::vector<dfx::loop_values> expected = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2},
                                                    {1, 2}, {2, 0}, {2, 1}, {2, 2}};
    BOOST_TEST((visited(marker(dfx::iteration_order::morton, 3, 3)) == expected));
    const auto ragged = visited(marker(dfx::iteration_order::morton, 5, 100));
    BOOST_TEST(ragged.size() == 500U);
    BOOST_TEST((std::set<dfx::loop_values>(ragged.begin(), ragged.end()).size() == 500U));
}

BOOST_AUTO_TEST_CASE(sequences_and_steps) {
    dfx::program p = marker(dfx::iteration_order::row_major, 2, 2);
    auto& outer = std::get<dfx::loop_nest>(p.kernels[0].body[0]);
    outer.loop.order = dfx::iteration_order::explicit_sequence;
    outer.loop.sequence = {1, 0};
    auto& inner = std::get<dfx::loop_nest>(outer.body[0]);
    inner.loop.start = 3;
    inner.loop.end = 9;
    inner.loop.step = 4;
    const std::vector<dfx::loop_values> expected = {{1, 3}, {1, 7}, {0, 3}, {0, 7}};
    BOOST_TEST((visited(p) == expected));
}
