// What a simulation does for a unit of modelled work, as far as it can be counted: the same on every host.

#include "tests/bench/measure.h"
#include "tests/support/process.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

namespace {

bench::cost run(const char* platform, std::uint64_t size) {
    return bench::simulate_apart({platform, size, false, bench::listener::nobody});
}

double per_fold(std::uint64_t count, std::uint64_t folds) {
    return static_cast<double>(count) / static_cast<double>(folds);
}

} // namespace

// Folds, panels and sums come by strips, so that there is about a command per fold; each is pushed, issued and
// completed, and panels come in chunks. Nothing is activated per beat, element or cycle.
BOOST_AUTO_TEST_CASE(activations_are_bounded_by_commands_and_chunks) {
    const bench::cost one_array = run("edge_ai", 512);
    BOOST_TEST(one_array.folds > 2000u);
    BOOST_TEST(per_fold(one_array.commands, one_array.folds) < 1);
    BOOST_TEST(per_fold(one_array.activations, one_array.folds) < 8);
    BOOST_TEST(per_fold(one_array.deltas, one_array.folds) < 8);
    const bench::cost four_arrays = run("datacenter", 1024); // panels of up to 16 chunks
    BOOST_TEST(four_arrays.folds > 1000u);
    BOOST_TEST(per_fold(four_arrays.commands, four_arrays.folds) < 1.3);
    BOOST_TEST(per_fold(four_arrays.activations, four_arrays.folds) < 14);
    BOOST_TEST(per_fold(four_arrays.deltas, four_arrays.folds) < 14);
}

BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_work) {
    const bench::cost small = run("edge_ai", 1024);
    const bench::cost large = run("edge_ai", 2048);
    BOOST_TEST(large.folds > 5 * small.folds);
    BOOST_TEST(per_fold(large.peak_heap, small.peak_heap) < 1.1); // queues and windows by the plan, not by the size
    BOOST_TEST(large.peak_heap < (std::uint64_t{4} << 20));
    // neither the model nor the loader allocates anything per fold
    BOOST_TEST(static_cast<double>(large.allocations) - static_cast<double>(small.allocations) <
               0.005 * static_cast<double>(large.folds - small.folds));
}

BOOST_AUTO_TEST_CASE(the_benchmark_prints_its_tables) {
    const auto result = test::run_process({std::string(KPU_BIN_DIR) + "/kpu-benchmark", "--quick"});
    BOOST_TEST(result.exit_code == 0, result.err);
    for (const char* table :
         {"sgemm:", "activations:", "allocations:", "scaling:", "memory:", "listeners:", "largest:"})
        BOOST_TEST((result.out.find(table) != std::string::npos), table << " is not in: " << result.out);
    const auto one = test::run_process({std::string(KPU_BIN_DIR) + "/kpu-benchmark", "--quick", "--only", "scaling"});
    BOOST_TEST((one.out.find("memory:") == std::string::npos));
    BOOST_TEST(test::run_process({std::string(KPU_BIN_DIR) + "/kpu-benchmark", "--only", "speed"}).exit_code == 2);
}
