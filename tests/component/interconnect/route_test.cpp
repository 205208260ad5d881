#include "hw/interconnect/route_table.h"
#include "platforms/common/diagnostic.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using hw::route_table;

namespace {

platform::address_range range(std::uint64_t base, std::uint64_t size) {
    return {address(base), bytes(size)};
}

bool says(const input_error& error, const std::string& what) {
    return to_string(error.problems()).find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(routes)

BOOST_AUTO_TEST_CASE(targets_are_numbered_in_order) {
    route_table table;
    BOOST_TEST(table.add_consecutive("l2", range(0x1000, 0x4000), 4) == 0u);
    BOOST_TEST(table.add_interleaved("l3", range(0x8000, 0x4000), bytes(0x400), 2) == 4u);
    BOOST_TEST(table.add_consecutive("l1", range(0xc000, 0x123)) == 6u);
    BOOST_TEST(table.targets() == 7u);
}

BOOST_AUTO_TEST_CASE(accesses_belong_to_the_range_that_holds_all_of_them) {
    route_table table;
    table.add_consecutive("low", range(0x1000, 0x1000));
    table.add_consecutive("high", range(0x2000, 0x1000));
    BOOST_TEST(table.find(0x0fff, 1) == nullptr);
    BOOST_TEST(table.find(0x1000, 0x1000)->name == "low");
    BOOST_TEST(table.find(0x1fff, 1)->name == "low");
    BOOST_TEST(table.find(0x1fff, 2) == nullptr); // no access spans two ranges
    BOOST_TEST(table.find(0x2000, 1)->name == "high");
    BOOST_TEST(table.find(0x2fff, 2) == nullptr);
    BOOST_TEST(table.find(~std::uint64_t{0}, 2) == nullptr);
}

BOOST_AUTO_TEST_CASE(consecutive_units_are_ranges_of_their_own) {
    route_table table;
    table.add_consecutive("l2", range(0x1000, 0x3000), 3);
    const hw::route& l2 = *table.find(0x1000, 1);
    BOOST_TEST(l2.map.locate(0x0fff).unit == 0u);
    BOOST_TEST(l2.map.locate(0x1000).unit == 1u);
    BOOST_TEST(l2.map.locate(0x1234).local == 0x234u);
    BOOST_TEST(l2.map.locate(0x2fff).unit == 2u);
    BOOST_TEST(l2.map.run(0x0ff0) == 0x10u);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_address_space_is_usable) {
    route_table table;
    table.add_consecutive("top", range(~std::uint64_t{0} - 0xfff, 0x1000));
    BOOST_TEST(table.find(~std::uint64_t{0}, 1)->name == "top");
}

BOOST_AUTO_TEST_CASE(overlaps_are_refused_with_both_names) {
    route_table table;
    table.add_consecutive("first", range(0x1000, 0x1000));
    for (const auto& bad :
         {range(0x1fff, 0x10), range(0x0800, 0x801), range(0x1000, 0x1000), range(0x1100, 0x10), range(0x0, 0x10000)})
        BOOST_CHECK_EXCEPTION(table.add_consecutive("second", bad), input_error, [](const input_error& e) {
            return says(e, "first") && says(e, "second") && says(e, "overlap");
        });
    table.add_consecutive("behind", range(0x2000, 1));
    table.add_consecutive("before", range(0x0fff, 1));
    BOOST_TEST(table.targets() == 3u);
}

BOOST_AUTO_TEST_CASE(uneven_divisions_are_refused) {
    route_table table;
    BOOST_CHECK_THROW(table.add_consecutive("a", range(0, 10), 3), input_error);
    BOOST_CHECK_THROW(table.add_consecutive("a", range(0, 10), 0), input_error);
    BOOST_CHECK_THROW(table.add_consecutive("a", range(0, 0)), input_error);
    BOOST_CHECK_THROW(table.add_consecutive("a", range(~std::uint64_t{0}, 2)), input_error);
    BOOST_CHECK_THROW(table.add_interleaved("a", range(0, 1000), bytes(64), 2), input_error);
    BOOST_CHECK_THROW(table.add_interleaved("a", range(0, 1024), bytes(0), 2), input_error);
    BOOST_TEST(table.add_interleaved("a", range(0, 1000), bytes(64), 1) == 0u); // one unit: nothing to divide
}

BOOST_AUTO_TEST_SUITE_END()
