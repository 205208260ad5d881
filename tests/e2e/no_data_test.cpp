// Runs without data: the same cycles and the same of every counter as with data, checkers included; nothing moves.

#include "tests/dfg/one_op.h"
#include "tests/e2e/on_chip.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <functional>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

dfg::matmul_graph_spec extents(std::uint64_t m, std::uint64_t n, std::uint64_t k) {
    dfg::matmul_graph_spec spec;
    spec.m = m;
    spec.n = n;
    spec.k = k;
    return spec;
}

/// Every kind of command: folds with and without seeds, conversions, ragged edges, several kernels, batches.
const std::vector<std::function<dfg::matmul_graph_spec()>> k_works = {
    [] { return extents(256, 256, 256); }, [] { return extents(67, 45, 1030); },
    [] {
        dfg::matmul_graph_spec spec = extents(100, 90, 300);
        spec.type = dtype::bf16;
        spec.seeded = true;
        return spec;
    },
    [] {
        dfg::matmul_graph_spec spec = extents(40, 50, 60);
        spec.type = dtype::i8;
        spec.batch = 3;
        return spec;
    },
    [] {
        dfg::matmul_graph_spec spec = extents(64, 48, 80);
        spec.chain = {40, 72};
        return spec;
    }};

/// Everything that a run reports but what depends on the host.
std::string modelled(trace::run_statistics run) {
    run.wall = {};
    run.peak_rss_bytes = 0;
    return to_json(run);
}

/// What the statistics leave out: every counter of every engine, every memory's and every crossbar port's.
std::vector<std::uint64_t> counters_of(const hw::chip& chip) {
    std::vector<std::uint64_t> all;
    for (const hw::command_engine* engine : chip.engines())
        for (std::uint32_t c = 0; c < iface::k_perf_counters; ++c)
            all.push_back(engine->counter(static_cast<iface::perf_counter>(c)));
    for (const hw::memory_module* memory : chip.memories()) {
        const hw::memory_stats& s = memory->stats();
        all.insert(all.end(), {s.reads, s.writes, s.read_bytes.value(), s.write_bytes.value(), s.read_bus_bytes.value(),
                               s.write_bus_bytes.value(), s.read_busy.value(), s.write_busy.value()});
    }
    for (const hw::crossbar* xbar : chip.crossbars()) {
        for (std::uint32_t t = 0; t < xbar->routes().targets(); ++t) {
            const hw::crossbar_port& port = xbar->target_port(t);
            all.insert(all.end(), {port.transactions, port.read_bytes.value(), port.write_bytes.value(),
                                   port.read.busy().value(), port.write.busy().value()});
        }
    }
    return all;
}

struct measured {
    std::string statistics;
    std::vector<std::uint64_t> counters;
    std::vector<std::string> findings;
    bytes resident; ///< host memory that holds the chip's bytes
};

measured simulate(const std::string& platform, const test::compiled_graph& g, bool data) {
    const test::fresh_context context;
    hw::chip_options options;
    options.monitors = true;
    options.data = data;
    hw::chip chip("chip", test::shipped(platform), options);
    fw::run_checks checks(chip);
    fw::device host(chip, g.program);
    host.report_allocations_to(checks.hazards());
    if (data)
        (void)host.run(test::random_inputs(g, 7));
    else
        host.run_without_data();
    measured m{modelled(fw::report_on(chip, host, g.program)), counters_of(chip), checks.findings(), bytes()};
    for (const hw::memory_module* memory : chip.memories())
        m.resident += memory->storage().resident();
    return m;
}

void check_alike(const std::string& platform, const test::compiled_graph& g) {
    const measured with = simulate(platform, g, true);
    const measured without = simulate(platform, g, false);
    BOOST_TEST(without.statistics == with.statistics);
    BOOST_TEST(without.counters == with.counters, boost::test_tools::per_element());
    BOOST_TEST(with.findings.empty());
    BOOST_TEST(without.findings.empty(), (without.findings.empty() ? std::string() : without.findings.front()));
    BOOST_TEST(with.resident.value() > 0u);
    BOOST_TEST(without.resident.value() == 0u);
}

} // namespace

BOOST_DATA_TEST_CASE(all_counters_are_those_of_a_run_with_data,
                     bdata::xrange(k_works.size()) * bdata::make(test::shipped_platforms()), work, platform) {
    check_alike(platform, test::compile(dfg::matmul_graph(k_works[work]())));
}

/// Where there is one row, its number is known.
BOOST_DATA_TEST_CASE(a_gather_without_indices, bdata::make(test::shipped_platforms()), platform) {
    check_alike(platform, test::compile(test::graph_of({"GATHER", {"2x1x40xf32", "2x300xi32"}, "", "2x300x40xf32"})));
}
