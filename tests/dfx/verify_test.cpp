// Every rule of the verifier: a program that keeps it, and the same program with one thing changed.

#include "tests/dfx/refused_nest.h"

using namespace kpu;
using namespace kpu::test;

BOOST_AUTO_TEST_CASE(text) {
    const std::string wrong = "\xff";
    nest_refused("text is not UTF-8", "graph_name", [&](dfx::program& p) { p.graph_name = wrong; });
    nest_refused("text is not UTF-8", "compiler", [&](dfx::program& p) { p.compiler = wrong; });
    nest_refused("text is not UTF-8", "tuned_for", [&](dfx::program& p) { p.tuned_for = wrong; });
    nest_refused("text is not UTF-8", "tensors[0].name", [&](dfx::program& p) { p.tensors[0].name = wrong; });
    nest_refused("text is not UTF-8", "tensors[1].keys", [&](dfx::program& p) { p.tensors[1].keys.push_back(wrong); });
    nest_refused("text is not UTF-8", "kernels[0].name", [&](dfx::program& p) { p.kernels[0].name = wrong; });
    nest_refused("text is not UTF-8", "kernels[0].body[0].body[0].loop",
                 [&](dfx::program& p) { columns(p).loop.induction_var = wrong; });
    nest_refused("text is not UTF-8", "body[6].accumulate",
                 [&](dfx::program& p) { product(p).accumulate.loop = wrong; });
    nest_refused("text is not UTF-8", "kernels[0].body[1].label", [&](dfx::program& p) {
        p.kernels[0].body.emplace_back(dfx::barrier_op{1000, {}, wrong});
    });
    nest_refused("text is longer than 65536 bytes", "graph_name",
                 [](dfx::program& p) { p.graph_name = std::string(dfx::k_max_text + 1, 'a'); });
}

BOOST_AUTO_TEST_CASE(tensors) {
    nest_refused("a tensor of this name exists already", "tensors[1].name",
                 [](dfx::program& p) { p.tensors[1].name = p.tensors[0].name; });
    nest_refused("without a name", "tensors[1].name", [](dfx::program& p) { p.tensors[1].name.clear(); });
    nest_refused("rank 0", "tensors[0].shape", [](dfx::program& p) { p.tensors[0].dims.clear(); });
    nest_refused("extent out of range", "tensors[0].shape", [](dfx::program& p) { p.tensors[0].dims[0] = 0; });
    nest_refused("more than 2^48", "tensors[0].shape", [](dfx::program& p) {
        p.tensors[0].dims = {1ULL << 39, 1ULL << 39};
    });
    nest_refused("has no key", "tensors[0].keys", [](dfx::program& p) { p.tensors[0].keys.clear(); });
    nest_refused("key is taken", "tensors[1].keys", [](dfx::program& p) { p.tensors[1].keys = p.tensors[0].keys; });
    nest_refused("no constant tensor has this name", "constants[Cout]", [](dfx::program& p) {
        p.constants["Cout"] = tensor(dtype::f32, {40, 24});
    });
    nest_refused("does not match its descriptor", "constants[A]", [](dfx::program& p) {
        p.constants["A"] = tensor(dtype::f32, {40, 55});
    });
    nest_refused("wrong number of bytes", "constants[A]", [](dfx::program& p) {
        p.constants["A"] = tensor(dtype::f32, {40, 56});
        p.constants["A"].data.pop_back();
    });
}

BOOST_AUTO_TEST_CASE(versions_and_ids) {
    for (const char* wrong : {"", "2", "2.", "3.0", "2.0morton", "2.65536", "2.0.0", "2.00", "2.01"})
        nest_refused("unknown DFX version", "", [&](dfx::program& p) { p.version = wrong; });
    nest_refused("one kernel without loops", "", [](dfx::program& p) { p.version = "1.0"; });
    nest_refused("required_dataflow needs DFX version 2.2", "kernels[0]",
                 [](dfx::program& p) { p.kernels[0].tiles = dfx::tile_policy::required_dataflow; });
    nest_refused("operation id is taken", "kernels[0].body[0].body[0].body[3].body[6].op_id",
                 [](dfx::program& p) { product(p).op_id = load_a(p).op_id; });
    nest_refused("id 0 is reserved", "op_id", [](dfx::program& p) { product(p).op_id = 0; });
    nest_refused("another operation produces", "produces",
                 [](dfx::program& p) { product(p).produces = load_a(p).produces; });
    nest_refused("has no operations", "kernels[0].body", [](dfx::program& p) { p.kernels[0].body.clear(); });
}

