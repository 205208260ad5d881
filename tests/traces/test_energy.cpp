// Joules are counts times table entries, and nothing gets lost between components and total.

#include "traces/energy.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

using namespace kpu;
using namespace kpu::trace;

namespace {

platform::energy_params prices() {
    platform::energy_params t;
    t.mac = {femtojoules(8120), femtojoules(2250), femtojoules(978), femtojoules(979),
             femtojoules(538),  femtojoules(147),  femtojoules(1560)};
    t.vector = femtojoules(440);
    t.dram = {femtojoules_per_byte(70'240), femtojoules_per_byte(62'320)};
    t.dram_activation = femtojoules(8'080'000);
    t.l3 = {femtojoules_per_byte(2000), femtojoules_per_byte(2500)};
    t.l2 = {femtojoules_per_byte(800), femtojoules_per_byte(1000)};
    t.l1 = {femtojoules_per_byte(300), femtojoules_per_byte(400)};
    t.dma = femtojoules_per_byte(1500);
    t.block_mover = femtojoules_per_byte(801);
    t.streamer = femtojoules_per_byte(301);
    t.interconnect = femtojoules_per_byte(150);
    t.chip_static = microwatts(106'000);
    t.dram_standby = microwatts(80'000);
    return t;
}

activity work() {
    activity a;
    a.macs = {1, 1000, 20, 300, 4000, 50'000, 600'000};
    a.vector = elements(777);
    a.dram = {bytes(10'000), bytes(3000)};
    a.dram_activations = 13;
    a.l3 = {bytes(20'000), bytes(21'000)};
    a.l2 = {bytes(30'000), bytes(31'000)};
    a.l1 = {bytes(40'000), bytes(41'000)};
    a.dma = bytes(13'000);
    a.block_mover = bytes(17'000);
    a.streamer = bytes(19'000);
    a.interconnect = bytes(66'000);
    a.time = picoseconds(2'000'000);
    return a;
}

/// Joules of a whole number of femtojoules.
double of_femto(std::uint64_t femtojoules) {
    return static_cast<double>(femtojoules) / 1e15;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_component_is_count_times_energy) {
    const energy_statistics e = energy_of(work(), prices());
    BOOST_TEST(e.of(component::arrays) ==
               of_femto(1 * 8120 + 1000 * 2250 + 20 * 978 + 300 * 979 + 4000 * 538 + 50'000 * 147 + 600'000ull * 1560));
    BOOST_TEST(e.of(component::vector) == of_femto(777 * 440));
    BOOST_TEST(e.of(component::dram) == of_femto(10'000ull * 70'240 + 3000 * 62'320 + 13 * 8'080'000));
    BOOST_TEST(e.of(component::l3) == of_femto(20'000 * 2000 + 21'000 * 2500));
    BOOST_TEST(e.of(component::l2) == of_femto(30'000 * 800 + 31'000 * 1000));
    BOOST_TEST(e.of(component::l1) == of_femto(40'000 * 300 + 41'000 * 400));
    BOOST_TEST(e.of(component::dma) == of_femto(13'000 * 1500));
    BOOST_TEST(e.of(component::block_movers) == of_femto(17'000 * 801));
    BOOST_TEST(e.of(component::streamers) == of_femto(19'000 * 301));
    BOOST_TEST(e.of(component::interconnect) == of_femto(66'000 * 150));
    BOOST_TEST(e.of(component::chip_static) == of_femto(106'000ull * 2'000'000 / 1000)); // uW · ps = aJ
    BOOST_TEST(e.of(component::dram_standby) == of_femto(80'000ull * 2'000'000 / 1000));
}

BOOST_AUTO_TEST_CASE(sums_follow_from_the_components) {
    const energy_statistics e = energy_of(work(), prices());
    BOOST_TEST(e.total_j == std::accumulate(e.joules.begin(), e.joules.end(), 0.0));
    BOOST_TEST(e.static_j == e.of(component::chip_static) + e.of(component::dram_standby));
    BOOST_TEST(e.edp_js == e.total_j * 2e-6);
    const auto tolerance = boost::test_tools::tolerance(1e-14);
    BOOST_TEST(e.pj_per_mac == e.total_j * 1e12 / 655'321, tolerance);
    BOOST_TEST(e.average_w == e.total_j / 2e-6, tolerance);
    BOOST_TEST(check(e, 655'321, picoseconds(2'000'000)).empty());
}

BOOST_AUTO_TEST_CASE(doubling_an_entry_doubles_its_component_only) {
    using table = platform::energy_params;
    // the entries of each component: all of them are doubled
    const std::vector<std::pair<component, std::function<void(table&)>>> cases = {
        {component::arrays,
         [](table& t) {
             for (femtojoules& each : t.mac)
                 each += each;
         }},
        {component::vector, [](table& t) { t.vector += t.vector; }},
        {component::l1, [](table& t) { t.l1.read += t.l1.read, t.l1.write += t.l1.write; }},
        {component::l2, [](table& t) { t.l2.read += t.l2.read, t.l2.write += t.l2.write; }},
        {component::l3, [](table& t) { t.l3.read += t.l3.read, t.l3.write += t.l3.write; }},
        {component::dram,
         [](table& t) {
             t.dram.read += t.dram.read, t.dram.write += t.dram.write, t.dram_activation += t.dram_activation;
         }},
        {component::dma, [](table& t) { t.dma += t.dma; }},
        {component::block_movers, [](table& t) { t.block_mover += t.block_mover; }},
        {component::streamers, [](table& t) { t.streamer += t.streamer; }},
        {component::interconnect, [](table& t) { t.interconnect += t.interconnect; }},
        {component::chip_static, [](table& t) { t.chip_static += t.chip_static; }},
        {component::dram_standby, [](table& t) { t.dram_standby += t.dram_standby; }},
    };
    BOOST_TEST(cases.size() == k_components);
    const energy_statistics before = energy_of(work(), prices());
    for (const auto& [changed, twice] : cases) {
        table t = prices();
        twice(t);
        const energy_statistics after = energy_of(work(), t);
        for (std::size_t c = 0; c < k_components; ++c)
            BOOST_TEST(after.joules[c] == before.joules[c] * (c == static_cast<std::size_t>(changed) ? 2 : 1),
                       name_of(changed) << " doubled: " << name_of(static_cast<component>(c)));
    }
}

BOOST_AUTO_TEST_CASE(each_entry_counts_by_itself) {
    using table = platform::energy_params;
    const std::vector<std::pair<std::function<void(table&)>, std::uint64_t>> cases = {
        {[](table& t) { t.dram.read += femtojoules_per_byte(1); }, 10'000},
        {[](table& t) { t.dram.write += femtojoules_per_byte(1); }, 3000},
        {[](table& t) { t.dram_activation += femtojoules(1); }, 13},
        {[](table& t) { t.l1.read += femtojoules_per_byte(1); }, 40'000},
        {[](table& t) { t.l1.write += femtojoules_per_byte(1); }, 41'000},
        {[](table& t) { t.mac[0] += femtojoules(1); }, 1},
        {[](table& t) { t.mac[6] += femtojoules(1); }, 600'000},
    };
    const double before = energy_of(work(), prices()).total_j;
    for (const auto& [change, events] : cases) {
        table t = prices();
        change(t);
        BOOST_TEST((energy_of(work(), t).total_j - before) * 1e15 == static_cast<double>(events),
                   boost::test_tools::tolerance(1e-4));
    }
}

BOOST_AUTO_TEST_CASE(nothing_done_costs_nothing) {
    const energy_statistics e = energy_of({}, prices());
    BOOST_TEST(e.total_j == 0);
    BOOST_TEST(e.pj_per_mac == 0);
    BOOST_TEST(e.average_w == 0);
    BOOST_TEST(check(e, 0, picoseconds(0)).empty());
}

BOOST_AUTO_TEST_CASE(every_inconsistency_is_found) {
    const auto found = [](const std::function<void(energy_statistics&)>& bend) {
        energy_statistics e = energy_of(work(), prices());
        bend(e);
        return check(e, 655'321, picoseconds(2'000'000));
    };
    for (double energy_statistics::*sum :
         {&energy_statistics::total_j, &energy_statistics::static_j, &energy_statistics::edp_js,
          &energy_statistics::pj_per_mac, &energy_statistics::average_w})
        BOOST_TEST(found([&](energy_statistics& e) { e.*sum *= 1.001; }).size() == 1u);
    BOOST_TEST(found([](energy_statistics& e) { e.joules[0] = -e.joules[0]; }).size() >= 2u); // and the sums
    BOOST_TEST(!found([](energy_statistics& e) { e.joules[3] = std::numeric_limits<double>::quiet_NaN(); }).empty());
    BOOST_TEST(!check(energy_of(work(), prices()), 655'320, picoseconds(2'000'000)).empty());
    BOOST_TEST(!check(energy_of(work(), prices()), 655'321, picoseconds(2'001'000)).empty());
}

BOOST_AUTO_TEST_CASE(prefixes) {
    BOOST_TEST(with_prefix(0, "J") == "0 J");
    BOOST_TEST(with_prefix(1.2345678e-6, "J") == "1.235 uJ");
    BOOST_TEST(with_prefix(999.9994e-12, "J") == "999.999 pJ");
    BOOST_TEST(with_prefix(999.9996e-12, "J") == "1.000 nJ");
    BOOST_TEST(with_prefix(1, "W") == "1.000 W");
    BOOST_TEST(with_prefix(2.5e12, "W") == "2500.000 GW");
    BOOST_TEST(with_prefix(3e-20, "J*s") == "0.030 aJ*s");
    BOOST_TEST(with_prefix(-4e-3, "J") == "-4.000 mJ");
}

BOOST_AUTO_TEST_CASE(texts_have_every_component) {
    const energy_statistics e = energy_of(work(), prices());
    const std::string table = to_table(e, 655'321, picoseconds(2'000'000));
    for (std::size_t c = 0; c < k_components; ++c)
        BOOST_TEST(table.find(name_of(static_cast<component>(c))) != std::string::npos, table);
    BOOST_TEST(table.find("100.0%") != std::string::npos, table);
    BOOST_TEST(to_line(e).find("/MAC, energy-delay product ") != std::string::npos, to_line(e));
    BOOST_TEST(!to_table({}, 0, picoseconds(0)).empty());
}
