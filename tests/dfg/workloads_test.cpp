// Networks that the project generates: files of them are read again, and what the i8 ones compute is known.

#include "compiler/dfg/interface.h"
#include "compiler/dfg/reader.h"
#include "compiler/dfg/reference/evaluate.h"
#include "compiler/dfg/workloads.h"
#include "compiler/dfg/writer.h"
#include "compiler/tensor/number_format.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

std::vector<dfg::graph> networks(dtype type) {
    dfg::mlp_spec mlp;
    mlp.widths = {4, 3, 2};
    dfg::conv_spec conv;
    conv.height = conv.width = 4;
    conv.channels = {2, 3, 2};
    dfg::conv_spec residual = conv;
    residual.residual = true;
    dfg::attention_spec attention;
    attention.tokens = 3;
    attention.model = 4;
    attention.heads = 2;
    dfg::attention_spec encoder = attention;
    encoder.hidden = 5;
    dfg::classifier_spec classifier;
    classifier.side = 4;
    classifier.channels = {1, 2};
    classifier.widths = {3, 2};
    mlp.type = conv.type = residual.type = attention.type = encoder.type = classifier.type = type;
    return {dfg::mlp_graph(mlp),           dfg::conv_graph(conv),
            dfg::conv_graph(residual),     dfg::attention_graph(attention),
            dfg::attention_graph(encoder), dfg::classifier_graph(classifier)};
}

tensor output_of(const dfg::graph& g, const tensor_map& given) {
    diagnostics problems;
    const dfg::binding bound = dfg::bind_operands(g, problems);
    const dfg::graph_interface interface = dfg::interface_of(g, bound);
    tensor_map inputs = given;
    std::uint64_t seed = 1;
    for (const dfg::graph_input& input : interface.inputs)
        if (given.count(input.keys.front()) == 0)
            inputs[input.keys.front()] = random_tensor(input.type, input.dims, seed++);
    return dfg::evaluate(g, bound, interface, inputs).at("y");
}

tensor i8_tensor(const shape& dims, const std::vector<double>& values) {
    return rounded<double>(dtype::i8, dims, values);
}

/// y of one i8 convolution of 1 × 1 over numbers in a row.
std::vector<double> quantised(const std::vector<double>& x, double weight, double bias, double scale, bool activated) {
    dfg::conv_spec s;
    s.height = 1;
    s.width = x.size();
    s.channels = {1, 1};
    s.kernel = 1;
    s.type = dtype::i8;
    s.activated = activated;
    const tensor y = output_of(dfg::conv_graph(s), {{"x", i8_tensor({1, 1, x.size(), 1}, x)},
                                                    {"W1", i8_tensor({1, 1, 1, 1}, {weight})},
                                                    {"b1", rounded<double>(dtype::i32, {1}, {bias})},
                                                    {"s1", rounded<double>(dtype::f32, {1, 1, 1, 1}, {scale})}});
    BOOST_TEST((y.type == dtype::i8));
    return widened<double>(y);
}

} // namespace

BOOST_AUTO_TEST_CASE(files_of_networks_are_read_again_in_every_type) {
    for (const dtype type : {dtype::f64, dtype::f32, dtype::f16, dtype::bf16, dtype::f8, dtype::i8}) {
        for (const dfg::graph& written : networks(type)) {
            BOOST_TEST_CONTEXT(written.name << " " << name_of(type)) {
                diagnostics warnings;
                const dfg::graph read = dfg::parse_dfg(dfg::to_dfg(written), "g.dfg", {}, warnings);
                BOOST_TEST(warnings.empty());
                const tensor y = output_of(read, {});
                BOOST_TEST((y == output_of(written, {})));
                const bool integers = type == dtype::i8 && written.name == "conv";
                BOOST_TEST((y.type == (type == dtype::i8 && !integers ? dtype::f32 : type)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(i8_layers_round_to_even_and_saturate) {
    const auto with = [](double scale, bool activated) {
        return quantised({1, 3, 5, -1, -3, 100, -100}, 1, 0, scale, activated);
    };
    using list = std::vector<double>;
    BOOST_TEST(with(0.5, false) == (list{0, 2, 2, 0, -2, 50, -50}), boost::test_tools::per_element());
    BOOST_TEST(with(0.5, true) == (list{0, 2, 2, 0, 0, 50, 0}), boost::test_tools::per_element());
    BOOST_TEST(with(4, false) == (list{4, 12, 20, -4, -12, 127, -128}), boost::test_tools::per_element());
    BOOST_TEST(quantised({-128, 127}, -128, 70000, 0.0078125, false) == (list{127, 127}));
    BOOST_TEST(quantised({-128, 127}, -128, 300, 0.0078125, false) == (list{127, -125}));
}

BOOST_AUTO_TEST_CASE(what_makes_no_network_is_refused) {
    BOOST_CHECK_THROW((void)networks(dtype::i32), input_error);
    dfg::mlp_spec mlp;
    mlp.widths = {4};
    BOOST_CHECK_THROW((void)dfg::mlp_graph(mlp), input_error);
    mlp.widths = {4, 0};
    BOOST_CHECK_THROW((void)dfg::mlp_graph(mlp), input_error);
    dfg::classifier_spec classifier;
    classifier.channels = {1, 2, 3};
    classifier.widths = {3};
    classifier.side = 6; // 3 behind the first convolution
    BOOST_CHECK_THROW((void)dfg::classifier_graph(classifier), input_error);
    dfg::attention_spec attention;
    attention.model = 4;
    attention.heads = 3;
    BOOST_CHECK_THROW((void)dfg::attention_graph(attention), input_error);
}