BOOST_AUTO_TEST_CASE(loops) {
    nest_refused("step out of range", "kernels[0].body[0].loop.step", [](dfx::program& p) { rows(p).loop.step = 0; });
    nest_refused("empty or excessive range", "", [](dfx::program& p) { rows(p).loop.start = rows(p).loop.end; });
    nest_refused("empty or excessive range", "", [](dfx::program& p) { rows(p).loop.end = (1ULL << 40) + 1; });
    nest_refused("same induction variable", "", [](dfx::program& p) { columns(p).loop.induction_var = "ti"; });
    nest_refused("without an induction variable", "", [](dfx::program& p) { columns(p).loop.induction_var = ""; });
    nest_refused("must ascend", "body[3].loop.order",
                 [](dfx::program& p) { depth(p).loop.order = dfx::iteration_order::snake; });
    nest_refused("not a permutation", "loop.sequence", [](dfx::program& p) {
        columns(p).loop.order = dfx::iteration_order::explicit_sequence;
        columns(p).loop.sequence = {0, 1, 1};
    });
    nest_refused("belongs to the order 'explicit'", "", [](dfx::program& p) { columns(p).loop.sequence = {0, 1, 2}; });
    nest_refused("order morton needs a parallel loop", "",
                 [](dfx::program& p) { columns(p).loop.order = dfx::iteration_order::morton; });
    nest_refused("empty body", "", [](dfx::program& p) { depth(p).body.clear(); });
    nest_refused("nested loops", "", [](dfx::program& p) {
        for (int i = 0; i < 16; ++i) {
            dfx::loop_nest outer;
            outer.loop.induction_var = "l" + std::to_string(i);
            outer.loop.end = 1;
            outer.body = std::move(p.kernels[0].body);
            p.kernels[0].body.clear();
            p.kernels[0].body.emplace_back(std::move(outer));
        }
    });
    dfx::program legal = nest();
    columns(legal).loop.order = dfx::iteration_order::explicit_sequence;
    columns(legal).loop.sequence = {2, 0, 1};
    BOOST_TEST(to_string(dfx::verify(legal)) == "");
}

BOOST_AUTO_TEST_CASE(regions) {
    nest_refused("no such tensor", "source.tensor", [](dfx::program& p) { load_a(p).source.tensor_name = "X"; });
    nest_refused("wrong rank", "source", [](dfx::program& p) { load_a(p).source.tile_indices.pop_back(); });
    nest_refused("wrong rank", "source", [](dfx::program& p) { load_a(p).source.tile_shape.push_back(1); });
    nest_refused("element size differs", "source.element_size",
                 [](dfx::program& p) { load_a(p).source.element_size = 8; });
    nest_refused("tile extent out of range", "source.tile_shape",
                 [](dfx::program& p) { load_a(p).source.tile_shape[0] = 0; });
    nest_refused("tile lies outside tensor A", "source.tile_indices[1]",
                 [](dfx::program& p) { load_a(p).source.tile_indices[1].offset = 1; });
    nest_refused("tile lies outside tensor A", "source.tile_indices[0]",
                 [](dfx::program& p) { load_a(p).source.tile_indices[0].offset = -1; });
    nest_refused("tile lies outside", "tile_indices", [](dfx::program& p) { depth(p).loop.end += 1; });
    nest_refused("does not enclose it", "source.tile_indices[0]", [](dfx::program& p) {
        load_a(p).source.tile_indices[0].coefficients = {0, 0, 0, 1};
    });
    nest_refused("overflows 64 bits", "", [](dfx::program& p) {
        load_a(p).source.tile_indices[0].coefficients = {INT64_MAX, 0, INT64_MAX};
    });
}

BOOST_AUTO_TEST_CASE(moves) {
    nest_refused("goes the wrong way", "", [](dfx::program& p) { load_a(p).type = dfx::data_move_type::store; });
    nest_refused("one level at a time", "",
                 [](dfx::program& p) { load_a(p).destination.level = dfx::memory_level::l2; });
    nest_refused("nothing is loaded into REGISTER", "", [](dfx::program& p) {
        auto& last = std::get<dfx::data_move_op>(depth(p).body[2]);
        last.source.level = dfx::memory_level::l1;
        last.destination.level = dfx::memory_level::reg;
    });
    nest_refused("transposing moves", "transpose", [](dfx::program& p) { load_a(p).transpose = true; });
    nest_refused("different tiles", "", [](dfx::program& p) { load_a(p).destination.tensor_name = "Cin"; });
    nest_refused("different tiles", "", [](dfx::program& p) { load_a(p).destination.tile_shape[0] = 8; });
    // A flat program may jump levels: the appendix's STORE does.
    BOOST_TEST(to_string(dfx::verify(test::flat_matmul(4, 4, 16, {4, 4, 16}))) == "");
}

