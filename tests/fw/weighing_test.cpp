// What --verbose says of a choice: printed numbers give the printed cycles and costs, what was taken is best by what it
// was taken by, and nothing is listed twice.

#include "fw/loader/blocking.h"
#include "platforms/common/diagnostic.h"
#include "tests/fw/random_contraction.h"
#include "tests/fw/weighed_line.h"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace kpu;
using test::weighed_line;

namespace {

/// By how many percent the line says that a candidate is worse, or nothing.
std::optional<double> percent_behind(const std::string& lost) {
    double x = 0;
    if (std::sscanf(lost.c_str(), "costs %lf%% more", &x) == 1 ||
        std::sscanf(lost.c_str(), "takes %lf%% more", &x) == 1)
        return x;
    return std::nullopt;
}

std::string dataflow_of(const weighed_line& w) {
    return w.shape.substr(0, w.shape.find("_stationary"));
}

void check(const std::vector<weighed_line>& lines, const std::string& text) {
    std::set<std::string> shapes;
    BOOST_REQUIRE(!lines.empty());
    const weighed_line& taken = lines.front();
    for (const weighed_line& w : lines) {
        BOOST_TEST(w.agrees(), w.shape << " in " << text);
        BOOST_TEST(shapes.insert(w.shape).second, w.shape << " is there twice: " << text);
        BOOST_TEST(w.taken == (&w == &taken));
        BOOST_TEST(w.lost.empty() == w.taken, text);
        if (const auto behind = percent_behind(w.lost))
            BOOST_TEST(*behind >= 0, text);
        if (w.rehearsed && taken.rehearsed && dataflow_of(w) == dataflow_of(taken))
            BOOST_TEST(*w.rehearsed_cost >= *taken.rehearsed_cost, text);
        if (w.rehearsed && w.lost.find("none of ") == 0) {
            const bool slower = *w.rehearsed * w.traffic >= *taken.rehearsed * taken.traffic - 1;
            BOOST_TEST((slower || *w.rehearsed_cost >= 1.09 * *taken.rehearsed_cost), text);
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(printed_numbers_give_the_printed_cycles_and_costs) {
    std::mt19937_64 random(20261130);
    int seen = 0, rehearsed = 0, others = 0;
    for (int i = 0; i < 150; ++i) {
        const fw::machine chip = test::make_machine(test::random_shape(random));
        const dfx::contraction work = test::contraction_of(test::random_problem(random));
        try {
            const std::string text = to_string(fw::weigh_blockings(chip, work).weighed, "C: ");
            const std::vector<weighed_line> lines = test::weighed_lines(text);
            check(lines, text);
            ++seen;
            rehearsed += lines.front().rehearsed ? 1 : 0;
            others += static_cast<int>(lines.size()) - 1;
        } catch (const input_error&) { // too small a chip
        }
    }
    BOOST_TEST(seen > 100);
    BOOST_TEST(rehearsed > 50);
    BOOST_TEST(others > 150);
}

BOOST_AUTO_TEST_CASE(what_is_not_rehearsed_has_closed_forms_only) {
    test::problem large;
    large.m = large.n = large.k = 1000;
    const fw::machine chip = test::make_machine({});
    const std::string text = to_string(fw::weigh_blockings(chip, test::contraction_of(large)).weighed, "C: ");
    const std::vector<weighed_line> lines = test::weighed_lines(text);
    check(lines, text);
    BOOST_TEST(text.find("rehearsed") == std::string::npos, text);
    BOOST_TEST(lines.size() == 3U, text);
}

BOOST_AUTO_TEST_CASE(blocks_in_one_line_are_walked_in_one_way) {
    test::machine_shape shape;
    shape.arrays = 4;
    shape.l3_tile = 1 << 20;
    const fw::machine chip = test::make_machine(shape);
    for (const std::uint64_t rows : {1U, 3U, 4U}) {
        test::problem wide;
        wide.m = rows;
        wide.n = 40;
        wide.k = 30;
        const std::string text = to_string(fw::weigh_blockings(chip, test::contraction_of(wide)).weighed, "C: ");
        check(test::weighed_lines(text), text);
        BOOST_TEST(text.find("columns outer") == std::string::npos, text);
    }
}
