// Steady state allocates nothing.

#include "hw/interconnect/crossbar.h"
#include "hw/memory/memory_bank.h"
#include "tests/component/interconnect/allocation_counter.h"
#include "tests/support/sim_fixture.h"
#include "tests/support/tlm_doubles.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;

BOOST_FIXTURE_TEST_CASE(transactions_allocate_nothing_once_warm, kpu::test::sim_fixture) {
    const platform::address_range range{address(0x10000), bytes(2 * 64 * 1024)};
    hw::route_table routes;
    routes.add_interleaved("banks", range, bytes(256), 2);
    test::test_initiator source("source");
    hw::crossbar bar("bar", {}, picoseconds(1000), 1, routes);
    platform::memory_params params;
    params.capacity = bytes(64 * 1024);
    hw::memory_bank low("low", params, picoseconds(1000));
    hw::memory_bank high("high", params, picoseconds(1000));
    source.socket_i.bind(bar.from_t[0]);
    bar.to_i[0].bind(low.data_t);
    bar.to_i[1].bind(high.data_t);
    run([&] {
        std::vector<unsigned char> data(1024);
        const auto round = [&] {
            const std::size_t before = test::allocations();
            for (int i = 0; i < 100; ++i) {
                source.write(0x10000, data); // split over both banks
                source.read(0x10000, data);
                const unsigned char* lent = nullptr;
                sc_core::sc_time delay;
                (void)source.access.read_loan(address(0x10000), bytes(64), data.data(), lent, delay);
            }
            return test::allocations() - before;
        };
        BOOST_TEST(round() > 0u); // pages, the crossbar's piece: the counter counts
        BOOST_TEST(round() == 0u);
    });
}
