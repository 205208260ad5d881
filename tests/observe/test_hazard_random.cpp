// Random command streams against a brute-force closure of the happens-before graph: the checker is clean exactly where
// no two conflicting accesses are unordered, and taking away any one wait that is needed is reported.

#include "hw/observe/hazard_checker.h"
#include "tests/observe/event_feed.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

using namespace kpu;
using namespace kpu::hw;
using kpu::hw::test::event_feed;

namespace {

constexpr std::uint64_t k_unit = 16; ///< bytes per buffer slot

struct operation {
    bool is_write = false;
    std::uint32_t slot = 0;
    std::uint32_t slots = 1;
};
struct random_command {
    std::uint16_t engine = 0;
    std::uint32_t number = 0;
    std::vector<iface::wait_for> waits;
    std::vector<operation> operations;
};
/// Commands in an order in which they may run one after the other.
using stream = std::vector<random_command>;

/// ordered[a][b]: command a certainly completes before command b starts.
using closure = std::vector<std::vector<bool>>;

closure close(const stream& s) {
    const std::size_t n = s.size();
    // nodes: start of i = 2i, completion of i = 2i + 1; reach by depth-first search
    std::vector<std::vector<std::size_t>> next(2 * n);
    for (std::size_t i = 0; i < n; ++i) {
        next[2 * i].push_back(2 * i + 1);
        for (std::size_t j = 0; j < n; ++j) {
            if (s[j].engine == s[i].engine && s[j].number == s[i].number + 1) {
                next[2 * i].push_back(2 * j);
                next[2 * i + 1].push_back(2 * j + 1);
            }
            for (const iface::wait_for& w : s[j].waits) {
                if (w.engine.value() == s[i].engine && w.count == s[i].number)
                    next[2 * i + 1].push_back(2 * j);
            }
        }
    }
    closure result(n, std::vector<bool>(n));
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<bool> seen(2 * n);
        std::vector<std::size_t> stack{2 * i + 1};
        while (!stack.empty()) {
            const std::size_t at = stack.back();
            stack.pop_back();
            for (std::size_t to : next[at]) {
                if (!seen[to]) {
                    seen[to] = true;
                    stack.push_back(to);
                }
            }
        }
        for (std::size_t j = 0; j < n; ++j)
            result[i][j] = seen[2 * j];
    }
    return result;
}

bool overlap(const operation& a, const operation& b) {
    return a.slot < b.slot + b.slots && b.slot < a.slot + a.slots;
}

/// Must the earlier command a complete before b starts, on account of one of their accesses?
bool conflict(const random_command& a, const random_command& b) {
    for (const operation& x : a.operations) {
        for (const operation& y : b.operations) {
            if (!overlap(x, y) || (!x.is_write && !y.is_write))
                continue;
            if (a.engine != b.engine || (x.is_write && !y.is_write))
                return true;
        }
    }
    return false;
}

bool has_race(const stream& s) {
    const closure ordered = close(s);
    for (std::size_t i = 0; i < s.size(); ++i) {
        for (std::size_t j = i + 1; j < s.size(); ++j) {
            if (!ordered[i][j] && conflict(s[i], s[j]))
                return true;
        }
    }
    return false;
}

class stream_maker {
  public:
    explicit stream_maker(std::uint64_t seed) : m_random(seed) {}

    /// Adds waits in order of age until every conflict is ordered: a correct stream, some of whose waits another one
    /// implies.
    stream correct() {
        stream s;
        const std::uint32_t engines = below(4) + 2;
        const std::uint32_t slots = below(6) + 2;
        std::vector<std::uint32_t> numbers(engines);
        const std::size_t length = 6 + below(30);
        while (s.size() < length) {
            random_command c;
            c.engine = static_cast<std::uint16_t>(below(engines));
            c.number = ++numbers[c.engine];
            for (std::uint32_t i = below(3) + 1; i > 0; --i) {
                operation o{below(2) == 0, below(slots), 1};
                o.slots = 1 + below(slots - o.slot);
                c.operations.push_back(o);
            }
            // A command reads its operands before it writes its result; what it reads back of its own is no conflict.
            std::stable_sort(c.operations.begin(), c.operations.end(),
                             [](const operation& a, const operation& b) { return a.is_write < b.is_write; });
            order(s, c);
            numbers[c.engine] = c.number;
            s.push_back(c);
        }
        return s;
    }
    std::uint32_t below(std::uint32_t n) { return std::uniform_int_distribution<std::uint32_t>(0, n - 1)(m_random); }

