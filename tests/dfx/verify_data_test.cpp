// As verify_test.cpp: the rules about dependences, and about data that is there when it is read.

#include "tests/dfx/refused_nest.h"

using namespace kpu;
using namespace kpu::test;

BOOST_AUTO_TEST_CASE(dependences) {
    nest_refused("no operation of this kernel has this id", "depends_on[0]",
                 [](dfx::program& p) { product(p).depends_on[0].op = 999; });
    nest_refused("more components than loops", "depends_on[3]",
                 [](dfx::program& p) { product(p).depends_on[3].distance.push_back(0); });
    nest_refused("iterations of a parallel loop depend on each other: 'ti'", "depends_on[3]", [](dfx::program& p) {
        product(p).depends_on[3].distance = {1, -1, 1};
    });
    nest_refused("depends on a later iteration", "depends_on[3]", [](dfx::program& p) {
        product(p).depends_on[3].distance = {0, -1, 1};
    });
    nest_refused("cyclic dependence: '", "depends_on", [](dfx::program& p) { product(p).depends_on[3].distance = {}; });
    flat_refused("cyclic dependence", "", [](dfx::program& p) {
        flat_op<dfx::data_move_op>(p, 0).depends_on.push_back({3, {}});
    });
    flat_refused("depends on a later one", "kernels[0].body[0].depends_on", [](dfx::program& p) {
        flat_op<dfx::data_move_op>(p, 0).depends_on.push_back({4, {}});
    });
    flat_refused("no operation of this kernel has this id", "body[1].depends_on", [](dfx::program& p) {
        p.kernels[0].body[1] = dfx::barrier_op{2, {1, 77}, "wait"};
    });
}

BOOST_AUTO_TEST_CASE(on_chip_data) {
    nest_refused("no earlier operation brings this tile of A at L3", "", [](dfx::program& p) {
        std::get<dfx::data_move_op>(depth(p).body[1]).depends_on.clear();
        depth(p).body.erase(depth(p).body.begin());
    });
    nest_refused("without depending on the operation that brings it", "inputs[0]",
                 [](dfx::program& p) { product(p).depends_on.erase(product(p).depends_on.begin() + 1); });
    nest_refused("without depending on the operation that brings it", "source",
                 [](dfx::program& p) { first_store(p).depends_on.clear(); });
    nest_refused("no earlier operation brings", "inputs[0]", [](dfx::program& p) {
        // The tile loaded is always that of row 0.
        for (std::size_t i = 0; i < 3; ++i) {
            auto& move = std::get<dfx::data_move_op>(depth(p).body[i]);
            move.source.tile_indices[0] = move.destination.tile_indices[0] = dfx::affine{};
        }
    });
}

BOOST_AUTO_TEST_CASE(a_barrier_carries_dependences) {
    dfx::program p = test::flat_matmul(4, 4, 4, {4, 4, 4});
    auto& body = p.kernels[0].body;
    body.insert(body.begin() + 6, dfx::barrier_op{100, {3, 6}, "operands"});
    flat_op<dfx::compute_op>(p, 7).depends_on = {{100, {}}};
    BOOST_TEST(to_string(dfx::verify(p)) == "");
    std::get<dfx::barrier_op>(body[6]).wait_for.pop_back();
    BOOST_TEST(to_string(dfx::verify(p)).find("without depending") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(external_data) {
    nest_refused("is not stored completely", "tensors[Cout]", [](dfx::program& p) { rows(p).loop.end -= 1; });
    nest_refused("is not stored completely", "tensors[Cout]", [](dfx::program& p) { columns(p).body.pop_back(); });
    nest_refused("stored once and without gaps", "", [](dfx::program& p) {
        dfx::loop_nest twice;
        twice.loop.induction_var = "again";
        twice.loop.end = 2;
        twice.body.emplace_back(std::move(columns(p).body.back()));
        columns(p).body.back() = std::move(twice);
    });
    nest_refused("the program has no output", "tensors",
                 [](dfx::program& p) { p.tensors[3].role = dfx::tensor_role::intermediate; });
    nest_refused("stores into constant", "", [](dfx::program& p) { p.tensors[3].role = dfx::tensor_role::constant; });
    nest_refused("that nothing has stored before", "",
                 [](dfx::program& p) { p.tensors[0].role = dfx::tensor_role::intermediate; });
    flat_refused("stores elements of C again", "", [](dfx::program& p) {
        auto& store = flat_op<dfx::data_move_op>(p, 14);
        auto out = store;
        store.destination.level = out.source.level = dfx::memory_level::l1;
        out.depends_on = {{store.op_id, {}}};
        for (const std::uint64_t id : {100U, 101U}) {
            out.op_id = out.produces = id;
            p.kernels[0].body.emplace_back(out);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_kernel_reads_back_what_it_stores) {
    const dfx::program p = test::fused_chain(5, "fixed:2,2,3");
    refused(p, "reads C1 without depending on the operation that stores it: '11'", "source", [](dfx::program& q) {
        test::for_each_statement(q.kernels[0].body, [](dfx::statement& s) {
            auto* move = std::get_if<dfx::data_move_op>(&s);
            if (move != nullptr && move->op_id == 12)
                move->depends_on.clear();
        });
    });
    // In one loop over rows: each iteration may read what it has stored itself.
    const auto fuse_rows = [](dfx::program& q) {
        auto& body = q.kernels[0].body;
        auto& first = std::get<dfx::loop_nest>(body[0]);
        auto& second = std::get<dfx::loop_nest>(body[1]);
        first.loop.order = dfx::iteration_order::row_major;
        std::move(second.body.begin(), second.body.end(), std::back_inserter(first.body));
        body.pop_back();
    };
    dfx::program rows = p;
    fuse_rows(rows);
    BOOST_TEST(to_string(dfx::verify(rows)) == "");
    refused(rows, "cannot show that what is read of C1 was stored before: '11'", "source", [](dfx::program& q) {
        // The second product takes the rows from the last to the first, the first makes them in ascending order.
        const auto reverse = [](dfx::tensor_region& r) {
            if (r.tensor_name != "B2")
                r.tile_indices[0] = {{-1}, 2};
        };
        test::for_each_statement(q.kernels[0].body, [&](dfx::statement& s) {
            if (auto* move = std::get_if<dfx::data_move_op>(&s); move != nullptr && move->op_id >= 12) {
                reverse(move->source);
                reverse(move->destination);
            } else if (auto* op = std::get_if<dfx::compute_op>(&s); op != nullptr && op->op_id >= 12) {
                reverse(op->inputs[0]);
                reverse(op->output);
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(kernels_follow_their_tensors) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 20;
    spec.chain = {12};
    refused(test::compiled(spec, "fixed:8,8,8"), "that nothing has stored before", "kernels[0]",
            [](dfx::program& p) { std::swap(p.kernels[0], p.kernels[1]); });
}
