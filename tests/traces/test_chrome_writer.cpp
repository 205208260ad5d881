#include "platforms/common/diagnostic.h"
#include "platforms/common/files.h"
#include "tests/support/process.h"
#include "traces/chrome_writer.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace kpu;
using namespace kpu::trace;

namespace {

std::string microseconds(std::uint64_t ps) {
    std::string text;
    append_microseconds(text, picoseconds(ps));
    return text;
}

constexpr const char* k_golden = R"({"displayTimeUnit":"ns",
"otherData":{"platform":"name: tiny\nclock: 1GHz\n","program":"matmul","program_hash":"00ff","tool":"kpu-loader 0.1.0"},
"traceEvents":[
{"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"engines"}},
{"ph":"M","pid":1,"tid":0,"name":"process_sort_index","args":{"sort_index":1}},
{"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"dma0"}},
{"ph":"M","pid":1,"tid":1,"name":"thread_sort_index","args":{"sort_index":7}},
{"ph":"M","pid":2,"tid":0,"name":"process_name","args":{"name":"queues"}},
{"ph":"M","pid":2,"tid":0,"name":"process_sort_index","args":{"sort_index":2}},
{"ph":"M","pid":2,"tid":2,"name":"thread_name","args":{"name":"dma0 queue"}},
{"ph":"M","pid":2,"tid":2,"name":"thread_sort_index","args":{"sort_index":0}},
{"ph":"C","pid":2,"tid":2,"ts":0.000000,"name":"dma0 queue","args":{"value":1}},
{"ph":"X","pid":1,"tid":1,"ts":1.000001,"dur":0.002499,"name":"copy","cat":"execute","args":{"command":1,"from":"a \"b\""}},
{"ph":"X","pid":1,"tid":1,"ts":2.000000,"dur":0.000000,"name":"copy","cat":"execute","args":{}}
]}
)";

} // namespace

BOOST_AUTO_TEST_SUITE(chrome)

BOOST_AUTO_TEST_CASE(times_are_exact) {
    BOOST_TEST(microseconds(0) == "0.000000");
    BOOST_TEST(microseconds(1) == "0.000001");
    BOOST_TEST(microseconds(999'999) == "0.999999");
    BOOST_TEST(microseconds(1'000'000) == "1.000000");
    BOOST_TEST(microseconds(123'456'789'012'345'678) == "123456789012.345678"); // more digits than a double holds
    BOOST_TEST(microseconds(UINT64_MAX) == "18446744073709.551615");
}

BOOST_AUTO_TEST_CASE(golden_file) {
    const kpu::test::temp_directory dir;
    chrome_writer out(dir.file("t.json"), {"kpu-loader 0.1.0", "name: tiny\nclock: 1GHz\n", "matmul", "00ff"});
    const track_id dma = out.add_track("engines", "dma0", 7);
    const track_id queue = out.add_track("queues", "dma0 queue", 0);
    out.add(sample{queue, picoseconds(0), 1});
    out.add(span{dma,
                 "copy",
                 "execute",
                 picoseconds(1'000'001),
                 picoseconds(1'002'500),
                 {{"command", 1}, {"from", 0, "a \"b\""}}});
    out.add(span{dma, "copy", "execute", picoseconds(2'000'000), picoseconds(2'000'000), {}});
    out.finish();
    BOOST_TEST(read_file(dir.file("t.json")) == k_golden);
    BOOST_TEST(nlohmann::json::parse(read_file(dir.file("t.json")))["traceEvents"].size() == 11u);
}

BOOST_AUTO_TEST_CASE(an_empty_trace_is_json) {
    const kpu::test::temp_directory dir;
    chrome_writer out(dir.file("t.json"), {});
    out.finish();
    BOOST_TEST(nlohmann::json::parse(read_file(dir.file("t.json")))["traceEvents"].empty());
}

BOOST_AUTO_TEST_CASE(odd_texts_stay_json) {
    const kpu::test::temp_directory dir;
    const std::string odd = std::string("tab\t \\ \" \x01 \x7f \xff ") + "\xc3\xa4";
    chrome_writer out(dir.file("t.json"), {odd, odd, odd, odd});
    const track_id t = out.add_track(odd, odd, 0);
    out.add(span{t, odd, odd, {}, {}, {{odd, 0, odd}}});
    out.finish();
    const auto parsed = nlohmann::json::parse(read_file(dir.file("t.json")));
    const std::string name = parsed["traceEvents"].back()["name"];
    BOOST_TEST(name.substr(0, 12) == std::string("tab\t \\ \" \x01 \x7f"));
    BOOST_TEST(name.find("\xc3\xa4") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_is_left_of_an_unfinished_trace) {
    const kpu::test::temp_directory dir;
    { chrome_writer out(dir.file("t.json"), {}); }
    BOOST_CHECK_THROW((void)read_file(dir.file("t.json")), input_error);
    BOOST_CHECK_THROW(chrome_writer("/nonexistent/t.json", {}), input_error);
}

BOOST_AUTO_TEST_SUITE_END()
