// Steady state allocates nothing: pushes, waits, reads, writes, completions.

#include "tests/component/interconnect/allocation_counter.h"
#include "tests/component/movers/mover_bench.h"
#include "tests/support/sim_fixture.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::test;

BOOST_FIXTURE_TEST_CASE(movers_allocate_nothing_once_warm, sim_fixture) {
    mover_bench b({});
    run([&] {
        iface::copy_operands gather; // 64 runs of 32 bytes
        gather.count[3] = 64;
        gather.run = 32;
        gather.source = {address(k_far), {0, 0, 0, 100}};
        gather.destination = {address(50'000), {0, 0, 0, 32}};
        std::uint32_t pushed = 0;
        const auto round = [&] {
            const std::size_t before = allocations();
            for (int i = 0; i < 20; ++i) {
                b.push(mover_bench::contiguous(k_far, 0, 40'000));
                b.push(gather);
                pushed += 2;
                cycles_pass(1000);
            }
            return allocations() - before;
        };
        BOOST_TEST(round() > 0u); // pages, queues that grow: the counter counts
        BOOST_TEST(round() == 0u);
        BOOST_TEST(b.completed() == pushed);
    });
}
