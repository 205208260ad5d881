// How close matmuls come to what the chip could do: cycles against the bound, DRAM bytes against the best blocking. One
// program for all platforms; a regression of the loader's schedule or of a platform's balance shows here.

#include "tests/e2e/on_chip.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

struct goal {
    test::matmul_shape shape;
    double efficiency; ///< bounds.cycles / cycles, at least
};

const std::vector<goal> k_goals = {{{256, 256, 256}, 0.85}, {{512, 512, 512}, 0.95},    {{128, 3072, 768}, 0.95},
                                   {{384, 768, 768}, 0.95}, {{1024, 1024, 1024}, 0.98}, {{2048, 2048, 512}, 0.98}};
constexpr double k_most_traffic = 1.10; ///< DRAM bytes / those of the best blocking

} // namespace

BOOST_DATA_TEST_CASE(matmuls_reach_their_goals, bdata::make(test::shipped_platforms()), name) {
    for (const goal& g : k_goals) {
        const trace::run_statistics run = test::measure_matmul(test::shipped(name), g.shape);
        const double traffic = test::traffic_of(run);
        const std::string what = to_string(g.shape);
        BOOST_TEST_MESSAGE(name << " " << what << ": " << run.cycles << " cycles, efficiency " << run.efficiency
                                << ", DRAM " << traffic);
        BOOST_TEST(run.efficiency >= g.efficiency, what << ": " << run.efficiency);
        BOOST_TEST(traffic <= k_most_traffic, what << ": " << traffic);
    }
}
