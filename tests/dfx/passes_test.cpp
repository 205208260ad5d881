#include "compiler/dfg/workloads.h"
#include "compiler/dfx/bounds.h"
#include "compiler/dfx/interpreter.h"
#include "compiler/dfx/text.h"
#include "compiler/dfx/verify.h"
#include "compiler/passes/dataflow.h"
#include "compiler/passes/embed.h"
#include "compiler/passes/explain.h"
#include "compiler/passes/fuse.h"
#include "compiler/passes/patterns.h"
#include "compiler/passes/tiling.h"
#include "platforms/common/files.h"
#include "tests/dfg/samples.h"
#include "tests/dfx/programs.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <sstream>

using namespace kpu;
using test::product;

namespace {

dfx::dataflow flow_of(std::uint64_t m, std::uint64_t n, std::uint64_t k) {
    return passes::choose_dataflow(product(m, n, k), std::nullopt, passes::nominal_target()).flow;
}

/// The message with which a graph is refused.
std::string refusal(const std::string& text) {
    diagnostics warnings;
    try {
        const dfg::graph g = dfg::parse_dfg(text, "g.dfg", {}, warnings);
        (void)passes::lower(g, dfg::bind_operands(g, warnings), {});
    } catch (const input_error& problem) {
        return problem.what();
    }
    return "accepted";
}

dfx::program encoder(dtype type, bool fusion) {
    dfg::attention_spec spec;
    spec.tokens = 6;
    spec.model = 8;
    spec.heads = 2;
    spec.hidden = 12;
    spec.type = type;
    const dfg::graph g = dfg::attention_graph(spec);
    diagnostics warnings;
    passes::lower_options options;
    options.fusion = fusion;
    return passes::lower(g, dfg::bind_operands(g, warnings), options).program;
}

/// Of every place where a text says so and a number follows.
std::vector<double> numbers_behind(const std::string& text, const std::string& words) {
    std::vector<double> all;
    for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos; at += words.size())
        all.push_back(std::strtod(&text[at + words.size()], nullptr));
    return all;
}

passes::lowered lowered(const dfg::graph& g, const passes::lower_options& options) {
    diagnostics warnings;
    return passes::lower(g, dfg::bind_operands(g, warnings), options);
}

/// The small graph with a RELU, in line 9, behind its product, which is P here.
passes::lowered lowered_with_relu(const passes::lower_options& options) {
    std::string text = test::small_graph();
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"RUNNING_NODE_ID 3\nNODES 4", "RUNNING_NODE_ID 4\nNODES 5"},
             {"||0:C|", "||0:P|"},
             {"EDGES 3", "NODE 4 : |relu|RELU|1|0:tensor<4x4xf32>||0:R|0:tensor<4x4xf32>\nEDGES 4\n"
                         "EDGE 2 -> 4 : 0|false|tensor<4x4xf32>|32|0|0|1,1,1"},
             {"EDGE 2 -> 3", "EDGE 4 -> 3"},
             {"ADJACENCY 3\nADJ 2 : 3", "ADJACENCY 4\nADJ 2 : 4\nADJ 4 : 3"}})
        text = test::with(text, from, to);
    diagnostics warnings;
    return lowered(dfg::parse_dfg(text, "g.dfg", {}, warnings), options);
}

dfg::graph two_layers() {
    dfg::mlp_spec spec;
    spec.widths = {33, 17, 9};
    return dfg::mlp_graph(spec);
}

