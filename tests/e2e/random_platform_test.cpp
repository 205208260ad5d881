// Random valid platforms, odd and tiny ones among them: every program gives the reference's bits or is refused with
// sizes; one of merged kernels only where kernels apart are refused as well.

#include "tests/e2e/network_inputs.h"
#include "tests/e2e/networks.h"
#include "tests/e2e/on_chip.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

constexpr int k_platforms_per_shard = 40;

class dice {
  public:
    explicit dice(std::uint64_t seed) : m_random(seed) {}
    std::uint64_t below(std::uint64_t n) { return m_random() % n; }
    std::uint32_t from(std::initializer_list<std::uint32_t> options) {
        return *(options.begin() + static_cast<std::ptrdiff_t>(below(options.size())));
    }
    bytes power(unsigned least, unsigned most) { return bytes(1ULL << (least + below(most - least + 1))); }

  private:
    std::mt19937_64 m_random;
};

void randomise(platform::memory_params& m, dice& d, unsigned least, unsigned most) {
    m.capacity = d.power(least, most);
    m.port_width = d.power(3, 8);
    m.read_ports = d.from({1, 1, 2});
    m.write_ports = d.from({1, 1, 2});
    m.latency = cycles(d.below(5));
}

void randomise(platform::mover_params& m, dice& d) {
    m.queue_depth = d.from({1, 2, 5, 32});
    m.width = d.power(3, 8);
    m.start_cost = cycles(d.below(8));
    m.chunk = d.power(8, 12);
    m.in_flight = m.chunk * d.from({2, 4});
}

platform::platform random_platform(dice& d) {
    platform::platform p;
    p.name = "random";
    p.dram.channels = d.from({1, 2, 4});
    p.dram.interleave = d.power(8, 11);
    p.dram.capacity = bytes(1ULL << 28);
    p.dram.latency = picoseconds(1000 * d.below(100));
    for (auto* x : {&p.dram_crossbar, &p.l3_crossbar, &p.l2_crossbar}) {
        x->port_width = d.power(3, 8);
        x->hop_latency = cycles(d.below(4));
    }
    p.dma.engines = d.from({1, 2, 3, 7});
    p.block_mover.engines = d.from({1, 2, 3});
    p.streamer.per_array = d.from({1, 2, 3, 4});
    randomise(p.dma.mover, d);
    randomise(p.block_mover.mover, d);
    randomise(p.streamer.mover, d);
    p.l3.tiles = d.from({1, 2, 4});
    p.l3.interleave = d.power(8, 10);
    randomise(p.l3.tile, d, 13, 18);
    p.l2.banks = d.from({1, 2, 3, 8});
    randomise(p.l2.bank, d, 12, 16);
    randomise(p.l1.row, d, 8, 14);
    randomise(p.l1.column, d, 8, 14);
    randomise(p.l1.result, d, 8, 15);
    p.array.count = d.from({1, 1, 2, 3, 8});
    p.array.rows = d.from({1, 3, 8, 16, 33, 64});
    p.array.columns = d.from({1, 5, 8, 16, 31, 64});
    p.array.pipelined = d.below(4) != 0;
    p.array.queue_depth = d.from({1, 3, 32});
    p.array.macs_per_pe = {1, 1, 2, 2, 4, 4, 1};
    p.vector.lanes = d.from({1, 7, 16});
    p.vector.queue_depth = d.from({1, 8});
    return p;
}

dfg::matmul_graph_spec random_spec(dice& d) {
    dfg::matmul_graph_spec spec;
    spec.m = 1 + d.below(150);
    spec.n = 1 + d.below(150);
    spec.k = 1 + d.below(150);
    spec.type = static_cast<dtype>(d.below(7));
    spec.seeded = d.below(3) == 0;
    return spec;
}

/// True where the program ran, false where the chip is too small for it.
bool runs(test::checked_chip& chip, const test::compiled_graph& g, const tensor_map& inputs, const std::string& what) {
    try {
        const auto o = chip.run(g.program, inputs);
        BOOST_REQUIRE_MESSAGE(o.outputs == test::reference_outputs(g, inputs), "wrong bits on " << what);
        for (const std::string& finding : o.findings)
            BOOST_FAIL(finding.substr(0, 2000) << " on " << what);
        return true;
    } catch (const input_error& refusal) {
        BOOST_TEST(std::string(refusal.what()).find("too small for ") != std::string::npos, refusal.what()
                                                                                                << " on " << what);
    } catch (const run_error& failure) {
        BOOST_FAIL(failure.what() << " on " << what);
    }
    return false;
}

/// Calls use(chip, description) for so many valid platforms.
template <class Use>
void on_random_platforms(dice& d, Use use) {
    for (int valid = 0; valid < k_platforms_per_shard;) {
        const platform::platform p = random_platform(d);
        if (platform::check(p).has_errors())
            continue;
        ++valid;
        const test::fresh_context context;
        test::checked_chip chip(p);
        use(chip, "platform " + std::to_string(valid) + ":\n" + to_yaml(p));
    }
}

void matmuls(int shard) {
    dice d(static_cast<std::uint64_t>(shard));
    int run = 0;
    on_random_platforms(d, [&](test::checked_chip& chip, const std::string& what) {
        for (int i = 0; i < 3; ++i) {
            const test::compiled_graph g = test::compile(dfg::matmul_graph(random_spec(d)));
            run += runs(chip, g, test::random_inputs(g, d.below(1000)), what) ? 1 : 0;
        }
    });
    BOOST_TEST_MESSAGE(run << " of " << 3 * k_platforms_per_shard << " matmuls ran, the others were refused");
    BOOST_TEST(run > k_platforms_per_shard);
}

void networks(int shard) {
    dice d(static_cast<std::uint64_t>(100 + shard));
    int run = 0;
    on_random_platforms(d, [&](test::checked_chip& chip, const std::string& what) {
        const test::network& n = test::k_networks[d.below(std::size(test::k_networks))];
        constexpr dtype types[] = {dtype::f32, dtype::bf16, dtype::i8};
        const dtype type = types[d.below(std::size(types))];
        const test::compiled_graph g = test::compile(n.make(type));
        const tensor_map inputs = test::network_inputs(g, d.below(1000));
        if (runs(chip, g, inputs, n.name + (" on " + what))) {
            ++run;
            return;
        }
        const test::compiled_graph apart = test::compile(n.make(type), test::without_fusion());
        BOOST_TEST(!runs(chip, apart, inputs, n.name + (" without fusion on " + what)), n.name << " on " << what);
    });
    BOOST_TEST_MESSAGE(run << " of " << k_platforms_per_shard << " networks ran, the others were refused");
    BOOST_TEST(run > k_platforms_per_shard / 4);
}

} // namespace

BOOST_DATA_TEST_CASE(random_platforms, bdata::xrange(4), shard) {
    BOOST_TEST_MESSAGE("seed " << shard);
    matmuls(shard);
}

BOOST_DATA_TEST_CASE(networks_on_random_platforms, bdata::xrange(4), shard) {
    BOOST_TEST_MESSAGE("seed " << 100 + shard);
    networks(shard);
}
