// Which element-wise kernels go behind which others, where the merged kernel lands, and what that saves.

#include "compiler/dfg/graph_builder.h"
#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/savings.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "compiler/object/encodings.h"
#include "tests/dfx/programs.h"
#include "tests/e2e/networks.h"
#include "tests/support/least_parts.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

using namespace kpu;
using kind = dfg::operator_kind;

namespace {

dfx::program compiled(dfg::graph g, bool fusion = true, const std::string& tiles = "analytical") {
    diagnostics warnings;
    passes::lower_options options;
    options.fusion = fusion;
    options.tiles = passes::parse_tile_request(tiles);
    const dfg::binding bound = dfg::bind_operands(g, warnings);
    return passes::lower(g, bound, options).program;
}

/// Values of one type and shape behind a product of 6 x 5 and 5 x 4.
class graph_under_test {
  public:
    explicit graph_under_test(shape dims = {6, 4}) : m_dims(std::move(dims)), m_builder("g") {}

    dfg::node_id constant(const shape& dims) {
        return m_builder.constant("c" + std::to_string(++m_values), dtype::f32, dims);
    }
    dfg::node_id op(kind k, const std::vector<dfg::node_id>& operands) {
        const std::string name = "v" + std::to_string(++m_values);
        return m_builder.compute(k, name, operands, name, dfg::make_type(dtype::f32, m_dims));
    }
    dfg::node_id product() {
        shape a = m_dims;
        shape b = m_dims;
        a.back() = b[b.size() - 2] = 5;
        return op(kind::matmul, {constant(a), constant(b)});
    }
    void give_back(dfg::node_id value) { m_builder.give_back(value, "y" + std::to_string(++m_values)); }
    dfg::graph finish() { return m_builder.finish(); }

  private:
    shape m_dims;
    dfg::graph_builder m_builder;
    unsigned m_values = 0;
};

/// A product and a sum with an operand of these dimensions, kernel by kernel.
std::size_t kernels_with_operand(const shape& result, const shape& operand, const std::string& tiles = "analytical") {
    graph_under_test g(result);
    const dfg::node_id product = g.product();
    g.give_back(g.op(kind::add, {product, g.constant(operand)}));
    return compiled(g.finish(), true, tiles).kernels.size();
}

/// Bytes that kernels read and write where nothing stays between them.
struct moved {
    std::uint64_t read = 0, written = 0;
};
moved bytes_moved(const dfx::program& p) {
    moved sum;
    const auto size = [&](const std::string& name) {
        const dfx::tensor_descriptor& t = *p.find(name);
        return element_count(t.dims) * size_of(t.type);
    };
    for (dfx::kernel k : p.kernels) {
        if (const dfx::compute_op* op = dfx::whole_tensor_operator(k)) {
            for (const dfx::tensor_region& r : op->inputs)
                sum.read += size(r.tensor_name);
            sum.written += size(op->output.tensor_name);
            continue;
        }
        test::for_each_statement(k.body, [&](const dfx::statement& s) {
            const auto* move = std::get_if<dfx::data_move_op>(&s);
            if (move != nullptr && move->source.level == dfx::memory_level::external)
                sum.read += size(move->source.tensor_name);
            if (move != nullptr && move->destination.level == dfx::memory_level::external)
                sum.written += size(move->destination.tensor_name);
        });
    }
    return sum;
}

dfx::fusion_savings savings(const dfx::program& p) {
    return dfx::savings_of(p, p);
}

} // namespace

BOOST_AUTO_TEST_CASE(rows_columns_and_matrices_go_behind_a_product) {
    for (const shape& operand : {shape{1, 4}, shape{6, 1}, shape{6, 4}, shape{1, 1}})
        BOOST_TEST(kernels_with_operand({6, 4}, operand) == 1U, to_string(operand));
    for (const shape& operand : {shape{1, 1, 4}, shape{2, 6, 4}, shape{2, 6, 1}})
        BOOST_TEST(kernels_with_operand({2, 6, 4}, operand) == 1U, to_string(operand));
    // one for all of a batch, but not for all rows
    for (const shape& operand : {shape{1, 6, 4}, shape{2, 1, 4}})
        BOOST_TEST(kernels_with_operand({2, 6, 4}, operand) == 2U, to_string(operand));
}

BOOST_AUTO_TEST_CASE(the_users_tiles_stay_a_nest) {
    BOOST_TEST(kernels_with_operand({6, 4}, {1, 4}, "fixed:2,2,2") == 2U);
}

