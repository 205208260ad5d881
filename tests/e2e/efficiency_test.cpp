// How close matmuls come to what the chip could do: cycles against the bound, DRAM bytes against the best blocking. One
// program for all platforms; a regression of the loader's schedule or of a platform's balance shows here.

#include "tests/e2e/on_chip.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

struct goal {
    std::uint64_t m, n, k;
    double efficiency; ///< bounds.cycles / cycles, at least
};

const std::vector<goal> k_goals = {{256, 256, 256, 0.85}, {512, 512, 512, 0.95},    {128, 3072, 768, 0.95},
                                   {384, 768, 768, 0.95}, {1024, 1024, 1024, 0.98}, {2048, 2048, 512, 0.98}};
constexpr double k_most_traffic = 1.10; ///< DRAM bytes / those of the best blocking

trace::run_statistics run_without_data(const platform::platform& p, const goal& g) {
    const test::fresh_context context;
    dfg::matmul_graph_spec spec;
    spec.m = g.m;
    spec.n = g.n;
    spec.k = g.k;
    const test::compiled_graph graph = test::compile(dfg::matmul_graph(spec));
    hw::chip_options options;
    options.data = false;
    hw::chip chip("chip", p, options);
    fw::device host(chip, graph.program);
    host.run_without_data();
    return fw::report_on(chip, host, graph.program);
}

} // namespace

BOOST_DATA_TEST_CASE(matmuls_reach_their_goals, bdata::make(test::shipped_platforms()), name) {
    for (const goal& g : k_goals) {
        const trace::run_statistics run = run_without_data(test::shipped(name), g);
        const double traffic = static_cast<double>(run.dram.read_bytes + run.dram.write_bytes) /
                               static_cast<double>(run.dram.best_blocking_bytes);
        const std::string what = std::to_string(g.m) + "x" + std::to_string(g.n) + "x" + std::to_string(g.k);
        BOOST_TEST_MESSAGE(name << " " << what << ": " << run.cycles << " cycles, efficiency " << run.efficiency
                                << ", DRAM " << traffic);
        BOOST_TEST(run.efficiency >= g.efficiency, what << ": " << run.efficiency);
        BOOST_TEST(traffic <= k_most_traffic, what << ": " << traffic);
    }
}