BOOST_AUTO_TEST_CASE(computes) {
    nest_refused("operation is not supported", "",
                 [](dfx::program& p) { product(p).type = dfx::compute_type::softmax_tile; });
    nest_refused("1 inputs", "inputs", [](dfx::program& p) { product(p).inputs.resize(1); });
    nest_refused("a compute reads L1", "inputs[0].level",
                 [](dfx::program& p) { product(p).inputs[0].level = dfx::memory_level::l2; });
    nest_refused("a compute writes REGISTER", "output.level",
                 [](dfx::program& p) { product(p).output.level = dfx::memory_level::l1; });
    nest_refused("extents of A and Cout in rows disagree", "", [](dfx::program& p) { p.tensors[0].dims[0] = 41; });
    nest_refused("tile extents of A and B in k disagree", "",
                 [](dfx::program& p) { product(p).inputs[0].tile_shape[1] = 8; });
    nest_refused("tile indices of A and Cout in rows disagree", "",
                 [](dfx::program& p) { product(p).inputs[0].tile_indices[0] = product(p).inputs[0].tile_indices[1]; });
    nest_refused("A and B have different types", "inputs", [](dfx::program& p) { p.tensors[0].type = dtype::i32; });
    nest_refused("cannot be stored as this type", "output", [](dfx::program& p) { p.tensors[3].type = dtype::i32; });
    nest_refused("more than 2^56 multiply-accumulates", "", [](dfx::program& p) {
        for (std::size_t t = 0; t < 4; ++t)
            p.tensors[t].dims = {1ULL << 19, 1ULL << 19};
    });
    nest_refused("does not widen", "inputs[2]", [](dfx::program& p) { p.tensors[2].type = dtype::f64; });
}

BOOST_AUTO_TEST_CASE(accumulation) {
    using kind = dfx::accumulate_rule::kind;
    nest_refused("no loop of this name", "accumulate", [](dfx::program& p) { product(p).accumulate.loop = "tx"; });
    nest_refused("not a reduction loop", "accumulate", [](dfx::program& p) { product(p).accumulate.loop = "ti"; });
    nest_refused("not a reduction loop", "accumulate",
                 [](dfx::program& p) { depth(p).loop.kind = dfx::loop_kind::parallel; });
    nest_refused("without being accumulated", "accumulate", [](dfx::program& p) {
        product(p).accumulate = {kind::never, ""};
    });
    nest_refused("first reduction step cannot accumulate", "accumulate", [](dfx::program& p) {
        product(p).accumulate = {kind::always, ""};
    });
    nest_refused("only after_first names a loop", "accumulate",
                 [](dfx::program& p) { product(p).accumulate.when = kind::never; });
    nest_refused("k does not ascend", "accumulate", [](dfx::program& p) {
        for (auto* r : {&product(p).inputs[0].tile_indices[1], &product(p).inputs[1].tile_indices[0]}) {
            r->coefficients[2] = -1;
            r->offset = 3;
        }
    });
    // Flat: operation 7 starts the chain of tile (0, 0), operation 14 accumulates.
    flat_refused("no earlier operation brings this", "body[6].accumulate",
                 [](dfx::program& p) { flat_op<dfx::compute_op>(p, 6).accumulate.when = kind::always; });
    flat_refused("overwrites sums", "body[13].output",
                 [](dfx::program& p) { flat_op<dfx::compute_op>(p, 13).accumulate.when = kind::never; });
}