  private:
    /// A descriptor has four waits; as in the loader, a join command takes those that do not fit.
    static void order(stream& s, random_command& c) {
        std::vector<iface::wait_for> needed;
        for (const random_command& before : s) {
            if (!conflict(before, c))
                continue;
            const engine_id e(before.engine);
            auto same = std::find_if(needed.begin(), needed.end(), [&](const auto& w) { return w.engine == e; });
            if (same == needed.end())
                needed.push_back({e, before.number});
            else
                same->count = before.number;
        }
        while (needed.size() > iface::k_waits) {
            random_command join;
            join.engine = c.engine;
            join.number = c.number++;
            join.waits.assign(needed.end() - iface::k_waits, needed.end());
            needed.resize(needed.size() - iface::k_waits);
            s.push_back(join);
        }
        c.waits = needed;
    }
    std::mt19937_64 m_random;
};

/// Feeds the stream as given: every command starts after those before it have completed, so no wait is visibly broken.
void feed(const stream& s, hazard_checker& to) {
    event_feed out(to);
    for (const random_command& c : s) {
        iface::command_header h;
        std::copy(c.waits.begin(), c.waits.end(), h.waits.begin());
        to.on_start(test::ref(c.engine, c.number), h);
        for (const operation& o : c.operations) {
            if (o.is_write)
                out.write(c.engine, c.number, o.slot * k_unit, o.slots * k_unit);
            else
                out.read(c.engine, c.number, o.slot * k_unit, o.slots * k_unit);
        }
        to.on_complete(test::ref(c.engine, c.number));
    }
}

bool reported(const stream& s, std::string* text = nullptr) {
    hazard_options o;
    o.engines = 6;
    hazard_checker checker(o);
    checker.note_initialised({address(0), bytes(1024)});
    feed(s, checker);
    if (text != nullptr)
        *text = checker.report();
    return !checker.clean();
}

} // namespace

BOOST_AUTO_TEST_SUITE(hazard_random)

BOOST_AUTO_TEST_CASE(every_needed_wait_is_missed_when_gone) {
    const std::uint64_t seed = 20240607;
    BOOST_TEST_MESSAGE("seed " << seed);
    stream_maker make(seed);
    std::size_t needed = 0, caught = 0, implied = 0, false_alarms = 0;
    for (int round = 0; round < 150; ++round) {
        const stream s = make.correct();
        std::string text;
        BOOST_TEST_REQUIRE(!has_race(s));
        BOOST_TEST_REQUIRE(!reported(s, &text), "round " << round << ": " << text);
        for (std::size_t c = 0; c < s.size(); ++c) {
            for (std::size_t w = 0; w < s[c].waits.size(); ++w) {
                stream mutant = s;
                mutant[c].waits.erase(mutant[c].waits.begin() + static_cast<std::ptrdiff_t>(w));
                if (has_race(mutant)) {
                    ++needed;
                    caught += reported(mutant) ? 1 : 0;
                } else {
                    ++implied;
                    false_alarms += reported(mutant) ? 1 : 0;
                }
            }
        }
    }
    BOOST_TEST_MESSAGE("mutation score: " << caught << " of " << needed << " removals of a needed wait found; "
                                          << implied << " removals of an implied one, " << false_alarms
                                          << " false alarms");
    BOOST_TEST(needed > 500u);
    BOOST_TEST(implied > 100u);
    BOOST_TEST(caught == needed);
    BOOST_TEST(false_alarms == 0u);
}

BOOST_AUTO_TEST_CASE(weakened_waits_agree_with_the_closure) {
    const std::uint64_t seed = 77;
    BOOST_TEST_MESSAGE("seed " << seed);
    stream_maker make(seed);
    std::size_t racy = 0, clean = 0;
    for (int round = 0; round < 3000; ++round) {
        stream s = make.correct();
        for (std::uint32_t hits = make.below(3); hits > 0; --hits) { // lower the count of some waits, or drop them
            random_command& c = s[make.below(static_cast<std::uint32_t>(s.size()))];
            if (!c.waits.empty()) {
                iface::wait_for& w = c.waits[make.below(static_cast<std::uint32_t>(c.waits.size()))];
                w.count = make.below(w.count + 1);
            }
        }
        const bool race = has_race(s);
        std::string text;
        BOOST_TEST_REQUIRE(reported(s, &text) == race, "round " << round << ": " << text);
        ++(race ? racy : clean);
    }
    BOOST_TEST_MESSAGE(racy << " streams with a race, " << clean << " without");
    BOOST_TEST(racy > 300u);
    BOOST_TEST(clean > 300u);
}

BOOST_AUTO_TEST_SUITE_END()
