// The verifier catches what it claims to: every mutation of a program is refused, unless it changes nothing.

#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "platforms/common/diagnostic.h"
#include "tests/dfx/mutations.h"
#include "tests/dfx/order_oracle.h"
#include "tests/dfx/programs.h"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <iostream>

using namespace kpu;

namespace {

/// A product, a row and a matrix behind it, with a function of one argument in between.
dfx::program steps_behind_sums() {
    return dfx::from_text(R"(dfx 2.1
graph "steps"
tensor A : 5x7 f32 input keys(A)
tensor B : 7x3 f32 constant keys(B)
tensor row : 1x3 f32 constant keys(row)
tensor all : 5x3 f32 input keys(all)
tensor C : 5x3 f32 output keys(C)
kernel "C" nodes(1, 2, 3, 4) output_stationary tiles suggested {
  %1 = MATMUL_TILE C[0, 0] 5x3 EXTERNAL <- A[0, 0] 5x7 EXTERNAL, B[0, 0] 7x3 EXTERNAL, row[0, 0] 1x3 EXTERNAL,)"
                          R"( all[0, 0] 5x3 EXTERNAL steps(add f32 with 2, relu f32, subtract f32 with 3)
}
)",
                          "steps");
}

/// Extents differ, so that no mistake hides behind a square; trips of 1, 2 and more; ragged ends; each form once.
std::vector<dfx::program> subjects() {
    std::vector<dfx::program> all;
    dfg::matmul_graph_spec spec;
    spec.m = 5;
    spec.n = 3;
    spec.k = 7;
    spec.seeded = true;
    all.push_back(test::compiled(spec, "fixed:2,2,3"));
    spec.seeded = false;
    spec.chain = {4};
    passes::lower_options options;
    options.flow = dfx::dataflow::weight_stationary;
    options.tiles = passes::parse_tile_request("fixed:3,2,4");
    all.push_back(test::compile(spec, options).program);
    spec.chain.clear();
    spec.batch = 2;
    spec.type = dtype::f16;
    all.push_back(test::compiled(spec, "fixed:3,3,4"));
    all.push_back(test::flat_matmul(5, 3, 7, {3, 2, 4}));
    all.push_back(test::fused_chain(5, "fixed:2,2,3"));
    dfx::program waiting = test::flat_matmul(2, 3, 4, {2, 3, 4});
    auto& body = waiting.kernels[0].body;
    body.insert(body.begin() + 6, dfx::barrier_op{100, {3, 6}, "operands"});
    std::get<dfx::compute_op>(body[7]).depends_on = {{100, {}}};
    all.push_back(std::move(waiting));
    all.push_back(steps_behind_sums());
    return all;
}

/// The same bits from the same inputs, in an order that the dependences imply.
bool equivalent(const dfx::program& mutant, const tensor_map& inputs, const tensor_map& expected) {
    try {
        return dfx::interpret(mutant, inputs) == expected && test::dependences_imply_order(mutant);
    } catch (const input_error&) {
        return false; // it wants other inputs
    }
}

struct score {
    std::size_t total = 0, killed = 0, equivalent = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(every_mutation_is_refused_or_changes_nothing) {
    std::map<std::string, score> table;
    for (const dfx::program& p : subjects()) {
        BOOST_REQUIRE(dfx::verify(p).empty());
        BOOST_REQUIRE(test::dependences_imply_order(p));
        const tensor_map inputs = test::random_inputs(p, 1);
        const tensor_map expected = dfx::interpret(p, inputs);
        for (const test::mutation& m : test::mutations_of(p)) {
            dfx::program mutant = p;
            m.apply(mutant);
            if (mutant == p)
                continue;
            score& s = table[m.kind];
            ++s.total;
            if (dfx::verify(mutant).has_errors())
                ++s.killed;
            else if (equivalent(mutant, inputs, expected))
                ++s.equivalent;
            else
                BOOST_ERROR("survives: " << m.kind << "\n" << dfx::to_text(p) << "became\n" << dfx::to_text(mutant));
        }
    }
    std::cout << fmt::format("{:<22} {:>7} {:>12} {:>7}\n", "mutation", "killed", "equivalent", "total");
    for (const auto& [kind, s] : table) {
        std::cout << fmt::format("{:<22} {:>7} {:>12} {:>7}\n", kind, s.killed, s.equivalent, s.total);
        BOOST_TEST(s.killed + s.equivalent == s.total);
        BOOST_TEST((s.killed > 0 || kind == "loop order"), kind << " never matters");
    }
}

BOOST_AUTO_TEST_CASE(the_oracle_sees_a_missing_order) {
    // Without the verifier: what it refuses, the oracle finds by listing instances.
    dfx::program p = subjects().front();
    auto& rows = std::get<dfx::loop_nest>(p.kernels[0].body[0]);
    auto& columns = std::get<dfx::loop_nest>(rows.body[0]);
    auto& depth = std::get<dfx::loop_nest>(columns.body[3]);
    auto& product = std::get<dfx::compute_op>(depth.body[6]);
    const auto dependences = product.depends_on;
    for (std::size_t i = 0; i < dependences.size(); ++i) {
        product.depends_on = dependences;
        product.depends_on.erase(product.depends_on.begin() + static_cast<std::ptrdiff_t>(i));
        BOOST_TEST(!test::dependences_imply_order(p));
    }
    product.depends_on = dependences;
    product.depends_on.back().distance.back() = 2;
    BOOST_TEST(!test::dependences_imply_order(p));
    product.depends_on = dependences;
    BOOST_TEST(test::dependences_imply_order(p));
}