std::ptrdiff_t count(const dfx::program& p, dfx::compute_type type) {
    return std::count_if(p.kernels.begin(), p.kernels.end(), [&](const dfx::kernel& k) {
        const dfx::compute_op* op = dfx::whole_tensor_operator(k);
        return op != nullptr && op->type == type;
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(dataflow_follows_the_shape) {
    using dfx::dataflow;
    BOOST_TEST((flow_of(1024, 1024, 1024) == dataflow::output_stationary));
    BOOST_TEST((flow_of(4096, 4096, 4096) == dataflow::output_stationary));
    BOOST_TEST((flow_of(4096, 4096, 16) == dataflow::output_stationary)); // small K
    BOOST_TEST(
        (flow_of(65, 4096, 4096) == dataflow::weight_stationary)); // 65 rows leave most of a second row of folds idle
    BOOST_TEST((flow_of(4096, 65, 4096) == dataflow::input_stationary));
    BOOST_TEST((flow_of(100000, 256, 256) == dataflow::output_stationary));
    BOOST_TEST((flow_of(8, 8, 8) == dataflow::output_stationary));
    const auto forced = passes::choose_dataflow(product(8, 8, 8), dataflow::input_stationary, passes::nominal_target());
    BOOST_TEST((forced.flow == dataflow::input_stationary && forced.overridden));
    BOOST_TEST(forced.reason().find("as asked for") != std::string::npos);
    const auto chosen = passes::choose_dataflow(product(1024, 1024, 1024), std::nullopt, passes::nominal_target());
    for (const double cycles : chosen.cycles) // 1024^3 over 8^2, 16^2, 32^2, 64^2: the mean is that over 512
        BOOST_TEST(cycles == 1024.0 * 1024 * 1024 / 512, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(chosen.reason().find("2097152") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(analytical_tiles) {
    passes::tile_request request;
    BOOST_TEST((passes::choose_tiles(product(4096, 4096, 4096), request, passes::nominal_target()).tile ==
                std::array<std::uint64_t, 3>{64, 64, 64}));
    BOOST_TEST((passes::choose_tiles(product(4, 4, 16), request, passes::nominal_target()).tile ==
                std::array<std::uint64_t, 3>{4, 4, 16}));
    BOOST_TEST((passes::choose_tiles(product(4096, 4096, 4096, dtype::i8), request, passes::nominal_target()).tile ==
                std::array<std::uint64_t, 3>{128, 128, 128}));
    const auto choice = passes::choose_tiles(product(100, 3000, 70), request, passes::nominal_target());
    BOOST_TEST((choice.tile == std::array<std::uint64_t, 3>{64, 64, 48}));
    BOOST_TEST((choice.policy == dfx::tile_policy::suggested));
}

BOOST_AUTO_TEST_CASE(constraints_are_kept) {
    passes::tile_request request;
    request.constraints.max_tiles_per_dim = 4;
    const dfx::contraction c = product(4096, 100, 4096);
    for (const auto strategy : {passes::tile_strategy::analytical, passes::tile_strategy::search}) {
        request.strategy = strategy;
        const auto t = passes::choose_tiles(c, request, passes::nominal_target()).tile;
        BOOST_TEST(t[0] >= 1024U);
        BOOST_TEST(t[2] >= 1024U);
    }
    request.constraints = {};
    request.constraints.min_tile_elements = 20000;
    const auto large = passes::choose_tiles(product(4096, 4096, 64), request, passes::nominal_target()).tile;
    BOOST_TEST(large[0] * large[1] >= 20000U);
    request.constraints = {};
    request.constraints.target_reuse_ratio = 100;
    const auto reused = passes::choose_tiles(product(4096, 4096, 64), request, passes::nominal_target()).tile;
    BOOST_TEST(reused[0] * reused[1] / (reused[0] + reused[1]) >= 100U);
}

BOOST_AUTO_TEST_CASE(search_is_never_worse_than_the_closed_form) {
    passes::tile_request search;
    search.strategy = passes::tile_strategy::search;
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& c :
         {product(4096, 4096, 4096), product(200, 200, 200), product(1, 1000, 1000), product(1000, 1, 1000),
          product(17, 33, 5, dtype::f64), product(16384, 128, 16384, dtype::f8)}) {
        const auto closed = passes::choose_tiles(c, {}, passes::nominal_target());
        const auto found = passes::choose_tiles(c, search, passes::nominal_target());
        BOOST_TEST(found.cost <= closed.cost);
        BOOST_TEST(found.candidates > 1U);
        BOOST_TEST(found.cost == passes::tile_cost(c, found.tile, search.constraints, passes::nominal_target().chips));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    BOOST_TEST_MESSAGE("chosen in " << took.count() << " s");
}

BOOST_AUTO_TEST_CASE(tile_cost_model) {
    // One 8x8 array with 64 KiB and 8 bytes per cycle; 64^3 f32 in one tile: 64 folds of 64 cycles against 3 * 16 KiB /
    // 8; the tile with double buffers (80 KiB) does not fit and is halved in its first dimension, so B comes twice.
    const passes::chip_model small = passes::square_chip(8, 64ULL * 1024, 8);
    const dfx::contraction c = product(64, 64, 64);
    const passes::tile_terms one = passes::tile_cycles(c, {64, 64, 64}, small);
    BOOST_TEST(one.array == 64 * 64);
    BOOST_TEST(one.dram == 4.0 * 16 * 1024 / 8);
    BOOST_TEST(one.control == 16);
    BOOST_TEST(one.ends == (8 + 16 + 8) * 1024.0 / 8); // half of A, all of B, half of C
    BOOST_TEST(one.cycles() == one.ends + one.dram + one.control);
    // In tiles of 8: as many padded rows, eight more control steps each way, blocks of 32x64 with tk = 8.
    const passes::tile_terms many = passes::tile_cycles(c, {8, 8, 8}, small);
    BOOST_TEST(many.dram == 3.0 * 16 * 1024 / 8);
    BOOST_TEST(many.control == 16 * 512);
    BOOST_TEST(many.ends == 3 * 8 * 8 * 4 / 8);
    // Where memory is no limit: a tile of 4 rows leaves half of the array idle, and doubles the control steps.
    passes::chip_model wide = passes::square_chip(8, 1U << 30U, 1U << 20U);
    const dfx::contraction deep = product(64, 64, 4096);
    BOOST_TEST(passes::tile_cycles(deep, {8, 64, 64}, wide).array == 64 * 4096);
    BOOST_TEST(passes::tile_cycles(deep, {4, 64, 64}, wide).array == 2 * 64 * 4096);
    BOOST_TEST(passes::tile_cycles(deep, {4, 64, 64}, wide).control == 2 * 16 * 512);
    // Eight tiles of C on three arrays: three turns instead of eight. One that is larger than the average decides.
    wide.arrays = 3;
    BOOST_TEST(passes::tile_cycles(deep, {8, 64, 64}, wide).array == 3 * 8 * 4096);
    BOOST_TEST(passes::tile_cycles(deep, {40, 64, 64}, wide).array == 40 * 4096);
    // Two multiply-accumulates per PE and cycle halve a fold, down to the array's side.
    wide.macs_per_pe = {1, 2, 1, 1, 1, 1, 1};
    BOOST_TEST(passes::tile_cycles(deep, {8, 64, 64}, wide).array == 3 * 8 * 2048);
    BOOST_TEST(passes::tile_cycles(deep, {8, 64, 8}, wide).array == 3 * 8 * 4096);
    const std::vector<passes::chip_model> nominal = passes::nominal_target().chips;
    BOOST_TEST(passes::tile_cost(c, {64, 64, 64}, {}, nominal) < passes::tile_cost(c, {1, 1, 1}, {}, nominal));
}

BOOST_AUTO_TEST_CASE(requests) {
    BOOST_TEST((passes::parse_tile_request("fixed:8,9,10").fixed == std::array<std::uint64_t, 3>{8, 9, 10}));
    BOOST_TEST((passes::parse_tile_request("search").strategy == passes::tile_strategy::search));
    for (const char* bad :
         {"", "fixed", "fixed:1,2", "fixed:0,1,1", "fixed:1,2,3,4", "fixed:-1,2,3", "fixed:1, 2,3", "best"})
        BOOST_CHECK_THROW((void)passes::parse_tile_request(bad), input_error);
    passes::tile_request fixed = passes::parse_tile_request("fixed:100,2,3");
    const auto choice = passes::choose_tiles(product(10, 10, 10), fixed, passes::nominal_target());
    BOOST_TEST((choice.tile == std::array<std::uint64_t, 3>{10, 2, 3}));
    BOOST_TEST((choice.policy == dfx::tile_policy::required));
}

BOOST_AUTO_TEST_CASE(hints) {
    dfx::contraction c = product(100, 50, 8);
    c.tile = {16, 16, 8};
    const dfx::kernel_hints h = passes::hints_for(c, passes::nominal_target().typical);
    BOOST_TEST(h.estimated_dram_bytes == dfx::compulsory_bytes(c));
    BOOST_TEST(h.estimated_compute_cycles == 7U * 4 * 16 + 46);
    BOOST_TEST(h.parallelism_degree == 7U * 4);
}

BOOST_AUTO_TEST_CASE(a_program_tuned_for_a_chip) {
    passes::chip_model chip;
    chip.rows = 8;
    chip.columns = 32;
    chip.arrays = 2;
    chip.tile_room = 64ULL * 1024;
    chip.capacity = 256ULL * 1024;
    chip.dram_bytes_per_cycle = 16;
    chip.line_room = 128;
    dfg::matmul_graph_spec spec;
    spec.m = 100;
    spec.n = 200;
    spec.k = 300;
    const dfx::program plain = test::compiled(spec);
    for (const auto strategy : {passes::tile_strategy::analytical, passes::tile_strategy::search}) {
        passes::lower_options options;
        options.tiles.strategy = strategy;
        options.on = passes::tuned_target("that one", chip);
        const passes::lowered tuned = test::compile(spec, options);
        BOOST_TEST(tuned.program.tuned_for == "that one");
        const auto& tile = tuned.kernels.front().product.tile;
        BOOST_TEST(tile[2] <= 32U); // a line holds 128 bytes
        BOOST_TEST(2 * 4 * (tile[0] + tile[1]) * tile[2] + 4 * tile[0] * tile[1] <= chip.tile_room);
        // 13 by 7 folds of 300 cycles on two arrays, filled and drained once
        BOOST_TEST(tuned.program.kernels.front().hints.estimated_compute_cycles == 46U * 300 + 8 + 32 + 32 - 2);
        // The same bits, whatever it is tuned for.
        const tensor_map inputs = test::random_inputs(plain, 1);
        BOOST_TEST((dfx::interpret(tuned.program, inputs) == dfx::interpret(plain, inputs)));
    }
    BOOST_TEST(plain.tuned_for == "");
}

BOOST_AUTO_TEST_CASE(alternatives_are_the_cheapest_others) {
    const passes::target on = passes::nominal_target();
    const dfx::contraction c = product(200, 300, 100);
    passes::tile_request request;
    for (const auto strategy : {passes::tile_strategy::analytical, passes::tile_strategy::search}) {
        request.strategy = strategy;
        const passes::tile_choice choice = passes::choose_tiles(c, request, on);
        const auto all = passes::weigh_alternatives(c, choice, request.constraints, on, 4);
        BOOST_REQUIRE(all.size() == 5U);
        BOOST_TEST((all[0].tile == choice.tile));
        for (std::size_t i = 0; i < all.size(); ++i) {
            BOOST_TEST(all[i].cost == passes::tile_cost(c, all[i].tile, request.constraints, on.chips));
            BOOST_TEST(all[i].terms.size() == on.chips.size());
            BOOST_TEST((i < 2 || all[i].cost >= all[i - 1].cost));
        }
        if (strategy == passes::tile_strategy::search)
            BOOST_TEST(all[0].cost <= all[1].cost);
    }
}

BOOST_AUTO_TEST_CASE(an_explanation_has_candidates_terms_and_margin) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 256;
    const passes::lower_options options;
    const passes::lowered result = test::compile(spec, options);
    const std::string text = passes::explain(result.kernels.front(), options);
    for (const char* part : {"kernel Cout: tiles 64x64x64 (analytical, 1 evaluated), cost ",
                             "% more than the best other\n", "kernel Cout:   64x64x64 cost ",
                             "cycles of ends, array, DRAM, control on 8x8: ", "; 4 64x64: ", "kernel Cout:   not ",
                             "output_stationary; array cycles: "})
        BOOST_TEST(text.find(part) != std::string::npos, part << " is missing in " << text);
}

BOOST_AUTO_TEST_CASE(a_margin_is_the_cost_over_the_best_others) {
    passes::chip_model chip = passes::square_chip(8, 1 << 14, 16);
    passes::lower_options options;
    options.on = passes::tuned_target("that one", chip);
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 64;
    for (const char* tiles : {"analytical", "search", "fixed:4,4,4", "fixed:32,32,16"}) {
        options.tiles = passes::parse_tile_request(tiles);
        const std::string text = passes::explain(test::compile(spec, options).kernels.front(), options);
        const std::vector<double> costs = numbers_behind(text, " cost ");
        const double more = 100 * (costs[0] / costs[2] - 1); // the choice's is there twice
        BOOST_TEST(costs[0] == costs[1]);
        const std::vector<double> margin = numbers_behind(text, fmt::format("cost {:.3f}, ", costs[0]));
        BOOST_TEST(std::abs(margin.front() - std::abs(more)) < 0.2 + std::abs(more) / 1000, text);
        BOOST_TEST((text.find("% more than the best other") != std::string::npos) == (more > 0), text);
    }
}

BOOST_AUTO_TEST_CASE(printed_terms_give_the_printed_cost) {
    passes::chip_model chip = passes::square_chip(16, 1 << 20, 16);
    passes::lower_options options;
    options.on = passes::tuned_target("that one", chip);
    for (const std::uint64_t n : {100U, 300U, 512U}) {
        dfg::matmul_graph_spec spec;
        spec.m = 200;
        spec.n = n;
        spec.k = 256;
        const passes::lowered result = test::compile(spec, options);
        const dfx::contraction& c = result.kernels.front().product;
        const double bound =
            std::max(static_cast<double>(c.macs()) / 256, static_cast<double>(compulsory_bytes(c)) / 16);
        std::istringstream lines(passes::explain(result.kernels.front(), options));
        std::size_t candidates = 0;
        for (std::string line; std::getline(lines, line);) {
            const std::size_t at = line.find(" on 16x16: ");
            if (at == std::string::npos)
                continue;
            ++candidates;
            double ti = 0, tj = 0, ends = 0, array = 0, dram = 0, control = 0;
            BOOST_REQUIRE(std::sscanf(&line[at], " on 16x16: %lf, %lf, %lf, %lf", &ends, &array, &dram, &control) == 4);
            const std::size_t tile = line.rfind(' ', line.find(" cost ") - 1);
            BOOST_REQUIRE(std::sscanf(&line[tile], "%lfx%lf", &ti, &tj) == 2);
            const double cycles = ends + std::max(array, dram) + control;
            const double cost = cycles / bound * (1 + 0.01 * std::abs(std::log2(ti / tj)));
            BOOST_TEST(std::abs(numbers_behind(line, " cost ").front() - cost) < 0.002, line << ": " << cost);
        }
        BOOST_TEST(candidates == 4U);
    }
}

BOOST_AUTO_TEST_CASE(a_matmul_with_steps_has_no_tiles_to_explain) {
    passes::lower_options options;
    options.tiles = passes::parse_tile_request("search");
    const passes::lowered fused = lowered_with_relu(options);
    const std::string text = passes::explain(fused.kernels.front(), options);
    BOOST_TEST(text.find("tiles 4") == std::string::npos, text);
    BOOST_TEST(text.find("kernel P: no tiles: steps follow, so it is one MATMUL_TILE of 4x4 in kernel " +
                         fused.program.kernels.front().name) == 0U,
               text);
    options.fusion = false;
    BOOST_TEST(passes::explain(lowered_with_relu(options).kernels.front(), options).find("kernel P: tiles 4x4x16") ==
               0U);
}

BOOST_AUTO_TEST_CASE(kernels_without_the_fixed_tiles_are_named) {
    passes::lower_options options;
    BOOST_TEST(to_string(lowered_with_relu(options).warnings) == "");
    options.tiles = passes::parse_tile_request("fixed:2,3,5");
    const passes::lowered result = lowered_with_relu(options);
    BOOST_TEST((result.program.kernels.front().tiles == dfx::tile_policy::required));
    const std::string warnings = to_string(result.warnings);
    BOOST_TEST(warnings.find("g.dfg:9: warning: fixed tiles are not applied to kernel RELU.") == 0U, warnings);
    BOOST_TEST(warnings.find("its ELEMENTWISE is no product: 'fixed:2,3,5'") != std::string::npos, warnings);
    const passes::lowered layers = lowered(two_layers(), options);
    BOOST_TEST(layers.warnings.items().size() == layers.program.kernels.size());
    BOOST_TEST(layers.warnings.items().front().message.find("its MATMUL_TILE on whole tensors is cut by the loader") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_dataflow_that_is_asked_for_is_that_of_all_products) {
    passes::lower_options options;
    options.flow = dfx::dataflow::weight_stationary;
    for (const bool fusion : {true, false}) {
        options.fusion = fusion;
        for (const dfx::kernel& k : lowered(two_layers(), options).program.kernels) {
            const bool product = dfx::whole_tensor_operator(k)->type == dfx::compute_type::matmul_tile;
            BOOST_TEST((k.flow == dfx::dataflow::weight_stationary) == product, k.name);
            BOOST_TEST((k.tiles == dfx::tile_policy::required_dataflow) == product, k.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(lowering_refuses_what_it_cannot_compile) {
    const std::string small = test::small_graph();
    BOOST_TEST(refusal(small) == "accepted");
    const std::string relu = test::with(small, "|matmul|MATMUL|", "|matmul|ADD|");
    BOOST_TEST(refusal(relu).find("g.dfg:7") == 0U, refusal(relu));
    std::string huge = small;
    for (const char* from : {"<4x4xf32>", "<4x16xf32>", "<16x4xf32>"})
        for (std::size_t at = 0; (at = huge.find(from, at)) != std::string::npos;)
            huge.replace(at, std::string(from).size(), "<524288x524288xf32>");
    BOOST_TEST(refusal(huge).find("g.dfg:7: error: node 2 'matmul' (MATMUL): more than 2^56") == 0U, refusal(huge));
    // Input passed through.
    const std::string through = "Domain Flow Graph: t\nDIRECTED\nRUNNING_NODE_ID 1\nNODES 2\n"
                                "NODE 0 : |const.A|CONSTANT|0|||0:A|0:tensor<4x4xf32>\n"
                                "NODE 1 : |out|FUNCTION_RETURN|1|0:tensor<4x4xf32>|||\n"
                                "EDGES 1\nEDGE 0 -> 1 : 0|true|tensor<4x4xf32>|32|0|0|1,1,1\nADJACENCY 1\nADJ 0 : 1\n"
                                "SOURCE: 0\nSINK: 1";
    BOOST_TEST(refusal(through).find("g.dfg:6: error: output result0 is an input that is passed through") == 0U,
               refusal(through));
}

BOOST_AUTO_TEST_CASE(one_value_returned_twice_is_refused) {
    std::string twice = test::small_graph();
    twice = test::with(twice, "RUNNING_NODE_ID 3\nNODES 4", "RUNNING_NODE_ID 4\nNODES 5");
    twice = test::with(twice, "EDGES 3",
                       "NODE 4 : |again|FUNCTION_RETURN|2|0:tensor<4x4xf32>||0:D|0:tensor<4x4xf32>\nEDGES 4\n"
                       "EDGE 2 -> 4 : 0|false|tensor<4x4xf32>|32|0|0|1,1,1");
    twice = test::with(twice, "ADJ 2 : 3", "ADJ 2 : 3, 4");
    twice = test::with(twice, "SINK: 3", "SINK: 3, 4");
    BOOST_TEST(refusal(twice).find("returns the same value as output") != std::string::npos, refusal(twice));
}

BOOST_AUTO_TEST_CASE(intermediates_outputs_and_names) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 20;
    spec.chain = {12};
    const dfx::program p = test::compiled(spec);
    BOOST_TEST(p.kernels.size() == 2U);
    std::size_t intermediates = 0;
    for (const dfx::tensor_descriptor& t : p.tensors)
        intermediates += t.role == dfx::tensor_role::intermediate ? 1 : 0;
    BOOST_TEST(intermediates == 1U);
    BOOST_TEST((p.find("Cout")->role == dfx::tensor_role::output));
    BOOST_TEST(to_string(dfx::verify(p)) == "");
}

BOOST_AUTO_TEST_CASE(inputs_are_not_compiled_in) {
    dfg::matmul_graph_spec spec;
    spec.m = spec.n = spec.k = 2;
    dfx::program p = test::compiled(spec);
    p.tensors[0].role = dfx::tensor_role::input;
    npz_arrays given;
    given["n0"] = {"<f4", {2, 2}, std::vector<std::byte>(16)};
    diagnostics warnings;
    location where;
    where.file = "w.npz";
    BOOST_CHECK_EXCEPTION(passes::embed_constants(p, given, where, warnings), input_error, [](const input_error& e) {
        return std::string(e.what()).find("w.npz: n0: error: an input of the graph") == 0;
    });
    given = {{"B", {"<f4", {2, 2}, std::vector<std::byte>(16)}}};
    passes::embed_constants(p, given, where, warnings);
    BOOST_TEST((p.constants == tensor_map{{"B", tensor(dtype::f32, {2, 2})}}));
}

BOOST_AUTO_TEST_CASE(an_encoder_has_a_softmax_and_two_layer_norms) {
    for (const dtype type : {dtype::f32, dtype::bf16}) {
        const dfx::program plain = encoder(type, false);
        const dfx::program fused = encoder(type, true);
        BOOST_TEST(count(fused, dfx::compute_type::softmax_tile) == 1);
        BOOST_TEST(count(fused, dfx::compute_type::layernorm_tile) == 2);
        BOOST_TEST(count(fused, dfx::compute_type::reduction) == 0);
        BOOST_TEST(count(plain, dfx::compute_type::reduction) == 6);
        const tensor_map inputs = test::random_inputs(plain, 4);
        BOOST_TEST((dfx::interpret(fused, inputs) == dfx::interpret(plain, inputs)));
    }
}

BOOST_AUTO_TEST_CASE(a_layer_norm_whose_parts_are_seen_elsewhere_stays_apart) {
    const dfx::program plain = encoder(dtype::f32, false);
    int norms = 0;
    for (const dfx::kernel& k : plain.kernels) {
        const dfx::compute_op* op = dfx::whole_tensor_operator(k);
        if (op == nullptr || op->type != dfx::compute_type::elementwise ||
            op->steps.front().function != dfx::element_function::reciprocal_root)
            continue;
        dfx::program p = plain;
        for (dfx::tensor_descriptor& t : p.tensors)
            if (t.name == op->output.tensor_name) {
                t.role = dfx::tensor_role::output;
                t.keys = {t.name};
            }
        passes::recognise_patterns(p);
        BOOST_TEST(count(p, dfx::compute_type::layernorm_tile) == 1);
        ++norms;
    }
    BOOST_TEST(norms == 2);
}

BOOST_AUTO_TEST_CASE(emitted_text_is_golden) {
    dfg::matmul_graph_spec spec;
    spec.name = "golden";
    spec.m = 70;
    spec.n = 20;
    spec.k = 33;
    spec.seeded = true;
    spec.batch = 2;
    passes::lower_options options;
    options.compiler = "test";
    const std::string text = dfx::to_text(test::compile(spec, options).program);
    BOOST_TEST(text == read_file(test::golden_path("batched_matmul.dfx")));
    BOOST_TEST(dfx::to_text(dfx::affine{{2, 0, -1}, -3}, {"i", "j", "k"}) == "2*i - k - 3");
    BOOST_TEST(dfx::to_text(dfx::affine{{0, 0}, 0}, {"i", "j"}) == "0");
    BOOST_TEST(dfx::to_text(dfx::affine{{-1}, 5}, {}) == "-loop0 + 5");
}