BOOST_AUTO_TEST_CASE(what_others_use_stays_a_tensor) {
    graph_under_test g;
    const dfg::node_id product = g.product();
    g.give_back(g.op(kind::add, {product, g.constant({1, 4})}));
    g.give_back(g.op(kind::sub, {product, g.constant({1, 4})}));
    BOOST_TEST(compiled(g.finish()).kernels.size() == 3U);
    graph_under_test returned;
    const dfg::node_id value = returned.product();
    returned.give_back(value);
    returned.give_back(returned.op(kind::relu, {value}));
    BOOST_TEST(compiled(returned.finish()).kernels.size() == 2U);
    graph_under_test twice;
    const dfg::node_id both = twice.product();
    twice.give_back(twice.op(kind::mul, {both, both}));
    BOOST_TEST(compiled(twice.finish()).kernels.size() == 2U);
}

BOOST_AUTO_TEST_CASE(either_argument_may_be_the_products) {
    graph_under_test g;
    const dfg::node_id x = g.constant({6, 4});
    g.give_back(g.op(kind::sub, {x, g.product()}));
    const dfx::program p = compiled(g.finish());
    BOOST_TEST_REQUIRE(p.kernels.size() == 1U);
    const dfx::compute_op& op = *dfx::whole_tensor_operator(p.kernels[0]);
    BOOST_TEST_REQUIRE(op.steps.size() == 1U);
    BOOST_TEST(op.steps[0].operand_first);
    BOOST_TEST(op.inputs.at(2).tensor_name == "c1");
}

