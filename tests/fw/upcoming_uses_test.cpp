// The window of upcoming uses against a map of queues.

#include "fw/loader/upcoming_uses.h"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <limits>
#include <map>
#include <random>

using namespace kpu;
using namespace kpu::fw;

namespace {

tile_key key_of(std::uint64_t n) {
    return {n % 2 == 0 ? operand_role::a : operand_role::b, n / 64, n / 2 % 8, n / 16 % 4, 0};
}

} // namespace

BOOST_AUTO_TEST_CASE(it_answers_as_a_map_of_queues_does) {
    const std::uint64_t seed = 20261127;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937_64 random(seed);
    upcoming_uses uses;
    std::map<std::uint64_t, std::deque<std::uint64_t>> expected; // by the key's number
    std::deque<std::uint64_t> window;
    for (std::uint64_t step = 0; step < 20000; ++step) {
        const std::uint64_t n = random() % 300;
        uses.add(key_of(n), step);
        expected[n].push_back(step);
        window.push_back(n);
        // the window shrinks and grows
        for (const std::size_t reach = 50 + step / 100 % 10 * 40; window.size() > reach; window.pop_front()) {
            uses.drop(key_of(window.front()));
            std::deque<std::uint64_t>& queue = expected[window.front()];
            queue.pop_front();
            if (queue.empty())
                expected.erase(window.front());
        }
        const std::uint64_t asked = random() % 300;
        const auto found = expected.find(asked);
        BOOST_REQUIRE(uses.next(key_of(asked)) ==
                      (found == expected.end() ? std::numeric_limits<std::uint64_t>::max() : found->second.front()));
    }
}
