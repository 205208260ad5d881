// Knobs of the simulation and of the firmware: chunks change the speed of a simulation and not its result, and register
// accesses cost what they should.

#include "fw/firmware/runtime.h"
#include "tests/e2e/on_chip.h"
#include "tests/support/fresh_context.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>

namespace bdata = boost::unit_test::data;
using namespace kpu;

namespace {

struct extents {
    std::uint64_t m, n, k;
};
std::ostream& operator<<(std::ostream& out, const extents& e) {
    return out << e.m << "x" << e.n << "x" << e.k;
}

const std::vector<extents> k_benchmarks = {{256, 256, 256}, {512, 512, 512}, {128, 3072, 768}, {384, 768, 768}};
const extents k_largest = {1024, 1024, 1024};

test::compiled_graph matmul(const extents& e) {
    dfg::matmul_graph_spec spec;
    spec.m = e.m;
    spec.n = e.n;
    spec.k = e.k;
    return test::compile(dfg::matmul_graph(spec));
}

std::uint64_t cycles_of(const platform::platform& p, const test::compiled_graph& g) {
    return test::measure(p, g.program, test::random_inputs(g, 1)).cycles;
}

/// The smallest chunks, in powers of two, that the platform's check accepts.
platform::platform with_finest_chunks(platform::platform p) {
    for (platform::mover_params* m : {&p.dma.mover, &p.block_mover.mover, &p.streamer.mover})
        for (m->chunk = bytes(64); platform::check(p).has_errors();)
            m->chunk = m->chunk * 2;
    return p;
}

platform::platform with_free_firmware(platform::platform p) {
    p.management.access_cost = cycles(0);
    p.management.interrupt_cost = cycles(0);
    p.management.burst_width = bytes(1024); // more than a descriptor
    return p;
}

/// Passes accesses on and counts them.
class counting_bus final : public mmio {
  public:
    explicit counting_bus(mmio& bus) : m_bus(bus) {}

    std::uint32_t read32(address where) override {
        ++m_accesses;
        return m_bus.read32(where);
    }
    void write32(address where, std::uint32_t value) override {
        ++m_accesses;
        m_bus.write32(where, value);
    }
    void read_block(address where, std::uint32_t* words, std::size_t count) override {
        ++m_accesses;
        m_bus.read_block(where, words, count);
    }
    void write_block(address where, const std::uint32_t* words, std::size_t count) override {
        ++m_accesses;
        m_pushes[where.value()].push_back(m_accesses);
        m_bus.write_block(where, words, count);
    }
    void wait_irq() override {
        m_bus.wait_irq();
        m_at_interrupt = m_accesses;
    }

    /// How many accesses had been made when command `number` of the engine had been pushed.
    [[nodiscard]] std::uint64_t until_push(engine_id engine, std::uint32_t number) const {
        return m_pushes.at(iface::engine_base(engine.value()) + iface::engine_reg::descriptor).at(number - 1);
    }
    [[nodiscard]] std::uint64_t since_last_interrupt() const { return m_accesses - m_at_interrupt; }

  private:
    mmio& m_bus;
    std::uint64_t m_accesses = 0, m_at_interrupt = 0;
    std::map<std::uint64_t, std::vector<std::uint64_t>> m_pushes; ///< by address of the descriptor window
};

struct one_fold_run {
    std::uint64_t cycles = 0;      ///< from the first push to the end
    std::uint64_t until_loads = 0; ///< accesses up to the push of the last load: nothing hides them
    std::uint64_t at_the_end = 0;  ///< from the last interrupt on: a store that is still under way may hide some
};

one_fold_run run_one_fold(const platform::platform& p) {
    const test::fresh_context context;
    const test::compiled_graph g = matmul({4, 4, 4});
    hw::chip chip("chip", p);
    one_fold_run result;
    chip.load_firmware([&](mmio& bus) {
        const fw::machine machine = fw::discover(bus);
        fw::prepare_engines(bus, machine);
        const std::vector<fw::planned_work> plan = fw::plan_program(machine, g.program);
        fw::tensor_table tensors(g.program, machine.dram);
        fw::command_stream stream(machine, plan, tensors);
        counting_bus counted(bus);
        const cycles before = chip.elapsed_cycles();
        std::vector<fw::bound_command> loads;
        fw::run_commands(counted, machine, [&] {
            std::optional<fw::bound_command> next = stream.next();
            if (next && iface::decode_copy(next->words).source.base >= machine.dram.base)
                loads.push_back(*next);
            return next;
        });
        result.cycles = (chip.elapsed_cycles() - before).value();
        BOOST_TEST_REQUIRE(loads.size() >= 2U);
        for (const fw::bound_command& load : loads)
            result.until_loads = std::max(result.until_loads, counted.until_push(load.engine, load.number));
        result.at_the_end = counted.since_last_interrupt();
    });
    chip.run();
    return result;
}

} // namespace

