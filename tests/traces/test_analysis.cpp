#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "tests/support/process.h"
#include "traces/analysis.h"
#include "traces/chrome_writer.h"

#include <boost/test/unit_test.hpp>

using namespace kpu;
using namespace kpu::trace;

namespace {

std::string with_events(const std::string& events) {
    return "{\"otherData\":{},\"traceEvents\":[" + events + "]}";
}

/// Refused, with this text in the message.
void expect_refusal(const std::string& text, const std::string& message) {
    try {
        (void)analyse(text, "t.json");
        BOOST_ERROR("accepted: " << text);
    } catch (const input_error& problem) {
        const std::string said = to_string(problem.problems());
        BOOST_TEST(said.find(message) != std::string::npos, said);
        BOOST_TEST(said.find("t.json") != std::string::npos, said);
    }
}

constexpr const char* k_span = R"({"ph":"X","pid":1,"tid":1,"ts":1.0,"dur":2.0,"name":"a","cat":"execute"})";

} // namespace

BOOST_AUTO_TEST_SUITE(analysis)

BOOST_AUTO_TEST_CASE(sums_up_what_the_writer_wrote) {
    const kpu::test::temp_directory dir;
    chrome_writer out(dir.file("t.json"), {"kpu-loader", "name: tiny", "matmul", "00ff"});
    const track_id a = out.add_track("engines", "array0", 5), d = out.add_track("engines", "dma0", 1);
    const auto add = [&](track_id t, const char* category, std::uint64_t start, std::uint64_t end) {
        out.add(span{t, "x", category, picoseconds(start), picoseconds(end), {{"deep", 1}}});
    };
    add(d, "execute", 100, 1'000'001);
    add(d, "wait", 1'000'001, 1'000'002);
    add(d, "execute", 3'000'000, 3'000'010);
    add(d, "execute", 2'000'000, 2'000'010); // not in order of time
    add(a, "execute", 1'500'000, 4'000'000);
    out.add(sample{a, picoseconds(3), 4});
    out.finish();
    const trace_summary all = analyse(read_file(dir.file("t.json")), "t.json", 1);
    BOOST_TEST(all.metadata.at("platform") == "name: tiny");
    BOOST_TEST(all.extent.start.value() == 100u);
    BOOST_TEST(all.extent.end.value() == 4'000'000u);
    BOOST_REQUIRE(all.tracks.size() == 2u);
    const track_summary& dma = all.tracks[0]; // by order
    BOOST_TEST(dma.name == "dma0");
    BOOST_TEST(dma.group == "engines");
    BOOST_TEST(dma.spans == 4u);
    BOOST_TEST(dma.busy.value() == 999'922u); // to the picosecond
    BOOST_TEST(dma.by_category.at("wait").value() == 1u);
    BOOST_REQUIRE(dma.gaps.size() == 1u);
    BOOST_TEST(dma.gaps[0].start.value() == 1'000'002u);
    BOOST_TEST(dma.gaps[0].end.value() == 2'000'000u);
    const std::string table = to_table(all);
    for (const char* part : {"matmul", "dma0", "array0", "0.999922", "execute", "gap [1.000002, 2.000000)"})
        BOOST_TEST(table.find(part) != std::string::npos, part << " in\n" << table);
}

BOOST_AUTO_TEST_CASE(touching_spans_are_no_overlap) {
    const std::string next = R"({"ph":"X","pid":1,"tid":1,"ts":3.0,"dur":2.0,"name":"a"})";
    BOOST_TEST(analyse(with_events(next + "," + k_span), "t.json").tracks.at(0).spans == 2u);
    const std::string elsewhere = R"({"ph":"X","pid":1,"tid":2,"ts":2.0,"dur":2.0,"name":"a"})";
    BOOST_TEST(analyse(with_events(elsewhere + "," + k_span), "t.json").tracks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(overlaps_are_refused) {
    const std::string other = R"({"ph":"X","pid":1,"tid":1,"ts":2.999999,"dur":2.0,"name":"a"})";
    expect_refusal(with_events(other + "," + k_span), "span from 2999999 to 4999999 ps overlaps another");
    expect_refusal(with_events(std::string(k_span) + "," + k_span), "/traceEvents/");
}

BOOST_AUTO_TEST_CASE(malformed_traces) {
    expect_refusal("", "is not JSON");
    expect_refusal("{\"traceEvents\":[", "is not JSON");
    expect_refusal("[]", "no list 'traceEvents'");
    expect_refusal("{\"traceEvents\":3}", "no list 'traceEvents'");
    expect_refusal(with_events("3"), "without a phase");
    expect_refusal(with_events("[{}]"), "without a phase");
    expect_refusal(with_events("{\"ph\":3}"), "without a phase");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"tid":1,"dur":2})"), "'ts'");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"tid":1,"ts":"1","dur":2})"), "'ts'");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"tid":1,"ts":1})"), "'dur'");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"tid":1,"ts":-1,"dur":2})"), "negative");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"tid":1,"ts":1e300,"dur":2})"), "absurdly large");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"ts":1,"dur":2})"), "pid and tid");
    expect_refusal(with_events(R"({"ph":"M","name":"thread_name"})"), "pid and tid");
    expect_refusal(with_events(R"({"ph":"X","pid":1,"tid":1,"ts":1,"dur":2,"cat":3})"), "category");
    expect_refusal(with_events(R"({"ph":"M","pid":1,"tid":1,"name":"thread_name","args":3})"), "args");
}

BOOST_AUTO_TEST_CASE(problems_are_limited_and_counted) {
    std::string many = "3";
    for (int i = 0; i < 99; ++i)
        many += ",3";
    expect_refusal(with_events(many), "100 problems in all");
}

BOOST_AUTO_TEST_SUITE_END()