BOOST_AUTO_TEST_CASE(sums) {
    nest_refused("without depending on its own step before", "body[6].depends_on",
                 [](dfx::program& p) { product(p).depends_on.pop_back(); });
    nest_refused("without depending on its own step before", "body[6].depends_on", [](dfx::program& p) {
        product(p).depends_on[3].distance = {0, 0, 2};
    });
    nest_refused("not over all tiles of k: '0..2' (expected 0..3)", "body[6].inputs",
                 [](dfx::program& p) { depth(p).loop.end -= 1; });
    nest_refused("not over all tiles of k", "body[6].inputs", [](dfx::program& p) { depth(p).loop.start += 1; });
    nest_refused("consecutive tiles in loop tk", "body[6].inputs", [](dfx::program& p) { depth(p).loop.step = 3; });
    nest_refused("leaves REGISTER in each iteration of tk", "source", [](dfx::program& p) {
        depth(p).body.push_back(columns(p).body[4]);
        columns(p).body.erase(columns(p).body.begin() + 4);
    });
    nest_refused("no earlier operation brings this tile of Cout at REGISTER", "source", [](dfx::program& p) {
        dfx::data_move_op again = first_store(p);
        again.op_id = again.produces = 100;
        columns(p).body.emplace_back(again);
    });
    // Flat: the two halves of k of tile (0, 0) are operations 1 to 7 and 8 to 14.
    const auto set_k = [](dfx::program& p, std::size_t first, std::int64_t k) {
        for (std::size_t i = first; i < first + 7; ++i) {
            if (auto* move = std::get_if<dfx::data_move_op>(&p.kernels[0].body[i])) {
                const std::size_t d = move->source.tensor_name == "A" ? 1 : 0;
                move->source.tile_indices[d].offset = move->destination.tile_indices[d].offset = k;
            } else {
                auto& op = flat_op<dfx::compute_op>(p, i);
                op.inputs[0].tile_indices[1].offset = op.inputs[1].tile_indices[0].offset = k;
            }
        }
    };
    flat_refused("k does not follow on from the operations before on the same tile: '4' (expected 0)", "body[6].inputs",
                 [&](dfx::program& p) {
                     set_k(p, 0, 1);
                     set_k(p, 7, 0);
                 });
    flat_refused("k does not follow on", "body[13].inputs", [&](dfx::program& p) { set_k(p, 7, 0); });
    flat_refused("before all of k is in it: '4' (expected 8 elements)", "body[7].source", [](dfx::program& p) {
        auto& body = p.kernels[0].body;
        body.erase(body.begin() + 7, body.begin() + 14);
        std::get<dfx::data_move_op>(body[7]).depends_on = {{7, {}}};
    });
    flat_refused("other tensors than the operations before", "body[13].inputs", [](dfx::program& p) {
        p.tensors.push_back({"D", {8, 8}, dtype::f32, dfx::tensor_role::input, {"D"}, {}, {}});
        for (std::size_t i = 7; i < 14; ++i) {
            const auto change = [](dfx::tensor_region& r) {
                if (r.tensor_name == "B")
                    r.tensor_name = "D";
            };
            if (auto* move = std::get_if<dfx::data_move_op>(&p.kernels[0].body[i])) {
                change(move->source);
                change(move->destination);
            } else {
                change(flat_op<dfx::compute_op>(p, i).inputs[1]);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_problem_is_reported) {
    dfx::program p = nest();
    load_a(p).source.element_size = 1;
    product(p).inputs[1].element_size = 1;
    rows(p).loop.order = dfx::iteration_order::row_major;
    BOOST_TEST(dfx::verify(p).items().size() == 2U);
    BOOST_CHECK_THROW(dfx::require_valid(p, "x.kpu"), input_error);
    try {
        dfx::require_valid(p, "x.kpu");
    } catch (const input_error& problem) {
        BOOST_TEST(std::string(problem.what()).rfind("x.kpu: kernels[0]", 0) == 0U, problem.what());
    }
}

BOOST_AUTO_TEST_CASE(sums_of_a_tensor_have_one_type) {
    flat_refused("are formed in two types", "inputs", [](dfx::program& p) {
        // Other operands, of f64, for the second step of the first chain.
        for (const char* name : {"A", "B"}) {
            p.tensors.push_back(
                {std::string(name) + "2", {8, 8}, dtype::f64, dfx::tensor_role::input, {std::string(name) + "2"}});
        }
        for (std::size_t i = 7; i < 14; ++i) {
            const auto change = [](dfx::tensor_region& r) {
                if (r.tensor_name == "C")
                    return;
                r.tensor_name += "2";
                r.element_size = 8;
            };
            if (auto* move = std::get_if<dfx::data_move_op>(&p.kernels[0].body[i])) {
                change(move->source);
                change(move->destination);
            } else {
                for (dfx::tensor_region& r : flat_op<dfx::compute_op>(p, i).inputs)
                    change(r);
            }
        }
    });
}