BOOST_DATA_TEST_CASE(chunk_size_is_only_a_speed_knob,
                     bdata::make(test::shipped_platforms()) * bdata::make(k_benchmarks), name, size) {
    const platform::platform p = test::shipped(name);
    const test::compiled_graph g = matmul(size);
    const double coarse = static_cast<double>(cycles_of(p, g));
    const double fine = static_cast<double>(cycles_of(with_finest_chunks(p), g));
    BOOST_TEST_MESSAGE(name << " " << size << ": " << coarse << " cycles, " << fine << " with the finest chunks, "
                            << 100 * (fine / coarse - 1) << "%");
    BOOST_TEST(std::abs(fine / coarse - 1) < 0.01);
}

BOOST_DATA_TEST_CASE(firmware_costs_less_than_2_percent, bdata::make(test::shipped_platforms()), name) {
    const platform::platform p = test::shipped(name);
    std::vector<extents> sizes = k_benchmarks;
    sizes.push_back(k_largest);
    for (const extents& size : sizes) {
        const test::compiled_graph g = matmul(size);
        const double taken = static_cast<double>(cycles_of(p, g));
        const double without = static_cast<double>(cycles_of(with_free_firmware(p), g));
        BOOST_TEST_MESSAGE(name << " " << size << ": " << taken << " cycles, " << without << " with free firmware, "
                                << 100 * (taken / without - 1) << "%");
        BOOST_TEST(taken < 1.02 * without, name << " " << size << ": " << taken << " against " << without);
    }
}

// The loader reads the cost of a descriptor and cuts anew; among nearly equal blockings its choice moves a total by up
// to a percent. A dearer access also delays commands and so may change who comes first at a port.
BOOST_DATA_TEST_CASE(dearer_accesses_make_slower_runs, bdata::make(test::shipped_platforms()), name) {
    platform::platform p = test::shipped(name);
    const test::compiled_graph g = matmul(k_benchmarks.front());
    double last = 0;
    for (const std::uint64_t cost : {0U, 1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
        p.management.access_cost = cycles(cost);
        const trace::run_statistics run = test::measure(p, g.program, test::random_inputs(g, 1));
        const double taken = static_cast<double>(run.cycles);
        std::uint64_t commands = 0;
        for (const trace::engine_statistics& e : run.engines)
            commands += e.commands;
        BOOST_TEST_MESSAGE(name << ": " << taken << " cycles at " << cost << " per access, " << commands
                                << " commands");
        BOOST_TEST(taken >= 0.99 * last);
        BOOST_TEST(run.cycles >= cost * commands); // each is an access at least
        last = taken;
    }
}

// The firmware pushes the commands of one fold while its loads are under way: what shows is up to the push of the last
// load, and what nothing hides of the end. A total is linear in the cost.
BOOST_DATA_TEST_CASE(one_fold_pays_for_the_accesses_that_nothing_hides, bdata::make(test::shipped_platforms()), name) {
    platform::platform p = test::shipped(name);
    p.management.access_cost = cycles(1);
    const one_fold_run cheap = run_one_fold(p);
    BOOST_TEST_MESSAGE(name << ": " << cheap.cycles << " cycles, " << cheap.until_loads
                            << " accesses until the last load, " << cheap.at_the_end << " at the end");
    p.management.access_cost = cycles(2);
    const std::uint64_t showing = run_one_fold(p).cycles - cheap.cycles;
    BOOST_TEST(showing >= cheap.until_loads);
    BOOST_TEST(showing <= cheap.until_loads + cheap.at_the_end);
    for (const std::uint64_t cost : {3U, 5U, 8U}) {
        p.management.access_cost = cycles(cost);
        const one_fold_run dear = run_one_fold(p);
        BOOST_TEST(dear.cycles == cheap.cycles + (cost - 1) * showing);
    }
}