BOOST_AUTO_TEST_CASE(of_two_products_the_later_takes_the_sum) {
    for (const bool first_comes_first : {true, false}) {
        graph_under_test g;
        const dfg::node_id a = g.product();
        const dfg::node_id b = g.product();
        g.give_back(first_comes_first ? g.op(kind::add, {a, b}) : g.op(kind::add, {b, a}));
        const dfx::program p = compiled(g.finish());
        BOOST_TEST_REQUIRE(p.kernels.size() == 2U);
        BOOST_TEST((dfx::whole_tensor_operator(p.kernels[0]) == nullptr));
        BOOST_TEST(dfx::whole_tensor_operator(p.kernels[1])->steps.size() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_kernel_waits_for_the_operands_of_its_steps) {
    graph_under_test g;
    const dfg::node_id product = g.product();
    const dfg::node_id shared = g.op(kind::abs, {g.constant({6, 4})}); // between the product and the sum
    g.give_back(shared);
    g.give_back(g.op(kind::add, {product, shared}));
    const dfx::program p = compiled(g.finish());
    BOOST_TEST_REQUIRE(p.kernels.size() == 2U);
    BOOST_TEST(dfx::whole_tensor_operator(p.kernels[0])->steps.size() == 1U);
    const dfx::compute_op& last = *dfx::whole_tensor_operator(p.kernels[1]);
    BOOST_TEST((last.type == dfx::compute_type::matmul_tile));
    BOOST_TEST((last.inputs.at(2).tensor_name == dfx::whole_tensor_operator(p.kernels[0])->output.tensor_name));
}

BOOST_AUTO_TEST_CASE(a_batched_product_with_steps_is_of_version_2_2) {
    graph_under_test g({2, 6, 4});
    const dfg::node_id product = g.product();
    g.give_back(g.op(kind::mul, {product, g.constant({2, 6, 4})}));
    const dfx::program p = compiled(g.finish());
    BOOST_TEST(p.version == "2.2");
    BOOST_TEST_REQUIRE(p.kernels.size() == 1U);
    BOOST_TEST((object::from_json(object::to_json(p), "p") == p));
    BOOST_TEST((object::from_binary(object::to_binary(p), "p") == p));
    BOOST_TEST((dfx::from_text(dfx::to_text(p), "p") == p));
    dfx::program older = p;
    older.version = "2.1";
    BOOST_TEST(to_string(dfx::verify(older)).find("batched or seeded MATMUL_TILE on whole tensors needs DFX version") !=
               std::string::npos);
    const dfx::contraction c = dfx::contractions_of(p, p.kernels[0]).at(0);
    BOOST_TEST(c.batch == 2U);
    BOOST_TEST(c.m == 6U);
    BOOST_TEST(c.k == 5U);
    BOOST_TEST(c.step_bytes() == 2U * 6 * 4 * 4);
}

BOOST_AUTO_TEST_CASE(a_seeded_product_takes_steps) {
    graph_under_test g;
    const dfg::node_id product = g.op(kind::matmul, {g.constant({6, 5}), g.constant({5, 4}), g.constant({6, 4})});
    g.give_back(g.op(kind::add, {product, g.constant({6, 4})}));
    const dfx::program p = compiled(g.finish());
    BOOST_TEST_REQUIRE(p.kernels.size() == 1U);
    BOOST_TEST((object::from_binary(object::to_binary(p), "p") == p));
    const dfx::contraction c = dfx::contractions_of(p, p.kernels[0]).at(0);
    BOOST_TEST(c.seed.value_or("") == "c3");
    BOOST_TEST(!c.bias);
    BOOST_TEST(c.step_operands.at(0).tensor == "c5");
    dfx::program older = p;
    older.version = "2.1";
    BOOST_TEST(to_string(dfx::verify(older)).find("needs DFX version 2.2") != std::string::npos);
    dfx::program narrow = p;
    for (dfx::tensor_descriptor& t : narrow.tensors)
        if (t.name == "c3")
            t.dims = std::get<dfx::compute_op>(narrow.kernels[0].body[0]).inputs[2].tile_shape = {1, 4};
    BOOST_TEST(to_string(dfx::verify(narrow)).find("wrong extents") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_input_that_no_step_uses_is_refused) {
    graph_under_test g;
    const dfg::node_id product = g.product();
    g.give_back(g.op(kind::add, {product, g.constant({6, 4})}));
    dfx::program p = compiled(g.finish());
    std::get<dfx::compute_op>(p.kernels[0].body[0]).steps.clear();
    BOOST_TEST(to_string(dfx::verify(p)).find("no step uses this input") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(operands_that_no_matrix_has_are_no_contraction) {
    graph_under_test g({2, 6, 4});
    const dfg::node_id product = g.product();
    g.give_back(g.op(kind::add, {product, g.constant({2, 6, 4})}));
    dfx::program p = compiled(g.finish());
    auto& op = std::get<dfx::compute_op>(p.kernels[0].body[0]);
    for (dfx::tensor_descriptor& t : p.tensors)
        if (t.name == op.inputs[2].tensor_name)
            t.dims = op.inputs[2].tile_shape = {1, 6, 4};
    BOOST_TEST(to_string(dfx::verify(p)) == "");
    BOOST_CHECK_EXCEPTION((void)dfx::contractions_of(p, p.kernels[0]), input_error, [](const input_error& e) {
        return std::string(e.what()).find("broadcast over some of the result's rows") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(savings_are_what_kernels_apart_move) {
    for (const test::network& n : test::k_networks) {
        for (const dtype type : {dtype::f32, dtype::bf16}) {
            BOOST_TEST_CONTEXT(n.name << " " << name_of(type)) {
                const dfx::program fused = compiled(n.make(type));
                const dfx::program apart = compiled(n.make(type), false);
                const dfx::fusion_savings saved = savings(fused);
                BOOST_TEST(saved.kernels == apart.kernels.size() - fused.kernels.size());
                const moved before = bytes_moved(apart), after = bytes_moved(fused);
                const std::uint64_t written = before.written - after.written, read = before.read - after.read;
                if (type == dtype::f32) { // else some of the values between steps are wider than others
                    BOOST_TEST(saved.bytes_not_written == written);
                    BOOST_TEST(saved.bytes_not_read == read);
                }
                BOOST_TEST(saved.bytes_not_written <= written);
                BOOST_TEST(saved.bytes_not_read <= read);
                BOOST_TEST(saved.bytes_not_written > written / 2);
                BOOST_TEST(savings(apart).kernels == 0U);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(what_parts_lose_again_is_not_saved) {
    for (const test::network& n : test::k_networks) {
        BOOST_TEST_CONTEXT(n.name) {
            const dfx::program fused = compiled(n.make(dtype::f32));
            const dfx::program apart = compiled(n.make(dtype::f32), false);
            const dfx::program ran = test::in_least_parts(fused);
            BOOST_TEST(ran.kernels.size() > fused.kernels.size());
            const dfx::fusion_savings saved = dfx::savings_of(fused, ran);
            const moved before = bytes_moved(apart), after = bytes_moved(ran);
            // steps that a node has of its own are apart now, too
            const auto less = [](std::uint64_t x, std::uint64_t y) { return x - std::min(x, y); };
            BOOST_TEST(saved.bytes_not_written == less(before.written, after.written));
            BOOST_TEST(saved.bytes_not_read == less(before.read, after.read));
            BOOST_TEST(saved.kernels == less(apart.kernels.size(), ran.kernels.size()));
        }
    }
}
