#include "platforms/common/files.h"
#include "tests/support/process.h"
#include "tests/traces/vcd_parser.h"
#include "traces/vcd_writer.h"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace kpu;
using namespace kpu::trace;
using kpu::trace::test::parse_vcd;

namespace {

struct bench {
    bench() : path(dir.file("w.vcd")), out(path, "a $end of\nlines") {}
    std::string finish(std::uint64_t at) {
        out.finish(picoseconds(at));
        return read_file(path);
    }
    kpu::test::temp_directory dir;
    std::string path;
    vcd_writer out;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(vcd, bench)

BOOST_AUTO_TEST_CASE(golden_file) {
    const vcd_signal a = out.add("chip.dma0", "busy", 1);
    const vcd_signal b = out.add("chip", "count", 8, 3);
    out.change(a, 1, picoseconds(10));
    out.change(a, 1, picoseconds(15)); // no change
    out.change(b, k_vcd_none, picoseconds(20));
    out.change(a, 0, picoseconds(20));
    BOOST_TEST(finish(50) == "$comment a  end of lines $end\n"
                             "$timescale 1ps $end\n"
                             "$scope module chip $end\n"
                             "$var wire 8 \" count [7:0] $end\n"
                             "$scope module dma0 $end\n"
                             "$var wire 1 ! busy $end\n"
                             "$upscope $end\n"
                             "$upscope $end\n"
                             "$enddefinitions $end\n"
                             "#0\n$dumpvars\n0!\nb11 \"\n$end\n"
                             "#10\n1!\n#20\nbz \"\n0!\n#50\n");
}

BOOST_AUTO_TEST_CASE(many_signals_have_distinct_codes) {
    std::vector<vcd_signal> all;
    all.reserve(20000);
    for (int i = 0; i < 20000; ++i)
        all.push_back(out.add("s" + std::to_string(i % 7), "v" + std::to_string(i), 64));
    for (std::size_t i = 0; i < all.size(); ++i)
        out.change(all[i], i, picoseconds(1));
    const auto dump = parse_vcd(finish(2)); // refuses a code that is used twice
    BOOST_TEST(dump.widths.size() == 20000u);
    for (std::uint64_t i = 0; i < 20000; i += 997)
        BOOST_TEST(dump.value_at("s" + std::to_string(i % 7) + ".v" + std::to_string(i), 1) == i);
}

BOOST_AUTO_TEST_CASE(bad_declarations) {
    BOOST_CHECK_THROW((void)out.add("a", "zero", 0), std::logic_error);
    BOOST_CHECK_THROW((void)out.add("a", "wide", 65), std::logic_error);
    const vcd_signal a = out.add("a", "b", 1);
    out.change(a, 1, picoseconds(1));
    BOOST_CHECK_THROW((void)out.add("a", "late", 1), std::logic_error);
}

BOOST_AUTO_TEST_CASE(the_schedule_sorts_and_collapses) {
    const vcd_signal busy = out.add("m", "busy", 8);
    const vcd_signal other = out.add("m", "other", 8);
    vcd_schedule plan(out);
    plan.step(busy, 1, picoseconds(100));
    plan.step(busy, std::uint64_t{0} - 1, picoseconds(200));
    plan.step(busy, 1, picoseconds(200)); // goes on: no gap to be seen
    plan.step(busy, std::uint64_t{0} - 1, picoseconds(300));
    plan.set(other, 5, picoseconds(50)); // before what is planned already
    plan.advance(picoseconds(200));
    BOOST_TEST(plan.pending() == 3u);
    plan.set(other, 6, picoseconds(120)); // too late: moved to 200
    BOOST_TEST(plan.moved() == 1u);
    plan.drain();
    BOOST_TEST(plan.latest().value() == 300u);
    const auto dump = parse_vcd(finish(300));
    BOOST_TEST(dump.changes.at("m.busy").size() == 3u);
    BOOST_TEST(dump.value_at("m.busy", 99) == 0u);
    BOOST_TEST(dump.value_at("m.busy", 100) == 1u);
    BOOST_TEST(dump.value_at("m.busy", 299) == 1u);
    BOOST_TEST(dump.value_at("m.busy", 300) == 0u);
    BOOST_TEST(dump.value_at("m.other", 50) == 5u);
    BOOST_TEST(dump.value_at("m.other", 199) == 5u);
    BOOST_TEST(dump.value_at("m.other", 200) == 6u);
}

BOOST_AUTO_TEST_CASE(the_schedule_is_bounded) {
    const vcd_signal s = out.add("m", "s", 32);
    vcd_schedule plan(out, 16);
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        plan.set(s, i, picoseconds(10 * i));
        BOOST_TEST_REQUIRE(plan.pending() <= 16u);
    }
    plan.drain();
    BOOST_TEST(plan.moved() == 0u);
    BOOST_TEST(parse_vcd(finish(10000)).changes.at("m.s").size() == 1001u);
}

BOOST_AUTO_TEST_CASE(random_transfers_agree_with_a_count_per_picosecond) {
    const unsigned seed = 4711;
    BOOST_TEST_MESSAGE("seed " << seed);
    std::mt19937 random(seed);
    const vcd_signal busy = out.add("m", "busy", 16);
    vcd_schedule plan(out);
    std::vector<std::uint64_t> expected(6000);
    for (std::uint64_t now = 0; now < 5000; now += random() % 20) {
        plan.advance(picoseconds(now));
        const std::uint64_t start = now + random() % 300, end = start + random() % 300;
        plan.step(busy, 1, picoseconds(start));
        plan.step(busy, std::uint64_t{0} - 1, picoseconds(end));
        for (std::uint64_t t = start; t < end; ++t)
            ++expected[t];
    }
    plan.drain();
    BOOST_TEST(plan.moved() == 0u);
    const auto dump = parse_vcd(finish(6000));
    std::uint64_t value = 0;
    std::size_t at = 0;
    const auto& changes = dump.changes.at("m.busy");
    for (std::uint64_t t = 0; t < expected.size(); ++t) {
        for (; at < changes.size() && changes[at].at <= t; ++at)
            value = std::stoull(changes[at].value, nullptr, 2);
        BOOST_TEST_REQUIRE(value == expected[t], "at " << t);
    }
}

BOOST_AUTO_TEST_CASE(the_parser_of_the_tests_refuses_broken_dumps) {
    const std::string head =
        "$timescale 1ps $end\n$var wire 1 ! a $end\n$enddefinitions $end\n#0\n$dumpvars\n0!\n$end\n";
    BOOST_CHECK_NO_THROW((void)parse_vcd(head + "#5\n1!\n"));
    BOOST_CHECK_THROW((void)parse_vcd(head + "#5\n0!\n"), std::exception);
    BOOST_CHECK_THROW((void)parse_vcd(head + "#5\n1!\n#4\n0!\n"), std::exception);
    BOOST_CHECK_THROW((void)parse_vcd(head + "#5\n1?\n"), std::exception);
    BOOST_CHECK_THROW((void)parse_vcd(head + "#5\nb1 !\n"), std::exception);
    BOOST_CHECK_THROW((void)parse_vcd("$scope module a $end\n$enddefinitions $end\n"), std::exception);
}

BOOST_AUTO_TEST_SUITE_END()
