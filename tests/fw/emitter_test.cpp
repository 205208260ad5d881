// Waits: only those that matter, joins where one descriptor does not hold them.

#include "fw/loader/emitter.h"
#include "fw/loader/tile_cache.h"
#include "tests/fw/flat_chip.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::fw;

namespace {

std::vector<iface::wait_for> waits_of(const bound_command& c) {
    std::vector<iface::wait_for> all;
    for (const iface::wait_for& w : iface::decode_header(c.words).waits)
        if (w.count > 0)
            all.push_back(w);
    return all;
}

engine_id engine(std::uint16_t n) {
    return engine_id(n);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_wait_is_stated_once_per_engine) {
    const machine chip = test::make_machine({});
    emitter out(chip);
    dependences after;
    after.read_after_write.add({engine(1), 3});
    (void)out.copy(engine(0), 7, {}, after);
    (void)out.copy(engine(0), 7, {}, after);
    after.read_after_write.add({engine(1), 4});
    (void)out.copy(engine(0), 7, {}, after);
    const bound_command first = out.take();
    BOOST_TEST(first.number == 1U);
    BOOST_REQUIRE(waits_of(first).size() == 1U);
    BOOST_TEST(waits_of(first)[0].count == 3U);
    BOOST_TEST(waits_of(out.take()).empty());
    BOOST_TEST(waits_of(out.take())[0].count == 4U);
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(an_engine_keeps_its_writes_in_order_but_not_a_read_after_a_write) {
    const machine chip = test::make_machine({});
    emitter out(chip);
    const point p = out.copy(engine(0), 1, {}, {});
    dependences overwrite;
    overwrite.write_after.add(p);
    (void)out.copy(engine(0), 1, {}, overwrite);
    dependences read;
    read.read_after_write.add(p);
    (void)out.copy(engine(0), 1, {}, read);
    (void)out.take();
    BOOST_TEST(waits_of(out.take()).empty());
    BOOST_TEST(waits_of(out.take()).size() == 1U);
}

BOOST_AUTO_TEST_CASE(more_than_four_waits_become_joins_on_the_same_queue) {
    const machine chip = test::make_machine({2, 4, 4, 1, 1, 4});
    emitter out(chip);
    dependences after;
    for (std::uint16_t e = 1; e <= 10; ++e)
        after.read_after_write.add({engine(e), e});
    const point p = out.copy(engine(0), 9, {}, after);
    BOOST_TEST(p.number == 3U);
    std::size_t waits = 0;
    for (int i = 0; i < 3; ++i) {
        const bound_command c = out.take();
        BOOST_TEST(c.engine.value() == 0U);
        BOOST_TEST((iface::decode_header(c.words).op == iface::opcode::join) == (i < 2));
        waits += waits_of(c).size();
    }
    BOOST_TEST(waits == 10U);
}

BOOST_AUTO_TEST_CASE(a_cache_gives_up_the_tile_that_is_needed_last) {
    tile_cache cache(address(0), bytes(64), 2, {});
    const tile_key a{operand_role::a, 0, 0, 0, 0};
    const tile_key b{operand_role::b, 0, 0, 0, 0};
    const auto next_use = [&](const tile_key& k) { return k == a ? 10ULL : 20ULL; };
    tile_slot& first = cache.victim(next_use);
    cache.assign(first, a);
    tile_slot& second = cache.victim(next_use);
    BOOST_TEST(&second != &first);
    cache.assign(second, b);
    BOOST_TEST(&cache.victim(next_use) == &second);
    BOOST_TEST(&cache.oldest() == &first);
    BOOST_TEST(cache.find(a) == &first);
    BOOST_TEST(&cache.oldest() == &second);
}
